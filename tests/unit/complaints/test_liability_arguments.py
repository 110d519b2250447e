"""What the calls about liability may hold, how sums are kept, and what a file under ``liability`` may say."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.decimal128 import Decimal128
from marshmallow import RAISE, Schema, ValidationError

from services.complaints import schemas_liability as shapes
from services.complaints.domain.liability.rules import LiabilityRules
from services.complaints.ledger_documents import account_of, month_of, penalty_of
from services.complaints.rulebook_liability import LiabilitySchema, liability_roles
from shared.clock import FixedClock
from shared.messaging.problems import flatten_errors
from shared.mongo.decimals import kept, read
from tests.unit.complaints.fakes import beijing
from tests.unit.complaints.liability_world import GM, Office

PENALTY: dict[str, Any] = {
    "case_id": "cs_1",
    "loss": "6000",
    "total_points": "120",
    "points": [{"staff": "stf_a", "points": "8"}],
    "reason": "按基准",
}
FINDING: dict[str, Any] = {
    "case_id": "cs_1",
    "area": "production",
    "level": "person",
    "department": "sewing-1",
    "persons": ["stf_a"],
    "reason": "漏检",
}


def wrong(schema: type[Schema], data: dict[str, Any]) -> set[str]:
    """Return the fields the RPC layer would name."""
    with pytest.raises(ValidationError) as refused:
        schema(unknown=RAISE).load(data)
    return {problem.field for problem in flatten_errors(refused.value.normalized_messages())}


@pytest.mark.parametrize(
    "amount",
    [
        "-1",
        "1.234",
        "1000000000000000",
        "1e5",
        "",
        "NaN",
        "１２",
        5,
        5.5,
        True,
        None,
        "1.",
        ".5",
        " 1",
        "1\n",
    ],
)
def test_a_sum_that_is_negative_too_fine_too_large_or_no_text_is_refused(amount: object) -> None:
    """Guards money: nothing is rounded silently, nothing becomes a float on the way."""
    assert wrong(shapes.ProposePenalty, PENALTY | {"loss": amount}) == {"loss"}
    rows = [{"staff": "stf_a", "points": amount}]
    assert wrong(shapes.ProposePenalty, PENALTY | {"points": rows}) == {"points.0.points"}
    bonuses = [{"staff": "stf_a", "bonus": amount}]
    assert wrong(shapes.CloseMonth, {"month": "2025-03", "bonuses": bonuses}) == {"bonuses.0.bonus"}


def test_a_sum_keeps_its_value_to_the_fen() -> None:
    """Guards the way in: two decimals, exactly."""
    loaded = shapes.ProposePenalty(unknown=RAISE).load(PENALTY | {"loss": "999999999999.9"})
    assert loaded["loss"] == Decimal("999999999999.90")
    assert str(loaded["total_points"]) == "120.00"


@pytest.mark.parametrize(
    "month", ["2025-13", "2025-3", "1999-01", "2025-03-01", "", None, 202503, "2025-03\n"]
)
def test_what_is_no_month_is_refused(month: object) -> None:
    """Guards months, which are compared as text."""
    for schema in (shapes.ByMonth, shapes.CloseMonth, shapes.MonthStatement):
        assert wrong(schema, {"month": month}) == {"month"}


@pytest.mark.parametrize("field", ["department", "group", "area"])
@pytest.mark.parametrize("value", ["张三", "Zhang San", "a" * 65, "", "a b", {"$ne": None}])
def test_departments_groups_and_areas_are_codes_because_they_go_into_events(
    field: str, value: object
) -> None:
    """Guards events against a person's name in a place meant for a unit."""
    assert wrong(shapes.AttributeLiability, FINDING | {field: value}) == {field}


@pytest.mark.parametrize(
    ("schema", "data", "field"),
    [
        (shapes.AttributeLiability, FINDING | {"level": "company"}, "level"),
        (shapes.AttributeLiability, FINDING | {"persons": ["stf_a"] * 2001}, "persons"),
        (shapes.AttributeLiability, FINDING | {"reason": "\x00"}, "reason"),
        (shapes.ProposePenalty, PENALTY | {"points": [{"staff": "s", "points": "1", "x": 1}]}, "points.0.x"),
        (shapes.GetLedger, {}, "staff"),
        (shapes.GetLedger, {"staff": "a", "department": "b"}, "staff"),
        (shapes.GetLedger, {"staff": "a", "unit": "euro"}, "unit"),
        (shapes.GetLedger, {"staff": "a", "limit": 201}, "limit"),
        (shapes.ProposeSanction, {"case_id": "c", "staff": "s", "severity": 0}, "severity"),
        (shapes.Decide, {"id": "pn_1", "approved": "yes"}, "approved"),
        (shapes.ListPenalties, {"state": "lost"}, "state"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(schema: type[Schema], data: dict[str, Any], field: str) -> None:
    """Guards that the caller is told which argument to mend."""
    assert wrong(schema, data) == {field}


def test_every_sum_is_kept_as_an_exact_decimal_and_comes_back_the_same() -> None:
    """Guards the database: Decimal128 all over, no float, no text, whole aggregates unchanged by the way there."""
    office = Office(FixedClock(beijing("2025-03-05 09:00")))
    penalty = office.charge("1234.56")
    office.do("appeal_penalty", by="stf_a", roles={"staff"}, id=penalty.id, reason="不服")
    office.do("decide_appeal", by=GM, id=penalty.id, staff="stf_a", upheld=False)
    office.charge("0.07")
    office.at("2025-03-31 18:00")
    office.close("2025-03", stf_a="600.01")
    stores: list[tuple[Any, Any]] = [
        (office.ledgers.accounts, account_of),
        (office.ledgers.penalties, penalty_of),
        (office.ledgers.months, month_of),
    ]
    options: Any = bson.CodecOptions(tz_aware=True)
    for store, of in stores:
        for document in store.documents.values():
            stored = bson.decode(bson.encode(document), codec_options=options)
            assert of(stored) == of(document)
            assert not [value for value in leaves(stored) if isinstance(value, float)]
    (account,) = office.ledgers.accounts.documents.values()
    assert [line["amount"] for line in account["lines"]] == [
        Decimal128("1234.56"),
        Decimal128("0.07"),
        Decimal128("-300.00"),
    ]
    assert (kept(None), read(None), read(kept(Decimal("-0.10")))) == (None, None, Decimal("-0.10"))


def leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in leaves(value)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves(value)]
    return [node]


SOUND: dict[str, Any] = {
    "attribution": {
        "roles": ["hr_admin"],
        "after": {"value": "closed", "source": "B-RET-35"},
        "areas": {
            "production": {
                "name": "生产",
                "levels": ["person", "group", "department"],
                "justified": ["department"],
                "source": "B-RET-23",
            }
        },
        "source": "B-RET-22",
    },
    "penalties": {"proposals": ["hr_admin"], "approvals": ["general_manager"], "source": "B-RET-22"},
    "fines": {
        "first": {"offence": "service", "amount": 50, "paid_from": "wage", "source": "B-SHP-08"},
        "other": {"offence": "service", "amount": "20.50", "paid_from": "wage", "source": "B-MBY-24"},
    },
    "fine_in_use": {"service": {"value": "other", "source": "organisation"}},
    "points": {
        "attitude": {
            "offence": "attitude",
            "single": 1,
            "steps": [{"count": 3, "points": 5}, {"count": 5, "points": 10}],
            "source": "B-ECM-36",
        }
    },
}


def test_a_sound_file_is_read_and_tells_every_role_it_names() -> None:
    """Guards the tests below against refusing everything; roles nobody holds are found by their paths."""
    rules: LiabilityRules = LiabilitySchema().load(SOUND)
    assert dict(rules.fine_in_use)["service"].value == "other"
    assert list(liability_roles(rules)) == [
        ("liability.attribution.roles.0", "hr_admin"),
        ("liability.penalties.proposals.0", "hr_admin"),
        ("liability.penalties.approvals.0", "general_manager"),
    ]
    assert list(liability_roles(None)) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("penalties", None, "penalties"),
        ("fine_in_use.service.value", "third", "fine_in_use.service"),
        ("fine_in_use.attitude", {"value": "other", "source": "organisation"}, "fine_in_use.attitude"),
        ("attribution.areas.production.levels", ["group", "person", "department"], "levels"),
        ("attribution.areas.production.justified", ["person"], "justified"),
        ("attribution.roles", [], "attribution.roles"),
        ("fines.first.amount", "50.001", "fines.first.amount"),
        ("fines.first.amount", -1, "fines.first.amount"),
        ("fines.first.dismissal_from", 1, "dismissal_from"),
        (
            "fines.first.joint",
            [{"post": "a", "name": "甲", "amount": 1}, {"post": "a", "name": "乙", "amount": 2}],
            "joint",
        ),
        ("points.attitude.steps", [{"count": 3, "points": 1}], "steps"),
        ("points.attitude.steps", [{"count": 5, "points": 10}, {"count": 3, "points": 12}], "steps"),
        (
            "points.first",
            {"offence": "x", "single": 1, "source": "B-ECM-36"},
            "points.first",
        ),
        ("attribution.source", None, "attribution.source"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_the_place(
    path: str, value: object, told: str
) -> None:
    """Guards organisations against rulebooks that would refuse, or charge, by mistake."""
    content = copy.deepcopy(SOUND)
    node: Any = content
    *steps, last = path.split(".")
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    with pytest.raises(ValidationError) as refused:
        LiabilitySchema().load(content)
    places = {problem.field for problem in flatten_errors(refused.value.normalized_messages())}
    assert any(told in place for place in places), places

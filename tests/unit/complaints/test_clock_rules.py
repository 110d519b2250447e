"""The rulebook's words on warnings, pauses and extensions: what they become, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from services.complaints.domain.rulebook import ComplaintRules, Step
from services.complaints.rulebook import ComplaintRulesSchema
from shared.clocks import Before
from shared.messaging.problems import flatten_errors
from tests.unit.complaints.fakes import PLAZA, RETAIL, rules_of


def sections(**changes: Any) -> dict[str, Any]:
    """Return the sections of a small rulebook with one clock."""
    step = {"grants": [{"role": "complaint_handler"}], "source": "design"}
    return {
        "levels": [{"code": "standard", "name": "一般", "source": "design"}],
        "clocks": {
            "close": {
                "starts": "accepted",
                "ends": "closed",
                "duration": {"amount": 3, "unit": "working_days", "source": "organisation"},
            }
        },
        "warn_at": {"value": [50, 90], "source": "design"},
        "close_condition": {"value": "reply", "source": "design"},
        "steps": {each.value: step for each in Step},
    } | changes


def read(**changes: Any) -> ComplaintRules:
    rules: ComplaintRules = ComplaintRulesSchema().load(sections(**changes))
    return rules


def faults(**changes: Any) -> dict[str, str]:
    """Return the reasons by path."""
    with pytest.raises(ValidationError) as refused:
        read(**changes)
    return {problem.field: problem.reason for problem in flatten_errors(refused.value.normalized_messages())}


PAUSE: dict[str, Any] = {
    "grants": [{"role": "cs_head"}],
    "reasons": [{"code": "customer_away", "name": "客户外出", "source": "organisation"}],
    "source": "organisation",
}
EXTENSION: dict[str, Any] = {
    "requests": [{"role": "complaint_handler"}],
    "approvals": [{"role": "manager"}],
    "reasons": PAUSE["reasons"],
    "at_most": 2,
    "source": "organisation",
}


def test_warning_points_are_percents_and_times_before_the_end() -> None:
    """Both are one list; a clock may have a list of its own."""
    points = {"value": [50, 90, {"amount": 2, "unit": "working_hours"}], "source": "organisation"}
    assert read(warn_at=points).warn_at.value == (50, 90, Before(2, "working_hours"))
    clocks = sections()["clocks"]
    clocks["close"]["warn_at"] = points
    own = read(clocks=clocks).clock("close")
    assert own is not None
    assert own.warn_at is not None
    assert own.warn_at.value == (50, 90, Before(2, "working_hours"))


@pytest.mark.parametrize(
    ("points", "field", "reason"),
    [
        ([0], "warn_at.value.0", "must be from 1 to 99: 0"),
        ([50, 100], "warn_at.value.1", "must be from 1 to 99: 100"),
        (["50"], "warn_at.value.0", "must be a whole number: '50'"),
        ([90, 50], "warn_at.value", "must rise, times before the end last"),
        ([50, 50], "warn_at.value", "50 is listed more than once"),
        ([{"amount": 2, "unit": "hours"}, 50], "warn_at.value", "must rise, times before the end last"),
        ([{"amount": 0, "unit": "hours"}], "warn_at.value.0.amount", "must be from 1 up: 0"),
        ([{"amount": 2}], "warn_at.value.0.unit", "is missing"),
        ([{"amount": 2, "unit": "hours", "x": 1}], "warn_at.value.0.x", "unknown key"),
        (
            [{"amount": 2, "unit": "working_days"}],
            "warn_at.value.0.unit",
            "working_days cannot be counted back; use working_hours",
        ),
        (
            [{"amount": 2, "unit": "weeks"}],
            "warn_at.value.0.unit",
            "the unit must be one of minutes, hours, days, working_days, working_hours, got 'weeks'",
        ),
    ],
)
def test_a_bad_warning_point_is_refused_with_its_place(points: list[Any], field: str, reason: str) -> None:
    """Guards the file's author: which point, and what is wrong with it."""
    assert faults(warn_at={"value": points, "source": "design"}) == {field: reason}


def test_pauses_and_extensions_name_clocks_roles_reasons_and_how_often() -> None:
    """What is not named is not permitted."""
    rules = read(pauses={"close": PAUSE}, extensions={"close": EXTENSION})
    pause, extension = rules.pause_rule("close"), rules.extension_rule("close")
    assert pause is not None
    assert extension is not None
    assert [grant.role for grant in pause.grants] == ["cs_head"]
    assert [reason.code for reason in pause.reasons] == ["customer_away"]
    assert [grant.role for grant in extension.approvals] == ["manager"]
    assert extension.at_most == 2
    assert rules.pause_rule("reply") is None
    assert rules.extension_rule("reply") is None
    assert (read().pauses, read().extensions) == ((), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pauses": {"reply": PAUSE}}, {"pauses.reply": "there is no such clock"}),
        ({"extensions": {"reply": EXTENSION}}, {"extensions.reply": "there is no such clock"}),
        (
            {"pauses": {"close": PAUSE | {"grants": []}}},
            {"pauses.close.grants": "must have at least 1 entries"},
        ),
        (
            {"extensions": {"close": EXTENSION | {"at_most": 0}}},
            {"extensions.close.at_most": "must be from 1 up: 0"},
        ),
        (
            {"extensions": {"close": {**EXTENSION, "approvals": None}}},
            {"extensions.close.approvals": "Field may not be null."},
        ),
    ],
)
def test_a_pause_or_extension_that_cannot_work_is_refused(
    changes: dict[str, Any], expected: dict[str, str]
) -> None:
    """Guards against a rule for a clock that is not there, and one that nobody could use."""
    assert faults(**changes) == expected


def test_no_handbook_of_the_demo_organisations_arms_either_but_an_organisation_may() -> None:
    """The plaza decided for itself; the chain store did not, and its handbook is silent."""
    plaza, retail = rules_of(PLAZA), rules_of(RETAIL)
    assert {rule.source for rule in plaza.pauses} == {"organisation"}
    assert {rule.source for rule in plaza.extensions} == {"organisation"}
    assert (retail.pauses, retail.extensions) == ((), ())

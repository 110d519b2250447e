"""Record cards: what stands on them, what is missing, who approves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, RuleRefused, ValidationFailed
from shared.regulations.errors import RegulationError
from tests.unit.complaints.fakes import (
    PLAZA,
    SHOP,
    called_back,
    entries,
)
from tests.unit.complaints.offer_world import books
from tests.unit.complaints.receiving_world import Reception

HEAD = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
"""
#: A card of two fields that must be filled before the case closes, checked by somebody else.
STRICT = f"""{HEAD}
      close_condition: {{value: reply, source: organisation}}
      receiving:
        record_card:
          name: 投诉登记表
          grants: [{{role: complaint_handler}}]
          form:
            number: {{name: 编号, value: number}}
            real_cause: {{name: 真实原因}}
            wanted_result: {{name: 客户期望结果}}
            remark: {{name: 备注, required: false}}
          approvals: {{grants: [{{role: cs_head}}], source: organisation}}
          before_closing: {{value: true, source: organisation}}
          source: organisation
"""


@pytest.fixture
def strict(tmp_path: Path) -> Reception:
    """Return an organisation that closes nothing without its card."""
    return Reception("strict", books(tmp_path, "strict", "it-service", STRICT))


def replied(reception: Reception) -> Any:
    case = reception.open()
    reception.do("decide_validity", case, valid=True, reason="属实")
    reception.do("reply", case, text="已处理")
    return reception.kept(case)


def test_a_case_does_not_close_before_its_card_is_complete_and_approved(strict: Reception) -> None:
    """What is missing is named, field by field; then the approval."""
    case = replied(strict)
    error = strict.refused("close", case, RuleRefused)
    assert [problem.field for problem in error.problems] == [
        "record_card.real_cause",
        "record_card.wanted_result",
    ]
    strict.refused("approve_card", case, RuleRefused)
    strict.do("fill_card", case, by="stf_1", entries={"real_cause": "师傅迟到", "wanted_result": "道歉"})
    error = strict.refused("close", case, RuleRefused)
    assert [problem.field for problem in error.problems] == ["record_card"]
    strict.refused("approve_card", case, RuleRefused, by="stf_1")
    strict.do("approve_card", case, by="stf_2")
    strict.refused("approve_card", case, Conflict, by="stf_2")
    assert strict.do("close", case)["state"] == "closed"
    strict.refused("fill_card", case, RuleRefused, entries={"remark": "补记"})


def test_what_is_written_on_a_card_afterwards_has_to_be_approved_again(strict: Reception) -> None:
    """Nobody approved the new words."""
    case = replied(strict)
    strict.do("fill_card", case, by="stf_1", entries={"real_cause": "师傅迟到", "wanted_result": "道歉"})
    strict.do("approve_card", case, by="stf_2")
    strict.do("fill_card", case, by="stf_1", entries={"real_cause": "派单错误"})
    strict.refused("close", case, RuleRefused)
    assert strict.seen(case)["record_card"]["approved_by"] is None


def test_the_card_says_what_stands_on_it_and_events_say_only_which_fields(strict: Reception) -> None:
    """Free text stays in the case."""
    case = replied(strict)
    strict.do("fill_card", case, by="stf_1", entries={"real_cause": "王师傅迟到"})
    card = strict.seen(case)["record_card"]
    assert [(row["code"], row["value"], row["missing"]) for row in card["fields"]] == [
        ("number", "NO-ct_1", False),
        ("real_cause", "王师傅迟到", False),
        ("wanted_result", None, True),
        ("remark", None, False),
    ]
    assert (card["complete"], card["holds_up_closing"]) == (False, True)
    (event,) = entries(strict.kept(case), "card_filled")
    assert (event.data["fields"], event.data["missing"]) == (["real_cause"], ["wanted_result"])
    assert "王师傅" not in str(dict(event.data))


@pytest.mark.parametrize("code", ["number", "colour"])
def test_a_field_that_is_the_cases_own_or_not_there_is_not_filled(strict: Reception, code: str) -> None:
    """A number on a form is the case's number and no other."""
    case = replied(strict)
    error = strict.refused("fill_card", case, ValidationFailed, entries={code: "x"})
    assert [problem.field for problem in error.problems] == [f"fields.{code}"]


def test_a_satisfied_customer_does_not_close_a_case_whose_card_is_missing_the_card_does(
    tmp_path: Path,
) -> None:
    """As with open steps and offers: the case waits and closes with the last of it."""
    text = STRICT.replace("close_condition: {value: reply", "close_condition: {value: callback")
    reception = Reception("waits", books(tmp_path, "waits", "it-service", text))
    case = replied(reception)
    reception.world.call_back(called_back(case, satisfied=True))
    assert reception.kept(case).state == "replied"
    reception.do("fill_card", case, by="stf_1", entries={"real_cause": "迟到", "wanted_result": "道歉"})
    assert reception.kept(case).state == "replied"
    reception.do("approve_card", case, by="stf_2")
    assert entries(reception.kept(case), "case_closed")[0].data["because"] == "callback"


@pytest.mark.rule("B-MBY-15")
def test_the_online_stores_register_is_checked_and_approved_by_the_complaint_post_once_it_is_complete() -> (
    None
):
    """The post accepts, records the content, checks and approves; an incomplete row is not approved."""
    shop = Reception(SHOP)
    case = shop.open()
    assert shop.seen(case)["record_card"]["name"] == "投诉处理登记表"
    assert shop.refused("approve_card", case, RuleRefused).rule == "B-MBY-15"
    written = {"content": "漏发一件", "handling": "补发并道歉"}
    shop.do("fill_card", case, by="stf_after", roles={"aftersale"}, entries=written)
    error = shop.refused("approve_card", case, RuleRefused, by="stf_x", roles={"aftersale"})
    assert error.rule == "B-MBY-15"
    shop.do("approve_card", case, by="stf_post", roles={"complaint_handler"})
    assert shop.seen(case)["record_card"]["approved_by"] == "stf_post"
    (event,) = entries(shop.kept(case), "card_approved")
    assert (event.data["by"], event.data["role"]) == ("stf_post", "complaint_handler")


@pytest.mark.rule("A-RED-02")
def test_the_developers_complaint_form_has_twelve_fields_of_the_profile(tmp_path: Path) -> None:
    """Of the handbook's form only the name is left; the profile gives the fields, and a case fills them."""
    office = Reception("riverside", books(tmp_path, "riverside", "real-estate"))
    case = office.open(unit="3-1201")
    card = office.seen(case)["record_card"]
    assert (card["name"], card["rule"], len(card["fields"])) == ("投诉处理单", "A-RED-02", 12)
    filled = {row["code"]: row["value"] for row in card["fields"]}
    assert (filled["number"], filled["unit"], filled["channel"]) == ("NO-ct_1", "3-1201", "phone")
    assert [row["code"] for row in card["fields"] if row["missing"]] == ["content", "cause", "handling"]


def test_a_profile_without_a_card_has_none() -> None:
    """Nothing is asked for where no rule asks for it."""
    plaza = Reception(PLAZA)
    case = plaza.open()
    assert plaza.seen(case)["record_card"] is None
    assert plaza.refused("fill_card", case, RuleRefused, entries={"content": "x"}).rule == "design"


@pytest.mark.parametrize(
    ("part", "path", "reason"),
    [
        (
            (
                "clocks: {a: {starts: received, ends: replied, sources: [mars], duration: "
                "{amount: 1, unit: hours, source: organisation}}}"
            ),
            "clocks.a.sources",
            "there is no source 'mars'",
        ),
        (
            (
                "receiving: {sources: {a: {name: 甲, channels: [phone], source: organisation},"
                " b: {name: 乙, channels: [phone], source: organisation}}}"
            ),
            "receiving.sources.b.channels",
            "'phone' is of the source a already",
        ),
        (
            "receiving: {refusal: {text: '{} 您好', source: organisation}}",
            "receiving.refusal.text",
            "has a place without a plain name",
        ),
        (
            "receiving: {refusal: {text: '{surname 您好', source: organisation}}",
            "receiving.refusal.text",
            "is no text with places",
        ),
        (
            "receiving: {sources: {a: {name: 甲, owners: [nobody_at_all], source: organisation}}}",
            "receiving.sources.a.owners.0",
            "nobody_at_all",
        ),
        (
            "receiving: {record_card: {name: 表, grants: [{role: staff}], source: organisation}}",
            "receiving.record_card.form",
            "is missing",
        ),
    ],
)
def test_a_slip_of_the_pen_is_named_by_its_place(tmp_path: Path, part: str, path: str, reason: str) -> None:
    """A rulebook that means nothing stops the service at the start."""
    with pytest.raises(RegulationError) as error:
        books(tmp_path, "council", "membership", f"{HEAD}      {part}\n")
    assert path in str(error.value)
    assert reason in str(error.value)

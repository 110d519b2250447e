"""Told in docs/stories/two-claimants.md: two representatives who both want the same company."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RuleRefused
from tests.integration.bus import Bus, Desk
from tests.integration.stories.stage import Stage, local, telling


@pytest.mark.timeout(600)
@pytest.mark.rule(
    "B-CRM-05",
    "B-CRM-06",
    "B-CRM-08",
    "B-CRM-09",
    "B-CRM-12",
    "B-CRM-13",
    "B-CRM-15",
)
def test_two_representatives_enter_the_same_company_and_one_of_them_keeps_it(tmp_path: Path) -> None:
    """One company, one client: whoever comes second is told whom they met, and the regions decide."""
    with telling("two-claimants", "sales-demo", "2025-03-06 10:00", tmp_path) as stage:
        first = _entered_by_the_rules(stage)
        conflict = _claimed(stage, first)
        _ruled_and_objected_to(stage, first, conflict)
        _at_the_same_instant(stage)


def _company(number: int) -> dict[str, Any]:
    name = f"杭州华星{'东南西北'[number]}贸易有限公司"
    return {
        "name": name,
        "licence_name": name,
        "phone": f"0571-8765432{number}",
        "region": "杭州",
        "contact_name": "测试甲",
    }


def _refused(stage: Stage, what: str, desk: Desk, method: str, **arguments: Any) -> RuleRefused:
    with pytest.raises(RuleRefused) as refused:
        desk.do(f"intake.{method}", **arguments)
    stage.tell(what, refused.value.rule)
    return refused.value


def _search(desk: Desk, given: dict[str, Any]) -> list[str]:
    found = [desk.do("intake.search_conflicts", kind=kind, text=given[kind]) for kind in ("name", "phone")]
    return [hit for each in found for hit in each["hits"]]


def _entered_by_the_rules(stage: Stage) -> str:
    """The first representative learns what an entry needs."""
    lin, given = stage.person("lin", "sales_rep"), _company(0)
    wrong = given | {"name": "Huaxing/华星"}
    _refused(stage, "A name in two scripts is refused by", lin, "enter_account", **wrong)
    _refused(stage, "Entering without the searches is refused by", lin, "enter_account", **given)
    stage.tell("Her searches find", len(_search(lin, given)))
    entered = lin.do("intake.enter_account", **given)
    (event,) = stage.archive.happened(entered["account_id"], "account_entered")
    stage.tell("Lin begins", local(event["time"]))
    stage.tell("The company belongs to", entered["owner"])
    stage.tell("It is in the pool", entered["pool"])
    parts = lin.ask("intake.get_account", id=entered["account_id"])["parts"]
    stage.tell("The parts of its name", " + ".join(parts.values()))
    return str(entered["account_id"])


def _claimed(stage: Stage, first: str) -> str:
    """The second one meets it and asks for a ruling."""
    zhao, given = stage.person("zhao", "sales_rep"), _company(0)
    stage.at("2025-03-06 11:00")
    assert set(_search(zhao, given)) == {first}
    met = _refused(stage, "Entering after a hit is refused by", zhao, "enter_account", **given)
    assert met.details == {"hits": [first]}
    claim = {name: given[name] for name in ("name", "phone", "region")}
    conflict = zhao.do("intake.raise_conflict", **claim, evidence="去年十月的报价单")
    stage.tell("Zhao searches", local(conflict["raised_at"]))
    stage.tell("The conflict is now at", conflict["stage"])
    stage.tell("It is to be ruled on before", local(conflict["due_at"]))
    (told,) = stage.archive.happened(conflict["conflict_id"], "conflict_raised")
    stage.tell("It is sent to", ", ".join(told["data"]["to"]))
    stage.tell("Copies go to", ", ".join(told["data"]["copies"]))
    return str(conflict["conflict_id"])


def _ruled_and_objected_to(stage: Stage, first: str, conflict: str) -> None:
    """The region says no, the large region says yes, and that is the end of it."""
    zhao, lin = stage.person("zhao", "sales_rep"), stage.person("lin", "sales_rep")
    region = stage.person("region", "regional_manager")
    large = stage.person("large", "large_region_manager")
    ruling: dict[str, Any] = {"id": conflict, "region": "杭州", "reason": "核对报价和来往邮件"}
    _refused(
        stage,
        "A ruling by the claimant is refused by",
        zhao,
        "decide_conflict",
        **ruling,
        outcome="transferred",
    )
    stage.at("2025-03-10 15:00")
    ruled = region.do("intake.decide_conflict", **ruling, outcome="refused")
    stage.tell("The region rules", ruled["outcome"])
    stage.at("2025-03-11 09:00")
    appealed = zhao.do("intake.appeal_conflict", id=conflict)
    stage.tell("The region rules on", _day(stage, conflict, "conflict_decided"))
    stage.tell("The objection is made on", _day(stage, conflict, "conflict_appealed"))
    stage.tell("After the objection it is at", appealed["stage"])
    stage.tell("The arbitration is due before", local(appealed["due_at"]))
    (told,) = stage.archive.happened(conflict, "conflict_appealed")
    stage.tell("The arbitration is sent to", ", ".join(told["data"]["to"]))
    stage.tell("Copies of the arbitration", len(told["data"]["copies"]))
    stage.at("2025-03-12 16:00")
    stage.tell(
        "The large region rules",
        large.do("intake.decide_conflict", **ruling, outcome="transferred")["outcome"],
    )
    stage.tell("The large region rules on", _day(stage, conflict, "conflict_decided", times=2))
    _refused(stage, "Another objection is refused by", lin, "appeal_conflict", id=conflict)
    taken = zhao.do("intake.enter_account", **_company(0), conflict_id=conflict)
    assert taken["account_id"] == first
    stage.tell("In the end the company belongs to", taken["owner"])
    owners = zhao.ask("intake.get_account", id=first)["owners"]
    stage.tell("Its owners were", ", ".join(row["owner"] for row in owners))
    assert {row["state"] for row in zhao.ask("intake.get_conflict", id=conflict)["clocks"]} == {"met"}


def _at_the_same_instant(stage: Stage) -> None:
    """Both searched, both found nothing, both enter: the database takes one of them."""
    stage.at("2025-03-13 10:00")
    names, given = ("lin", "zhao"), _company(1)
    for name in names:
        assert _search(stage.person(name, "sales_rep"), given) == []
    starting = threading.Barrier(len(names))
    answers: dict[str, Any] = {}

    def enter(name: str) -> None:
        # A connection is not shared between threads.
        with Bus(stage.time) as bus:
            desk = bus.desk(stage.org, ("staff", "sales_rep"), subject=f"stf_{name}")
            starting.wait(30)
            try:
                answers[name] = desk.do("intake.enter_account", **given)
            except RuleRefused as refused:
                answers[name] = refused

    clerks = [threading.Thread(target=enter, args=(name,)) for name in names]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join(60)
    entered = [answer for answer in answers.values() if isinstance(answer, dict)]
    told = [answer for answer in answers.values() if isinstance(answer, RuleRefused)]
    stage.tell("Of the two at the same instant are entered", len(entered))
    stage.tell("And refused", len(told))
    stage.tell("The second one is refused by", told[0].rule)
    assert told[0].details == {"hits": [entered[0]["account_id"]]}
    second = next(name for name in names if isinstance(answers[name], RuleRefused))
    claim = {name: given[name] for name in ("name", "phone", "region")}
    conflict = stage.person(second, "sales_rep").do("intake.raise_conflict", **claim, evidence="同日录入")
    stage.tell("The conflict of the second one is at", conflict["stage"])
    (event,) = stage.archive.happened(entered[0]["account_id"], "account_entered")
    stage.tell("Both enter another company", local(event["time"]))


def _day(stage: Stage, conflict: str, kind: str, *, times: int = 1) -> str:
    """Return the local day of the newest event of ``kind`` about the conflict."""
    events = stage.archive.happened(conflict, kind, times=times)
    return max(local(event["time"]) for event in events)[:10]

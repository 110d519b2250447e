"""What keeps a case open: no approved investigation, no prevention, an action not done; where rules say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.case import Case
from shared.clock import FixedClock
from shared.errors import RuleRefused
from shared.regulations.errors import RegulationError
from tests.unit.complaints.fakes import IT, beijing, rulebooks, types
from tests.unit.complaints.investigation_world import MANAGER, OWNER, Bureau

#: What an organisation adds to the logistics company's rules: prevention before any reply to damaged goods.
STRICT = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      grounds:
        - {code: damage, name: 货损, source: organisation}
        - {code: delay, name: 延误, source: organisation}
      investigation:
        required:
          abnormality: {needs: [investigation, action], grounds: [damage], source: organisation}
          damage: {needs: [prevention], before: reply, grounds: [damage], source: organisation}
"""


@pytest.fixture
def freight(tmp_path: Path) -> Bureau:
    """A logistics company on a Monday morning."""
    return Bureau.freight(tmp_path)


def close(bureau: Bureau, case: Case) -> str:
    return str(bureau.world.do("close", bureau.kept(case))["state"])


def refused(bureau: Bureau, case: Case) -> RuleRefused:
    with pytest.raises(RuleRefused) as error:
        close(bureau, case)
    return error.value


@pytest.mark.rule("A-LOG-49")
def test_an_abnormality_is_closed_only_with_its_cause_and_an_action_done(freight: Bureau) -> None:
    """Neither alone is enough; the refusal names the rule and what is missing, and then the same call closes."""
    case = freight.case()
    freight.world.answer(freight.kept(case))
    error = refused(freight, case)
    assert (error.rule, [p.field for p in error.problems]) == ("A-LOG-49", ["investigation", "action"])
    found_id = freight.open(case)
    freight.met(found_id)
    freight.submit(found_id)
    assert [p.field for p in refused(freight, case).problems] == ["investigation", "action"]
    freight.approve(found_id)
    assert [p.field for p in refused(freight, case).problems] == ["action"]
    action_id = freight.active(case, investigation_id=found_id)
    (row,) = freight.do("requirements", id=case.id)["required"]
    assert (row["missing"], row["source"]) == (["action"], "A-LOG-49")
    refused(freight, case)
    freight.do("complete_action", by=OWNER, id=action_id, evidence="照片")
    assert close(freight, case) == "closed"
    steps = [entry.data["step"] for entry in freight.kept(case).history if entry.type == "case_progressed"]
    assert [step for step in steps if step.startswith(("investigation", "action"))] == [
        "investigation_open",
        "investigation_approved",
        "action_open",
        "action_done",
    ]


def test_one_open_action_keeps_the_case_open_and_a_withdrawn_one_does_not(freight: Bureau) -> None:
    """Giving up the only action is no action either."""
    case = freight.case()
    freight.world.answer(freight.kept(case))
    freight.approved(case)
    only = freight.active(case)
    freight.do("withdraw_action", by=MANAGER, id=only, reason="重复")
    assert [p.field for p in refused(freight, case).problems] == ["action"]
    freight.done(case)
    second = freight.act(case)
    refused(freight, case)
    freight.do("decide_action", by=MANAGER, id=second, approved=False)
    assert close(freight, case) == "closed"


def test_an_action_that_did_not_help_keeps_the_case_open_again(freight: Bureau) -> None:
    """Found useless before the case closed: it is done again first."""
    case = freight.case()
    freight.world.answer(freight.kept(case))
    freight.approved(case)
    action_id = freight.done(case)
    freight.at("2026-03-09 09:00")
    freight.check(action_id, effective=False)
    refused(freight, case)
    freight.do("complete_action", by=OWNER, id=action_id, evidence="照片 2")
    assert close(freight, case) == "closed"


def test_what_is_asked_depends_on_the_ground_and_may_come_before_the_reply(tmp_path: Path) -> None:
    """Damaged goods are answered only with an approved report that prevents; a delay closes as ever."""
    bureau = Bureau.freight(tmp_path, STRICT)
    case = bureau.case()
    assert case.ground == "damage"
    with pytest.raises(RuleRefused) as error:
        bureau.world.answer(bureau.kept(case))
    assert (error.value.rule, error.value.problems[0].field) == ("organisation", "prevention")
    bureau.world.answer(bureau.kept(case), final=False)
    bureau.approved(case, prevention="加装护角")
    bureau.world.answer(bureau.kept(case))
    bureau.done(case)
    assert close(bureau, case) == "closed"

    delayed = bureau.world.open(bureau.org, "ct_delay", problem="p-delay")
    given: dict[str, Any] = {"valid": True, "ground": "delay", "reason": "属实"}
    bureau.world.do("decide_validity", delayed, **given)
    bureau.world.answer(bureau.kept(delayed))
    assert bureau.do("requirements", id=delayed.id)["required"] == []
    assert close(bureau, delayed) == "closed"


def test_a_report_without_prevention_does_not_prevent(tmp_path: Path) -> None:
    """An approved report that leaves prevention out is an investigation, and no more."""
    bureau = Bureau.freight(tmp_path, STRICT)
    case = bureau.case()
    bureau.approved(case)
    rows = {row["code"]: row["missing"] for row in bureau.do("requirements", id=case.id)["required"]}
    assert rows == {"abnormality": ["action"], "damage": ["prevention"]}
    with pytest.raises(RuleRefused):
        bureau.world.answer(bureau.kept(case))


def test_a_satisfied_customers_case_waits_and_closes_with_the_last_thing_missing(tmp_path: Path) -> None:
    """The callback is not lost: the case closes by itself when the action is done."""
    extra = """
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints: {close_condition: {value: callback, source: organisation}}
"""
    bureau = Bureau.freight(tmp_path, extra)
    case = bureau.case()
    assert bureau.satisfy(case).state.value == "replied"
    assert bureau.do("requirements", id=case.id)["waits_to_close"] == "callback"
    bureau.approved(case)
    assert bureau.kept(case).state.value == "replied"
    bureau.done(case)
    kept = bureau.kept(case)
    assert (kept.state.value, types(kept)[-1]) == ("closed", "case_closed")
    assert kept.history.verify() == []


def test_where_no_rule_asks_a_case_closes_whatever_is_open() -> None:
    """An IT company's customer need not wait for prevention."""
    bureau = Bureau(FixedClock(beijing("2026-03-02 09:00")), IT, rulebooks())
    case = bureau.case()
    bureau.open(case)
    terms = {"kind": "corrective", "what": "x", "department": "rnd", "owner": OWNER, "case_id": case.id}
    bureau.do("open_action", by="stf_head", roles={"cs_head"}, **terms)
    assert bureau.satisfy(case).state.value == "closed"


class _Died(Exception):
    pass


@pytest.mark.parametrize("kind", ["investigations", "actions"])
@pytest.mark.parametrize("write", ["case", "own"])
def test_a_process_that_dies_before_the_case_was_told_leaves_it_to_the_timer(
    freight: Bureau, kind: str, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer tells the case, once; a repeat of the command does so too and gives the same answer."""
    case = freight.case()
    freight.world.answer(freight.kept(case))
    freight.approved(case) if kind == "actions" else freight.done(case)
    arguments: dict[str, Any]
    if kind == "actions":
        method, arguments = "complete_action", {"by": OWNER, "id": freight.active(case), "evidence": "照片"}
    else:
        found_id = freight.open(case)
        freight.met(found_id)
        freight.submit(found_id)
        freight.approve(found_id, "stf_head")
        method, arguments = "approve_report", {"by": MANAGER, "id": found_id, "revision": 1}

    def die(*_: object, **__: object) -> None:
        raise _Died

    with monkeypatch.context() as dying:
        if write == "case":
            dying.setattr(freight.world.cases, "save", die)
        else:
            kept = getattr(freight.found, kind)
            real, calls = kept.save, list[int]()

            def second(aggregate: Any, *, since_seq: int) -> None:
                calls.append(1)
                if len(calls) == 2:
                    raise _Died
                real(aggregate, since_seq=since_seq)

            dying.setattr(kept, "save", second)
        with pytest.raises(_Died):
            freight.do(method, key="k-1", **arguments)
    pending = [*freight.found.untold_investigations(9), *freight.found.untold_actions(9)]
    assert len(pending) == 1
    if write == "case":
        refused(freight, case)
    freight.tick()
    assert [*freight.found.untold_investigations(9), *freight.found.untold_actions(9)] == []
    before = freight.everything()
    assert freight.do(method, key="k-1", **arguments)["case_id"] == case.id
    assert freight.everything() == before
    assert close(freight, case) == "closed"


def test_news_that_was_overtaken_changes_nothing(freight: Bureau) -> None:
    """A slow process tells the case of an action as it was; the case knows better already."""
    case = freight.case()
    action_id = freight.done(case)
    slow = freight.found.actions.get(action_id, freight.org)
    assert slow is not None
    freight.at("2026-03-09 09:00")
    freight.check(action_id, effective=False)
    known = freight.kept(case).actions[action_id]
    slow.told = 0
    freight.found.actions.documents[action_id]["told"] = 0
    freight.desk._tell(slow, Case.note_action, freight.action(action_id).history.entries[0].cause)  # type: ignore[arg-type]
    assert freight.kept(case).actions[action_id] == known


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("required: {x: {needs: [investigation], levels: [huge], source: organisation}}", "required.x"),
        ("required: {x: {needs: [prevention], source: organisation}}\n        report: null", "required.x"),
        ("causes: {late: {name: x, parent: nothing, source: organisation}}", "causes.late.parent"),
        ("opens: {value: [astronaut_x], source: organisation}", "opens"),
    ],
)
def test_a_rulebook_that_could_keep_a_case_open_for_ever_is_refused(
    tmp_path: Path, change: str, path: str
) -> None:
    """What nobody can bring, levels and causes there are not, and roles nobody holds: found before anything starts."""
    extra = f"""
overrides:
  - version: "1"
    effective_from: 2020-01-01
    complaints:
      investigation:
        {change}
"""
    with pytest.raises(RegulationError, match=path) as error:
        Bureau.freight(tmp_path, extra.replace("astronaut_x", "Astronaut"))
    assert "freight-test.yaml" in str(error.value)


@pytest.mark.rule("A-CLO-08")
def test_the_first_answer_has_the_organisations_own_limit_and_improvement_follows(tmp_path: Path) -> None:
    """The handbook says in time and gives no number: four hours here, late at the minute after, then improved."""
    sections = """
    clocks:
      first_answer:
        starts: received
        ends: contacted
        duration: {amount: 4, unit: hours, source: A-CLO-08}
    investigation:
      actions:
        kinds: {improvement: {name: 流程改进, source: A-CLO-08}}
"""
    bureau = Bureau.of_profile(tmp_path, "fashion", sections=sections)
    intime, late = bureau.case(), bureau.case()
    bureau.at("2026-03-02 12:59")
    bureau.world.do("attempt_contact", intime, outcome="reached")
    bureau.at("2026-03-02 13:00")
    bureau.world.do("attempt_contact", late, outcome="reached")
    outcomes = [bureau.kept(case).deadlines[0].was_breached for case in (intime, late)]
    assert outcomes == [False, True]
    terms = {"kind": "improvement", "what": "x", "department": "cs", "owner": OWNER, "case_id": late.id}
    assert bureau.do("open_action", by="stf_head", roles={"cs_head"}, **terms)["state"] == "active"


@pytest.mark.rule("A-JD11-07")
def test_an_improved_process_holds_for_cases_from_its_day_on(tmp_path: Path) -> None:
    """The third version of the process has six steps; a case opened the day before keeps the second's two."""

    def steps(count: int) -> str:
        row = "{{name: 步骤, grants: [{{role: complaint_handler}}], form: {{r: {{name: 结果}}}}, source: A-JD11-07}}"
        return "".join(f"      s{number}: {row.format()}\n" for number in range(count))

    later = '  - version: "3"\n    effective_from: 2026-06-01\n'
    sections = f"    path:\n{steps(2)}{later}    path:\n{steps(6)}"
    bureau = Bureau.of_profile(tmp_path, "maker", sections=sections)
    bureau.at("2026-05-31 23:00")
    before = bureau.world.open(bureau.org, "ct_1", problem="p-1")
    bureau.at("2026-06-01 00:00")
    after = bureau.world.open(bureau.org, "ct_2", problem="p-2")
    counts = [len(bureau.world.next_steps(bureau.kept(case))["steps"]) for case in (before, after)]
    assert counts == [2, 6]

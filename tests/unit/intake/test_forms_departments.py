"""What every customer-service department writes down: calls, problems, outages, standards and steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.intake.fakes import beijing
from tests.unit.intake.register_office import Office, refused


@pytest.fixture
def office() -> Office:
    return Office()


def flagged(office: Office, record: str) -> list[tuple[str, str]]:
    return [(each["flag"], each["source"]) for each in office.told(record, "record_flagged")]


def noticed(office: Office, record: str) -> list[tuple[str | None, str]]:
    return [(each["staff"], each["source"]) for each in office.told(record, "record_noticed")]


@pytest.mark.rule("B-ONS-02")
@pytest.mark.parametrize("left_out", ["need", "department"])
def test_a_visit_is_written_with_its_need_and_the_department_it_goes_to(
    office: Office, left_out: str
) -> None:
    """Promise: no need is received without somebody to feed it back to."""
    visit = {"need": "希望延长营业时间", "department": "运营部"}
    short = {key: value for key, value in visit.items() if key != left_out}
    assert refused("site_reception", office.by("u-1"), step=office.open, **short).rule == "B-ONS-02"
    record = office.open("site_reception", office.by("u-1"), **visit)
    assert refused(record, "feed_back", office.by("u-1"), step=office.act).rule == "B-ONS-02"
    assert office.act(record, "feed_back", office.by("u-1"), feedback="已转告")["state"] == "fed_back"


@pytest.mark.rule("B-CST-03")
def test_nothing_is_handled_before_it_is_recorded(office: Office) -> None:
    """Promise: answered, recorded, handled, in this order; without the need it is not recorded."""
    record = office.open("service_request", office.by("u-1"), channel="hotline")
    early = refused(record, "handle", office.by("u-1"), step=office.act, handling="x")
    assert early.rule == "B-CST-03"
    vague = refused(record, "record", office.by("u-1"), step=office.act, complexity="common")
    assert vague.rule == "B-CST-03"
    office.act(record, "record", office.by("u-1"), need="查询账单", complexity="common")
    assert office.act(record, "answer_directly", office.by("u-1"), handling="已答复")["state"] == "handled"


@pytest.mark.rule("B-CST-04")
@pytest.mark.parametrize("complexity", ["complex", "complaint"])
def test_what_is_complex_goes_to_the_supervisor_at_once(office: Office, complexity: str) -> None:
    """Promise: it names a supervisor, who is told in the same step; nobody answers it alone."""
    record = office.open("service_request", office.by("u-1"), channel="mail")
    sorted_out = {"need": "多次断线", "complexity": complexity}
    assert refused(record, "record", office.by("u-1"), step=office.act, **sorted_out).rule == "B-CST-04"
    office.act(record, "record", office.by("u-1"), **sorted_out, supervisor="u-9")
    assert noticed(office, record) == [("u-9", "B-CST-04")]
    alone = refused(record, "answer_directly", office.by("u-1"), step=office.act, handling="x")
    assert alone.rule == "B-CST-04"
    assert office.act(record, "handle", office.by("u-9"), handling="已协调")["state"] == "handled"


@pytest.mark.rule("B-CST-04")
def test_what_is_common_is_answered_directly_and_tells_nobody(office: Office) -> None:
    """Promise: the supervisor hears of what is not common only."""
    record = office.open("service_request", office.by("u-1"), channel="hotline")
    office.act(record, "record", office.by("u-1"), need="营业时间", complexity="common")
    assert noticed(office, record) == []
    assert office.act(record, "answer_directly", office.by("u-1"), handling="九点")["state"] == "handled"


@pytest.mark.rule("B-HOW-01")
def test_a_case_has_one_owner(office: Office) -> None:
    """Promise: a second one is refused until the first has given it up, and only the first may do that."""
    record = office.open("case_owner", office.by("u-1"), case="case_1", owner="u-2")
    second = {"case": "case_1", "owner": "u-3"}
    twice = refused("case_owner", office.by("u-1"), step=office.open, **second)
    assert (twice.rule, twice.details["record_id"]) == ("B-HOW-01", record)
    assert refused(record, "release", office.by("u-3"), step=office.act).rule == "B-HOW-01"
    for short in ({"case": "case_2"}, {"owner": "u-2"}):
        assert refused("case_owner", office.by("u-1"), step=office.open, **short).rule == "B-HOW-01"
    office.open("case_owner", office.by("u-1"), case="case_2", owner="u-2")
    office.act(record, "release", office.by("u-2"))
    handed_over = office.open("case_owner", office.by("u-1"), **second)
    assert office.find(register="case_owner", open=True, where={"case": "case_1"}) == [handed_over]
    assert office.get(handed_over)["values"]["owner"] == "u-3"


@pytest.mark.rule("B-MAI-07")
def test_what_a_measure_has_not_solved_in_time_asks_for_the_next(office: Office) -> None:
    """Promise: when the limit passes the keeper is told; the next measure has a limit of its own."""
    record = office.open(
        "problem_handling",
        office.by("u-1"),
        problem="漏水",
        measure="电话指导",
        limit="2026-03-02T11:00:00+08:00",
    )
    office.pass_time(beijing("2026-03-02 10:59"))
    assert noticed(office, record) == []
    office.pass_time(beijing("2026-03-02 11:00"))
    assert noticed(office, record) == [("u-1", "B-MAI-07")]
    assert flagged(office, record) == [("late:measure", "B-MAI-07")]
    unlimited = refused(record, "next_measure", office.by("u-1"), step=office.act, limit=None)
    assert unlimited.rule == "B-MAI-07"
    office.act(record, "next_measure", office.by("u-1"), measure="上门", limit="2026-03-02T15:00:00+08:00")
    assert office.get(record)["due_at"] == "2026-03-02T07:00:00.000Z"
    office.act(record, "solve", office.by("u-1"), solution="已修好")
    office.pass_time(beijing("2026-03-03 09:00"))
    assert len(noticed(office, record)) == 1


@pytest.mark.rule("B-OPF-04")
def test_an_outage_opens_the_plan_with_an_owner_and_the_next_check(office: Office) -> None:
    """Promise: none without owner, plan or check; the owner is told, and told again when the check is due."""
    outage = {
        "equipment": "telephony",
        "plan": "切换备用线路",
        "owner": "u-5",
        "next_check": "2026-03-02T09:30:00+08:00",
    }
    for left_out in ("plan", "owner", "next_check"):
        short = {key: value for key, value in outage.items() if key != left_out}
        assert refused("outage", office.by("u-1"), step=office.open, **short).rule == "B-OPF-04"
    record = office.open("outage", office.by("u-1"), **outage)
    assert noticed(office, record) == [("u-5", "B-OPF-04")]
    office.pass_time(beijing("2026-03-02 09:30"))
    assert flagged(office, record) == [("late:next_check", "B-OPF-04")]
    assert office.act(record, "restore", office.by("u-5"))["state"] == "restored"


@pytest.mark.rule("B-OPF-04")
def test_equipment_is_cared_for_regularly(office: Office) -> None:
    """Promise: care not done by its day is late; each care sets the day of the next."""
    record = office.open("equipment_care", office.by("u-1"), equipment="总机", next_on="2026-03-10")
    office.act(record, "maintain", office.by("u-1"), next_on="2026-04-10")
    office.pass_time(beijing("2026-04-10 23:59"))
    assert flagged(office, record) == []
    office.pass_time(beijing("2026-04-11 00:00"))
    assert flagged(office, record) == [("late:maintenance", "B-OPF-04")]


@pytest.mark.rule("B-MAI-02")
@pytest.mark.parametrize("left_out", ["reception", "problem", "complaint"])
def test_a_service_standard_has_three_parts(office: Office, left_out: str) -> None:
    """Promise: reception, problem and complaint; one that leaves a part out is refused."""
    parts = {"reception": "三声内接听", "problem": "当日处理", "complaint": "一小时内回应"}
    short = {key: value for key, value in parts.items() if key != left_out}
    assert refused("service_standard", office.by("u-1"), step=office.open, **short).rule == "B-MAI-02"
    assert office.get(office.open("service_standard", office.by("u-1"), **parts))["values"] == parts


def steps() -> list[dict[str, Any]]:
    phases = ("reception", "handling", "callback")
    return [{"phase": phase, "owner": f"u-{n}", "within_minutes": 30} for n, phase in enumerate(phases)]


@pytest.mark.rule("B-MAI-03")
@pytest.mark.parametrize("left_out", ["owner", "within_minutes"])
def test_a_step_without_somebody_or_a_time_makes_no_procedure(office: Office, left_out: str) -> None:
    """Promise: the whole procedure is refused, and the row is named."""
    wrong = steps()
    del wrong[1][left_out]
    refusal = refused("service_procedure", office.by("u-1"), step=office.open, title="咨询", steps=wrong)
    assert refusal.rule == "B-MAI-03"
    assert refusal.problems[0].field == f"values.steps.1.{left_out}"
    assert office.open("service_procedure", office.by("u-1"), title="咨询", steps=steps())


@pytest.mark.rule("B-MAI-03")
@pytest.mark.parametrize("phase", ["reception", "handling", "callback"])
def test_a_procedure_has_reception_handling_and_callback(office: Office, phase: str) -> None:
    """Promise: a flow that lacks one of the three is refused and told which, however many steps it has."""
    others = [row for row in steps() if row["phase"] != phase]
    refusal = refused("service_procedure", office.by("u-1"), step=office.open, title="咨询", steps=others * 2)
    assert (refusal.rule, refusal.details["check"]) == ("B-MAI-03", f"has_{phase}")
    few = refused("service_procedure", office.by("u-1"), step=office.open, title="咨询", steps=others)
    assert few.rule == "B-MAI-03"


@pytest.mark.rule("B-MAI-03")
def test_a_flow_is_in_force_once_and_shows_who_has_how_long_for_what(office: Office) -> None:
    """Promise: each step of the procedure can be read with its owner and its time; a second one of it is refused."""
    record = office.open("service_procedure", office.by("u-1"), title="咨询", steps=steps())
    shown = office.get(record)["values"]["steps"]
    assert [(row["phase"], row["owner"], row["within_minutes"]) for row in shown] == [
        ("reception", "u-0", "30"),
        ("handling", "u-1", "30"),
        ("callback", "u-2", "30"),
    ]
    instant = [row | {"within_minutes": 0} for row in steps()]
    assert refused(
        "service_procedure", office.by("u-1"), step=office.open, title="x", steps=instant
    ).rule == ("B-MAI-03")
    assert refused("service_procedure", office.by("u-1"), step=office.open, steps=steps()).rule == "B-MAI-03"
    again: dict[str, Any] = {"title": "咨询", "steps": steps()}
    assert refused("service_procedure", office.by("u-2"), step=office.open, **again).rule == "B-MAI-03"
    assert refused(record, "end", office.by("u-2"), step=office.act).rule == "B-MAI-03"
    office.act(record, "end", office.by("u-1"))
    assert office.open("service_procedure", office.by("u-2"), **again) != record


@pytest.mark.rule("B-SFM-02")
def test_everybody_goes_through_the_same_list_for_the_same_kind_of_case(office: Office) -> None:
    """Promise: two agents see one list; what one may not leave out the other may not either."""
    wanted = {"register": "step_checklist"}
    first, second = (
        office.app.read_registers.describe_register(office.by(agent), wanted) for agent in ("u-1", "u-2")
    )
    assert first == second
    short = {"kind": "complaint", "need_recorded": True, "answer_given": True, "facts_checked": True}
    for agent in ("u-1", "u-2"):
        left_out = refused("step_checklist", office.by(agent), step=office.open, **short)
        assert (left_out.rule, left_out.problems[0].field) == ("B-SFM-02", "values.callback_agreed")
        assert office.open("step_checklist", office.by(agent), **short, callback_agreed=True)
        enquiry = {"kind": "enquiry", "need_recorded": True, "answer_given": True}
        assert office.open("step_checklist", office.by(agent), **enquiry)


@pytest.mark.rule("B-SFM-06")
def test_a_step_is_given_to_nobody_without_the_skill_and_the_documents(office: Office) -> None:
    """Promise: on-site work that asks for an electrician and two documents waits for both."""
    record = office.open(
        "step_assignment",
        office.by("u-1"),
        step="上门",
        minutes=60,
        needed_skill="electric",
        needed_documents=2,
        documents=[{"document": "图纸"}],
    )
    wrong = refused(record, "assign", office.by("u-1"), step=office.act, assignee="u-5", skill="plumbing")
    assert (wrong.rule, wrong.details["check"]) == ("B-SFM-06", "has_skill")
    one = refused(record, "assign", office.by("u-1"), step=office.act, assignee="u-5", skill="electric")
    assert (one.rule, one.details["check"]) == ("B-SFM-06", "has_documents")
    both = [{"document": "图纸"}, {"document": "派工单"}]
    done = office.act(record, "assign", office.by("u-1"), assignee="u-5", skill="electric", documents=both)
    assert done["state"] == "assigned"

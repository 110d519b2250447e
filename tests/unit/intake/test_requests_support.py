"""An IT service's requests: the first person asked, three tiers, departments, notices and late paper."""

from __future__ import annotations

import pytest

from shared.errors import ValidationFailed
from tests.unit.intake.fakes import IT, beijing
from tests.unit.intake.requests_world import Desk, instant, refused


@pytest.fixture
def desk() -> Desk:
    """Return the desk of the IT service."""
    return Desk(IT)


@pytest.mark.rule("B-ITS-02")
def test_the_first_person_keeps_the_name_whoever_does_the_work(desk: Desk) -> None:
    """Promise: A3 stays first responsible through every change of hands, and each is counted."""
    request = desk.take(taken_by="A3")
    for staff in ("A4", "A5"):
        desk.do("transfer_request", id=request, staff=staff, reason="请接手")
        desk.do("accept_request", desk.person(staff), id=request)
    seen = desk.look(request)
    assert (seen["first_responsible"]["staff"], seen["owner"]["staff"]) == ("A3", "A5")
    assert [event["times"] for event in desk.events("request_passed_on")] == [1, 1, 2, 2]


@pytest.mark.rule("B-ITS-04")
def test_a_contact_without_the_problem_in_words_is_not_taken(desk: Desk) -> None:
    """Promise: what the customer wants is written down, at the first word and at every answer."""
    with pytest.raises(Exception, match="text"):
        desk.register(text=" ")
    request = desk.take()
    with refused("B-ITS-04"):
        desk.act(request, "advise", hotline_solved=True)


@pytest.mark.rule("B-ITS-05")
def test_what_can_be_solved_at_once_is_not_passed_on(desk: Desk) -> None:
    """Promise: in scope and solvable, no transfer is offered; it is solved by who took it."""
    request = desk.take()
    desk.act(request, "note", in_scope=True)
    with refused("B-ITS-05"):
        desk.do("transfer_request", id=request, unit="technical", reason="不想做")
    assert desk.act(request, "finish", outcome="已解决")["closed"] is True


@pytest.mark.rule("B-ITS-06")
def test_without_the_leader_the_deputy_gets_it_and_without_both_it_stays(desk: Desk) -> None:
    """Promise: the customer is never asked to call again; somebody always has the request."""
    request = desk.take(taken_by="A3")
    give = {"id": request, "unit": "technical", "reason": "超出职责"}
    assert desk.do("transfer_request", **give)["offered_to"]["role"] == "technical_supervisor"
    away = ["technical_supervisor"]
    assert desk.do("transfer_request", **give, absent=away)["offered_to"]["role"] == "supervisor"
    assert desk.look(request)["owner"]["role"] == "service_desk"
    with refused("B-ITS-06"):
        desk.do("accept_request", desk.person("A9"), id=request)
    with refused("B-ITS-06"):
        desk.do("transfer_request", **give, absent=[*away, "supervisor"])
    taken = desk.do("accept_request", desk.person("A8", "supervisor"), id=request)
    assert taken["owner"] == {"unit": "technical", "role": "supervisor", "staff": "A8"}


@pytest.mark.rule("B-ITS-07")
def test_a_major_matter_reaches_the_general_manager_in_the_same_minute(desk: Desk) -> None:
    """Promise: one notice, at once, and not again with the next note."""
    request = desk.take()
    desk.act(request, "note", major=True)
    desk.act(request, "note", record="补充")
    (notice,) = desk.look(request)["notices"]
    assert (notice["role"], notice["source"]) == ("general_manager", "B-ITS-07")
    assert instant(notice, "at") == desk.clock.now()
    (told,) = desk.events("request_notice_given")
    assert told == {"request_id": request, "role": "general_manager", "source": "B-ITS-07"}


@pytest.mark.rule("B-ITS-08", "B-ITS-20")
def test_the_form_comes_after_the_solution_only_in_an_emergency(desk: Desk) -> None:
    """Promise: solve first and write later is for emergencies; otherwise the form goes before."""
    urgent = desk.take()
    desk.act(urgent, "note", emergency=True)
    desk.act(urgent, "solve", outcome="已恢复")
    desk.pass_time(minutes=5)
    desk.act(urgent, "submit_form", contact_form="LX-1")
    done = desk.look(urgent)
    assert [row["action"] for row in done["done"]] == ["note", "solve", "submit_form"]
    assert done["contact_id"] is not None
    plain = desk.take(2)
    desk.act(plain, "solve", outcome="已恢复")
    with refused("B-ITS-20"):
        desk.act(plain, "submit_form", contact_form="LX-2")
    before = desk.take(3)
    desk.act(before, "submit_form", contact_form="LX-3")


@pytest.mark.rule("B-ITS-14", "B-ITS-15")
def test_departments_answer_under_the_lead_of_the_one_with_the_demand_and_the_office_rules(
    desk: Desk,
) -> None:
    """Promise: nothing closes over an open part or a disagreement; the office's word is kept."""
    request = desk.take()
    by = beijing("2026-03-03 18:00").isoformat()
    parts = [{"unit": "technical", "answer_by": by}, {"unit": "sales", "answer_by": by}]
    desk.do("involve_departments", id=request, lead="sales", departments=parts)
    assert desk.look(request)["lead"] == "sales"
    with refused("B-ITS-15"):
        desk.act(request, "finish", outcome="已解决")
    technical, office = desk.person("T", "technical_supervisor"), desk.person("O", "office")
    with refused("organisation"):
        desk.do("answer_department", id=request, unit="technical", text="不同意", agrees=False)
    with refused("B-ITS-14"):
        desk.do("answer_department", office, id=request, text="尚无争议")
    desk.do("answer_department", desk.person("S", "manager"), id=request, unit="sales", text="同意")
    desk.do("answer_department", technical, id=request, unit="technical", text="不同意", agrees=False)
    assert desk.look(request)["disputed"] is True
    with refused("B-ITS-14"):
        desk.act(request, "finish", outcome="已解决")
    with refused("B-ITS-14"):
        desk.do("answer_department", technical, id=request, text="我说了算")
    desk.pass_time(minutes=1)
    desk.do("answer_department", office, id=request, text="由技术部执行")
    seen = desk.look(request)
    assert (seen["disputed"], seen["rulings"][0]["text"]) == (False, "由技术部执行")
    desk.act(request, "finish", outcome="已解决")
    changes = [event["change"] for event in desk.events("request_departments_changed")]
    assert changes == ["asked", "asked", "agreed", "disputed", "ruled"]


@pytest.mark.rule("B-ITS-16")
def test_customer_and_department_are_told_within_the_time_configured(desk: Desk) -> None:
    """Promise: a change at 10:00 is told to both by 10:30, or the clock says it was not."""
    request = desk.take()
    desk.act(request, "advise", record="指导重启", hotline_solved=False)
    assert instant(desk.clocks(request)["inform"]) == beijing("2026-03-02 10:30")
    with refused("B-ITS-16"):
        desk.act(request, "inform", told_customer=True, told_department=False)
    desk.act(request, "inform", told_customer=True, told_department=True)
    assert desk.clocks(request)["inform"]["state"] == "met"


@pytest.mark.rule("B-ITS-17")
def test_a_major_fault_is_reported_with_time_place_phenomenon_and_plan(desk: Desk) -> None:
    """Promise: without any of the four it is no report; with them the two managers know."""
    request = desk.take()
    form = {
        "time": "2026-03-02T09:30:00+08:00",
        "place": "机房",
        "phenomenon": "断电",
        "fault_plan": "切换备用",
    }
    for missing in form:
        with refused("B-ITS-17"):
            desk.act(desk.take(2), "report_fault", **{k: v for k, v in form.items() if k != missing})
    desk.act(request, "report_fault", **form)
    told = {notice["role"] for notice in desk.look(request)["notices"]}
    assert told == {"business_signatory", "manager_in_charge"}


@pytest.mark.rule("B-ITS-24", "B-ITS-25", "B-ITS-26")
def test_hotline_then_remote_with_leave_then_on_site(desk: Desk) -> None:
    """Promise: no tier before the one below it failed, none remotely without the customer's leave."""
    request = desk.take()
    assert desk.look(request)["stage"] == "hotline"
    with refused("B-ITS-26"):
        desk.act(request, "send_technician", site="s1")
    with refused("B-ITS-25"):
        desk.act(request, "go_remote", remote_authorised=True)
    desk.act(request, "advise", record="指导", hotline_solved=False)
    with refused("B-ITS-25"):
        desk.act(request, "go_remote", remote_authorised=False)
    desk.act(request, "go_remote", remote_authorised=True)
    with refused("B-ITS-26"):
        desk.act(request, "send_technician", site="s1")
    desk.act(request, "guide", record="远程", remote_solved=False)
    desk.act(request, "send_technician", site="s1")
    assert instant(desk.clocks(request)["arrival"]) == beijing("2026-03-02 14:00")
    desk.pass_time(hours=3)
    desk.act(request, "arrive")
    assert desk.clocks(request)["arrival"]["state"] == "met"


def test_an_unknown_action_or_field_names_those_there_are(desk: Desk) -> None:
    """Promise: whoever mistypes is told what there is."""
    request = desk.take()
    with pytest.raises(ValidationFailed, match="advise"):
        desk.act(request, "dance")
    with pytest.raises(ValidationFailed, match="hotline_solved"):
        desk.act(request, "advise", weather="fine")

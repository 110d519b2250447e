"""Forms of relations: visits, receptions, preparation, agreements, handovers, gatherings, needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.followup.contact_world import World

VISIT = {"client": "cu_1", "type": "visit", "held_on": "2026-05-06"}
MAY = {"opened_from": "2026-05-01T00:00:00+08:00", "opened_before": "2026-06-01T00:00:00+08:00"}


@pytest.fixture
def carrier(tmp_path: Path) -> World:
    """Return a logistics company in May."""
    return World(tmp_path, "logistics", "2026-05-06 09:00")


@pytest.fixture
def estate(tmp_path: Path) -> World:
    """Return a developer in May."""
    return World(tmp_path, "real-estate", "2026-05-06 09:00")


@pytest.mark.rule("A-LOG-61")
def test_a_visit_without_purpose_or_result_is_refused(carrier: World) -> None:
    """Guards the visit's record: what it was for and what came of it; a call needs neither."""
    assert carrier.refused("client_contact", **VISIT, purpose="走访", score=8).rule == "A-LOG-61"
    assert carrier.refused("client_contact", **VISIT, result="满意", score=8).rule == "A-LOG-61"
    record = carrier.open("client_contact", **VISIT, purpose="走访", result="满意", score=8)
    assert carrier.values(record)["result"] == "满意"
    carrier.open("client_contact", client="cu_1", type="call")


@pytest.mark.rule("A-LOG-60")
def test_each_visit_has_a_score_and_a_proposal_goes_its_way(carrier: World) -> None:
    """Guards evaluation and proposals: DRAFT, SENT, ACCEPTED, no step left out."""
    for score in ({}, {"score": 11}):
        wrong = carrier.refused("client_contact", **VISIT, purpose="走访", result="满意", **score)
        assert wrong.rule == "A-LOG-60"
    proposal = carrier.open("client_proposal", client="cu_1", content="增加夜班车次")
    assert carrier.act_refused(proposal, "accept").rule == "A-LOG-60"
    assert carrier.act(proposal, "send")["state"] == "sent"
    assert carrier.act(proposal, "accept")["state"] == "accepted"


@pytest.mark.rule("A-LOG-35")
def test_upkeep_of_relations_is_recorded_and_counts_in_the_month(carrier: World) -> None:
    """Guards the month's activity by type."""
    carrier.open("client_contact", client="cu_1", type="relationship", result="节日问候")
    carrier.open("client_contact", client="cu_1", type="call")
    counted = carrier.figures("client_contact", by="type", **MAY)
    assert counted["by_field"] == {"relationship": 1, "call": 1}
    assert carrier.refused("client_contact", client="cu_1").rule == "A-LOG-35"


@pytest.mark.rule("A-LOG-37")
def test_a_key_client_is_received_by_the_manager(carrier: World) -> None:
    """Guards the host of a reception: whether the client is a key one is known, not written."""
    carrier.people("cu_1", key="yes")
    carrier.people("cu_2", key="no")
    reception = {"purpose": "年度回顾"}
    key = carrier.open("client_reception", client="cu_1", key="no", **reception)
    assert carrier.act_refused(key, "hold", result="达成意向").rule == "A-LOG-37"
    assert carrier.act(key, "hold", "manager", result="达成意向")["state"] == "held"
    for other in ("cu_2", "cu_3"):
        record = carrier.open("client_reception", client=other, **reception)
        assert carrier.act(record, "hold", result="达成意向")["state"] == "held"


@pytest.mark.rule("A-LOG-23")
def test_a_new_client_does_not_start_before_contact_and_preparation(carrier: World) -> None:
    """Guards the two tasks before formal operation: while one is open, the start is refused."""
    client = carrier.open("client_onboarding", client="cu_9")
    assert carrier.act_refused(client, "start").rule == "A-LOG-23"
    carrier.act(client, "contact", contacts="已接待来访。")
    refused = carrier.act_refused(client, "start")
    assert (refused.rule, "prepare" in refused.message) == ("A-LOG-23", True)
    carrier.act(client, "prepare", preparation="系统对接完成。")
    assert carrier.act(client, "start")["state"] == "started"


@pytest.mark.rule("A-LOG-40")
def test_an_executive_meeting_owes_its_outcome_after_its_day(carrier: World) -> None:
    """Guards the note: it is late after the day planned, and nothing is held without one."""
    meeting = carrier.open("executive_meeting", client="cu_1", planned_on="2026-05-20")
    carrier.at("2026-05-20 23:00")
    assert carrier.values(meeting)["flags"] == []
    carrier.at("2026-05-21 00:00")
    assert carrier.values(meeting)["flags"] == ["late:outcome"]
    assert [row["source"] for row in carrier.told("clock_breached")] == ["A-LOG-40"]
    assert carrier.act_refused(meeting, "hold").rule == "A-LOG-40"
    assert carrier.act(meeting, "hold", outcome="续约三年")["state"] == "held"


@pytest.mark.rule("A-LOG-47")
def test_an_agreements_fulfilment_is_the_share_of_its_obligations(carrier: World) -> None:
    """Guards two of three done: 67 %."""
    duties = [{"duty": f"事项{n}", "department": "运作部", "done": n < 2} for n in range(3)]
    record = carrier.open("service_agreement", client="cu_1", obligations=duties)
    assert carrier.values(record)["fulfilment"] == "67"
    carrier.correct(record, obligations=[duty | {"done": True} for duty in duties])
    assert carrier.values(record)["fulfilment"] == "100"
    assert carrier.refused("service_agreement", client="cu_1", obligations=[]).rule == "A-LOG-47"


@pytest.mark.rule("A-JD7-03")
def test_visits_and_calls_of_a_client_are_counted(tmp_path: Path) -> None:
    """Guards the ways of contact in any trade: two visits and three calls of one client in May."""
    world = World(tmp_path, "retail-chain", "2026-05-06 09:00")
    for way in ("visit", "call", "call", "visit", "call"):
        world.open("client_contact", client="cu_1", type=way)
    world.open("client_contact", client="cu_2", type="online")
    world.at("2026-06-01 09:00")
    world.open("client_contact", client="cu_1", type="visit")
    assert world.figures("client_contact", by="type", **MAY)["by_field"] == {
        "visit": 2,
        "call": 3,
        "online": 1,
    }
    found = {
        way: len(world.find(register="client_contact", where={"client": "cu_1", "type": way}, **MAY))
        for way in ("visit", "call")
    }
    assert found == {"visit": 2, "call": 3}
    assert world.refused("client_contact", client="cu_1").rule == "A-JD7-03"


@pytest.mark.rule("B-ONS-05")
def test_a_lead_is_noted_with_its_contact_and_the_salesperson_hears_of_it(tmp_path: Path) -> None:
    """Guards the link from a lead to the contact it came from."""
    world = World(tmp_path, "retail-chain", "2026-05-06 09:00")
    contact = world.open("client_contact", client="cu_1", type="visit")
    lead = {"lead": "拟采购二期", "salesperson": "u-9"}
    assert world.refused("sales_lead_note", **lead).rule == "B-ONS-05"
    note = world.open("sales_lead_note", contact=contact, **lead)
    assert world.values(note)["contact"] == contact
    (told,) = world.told("record_noticed")
    assert (told["staff"], told["source"]) == ("u-9", "B-ONS-05")


@pytest.mark.rule("A-PRM-21")
def test_a_months_visits_of_residents_are_summed_up_for_the_director(tmp_path: Path) -> None:
    """Guards the callback form, and the monthly summary that is missed when it is not written."""
    world = World(tmp_path, "property", "2026-05-06 09:00")
    assert world.refused("resident_callback", household="cu_1").rule == "A-PRM-21"
    world.open("resident_callback", household="cu_1", opinions="路灯不亮")
    assert world.figures("resident_callback", **MAY)["total"] == 1
    world.at("2026-06-01 00:00")
    assert [row["source"] for row in world.missing("resident_callback_summary")] == ["A-PRM-21"]
    summary = {"month_of": "2026-05-31", "visits": 1, "opinions": 1, "summary": "一户反映路灯。"}
    world.open("resident_callback_summary", **summary)
    assert world.missing("resident_callback_summary") == []
    (told,) = world.told("record_noticed")
    assert (told["to"], told["source"]) == ("manager", "A-PRM-21")
    assert world.refused("resident_callback_summary", **summary).rule == "A-PRM-21"


@pytest.mark.rule("B-DUT-26")
def test_the_months_calls_of_households_are_analysed_and_reported_by_its_end(tmp_path: Path) -> None:
    """Guards the analysis of April: not owed before its end, missed on 1 May, and told the head when it is there."""
    world = World(tmp_path, "property", "2025-04-29 09:00")
    march = {"month_of": "2025-03-31", "called": 300, "analysis": "三月无异常。"}
    world.open("household_callback_summary", **march)
    assert world.missing("household_callback_summary") == []
    assert world.refused("household_callback_summary", month_of="2025-04-30", called=2).rule == "B-DUT-26"
    world.at("2025-05-01 00:00")
    (owed,) = world.missing("household_callback_summary")
    assert (owed["last_day"], owed["source"]) == ("2025-04-30", "B-DUT-26")
    world.open("household_callback_summary", month_of="2025-04-30", called=2, analysis="两户反映路灯。")
    assert world.missing("household_callback_summary") == []
    assert {(told["to"], told["source"]) for told in world.told("record_noticed")} == {
        ("cs_head", "B-DUT-26")
    }


@pytest.mark.rule("A-RES-05")
def test_a_visit_to_a_community_counts_owners_and_difficulties(estate: World) -> None:
    """Guards the visit's result: twelve owners met, three difficulties."""
    visit = estate.open("community_visit", community="P1", planned_on="2026-05-10")
    assert estate.act_refused(visit, "visit").rule == "A-RES-05"
    hard = [{"difficulty": text} for text in ("渗水", "停车", "噪声")]
    estate.act(visit, "visit", owners_met=12, difficulties=hard)
    values = estate.values(visit)
    assert (values["owners_met"], values["difficulty_count"]) == ("12", "3")


@pytest.mark.rule("A-RES-11")
def test_a_home_is_accepted_or_has_defects(estate: World) -> None:
    """Guards the appointment's result: accepted, or three defects, and accepted after all."""
    at = {"unit": "U1", "at": "2026-06-01T09:00:00+08:00"}
    home = estate.open("handover_appointment", **at)
    assert estate.refused("handover_appointment", **at).rule == "A-RES-11"
    assert estate.act_refused(home, "note_defects", defects=[]).rule == "A-RES-11"
    estate.act(home, "note_defects", defects=[{"defect": text} for text in ("空鼓", "划痕", "漏水")])
    assert (estate.values(home)["state"], estate.values(home)["defect_count"]) == ("defective", "3")
    assert estate.act(home, "accept")["state"] == "accepted"


@pytest.mark.rule("A-RED-12")
def test_a_takeover_two_days_late_is_reported(estate: World) -> None:
    """Guards the days between the plan and the takeover, and the breach on the way."""
    takeover = estate.open("project_takeover", project="一期", planned_on="2026-06-01")
    estate.at("2026-06-03 10:00")
    estate.act(takeover, "take_over", done_on="2026-06-03")
    values = estate.values(takeover)
    assert (values["days_late"], values["flags"]) == ("2", ["late:planned"])
    assert [row["source"] for row in estate.told("clock_breached")] == ["A-RED-12"]


@pytest.mark.rule("A-RED-13")
def test_of_200_homes_180_are_handed_over_and_20_are_listed(estate: World) -> None:
    """Guards the share of handovers and the list of who has not moved in."""
    owners = [f"cu_{number:03}" for number in range(200)]
    estate.people(*owners, phase="handover")
    estate.people("cu_999", phase="moved_in")
    for number, owner in enumerate(owners[:180]):
        estate.open("home_handover", owner=owner, unit=f"U{number}", handed_on="2026-05-06")
    estate.at("2026-06-30 23:00")
    row = estate.coverage("home_handover")
    assert (row["percent"], row["missing"], row["source"]) == ("90.00", 20, "A-RED-13")
    assert estate.gaps("home_handover") == owners[180:]


@pytest.mark.rule("A-HTL-08")
@pytest.mark.rule("A-HTL-09")
def test_a_year_without_gathering_is_missed_and_who_stayed_away_is_listed(tmp_path: Path) -> None:
    """Guards the general managers' gathering, once a year, and its attendance."""
    world = World(tmp_path, "hotel-franchise", "2024-11-04 09:00")
    world.people("cu_h1", "cu_h2", "cu_h3", kind="company", type="hotel")
    world.at("2024-12-31 23:00")
    assert [row["last_day"] for row in world.missing("managers_gathering")] == ["2023-12-31"]
    world.at("2025-01-01 00:00")
    (row,) = world.missing("managers_gathering")
    assert (row["last_day"], row["source"]) == ("2024-12-31", "A-HTL-08")
    attended = [{"hotel": "cu_h1"}, {"hotel": "cu_h3"}]
    world.open("managers_gathering", held_on="2024-12-20", topics="会员体系", attended=attended)
    assert world.missing("managers_gathering") == []
    world.open("managers_gathering", topics="会员体系", attended=attended)
    assert world.gaps("gathering_attendance") == ["cu_h2"]
    assert world.coverage("gathering_attendance")["source"] == "A-HTL-09"


@pytest.mark.rule("A-CLO-07")
def test_a_need_is_closed_when_it_is_met(tmp_path: Path) -> None:
    """Guards that a need is open until somebody says how it was met."""
    world = World(tmp_path, "apparel", "2026-05-06 09:00")
    need = world.open("customer_need", customer="cu_1", need="大码现货")
    assert world.find(register="customer_need", open=True) == [need]
    world.at("2026-05-09 09:00")
    assert world.act_refused(need, "meet").rule == "A-CLO-07"
    world.act(need, "meet", how_met="邻店调货")
    assert world.find(register="customer_need", open=True) == []


@pytest.mark.rule("A-TRV-03")
def test_a_contact_with_a_traveller_keeps_feedback_and_travel_intention(tmp_path: Path) -> None:
    """Guards what is asked of an old customer: feedback, and where it goes next."""
    world = World(tmp_path, "call-centre", "2026-05-06 09:00")
    asked = {"customer": "cu_1", "means": "call", "feedback": "导游热情"}
    assert world.refused("traveller_contact", **asked).rule == "A-TRV-03"
    record = world.open("traveller_contact", **asked, travel_intention="海南，十月")
    assert world.values(record)["travel_intention"] == "海南，十月"


@pytest.mark.rule("B-ITS-23")
def test_research_on_site_leads_to_action_items_with_owners(tmp_path: Path) -> None:
    """Guards the plan after a research visit, led by a senior leader with a senior engineer."""
    world = World(tmp_path, "it-service", "2026-05-06 09:00")
    led = {"customer": "cu_1", "opinions": "报表慢", "leader": "u-1"}
    assert world.refused("research_visit", **led).rule == "B-ITS-23"
    report = world.open("research_visit", **led, engineer="u-2")
    item = {"item": "优化索引", "due_on": "2026-06-01"}
    assert world.act_refused(report, "plan", action_items=[item]).rule == "B-ITS-23"
    world.act(report, "plan", action_items=[item | {"owner": "u-3"}])
    assert world.act_refused(report, "finish").rule == "B-ITS-23"
    assert world.act(report, "finish", result="查询快了三倍")["state"] == "done"


@pytest.mark.rule("B-ITS-27")
def test_what_a_customer_likes_is_found_and_what_cannot_be_met_is_answered(tmp_path: Path) -> None:
    """Guards preferences: an agent finds them by the customer; falling short asks for analysis and reply."""
    world = World(tmp_path, "it-service", "2026-05-06 09:00")
    liking = world.open("customer_preference", customer="cu_1", preference="只接受邮件联系")
    assert world.find(register="customer_preference", where={"customer": "cu_1"}, open=True) == [liking]
    assert world.values(liking)["preference"] == "只接受邮件联系"
    assert world.act_refused(liking, "fall_short", analysis="无邮箱").rule == "B-ITS-27"
    world.act(liking, "fall_short", analysis="系统限制", reply="已致歉并说明")
    assert world.find(register="customer_preference", where={"customer": "cu_1"}, open=True) == []


@pytest.mark.rule("B-ITS-11")
def test_every_december_all_customers_get_a_gift_and_are_asked_for_next_years_needs(tmp_path: Path) -> None:
    """Guards December: who has no gift yet is listed, and none is given without the plan of needs."""
    world = World(tmp_path, "it-service", "2026-12-01 09:00")
    world.people("cu_1", "cu_2", "cu_3", kind="company")
    assert world.gaps("year_end_gifts") == ["cu_1", "cu_2", "cu_3"]
    world.open("gift_store", gift="tea", quantity=10)
    gift = world.open("year_end_gift", customer="cu_1", gift="tea", quantity=1)
    assert world.act_refused(gift, "send").rule == "B-ITS-11"
    assert world.gaps("year_end_gifts") == ["cu_1", "cu_2", "cu_3"]
    world.act(gift, "send", needs="扩容两台服务器")
    assert world.gaps("year_end_gifts") == ["cu_2", "cu_3"]
    row = world.coverage("year_end_gifts")
    assert (row["missing"], row["last_day"], row["source"]) == (2, "2026-12-31", "B-ITS-11")
    world.at("2027-01-04 09:00")
    assert world.coverage("year_end_gifts", "2026-12-31T10:00:00")["state"] == "missed"

"""Training and exams: what is planned and held, who was there, who may go on duty, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.unit.reporting.register_world import Office, beijing, refused

Offices = Callable[[str], Office]
BOSS = "supervisor"


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Give one office for each profile and what the organisation says; no test of this module moves its time."""
    built: dict[str, Office] = {}

    def of(profile: str, own: str = "") -> Office:
        if profile + own not in built:
            built[profile + own] = Office(tmp_path_factory.mktemp("training"), profile, own)
        return built[profile + own]

    return of


def rows(asked: int, came: int, **more: Any) -> list[dict[str, Any]]:
    return [{"person": f"t-{number}", "present": number < came, **more} for number in range(asked)]


def held(
    office: Office, subject: str, people: list[dict[str, Any]], day: str = "2026-05-06", **more: Any
) -> str:
    """Return a training that was planned and held."""
    values = {"material": "讲义 v1", **more}
    hours = values.pop("hours", 2)
    record = office.open("training", subject=subject, planned_on=day, **values)
    office.act(record, "hold", held_on=day, attendees=people, hours=hours)
    return record


def people_of(office: Office, records: Iterable[str]) -> set[str]:
    return {office.get(record)["values"]["person"] for record in records}


def asked_of(*people: str) -> str:
    return f"{{value: [{', '.join(people)}], source: organisation}}"


@pytest.mark.parametrize(
    ("profile", "asked", "came", "share"),
    [
        pytest.param("standard", 12, 10, "83.3", marks=pytest.mark.rule("B-SVN-13")),
        pytest.param("standard", 6, 5, "83.3", marks=pytest.mark.rule("A-JD6-03")),
        pytest.param("real-estate", 8, 8, "100.0", marks=pytest.mark.rule("A-RES-07")),
    ],
)
def test_how_many_of_those_asked_were_trained_is_a_share(
    offices: Offices, profile: str, asked: int, came: int, share: str
) -> None:
    """Promise: of those in the list who came, in percent; only who leads the training closes it, by its rule."""
    office = offices(profile)
    record = office.open("training", subject="服务标准", planned_on="2026-05-20", material="讲义 v1")
    expected = {"standard": "A-JD6-03", "real-estate": "A-RES-07"}[profile]
    assert refused(office.act, record, "hold", office.by("u-7"), attendees=rows(asked, came)) == expected
    office.act(record, "hold", attendees=rows(asked, came))
    assert office.get(record)["values"]["attendance"] == share


@pytest.mark.rule("A-JD3-07")
def test_a_training_without_written_material_is_not_marked_done(offices: Offices) -> None:
    """Promise: without linked material it stays planned; with material v1 it is done."""
    office = offices("standard")
    record = office.open("training", subject="售前话术", planned_on="2026-05-20")
    assert refused(office.act, record, "hold", attendees=rows(2, 2)) == "A-JD3-07"
    assert office.act(record, "hold", attendees=rows(2, 2), material="话术手册 v1")["state"] == "held"


@pytest.mark.rule("B-MAI-05")
def test_a_training_is_of_one_of_the_topics(offices: Offices) -> None:
    """Promise: business knowledge, communication and problem handling are recorded; cooking is refused."""
    office = offices("standard")
    for topic in ("business", "communication", "problem"):
        assert office.open("training", subject="定期培训", planned_on="2026-05-20", topic=topic)
    values = {"subject": "定期培训", "planned_on": "2026-05-20", "topic": "cooking"}
    assert refused(office.open, "training", **values) == "B-MAI-05"


@pytest.mark.rule("A-JD11-03")
def test_what_a_training_brought_is_a_difference_of_two_rates(offices: Offices) -> None:
    """Promise: 10 % before and 12 % after are plus 2 points; without the rate after it is not evaluated."""
    office = offices("standard")
    record = held(office, "线上销售", rows(3, 3), before="10")
    assert refused(office.act, record, "evaluate") == "A-JD11-03"
    office.act(record, "evaluate", after="12")
    assert office.get(record)["values"]["gain"] == "2.0"


@pytest.mark.rule("B-STD-04")
def test_training_hours_of_each_agent_are_added_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: what somebody was present at counts, for each and for the quarter; who was away has no hours of it."""
    office = Office(tmp_path_factory.mktemp("hours"), "standard")
    held(
        office,
        "服务意识",
        [{"person": "a-1", "present": True}, {"person": "a-2", "present": False}],
        hours="2",
    )
    held(
        office,
        "投诉处理",
        [{"person": "a-1", "present": True}, {"person": "a-2", "present": True}],
        hours="1.5",
    )
    quarter = {"opened_from": beijing("2026-04-01 00:00"), "opened_before": beijing("2026-07-01 00:00")}
    figures = office.figures("training_attendance", "person", "hours_there", **quarter)
    assert figures["sums_by_field"] == {"a-1": {"hours_there": "3.5"}, "a-2": {"hours_there": "1.5"}}
    assert figures["sums"] == {"hours_there": "5.0"}
    earlier = quarter | {"opened_before": beijing("2026-05-01 00:00")}
    assert office.figures("training_attendance", "person", "hours_there", **earlier)["sums_by_field"] == {}


@pytest.mark.rule("B-STD-19")
def test_the_skill_matrix_has_one_level_for_each_skill_of_an_agent(offices: Offices) -> None:
    """Promise: a level from 1 to 5 for each skill; a second entry for the same skill is refused, it is corrected."""
    office = offices("standard")
    first = office.open("skill", office.by("u-9", BOSS), person="a-1", skill="普通话", level=3)
    office.open("skill", office.by("u-9", BOSS), person="a-1", skill="打字", level=4)
    office.open("skill", office.by("u-9", BOSS), person="a-2", skill="普通话", level=5)
    assert (
        refused(office.open, "skill", office.by("u-9", BOSS), person="a-1", skill="普通话", level=4)
        == "B-STD-19"
    )
    assert (
        refused(office.open, "skill", office.by("u-9", BOSS), person="a-3", skill="打字", level=6)
        == "B-STD-19"
    )
    office.correct(first, office.by("u-9", BOSS), level=4)
    mine = [office.get(each)["values"] for each in office.find("skill", where={"person": "a-1"})]
    assert {each["skill"]: each["level"] for each in mine} == {"普通话": "4", "打字": "4"}


@pytest.mark.rule("B-ONS-01")
def test_the_result_of_an_examination_is_recorded_with_its_day(offices: Offices) -> None:
    """Promise: who supervises records the result of 10 March, with praise or criticism; nobody else does."""
    office = offices("standard")
    result = {"person": "a-1", "subject": "站点管理", "taken_on": "2025-03-10", "score": 88, "remark": "表扬"}
    assert refused(office.open, "exam_result", office.by("a-1"), **result) == "B-ONS-01"
    record = office.open("exam_result", office.by("u-9", BOSS), **result)
    assert office.find("exam_result", where={"taken_on": "2025-03-10", "person": "a-1"}) == [record]


@pytest.mark.rule("B-DET-14")
def test_nobody_takes_live_contacts_who_was_not_trained(offices: Offices) -> None:
    """Promise: a new agent without training before the job does not go on duty; with it, he does."""
    office = offices("standard")
    record = office.open("induction", person="n-1")
    assert refused(office.act, record, "start_duty", office.by("u-9", BOSS)) == "B-DET-14"
    assert refused(office.act, record, "train", office.by("u-9", BOSS)) == "B-DET-14"
    office.act(record, "train", office.by("u-9", BOSS), trained="服务规范、系统操作")
    assert office.act(record, "start_duty", office.by("u-9", BOSS))["state"] == "on_duty"


@pytest.mark.rule("A-JD12-09")
def test_a_plan_counts_the_courses_whose_material_was_reviewed(offices: Offices) -> None:
    """Promise: of 4 courses of 2024 the material is approved for 3."""
    courses = [
        {"month": month, "subject": "维修", "material_approved": month < 12} for month in (3, 6, 9, 12)
    ]
    values = offices("standard")
    shown = values.get(values.open("training_plan", period="2024", courses=courses))["values"]
    assert (shown["planned"], shown["approved"]) == ("4", "3")
    assert refused(values.open, "training_plan", period="2024", courses=courses) == "A-JD12-09"


@pytest.mark.rule("A-CLO-02")
def test_a_plan_of_four_with_three_held_is_at_seventy_five_percent(offices: Offices) -> None:
    """Promise: what of the shops' training plan was carried out stands in percent."""
    office = offices("apparel")
    courses = [{"month": month, "subject": "陈列", "done": month < 4} for month in (1, 2, 3, 4)]
    shown = office.get(office.open("training_plan", period="2026", courses=courses))["values"]
    assert (shown["held"], shown["planned"], shown["share"]) == ("3", "4", "75")


@pytest.mark.rule("A-CLO-01")
def test_a_paper_has_its_number_department_name_and_date(offices: Offices) -> None:
    """Promise: plan YB-JH-0719 is taken with its whole header, and refused without any part of it."""
    office = offices("apparel")
    header = {"paper_number": "YB-JH-0719", "department": "客服部", "author": "u-1", "dated": "2026-05-06"}
    for lacking in header:
        given = {key: value for key, value in header.items() if key != lacking}
        assert refused(office.open, "work_plan", **given, content="略") == "A-CLO-01"
    assert refused(office.open, "work_plan", **header | {"paper_number": "0719"}, content="略") == "A-CLO-01"
    assert office.open("work_plan", **header, content="略")


@pytest.mark.rule("A-HTL-15")
def test_a_need_is_mapped_to_a_course_and_that_is_held(offices: Offices) -> None:
    """Promise: need N1 of hotel H1 gets course C1 with its day; done means with attendees."""
    office = offices("hotel-franchise")
    need = office.open("training_need", hotel="H1", need="前台英语", level="staff")
    assert refused(office.act, need, "carry_out", attendees=[{"name": "甲"}]) == "A-HTL-15"
    assert refused(office.act, need, "design") == "A-HTL-15"
    office.act(need, "design", course="C1", mapped_on="2026-06-10")
    assert refused(office.act, need, "carry_out") == "A-HTL-15"
    office.act(need, "carry_out", attendees=[{"name": "甲"}, {"name": "乙"}])
    shown = office.get(need)
    assert (shown["state"], shown["values"]["mapped_on"], shown["values"]["attended"]) == (
        "done",
        "2026-06-10",
        "2",
    )


@pytest.mark.parametrize(
    ("passed", "rate", "flags"),
    [(12, "100.0", []), (11, "91.7", ["all_passed"])],
)
@pytest.mark.rule("B-PRO-22")
def test_a_training_that_not_all_passed_is_flagged(
    offices: Offices, passed: int, rate: str, flags: list[str]
) -> None:
    """Promise: 12 of 12 are 100 %; 11 are not, and the record says so."""
    office = offices("property")
    people = [{"person": f"t-{each}", "present": True, "passed": each < passed} for each in range(12)]
    shown = office.get(held(office, "消防", people))
    assert (shown["values"]["pass_rate"], shown["flags"]) == (rate, flags)


@pytest.mark.rule("B-PRO-22")
def test_a_week_without_training_is_missing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: one training a week; the week of 4 May without one is in the list when it is over."""
    office = Office(tmp_path_factory.mktemp("weeks"), "property")
    held(office, "消防", rows(2, 2), day="2026-04-29")
    assert office.missing("training", "2026-05-10 23:00") == []
    (row,) = office.missing("training", "2026-05-11 00:00")
    assert (row["first_day"], row["source"]) == ("2026-05-04", "B-PRO-22")


@pytest.mark.rule("A-PRM-31")
def test_a_new_hire_is_helped_with_three_things(offices: Offices) -> None:
    """Promise: formalities, meals and lodging: 2 of 3 is not done, 3 of 3 is."""
    office = offices("property")
    record = office.open("arrival", person="n-9")
    office.act(record, "arrange", formalities=True, meals=True)
    assert office.get(record)["values"]["done"] == "2"
    assert refused(office.act, record, "finish") == "A-PRM-31"
    office.act(record, "finish", lodging=True)
    assert (office.get(record)["values"]["done"], office.get(record)["state"]) == ("3", "arrived")


SUBJECTS = {"handbook": True, "material": True, "post_rules": True, "confidentiality": True}


def learner(office: Office, person: str, subjects: dict[str, bool], score: int) -> str:
    """Return somebody who joined on 1 May, was taught ``subjects`` and examined with a pass mark of 60."""
    record = office.open("induction", person=person, joined_on="2026-05-01")
    office.act(record, "teach", office.by("u-9", BOSS), **subjects)
    office.act(record, "examine", office.by("u-9", BOSS), score=score, pass_mark=60)
    return record


@pytest.mark.rule("A-HOS-02")
def test_duty_begins_after_half_a_month_of_training(offices: Offices) -> None:
    """Promise: who joined on 1 May is refused duty on 15 May and may begin on 16 May."""
    office = offices("hospital")
    record = learner(office, "n-1", SUBJECTS, 80)
    assert (
        refused(office.act, record, "start_duty", office.by("u-9", BOSS), starts_on="2026-05-15")
        == "A-HOS-02"
    )
    assert (
        office.act(record, "start_duty", office.by("u-9", BOSS), starts_on="2026-05-16")["state"] == "on_duty"
    )


@pytest.mark.rule("A-HOS-03")
def test_training_is_complete_with_all_four_subjects(offices: Offices) -> None:
    """Promise: without the confidentiality rules it is incomplete, also for duty; 4 of 4 are complete."""
    office = offices("hospital")
    boss = office.by("u-9", BOSS)
    without = {key: True for key in SUBJECTS if key != "confidentiality"}
    record = learner(office, "n-2", without, 80)
    assert office.get(record)["values"]["subjects"] == "3"
    assert refused(office.act, record, "complete", boss) == "A-HOS-03"
    assert (
        refused(office.act, record, "start_duty", office.by("u-9", BOSS), starts_on="2026-05-16")
        == "A-HOS-03"
    )
    office.act(record, "teach", office.by("u-9", BOSS), confidentiality=True)
    assert office.act(record, "complete", office.by("u-9", BOSS))["state"] == "learning"
    assert office.get(record)["values"]["subjects"] == "4"


@pytest.mark.rule("A-HOS-04")
def test_nobody_goes_on_duty_who_did_not_pass(offices: Offices) -> None:
    """Promise: 55 with a pass mark of 60 is refused, 60 is allowed, and so is nobody without an exam."""
    office = offices("hospital")
    record = learner(office, "n-3", SUBJECTS, 55)
    duty = {"starts_on": "2026-05-16"}
    assert refused(office.act, record, "start_duty", office.by("u-9", BOSS), **duty) == "A-HOS-04"
    office.act(record, "examine", office.by("u-9", BOSS), score=60, pass_mark=60)
    assert office.act(record, "start_duty", office.by("u-9", BOSS), **duty)["state"] == "on_duty"


@pytest.mark.rule("A-HO2-01")
def test_duty_is_begun_after_the_exam_by_who_supervises(offices: Offices) -> None:
    """Promise: 4 of 4 subjects, 60 of 60 and 15 days allow 16 May; without an exam, or by himself, nobody begins."""
    office = offices("hospital")
    record = office.open("induction", person="n-4", joined_on="2026-05-01")
    office.act(record, "teach", office.by("u-9", BOSS), **SUBJECTS)
    assert (
        refused(office.act, record, "start_duty", office.by("u-9", BOSS), starts_on="2026-05-16")
        == "A-HO2-01"
    )
    office.act(record, "examine", office.by("u-9", BOSS), score=60, pass_mark=60)
    assert refused(office.act, record, "start_duty", office.by("n-4"), starts_on="2026-05-16") == "A-HO2-01"
    assert (
        office.act(record, "start_duty", office.by("u-9", BOSS), starts_on="2026-05-16")["state"] == "on_duty"
    )


@pytest.mark.rule("A-HOS-07")
def test_a_month_without_a_subject_is_listed(offices: Offices) -> None:
    """Promise: a plan has twelve different months; one without subject is listed until it has one."""
    office = offices("hospital")
    months = [{"month": month, "subject": "技能", "trainer": "护士长"} for month in range(1, 13)]
    assert refused(office.open, "year_plan", year="2024", months=months[:11]) == "A-HOS-07"
    assert refused(office.open, "year_plan", year="2024", months=[*months[:11], months[0]]) == "A-HOS-07"
    unled = [*months[:11], {"month": 12, "subject": "技能"}]
    assert refused(office.open, "year_plan", year="2024", months=unled) == "A-HOS-07"
    plan = office.open("year_plan", year="2024", months=[*months[:11], {"month": 12}])
    (gap,) = office.find("plan_gap", state="empty", where={"plan": plan})
    assert office.get(gap)["values"]["month"] == "12"
    assert refused(office.act, gap, "fill", subject="礼仪") == "A-HOS-07"
    office.act(gap, "fill", subject="礼仪", trainer="主任")
    assert office.find("plan_gap", state="empty", where={"plan": plan}) == []


@pytest.mark.parametrize(
    ("subject", "obligation", "taken", "over"),
    [
        pytest.param(
            "科室与门诊专家", "january", "2026-01-20", "2026-02-01", marks=pytest.mark.rule("A-HOS-08")
        ),
        pytest.param("礼仪检测", "etiquette", "2026-06-10", "2026-07-01", marks=pytest.mark.rule("A-HO2-04")),
    ],
)
def test_who_was_not_tested_in_time_is_listed(
    tmp_path_factory: pytest.TempPathFactory, subject: str, obligation: str, taken: str, over: str
) -> None:
    """Promise: of 30 staff the two without a result are in the list from the day after the test's time on."""
    staff = [f"s-{number}" for number in range(30)]
    own = f"registers: {{exam_result: {{obligations: {{{obligation}: {{of: {asked_of(*staff)}}}}}}}}}"
    office = Office(tmp_path_factory.mktemp("tests"), "hospital", own)
    for person in staff[:28]:
        office.open(
            "exam_result", office.by("u-9", BOSS), person=person, subject=subject, taken_on=taken, score=90
        )
    missing = [
        row for row in office.missing("exam_result", f"{over} 00:00") if row["obligation"] == obligation
    ]
    assert {row["for"] for row in missing} == {"s-28", "s-29"}
    assert {row["first_day"][:4] for row in missing} == {"2026"}


@pytest.mark.rule("A-HOS-09")
def test_one_of_two_courses_is_half(offices: Offices) -> None:
    """Promise: both courses of February stand in the sheet; one attended is 50 %, one alone refused."""
    office = offices("hospital")
    courses = [{"course": "service", "done": True}, {"course": "communication", "done": False}]
    record = office.open("february_courses", person="s-1", year="2026", courses=courses)
    assert office.get(record)["values"]["share"] == "50"
    refusal = refused(office.open, "february_courses", person="s-2", year="2026", courses=courses[:1])
    assert refusal == "A-HOS-09"


@pytest.mark.rule("A-HO2-02")
def test_the_sheet_shows_the_test_of_january_too(offices: Offices) -> None:
    """Promise: who took January's test and one of two courses shows both, and February at 50 %."""
    office = offices("hospital")
    courses = [{"course": "service", "done": False}, {"course": "communication", "done": True}]
    record = office.open("february_courses", person="s-3", year="2026", january_test=True, courses=courses)
    values = office.get(record)["values"]
    assert (values["january_test"], values["share"]) == (True, "50")


@pytest.mark.rule("A-HOS-10")
def test_a_lecture_shows_who_was_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: of 30 asked on 20 March 25 came; the 5 others are listed. No lecture by 30 April is missing."""
    office = Office(tmp_path_factory.mktemp("lecture"), "hospital")

    def missing() -> list[str]:
        rows = office.missing("training", "2026-05-01 00:00")
        return [str(row["source"]) for row in rows if row["obligation"] == "internal_marketing"]

    assert missing() == ["A-HOS-10"]
    lecture = held(office, "医院内部营销", rows(30, 25), day="2026-03-20")
    assert office.get(lecture)["values"]["came"] == "25"
    away = office.find("training_attendance", where={"training": lecture, "present": "false"})
    assert people_of(office, away) == {f"t-{number}" for number in range(25, 30)}
    assert missing() == []


@pytest.mark.rule("A-HO2-03")
def test_the_second_lecture_is_missed_on_the_first_of_may(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: with one of the two lectures held the other is flagged on 1 May, not on 30 April; with both, none."""
    office = Office(tmp_path_factory.mktemp("lectures"), "hospital")
    held(office, "医院内部营销", rows(30, 28), day="2026-03-20")

    def missing(at: str) -> list[str]:
        return [row["obligation"] for row in office.missing("training", at) if row["first_day"][:4] == "2026"]

    assert missing("2026-04-30 23:59") == []
    assert missing("2026-05-01 00:00") == ["practical_marketing"]
    held(office, "营销实战技巧讲座", rows(30, 26), day="2026-04-18")
    assert missing("2026-05-01 00:00") == []


@pytest.mark.rule("A-CCC-21")
def test_the_script_exam_opens_the_call_queue(offices: Offices) -> None:
    """Promise: 55 with a pass mark of 60 is refused, 60 allowed; neither without the three parts of the training."""
    office = offices("call-centre")
    record = office.open("induction", person="c-1")
    boss = office.by("u-9", BOSS)
    office.act(record, "teach", boss, culture=True, phone=True)
    office.act(record, "examine", office.by("u-9", BOSS), script_score=60, pass_mark=60)
    assert refused(office.act, record, "start_duty", office.by("u-9", BOSS)) == "A-CCC-21"
    office.act(record, "teach", office.by("u-9", BOSS), process=True)
    office.act(record, "examine", office.by("u-9", BOSS), script_score=55, pass_mark=60)
    assert refused(office.act, record, "start_duty", office.by("u-9", BOSS)) == "A-CCC-21"
    office.act(record, "examine", office.by("u-9", BOSS), script_score=60, pass_mark=60)
    assert office.act(record, "start_duty", office.by("u-9", BOSS))["state"] == "on_duty"


@pytest.mark.rule("A-CCC-22")
def test_five_of_six_topics_are_not_the_whole_bridging_training(offices: Offices) -> None:
    """Promise: five topics are incomplete, six complete."""
    office = offices("call-centre")
    record = office.open("bridging_training", person="c-1")
    five = ("sales_steps", "tone", "customer_types", "selling", "second_callback")
    office.act(record, "teach", office.by("u-9", BOSS), **dict.fromkeys(five, True))
    assert office.get(record)["values"]["done"] == "5"
    assert refused(office.act, record, "complete", office.by("u-9", BOSS)) == "A-CCC-22"
    assert office.act(record, "complete", office.by("u-9", BOSS), trade_news=True)["state"] == "complete"
    assert office.get(record)["values"]["done"] == "6"


#: Profile, register, obligation, what more the organisation says, whom it asks, what each gets, when it is looked.
ASKED = [
    ("call-centre", "A-TRV-07", "training_attendance", "weekly_meeting", "", "2026-05-18 00:00"),
    ("standard", "A-JD12-13", "training_attendance", "yearly", "", "2027-01-01 00:00"),
]


@pytest.mark.parametrize(
    ("profile", "rule", "register", "obligation", "more", "at"),
    [pytest.param(*row, marks=pytest.mark.rule(row[1])) for row in ASKED],
)
def test_who_was_at_no_training_in_the_period_is_listed(
    tmp_path_factory: pytest.TempPathFactory,
    profile: str,
    rule: str,
    register: str,
    obligation: str,
    more: str,
    at: str,
) -> None:
    """Promise: who was present is not in the list; who stayed away or was not asked is, by this rule."""
    own = f"registers: {{{register}: {{obligations: {{{obligation}: {{{more}of: {asked_of('S1', 'S2', 'S3')}}}}}}}}}"
    office = Office(tmp_path_factory.mktemp("asked"), profile, own)
    people = [{"person": "S1", "present": True}, {"person": "S2", "present": False}]
    held(office, "每周例会", people, day="2026-05-13")
    held(office, "每周例会", people, day="2026-05-14")
    missing = [row for row in office.missing(register, at) if row["obligation"] == obligation]
    assert [(row["for"], row["source"]) for row in missing] == [("S2", rule), ("S3", rule)]


@pytest.mark.rule("B-HOW-03")
def test_a_quarter_without_a_record_of_an_agent_is_missing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: skill, communication and problem solving are scored each quarter, for each; who has none is listed."""
    own = f"registers: {{training_appraisal: {{obligations: {{quarterly: {{of: {asked_of('S1', 'S2')}}}}}}}}}"
    office = Office(tmp_path_factory.mktemp("quarter"), "standard", own)
    scores = {"service": 80, "communication": 75, "problem": 90}
    boss = office.by("u-9", BOSS)
    assert refused(office.open, "training_appraisal", boss, person="S1", service=80) == "B-HOW-03"
    office.open("training_appraisal", office.by("u-9", BOSS), person="S1", made_on="2026-06-30", **scores)
    office.open("training_appraisal", office.by("u-9", BOSS), person="S2", made_on="2026-03-31", **scores)
    (row,) = office.missing("training_appraisal", "2026-07-01 00:00")
    assert (row["for"], row["first_day"], row["last_day"]) == ("S2", "2026-04-01", "2026-06-30")
    (row,) = office.missing("training_appraisal", "2026-06-30 23:59")
    assert (row["for"], row["first_day"]) == ("S1", "2026-01-01")


@pytest.mark.rule("A-WHB-14")
def test_the_archive_of_tests_shows_who_has_no_result(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise: asked quarterly by the organisation, nine of ten have a result in the archive; the tenth is listed."""
    people = [f"S{number}" for number in range(10)]
    periodic = f"periodic: {{every: quarter, of: {asked_of(*people)}, each: person, day_field: taken_on, name: 季度, "
    own = f"registers: {{exam_result: {{obligations: {{{periodic}source: organisation}}}}}}}}"
    office = Office(tmp_path_factory.mktemp("archive"), "property", own)
    for person in people[:9]:
        values = {"person": person, "subject": "业务知识", "taken_on": "2026-05-20", "score": 85}
        office.open("exam_result", office.by("u-9", BOSS), **values)
    assert [row["for"] for row in office.missing("exam_result", "2026-07-01 00:00")] == ["S9"]


@pytest.mark.parametrize(
    ("rule", "obligation", "of", "topic", "subject"),
    [
        pytest.param("A-GEN-04", "subjects", "", "product", "产品知识", marks=pytest.mark.rule("A-GEN-04")),
        pytest.param(
            "A-JD6-07", "courses", asked_of("PRODUCT"), None, "PRODUCT", marks=pytest.mark.rule("A-JD6-07")
        ),
    ],
)
def test_a_course_not_held_for_ninety_days_is_overdue(
    tmp_path_factory: pytest.TempPathFactory,
    rule: str,
    obligation: str,
    of: str,
    topic: str | None,
    subject: str,
) -> None:
    """Promise: with the organisation's 90 days a course last held on 10 January 2028 is overdue on 10 April."""
    days = "every_days: {value: 90, source: organisation}" + (f", of: {of}" if of else "")
    own = f"registers: {{training: {{obligations: {{{obligation}: {{{days}}}}}}}}}"
    office = Office(tmp_path_factory.mktemp("courses"), "standard", own)
    more = {"topic": topic} if topic else {}
    held(office, subject, rows(2, 2), day="2028-01-10", **more)

    def overdue(at: str) -> dict[str, str]:
        return {row["for"]: row["source"] for row in office.missing("training", at)}

    late, early = overdue("2028-04-10 00:00"), overdue("2028-04-09 23:59")
    assert late == early | {topic or subject: rule}
    assert (topic or subject) not in early
    assert set(early) == ({"communication", "conflict"} if topic else set())

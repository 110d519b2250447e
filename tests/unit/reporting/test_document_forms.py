"""Documents under control: drafted, published by whom it falls to, followed by a new version, read, reviewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ValidationFailed
from tests.unit.reporting.register_world import Office, beijing, refused

Offices = Callable[[str], Office]

#: Profile and the rule by which its documents follow each other.
VERSIONS = [
    pytest.param("logistics", "A-LOG-13", marks=pytest.mark.rule("A-LOG-13")),
    pytest.param("call-centre", "A-TEL-04", marks=pytest.mark.rule("A-TEL-04")),
    pytest.param("product-after-sales", "A-AFT-02", marks=pytest.mark.rule("A-AFT-02")),
    pytest.param("standard", "B-SFM-10", marks=pytest.mark.rule("B-SFM-10")),
]
#: Profile, rule, who drafts, who may not publish, who may.
PUBLISHERS = [
    ("logistics", "A-LOG-30", "retention_manager", "agent", "retention_manager"),
    ("logistics", "A-LOG-41", "front_desk_supervisor", "front_desk_supervisor", "manager"),
    ("logistics", "A-LOG-55", "call_centre_supervisor", "call_centre_supervisor", "manager"),
    ("real-estate", "A-RES-01", "cs_head", "cs_head", "general_manager"),
    ("commercial-plaza", "B-JKC-08", "project_operation_unit", "manager", "project_operation_unit"),
]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Offices:
    """Give one office for each profile; no test of this module moves its time or looks at another's documents."""
    built: dict[str, Office] = {}

    def of(profile: str) -> Office:
        if profile not in built:
            built[profile] = Office(tmp_path_factory.mktemp("documents"), profile)
        return built[profile]

    return of


def draft(office: Office, title: str, version: str, *roles: str, actor: str = "p-1", **values: Any) -> str:
    values = {"kind": "norm", "content": "接听礼仪", **values}
    return office.open("service_document", office.by(actor, *roles), title=title, version=version, **values)


def publish(office: Office, document: str, role: str = "manager", **values: Any) -> None:
    office.act(document, "publish", office.by("u-9", role), **values)


def held_on(office: Office, title: str, day: str) -> list[str]:
    """Return the versions of a document that held on a day."""
    found = office.find("service_document", where={"title": title}, held_on=date.fromisoformat(day))
    return [office.get(each)["values"]["version"] for each in found]


@pytest.mark.parametrize(("profile", "rule"), VERSIONS)
def test_a_new_version_supersedes_the_one_before_which_stays_readable(
    offices: Offices, profile: str, rule: str
) -> None:
    """Promise: v1 ends when v2 is published, by this rule and no hand; it can be read, and held until then."""
    office, title = offices(profile), f"{rule} 服务规范"
    first = draft(office, title, "v1", "manager")
    publish(office, first, effective_from="2026-04-01")
    second = draft(office, title, "v2", "manager")
    assert office.get(first)["state"] == "published"
    assert refused(office.act, first, "supersede", office.by("u-9", "manager")) == rule
    publish(office, second, effective_from="2026-05-06")
    earlier = office.get(first)
    assert (earlier["state"], earlier["values"]["content"]) == ("superseded", "接听礼仪")
    assert office.get(second)["state"] == "published"
    assert held_on(office, title, "2026-05-05") == ["v1"]
    assert held_on(office, title, "2026-05-06") == ["v2"]


@pytest.mark.rule("A-LOG-53")
def test_a_policy_keeps_its_author_and_the_cases_of_then_their_version(offices: Offices) -> None:
    """Promise: v2 says who wrote it and when, whatever anybody types; cases of 1 May are shown v1."""
    office, title = offices("logistics"), "A-LOG-53 后期服务政策"
    with pytest.raises(ValidationFailed):
        draft(office, title, "v1", "post_service_supervisor", author="p-7")
    publish(office, draft(office, title, "v1", "post_service_supervisor"), effective_from="2026-04-01")
    second = draft(office, title, "v2", "post_service_supervisor")
    publish(office, second)
    values = office.get(second)["values"]
    assert (values["author"], values["drafted_on"]) == ("p-1", "2026-05-06")
    assert held_on(office, title, "2026-05-01") == ["v1"]
    assert values["effective_from"] == "2026-05-06"


@pytest.mark.rule("A-JD2-06")
def test_a_rule_with_a_later_day_holds_from_that_day(offices: Offices) -> None:
    """Promise: v2 in force from 1 June is published in May, and May still goes by v1."""
    office, title = offices("standard"), "A-JD2-06 交付与维修管理办法"
    publish(office, draft(office, title, "v1"), effective_from="2026-01-01")
    publish(office, draft(office, title, "v2"), effective_from="2026-06-01")
    assert held_on(office, title, "2026-05-31") == ["v1"]
    assert held_on(office, title, "2026-06-01") == ["v2"]
    assert held_on(office, title, "2025-12-31") == []


@pytest.mark.parametrize(
    ("profile", "rule", "drafts", "may_not", "may"),
    [pytest.param(*row, marks=pytest.mark.rule(row[1])) for row in PUBLISHERS],
)
def test_a_draft_stays_one_until_it_is_published_by_whom_it_falls_to(
    offices: Offices, profile: str, rule: str, drafts: str, may_not: str, may: str
) -> None:
    """Promise: whoever drafts leaves a draft; others are refused, and the one named by the handbook publishes it."""
    office = offices(profile)
    kind = "standard" if profile != "real-estate" else "rule"
    more = {"subject": "workflow"} if kind == "rule" else {}
    document = draft(office, f"{rule} 标准", "v1", drafts, kind=kind, **more)
    assert office.get(document)["state"] == "draft"
    refused(office.act, document, "publish", office.by("u-2", may_not))
    assert office.get(document)["state"] == "draft"
    publish(office, document, may)
    assert office.get(document)["state"] == "published"


@pytest.mark.rule("B-JKC-08")
def test_only_the_operation_unit_edits_what_it_owns(offices: Offices) -> None:
    """Promise: nobody else opens, changes or publishes a document of customer relations."""
    office = offices("commercial-plaza")
    others = ("manager", "supervisor", "cs_head")
    assert refused(draft, office, "投诉处理标准", "v1", *others, kind="standard") == "B-JKC-08"
    document = draft(office, "投诉处理标准", "v1", "project_operation_unit", kind="standard")
    assert refused(office.act, document, "revise", office.by("p-1", *others), content="改") == "B-JKC-08"
    assert refused(office.act, document, "publish", office.by("p-1", *others)) == "B-JKC-08"


@pytest.mark.rule("B-JKC-09")
def test_grades_are_passed_on_by_the_operation_unit_alone(offices: Offices) -> None:
    """Promise: the batch of a month comes from the unit, once, and waits for the leader's decision."""
    office = offices("commercial-plaza")
    batch: dict[str, Any] = {
        "period": "2025-01",
        "projects": [{"project": "P1", "graded": 30}, {"project": "P2", "graded": 12}],
    }
    assert refused(office.open, "grade_batch", office.by("u-2", "manager"), **batch) == "B-JKC-09"
    record = office.open("grade_batch", office.by("u-1", "project_operation_unit"), **batch)
    assert office.get(record)["values"]["graded"] == "42"
    assert (
        refused(office.open, "grade_batch", office.by("u-1", "project_operation_unit"), **batch) == "B-JKC-09"
    )
    assert office.act(record, "approve", office.by("u-9", "manager"), decision="同意")["state"] == "approved"


@pytest.mark.rule("A-LOG-46")
def test_a_draft_is_edited_and_what_is_published_is_not(offices: Offices) -> None:
    """Promise: the post-service supervisor puts draft v2 right; v1, published, stays as it is."""
    office, title = offices("logistics"), "A-LOG-46 后期服务流程"
    supervisor = office.by("p-2", "post_service_supervisor")
    first = draft(office, title, "v1", "manager", kind="process")
    publish(office, first)
    second = draft(office, title, "v2", "manager", kind="process")
    office.act(second, "revise", supervisor, content="回访三问")
    assert office.get(second)["values"]["content"] == "回访三问"
    assert refused(office.act, first, "revise", supervisor, content="改") == "A-LOG-46"
    assert refused(office.act, second, "revise", office.by("p-3"), content="改") == "A-LOG-46"


@pytest.mark.rule("A-LOG-70")
def test_staff_comment_on_a_draft_and_publish_nothing(offices: Offices) -> None:
    """Promise: what post-service staff say of draft v3 is kept with who said it; publishing is refused to them."""
    office = offices("logistics")
    third = draft(office, "A-LOG-70 服务计划", "v3", "manager", kind="plan")
    said = office.open("document_comment", office.by("p-4"), document=third, comment="加上雨季时效")
    assert (
        office.get(said)["values"] | {"said_by": "p-4", "comment": "加上雨季时效"}
        == office.get(said)["values"]
    )
    assert refused(office.open, "document_comment", office.by("p-4"), document=third) == "A-LOG-70"
    refused(office.act, third, "publish", office.by("p-4"))
    assert office.find("document_comment", where={"document": third}) == [said]
    publish(office, third)
    refused(office.open, "document_comment", office.by("p-4"), document=third, comment="晚了")


@pytest.mark.rule("A-PRM-05")
def test_a_page_of_the_handbook_is_published_with_three_names_and_a_date(offices: Offices) -> None:
    """Promise: without who wrote, reviewed or approved it, or without the date, it stays a draft."""
    office = offices("property")
    document = draft(office, "A-PRM-05 前台手册", "v1", "cs_head")
    signed = {"written_by": "甲", "reviewed_by": "乙", "approved_by": "丙", "approved_on": "2026-05-06"}
    for lacking in signed:
        given = {key: value for key, value in signed.items() if key != lacking}
        assert refused(publish, office, document, **given) == "A-PRM-05"
    publish(office, document, **signed)
    assert office.get(document)["state"] == "published"


@pytest.mark.rule("A-TRV-12")
def test_a_standard_has_a_metric_and_a_target(offices: Offices) -> None:
    """Promise: answer time 20 s is taken; without target or metric it is refused. A process needs neither."""
    office = offices("call-centre")
    values = {"kind": "standard", "metric": "接听时长", "unit": "秒"}
    assert refused(draft, office, "A-TRV-12 接听标准", "v1", **values) == "A-TRV-12"
    unmeasured = {"kind": "standard", "target": 20}
    assert refused(draft, office, "A-TRV-12 接听标准", "v1", **unmeasured) == "A-TRV-12"
    assert office.get(draft(office, "A-TRV-12 接听标准", "v1", **values, target=20))["state"] == "draft"
    assert draft(office, "A-TRV-12 接听流程", "v1", kind="process")


def evaluated(office: Office, title: str) -> str:
    document = draft(office, title, "v1", kind="standard", metric="接听时长", target=20)
    publish(office, document)
    return document


@pytest.mark.rule("A-TRV-13")
def test_an_evaluation_has_a_score_and_says_what_is_to_be_better(offices: Offices) -> None:
    """Promise: a score without an improvement, or the other way round, is refused; of a draft there is none."""
    office = offices("call-centre")
    document = evaluated(office, "A-TRV-13 接听标准")
    assert refused(office.open, "document_evaluation", document=document, score=4) == "A-TRV-13"
    assert refused(office.open, "document_evaluation", document=document, improvement="增线") == "A-TRV-13"
    assert (
        refused(office.open, "document_evaluation", document=document, score=6, improvement="增线")
        == "A-TRV-13"
    )
    assert office.open("document_evaluation", document=document, score=4, improvement="增线")


@pytest.mark.rule("A-TRV-14")
def test_the_department_evaluates_itself_unless_somebody_else_is_named(tmp_path: Path) -> None:
    """Promise: one evaluation without an evaluator is the department's own: self 1, external 0."""
    office = Office(tmp_path, "call-centre")
    values = {"document": evaluated(office, "接听标准"), "improvement": "增线"}
    record = office.open("document_evaluation", **values, score=4)
    assert office.get(record)["values"] | {"evaluator": "self", "score": "4"} == office.get(record)["values"]
    assert office.figures("document_evaluation", "evaluator")["by_field"] == {"self": 1}
    assert refused(office.open, "document_evaluation", **values, score=4, evaluator="nobody") == "A-TRV-14"


@pytest.mark.rule("A-JD10-02")
def test_how_many_cases_followed_a_process_is_a_share(offices: Offices) -> None:
    """Promise: process v2 is approved by the manager; 18 of 20 cases followed it: 90 %, 21 of 20 is refused."""
    office, title = offices("standard"), "A-JD10-02 投诉流程"
    second = draft(office, title, "v2", kind="process")
    assert refused(office.act, second, "publish", office.by("u-2", "supervisor")) == "A-JD10-02"
    publish(office, second)
    audit = office.open("document_evaluation", document=second, looked_at=20, followed=18)
    assert office.get(audit)["values"]["share"] == "90"
    assert (
        refused(office.open, "document_evaluation", document=second, looked_at=20, followed=21) == "A-JD10-02"
    )


@pytest.mark.rule("A-JD13-01")
def test_a_tool_with_ten_items_scores_a_project(offices: Offices) -> None:
    """Promise: ten items of 10 points give project P1 87 of 100; an item above its full marks is refused."""
    office = offices("standard")
    tool = draft(office, "A-JD13-01 客户关系评价表", "v1", kind="tool")
    publish(office, tool)
    points = [9, 9, 8, 9, 8, 9, 9, 8, 9, 9]
    rows = [{"item": f"项目{number}", "score": each, "most": 10} for number, each in enumerate(points)]
    values = office.get(office.open("document_evaluation", document=tool, about="P1", items=rows))["values"]
    assert (values["scored"], values["full"]) == ("87", "100")
    over = [*rows[1:], {"item": "项目0", "score": 11, "most": 10}]
    assert refused(office.open, "document_evaluation", document=tool, about="P1", items=over) == "A-JD13-01"


@pytest.mark.rule("A-JD8-02")
def test_a_rule_that_is_applied_shows_which_posts_were_trained(offices: Offices) -> None:
    """Promise: 2 of 3 posts trained are counted, and the rule is flagged until all are."""
    office = offices("standard")
    rule = draft(office, "A-JD8-02 服务规范", "v1")
    publish(office, rule, effective_from="2026-05-01")
    posts = [{"post": post, "trained": post != "维修"} for post in ("前台", "客服", "维修")]
    values = {"document": rule, "applied_from": "2026-05-01"}
    record = office.open("document_application", **values, posts=posts)
    shown = office.get(record)
    assert (shown["values"]["posts_trained"], shown["values"]["posts_in_all"]) == ("2", "3")
    assert shown["flags"] == ["everywhere"]
    office.correct(record, office.by("u-1"), posts=[each | {"trained": True} for each in posts])
    assert office.get(record)["flags"] == []


@pytest.mark.rule("A-JD13-04")
def test_a_practice_taken_over_by_four_of_six_cities_is_counted(offices: Offices) -> None:
    """Promise: 4 of 6 are counted; a city that adopted it says what it brought there."""
    office = offices("standard")
    cities = ["上海", "杭州", "苏州", "无锡", "宁波", "嘉兴"]
    rows: list[dict[str, Any]] = [{"place": city, "adopted": False} for city in cities]
    taken = [row | {"adopted": True, "evaluation": "投诉下降"} for row in rows[:4]]
    record = office.open("good_practice", practice="入住前预验", places=[*taken, *rows[4:]])
    values = office.get(record)["values"]
    assert (values["adopted"], values["asked"]) == ("4", "6")
    unjudged = [{"place": "上海", "adopted": True}]
    assert refused(office.open, "good_practice", practice="入住前预验", places=unjudged) == "A-JD13-04"


@pytest.mark.rule("B-CPF-02")
def test_a_standard_without_its_appraisal_is_warned_of(offices: Offices) -> None:
    """Promise: a standard that does not say how it is appraised is flagged; with it, or as a process, it is not."""
    office = offices("standard")
    lacking = draft(
        office, "B-CPF-02 服务标准", "v1", kind="standard", goal="优质服务", execution="三声内接听"
    )
    whole = draft(office, "B-CPF-02 服务标准", "v2", kind="standard", appraisal="月度评分")
    draft(office, "B-CPF-02 流程", "v1", kind="process")
    assert office.find("service_document", flag="appraised") == [lacking]
    assert office.get(whole)["flags"] == []


@pytest.mark.rule("B-ONS-07")
def test_the_register_of_rules_counts_five_types_each_with_its_version(tmp_path: Path) -> None:
    """Promise: a rule is of one of five types and has a version; one without is refused."""
    office = Office(tmp_path, "standard")
    types = ["reception", "workflow", "training", "rewards", "secrecy"]
    for kind in types:
        draft(office, f"{kind} 制度", "v1", kind="rule", subject=kind)
    assert office.figures("service_document", "subject")["by_field"] == dict.fromkeys(types, 1)
    assert refused(draft, office, "另一制度", "v1", kind="rule") == "B-ONS-07"
    assert refused(draft, office, "另一制度", "v1", kind="rule", subject="kitchen") == "B-ONS-07"
    unversioned = {"title": "另一制度", "kind": "rule", "subject": "workflow", "content": "略"}
    assert refused(office.open, "service_document", **unversioned) == "B-ONS-07"


@pytest.mark.rule("B-ONS-06")
@pytest.mark.rule("B-CPF-07")
def test_a_process_shows_when_it_is_looked_over_next(offices: Offices) -> None:
    """Promise: the date of the next review stands with what is published; a review says what was found."""
    office = offices("standard")
    process = draft(office, "B-ONS-06 接待流程", "v1", kind="process", review_on="2026-06-01")
    publish(office, process)
    boss = office.by("u-9", "manager")
    assert office.find("service_document", where={"review_on": "2026-06-01"}) == [process]
    assert refused(office.act, process, "confirm", boss, review_on="2026-12-01") == "B-CPF-07"
    office.act(process, "confirm", boss, review="仍适用", review_on="2026-12-01")
    values = office.get(process)["values"]
    assert (values["review_on"], values["review"]) == ("2026-12-01", "仍适用")


@pytest.mark.rule("B-ONS-08")
def test_a_rule_whose_review_date_has_passed_is_in_the_list(tmp_path: Path) -> None:
    """Promise: it is late from the end of its day on, and no longer once it was looked over."""
    office = Office(tmp_path, "standard")
    due, later = (draft(office, f"制度{day}", "v1", review_on=f"2026-06-{day}") for day in ("01", "20"))
    publish(office, due)
    publish(office, later)
    office.pass_time(beijing("2026-06-01 23:59"))
    assert office.find("service_document", overdue=True) == []
    office.pass_time(beijing("2026-06-02 00:01"))
    assert office.find("service_document", overdue=True) == [due]
    assert office.told(due, "clock_breached")[0]["source"] == "B-ONS-08"
    office.act(due, "confirm", office.by("u-9", "manager"), review="适用", review_on="2026-12-01")
    assert office.find("service_document", overdue=True) == []


@pytest.mark.rule("A-JD5-05")
def test_a_rule_reviewed_twelve_months_ago_is_listed(tmp_path: Path) -> None:
    """Promise: with the organisation's limit of 365 days a rule nobody looked over since is late."""
    limit = """
registers:
  service_document:
    clocks:
      renewed:
        name: 年度复审
        starts: [publish, confirm]
        ends: confirm
        within: {amount: 365, unit: days, source: organisation}
        source: organisation
"""
    office = Office(tmp_path, "standard", limit)
    boss = office.by("u-9", "manager")
    old, fresh = (draft(office, f"制度{each}", "v1") for each in "甲乙")
    publish(office, old)
    publish(office, fresh)
    office.pass_time(beijing("2026-12-01 09:00"))
    assert (
        refused(office.act, fresh, "confirm", office.by("u-2"), review="好", review_on="2027-12-01")
        == "A-JD5-05"
    )
    office.act(fresh, "confirm", boss, review="好", review_on="2027-12-01")
    office.pass_time(beijing("2027-05-06 09:01"))
    assert office.find("service_document", overdue=True) == [old]


#: Profile, rule, kind, title, how many are to read it, how many have.
NEWS = [
    ("standard", "A-GEN-13", "product", "新品上线", 10, 9),
    ("property", "A-WHB-13", "notice", "停水通知", 10, 8),
    ("hotel-franchise", "A-HTL-12", "statistics", "酒店入住率统计", 20, 15),
]


@pytest.mark.parametrize(
    ("profile", "rule", "kind", "title", "asked", "done"),
    [pytest.param(*row, marks=pytest.mark.rule(row[1])) for row in NEWS],
)
def test_who_has_not_read_what_was_sent_round_is_listed(
    offices: Offices, profile: str, rule: str, kind: str, title: str, asked: int, done: int
) -> None:
    """Promise: each reader gives a receipt of its own hand; the others are in the list by name."""
    office = offices(profile)
    readers = [f"r-{number}" for number in range(asked)]
    rows = [{"reader": reader} for reader in readers]
    news = office.open("news", kind=kind, title=title, content="详见附件", readers=rows)
    receipts = {
        office.get(each)["values"]["reader"]: each for each in office.find("reading", where={"news": news})
    }
    assert sorted(receipts) == sorted(readers)
    assert refused(office.act, receipts[readers[0]], "read", office.by("somebody", "manager")) == rule
    for reader in readers[:done]:
        office.act(receipts[reader], "read", office.by(reader))
    unread = office.find("reading", where={"news": news}, state="unread")
    assert {office.get(each)["values"]["reader"] for each in unread} == set(readers[done:])


@pytest.mark.rule("A-LOG-20")
def test_a_note_on_a_regulation_is_found_by_its_keyword(offices: Offices) -> None:
    """Promise: note N1 of 1 May has its date and is found by each of its words; a note dated nothing is not."""
    office = offices("logistics")
    words = [{"word": "冷链"}, {"word": "运输许可"}]
    note = office.open(
        "news", kind="regulation", title="N1", dated="2024-05-01", content="食品运输新规", keywords=words
    )
    assert office.find("news", where={"keywords.word": "冷链"}) == [note]
    assert office.find("news", where={"keywords.word": "运输许可", "dated": "2024-05-01"}) == [note]
    assert office.find("news", where={"keywords.word": "关税"}) == []


@pytest.mark.rule("A-PRM-13")
def test_a_steward_who_read_four_of_five_rules_knows_eighty_percent(offices: Offices) -> None:
    """Promise: of a rule in each of the five fields four were read: 80 %; a field the city does not have is refused."""
    office = offices("property")
    fields = ["property", "sanitation", "greening", "security", "fire"]
    rows = [{"subject": each, "rule": "条例", "read": each != "fire"} for each in fields]
    record = office.open("steward_knowledge", steward="s-1", rules=rows)
    assert office.get(record)["values"]["share"] == "80"
    odd = [{"subject": "tax", "rule": "条例", "read": True}]
    assert refused(office.open, "steward_knowledge", steward="s-2", rules=odd) == "A-PRM-13"

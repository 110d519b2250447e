"""What each profile makes of a case: level, clocks and due instants, worked out by hand from the handbooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kefu.regulation.explaining import Explained, explain
from kefu.regulation.facts import read_facts
from kefu.regulation.library import Library, own_place, read_library
from services.complaints.domain.checks import check_step
from services.complaints.domain.rulebook import ClockStart, ComplaintRules, Step
from services.complaints.domain.timing import Timing
from services.intake.domain.rulebook import IntakeRules
from shared.clocks import State
from shared.errors import RuleRefused
from shared.worktime import Calendars
from tests.every_role import EVERY_ROLE

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROFILES = (
    "retail-chain",
    "commercial-plaza",
    "property",
    "real-estate",
    "online-store",
    "it-service",
    "auto-dealer",
    "membership",
    "call-centre",
    "logistics",
    "product-after-sales",
    "cable-tv",
    "hotel-franchise",
    "terminal-services",
    "project-delivery",
    "hospital",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """One organisation for each profile, called like it with ``-org``, that decides nothing itself."""
    directory = tmp_path_factory.mktemp("organisations")
    for number, profile in enumerate(PROFILES):
        text = (
            f"org: {profile}-org\nname: 测试\nprofile: {profile}\nnumber_prefix: T{number}\n"
            f"calendar: cn\ntime_zone: Asia/Shanghai\npublishers: [hotline]\nroles: [{EVERY_ROLE}]\n"
        )
        (directory / f"{profile}-org.yaml").write_text(text, encoding="utf-8")
    return read_library(own_place(directory)).sound()


def told(library: Library, profile: str, **facts: Any) -> Explained:
    return explain(library, f"{profile}-org", read_facts(json.dumps(facts), NOW))


def due(told: Explained) -> dict[str, str]:
    """Return the due instants, to the second, without the offset, which is Shanghai's in every row here."""
    assert all(clock["due"].endswith("+08:00") for clock in told.clocks)
    return {clock["name"]: clock["due"].removesuffix("+08:00") for clock in told.clocks}


#: Wednesday 5 March 2025, and what is accepted in the same moment.
WEDNESDAY = {"received_at": "2025-03-05T10:00:00+08:00", "valid": True}
#: The last Saturday of April 2025 is worked, 1 to 5 May are days off.
BEFORE_MAY = {"received_at": "2025-04-25T10:00:00+08:00", "valid": True}

CASES = [
    pytest.param(
        "commercial-plaza",
        {**WEDNESDAY, "amount": "5000"},
        "general",
        {"first_contact": "2025-03-05T13:00:00", "close": "2025-03-11T00:00:00"},
        marks=pytest.mark.rule("B-JKC-40", "B-JKC-52", "B-JKC-54"),
        id="general, in time through Monday 10 March",
    ),
    pytest.param(
        "commercial-plaza",
        {**WEDNESDAY, "households": 7},
        "important",
        {"first_contact": "2025-03-05T13:00:00", "close": "2025-03-15T00:00:00"},
        marks=pytest.mark.rule("B-JKC-41", "B-JKC-55"),
        id="important, in time through Friday 14 March",
    ),
    pytest.param(
        "commercial-plaza",
        {**WEDNESDAY, "households": 10},
        "major",
        {"first_contact": "2025-03-05T13:00:00", "close": "2025-03-27T00:00:00"},
        marks=pytest.mark.rule("B-JKC-42", "B-JKC-56"),
        id="major, in time through Wednesday 26 March",
    ),
    pytest.param(
        "commercial-plaza",
        BEFORE_MAY,
        "general",
        # Counted are Sunday 27 April, a make-up day, Monday 28 and Tuesday 29.
        {"first_contact": "2025-04-25T13:00:00", "close": "2025-04-30T00:00:00"},
        marks=pytest.mark.rule("B-JKC-54"),
        id="a make-up working day counts",
    ),
    pytest.param(
        "commercial-plaza",
        {**WEDNESDAY, "decided_at": "2025-03-06T09:00:00+08:00"},
        "general",
        {"first_contact": "2025-03-05T13:00:00", "close": "2025-03-12T00:00:00"},
        marks=pytest.mark.rule("B-JKC-54"),
        id="closing counts from acceptance, first contact from receipt",
    ),
    pytest.param(
        "retail-chain",
        {"received_at": "2025-03-03T09:00:00+08:00"},
        "standard",
        {"close": "2025-03-11T00:00:00"},
        marks=pytest.mark.rule("B-RET-32"),
        id="seven calendar days, in time all through 10 March",
    ),
    pytest.param(
        "property",
        {"received_at": "2025-05-01T10:00:00+08:00", "valid": True},
        "standard",
        {"reply": "2025-05-01T12:00:00", "handled": "2025-05-02T10:00:00"},
        marks=pytest.mark.rule("A-PRM-08"),
        id="handled in 24 hours, days off or not",
    ),
    pytest.param(
        "property",
        {
            "received_at": "2025-03-03T09:00:00+08:00",
            "valid": False,
            "decided_at": "2025-03-03T09:30:00+08:00",
        },
        "standard",
        {"invalid_reply": "2025-03-03T11:30:00"},
        marks=pytest.mark.rule("B-PRO-11"),
        id="an invalid one is answered within 2 hours of that finding, and nothing else runs",
    ),
    pytest.param(
        "real-estate",
        {"received_at": "2025-03-03T16:00:00+08:00"},
        "general",
        {"handled": "2025-03-07T00:00:00"},
        marks=pytest.mark.rule("B-RES-14"),
        id="a general complaint within three days, in time all through 6 March",
    ),
    pytest.param(
        "real-estate",
        {"received_at": "2025-03-03T16:00:00+08:00", "amount": "0.01"},
        "major",
        {},
        marks=pytest.mark.rule("B-RES-14"),
        id="one about compensation goes by special rules, which give no time",
    ),
    pytest.param("online-store", WEDNESDAY, "standard", {}, id="online store: at once, no number"),
    pytest.param("it-service", WEDNESDAY, "standard", {}, id="IT service: no time for a complaint"),
    pytest.param("auto-dealer", WEDNESDAY, "standard", {}, id="car dealer: a heading without times"),
    pytest.param("membership", WEDNESDAY, "standard", {}, id="members: nothing on complaints"),
    pytest.param("call-centre", WEDNESDAY, "standard", {}, id="call centre: no time for a complaint"),
    pytest.param("logistics", WEDNESDAY, "standard", {}, id="logistics: promptly, no number"),
    pytest.param(
        "product-after-sales", WEDNESDAY, "standard", {}, id="after-sales of products: headings only"
    ),
]


@pytest.mark.parametrize(("profile", "facts", "level", "clocks"), CASES)
def test_a_case_gets_the_level_and_the_deadlines_of_its_handbook(
    profile: str, facts: dict[str, Any], level: str, clocks: dict[str, str], library: Library
) -> None:
    """Worked out by hand; a handbook that is silent arms nothing."""
    found = told(library, profile, **facts)

    assert (found.level["code"], due(found)) == (level, clocks)


@pytest.mark.parametrize(
    ("profile", "step", "roles"),
    [
        ("retail-chain", "reply", {"ops_cs": "B-RET-15"}),
        ("property", "reply", {"duty_staff": "B-PRO-11", "property_clerk": "B-CCP-23"}),
        ("real-estate", "reply", {"cs_staff": "B-RES-15"}),
        ("online-store", "reply", {"complaint_handler": "B-MBY-16"}),
        ("online-store", "decide_validity", {"complaint_handler": "B-MBY-15"}),
        ("online-store", "close", {"complaint_handler": "B-MBY-17"}),
        ("call-centre", "handle", {"after_sales": "A-CCC-12"}),
        ("call-centre", "reply", {"after_sales": "A-CCC-12"}),
        ("membership", "reply", {"complaint_handler": "design", "cs_head": "design"}),
    ],
)
def test_a_step_is_taken_by_those_the_handbook_names(
    profile: str, step: str, roles: dict[str, str], library: Library
) -> None:
    """Each role with the rule that gives it the step; where the handbook names nobody, the mechanism does."""
    steps = {row["step"]: row for row in told(library, profile).steps}

    assert {grant["role"]: grant["source"] for grant in steps[step]["roles"]} == roles


@pytest.mark.rule("A-CCC-12")
def test_complaints_are_the_after_sales_groups_work_and_not_telemarketings(library: Library) -> None:
    """In a call centre the step is refused to a telemarketing agent, in the name of the rule."""
    rules: ComplaintRules = library.of_name("call-centre", NOW).parts["complaints"].sections

    check_step(Step.HANDLE, rules, ["after_sales"], "phone")
    with pytest.raises(RuleRefused) as refused:
        check_step(Step.HANDLE, rules, ["telemarketing"], "phone")
    assert refused.value.rule == "A-CCC-12"


@pytest.mark.parametrize(
    ("profile", "category", "name", "target", "source"),
    [
        ("real-estate", "query", "质疑", "service_desk", "A-RES-08"),
        ("real-estate", "complaint", "投诉", "complaint_handler", "A-RES-08"),
        ("call-centre", "complaint", "投诉", "telemarketing", "A-TEL-09"),
        ("call-centre", "registration", "业务登记", "service_desk", "B-TEL-07"),
        ("call-centre", "enquiry", "业务咨询", "telemarketing", "A-TEL-09"),
        ("call-centre", "fault_report", "申告建议", "service_desk", "B-TEL-07"),
        ("auto-dealer", "repair", "报修", "service_desk", "design"),
    ],
)
def test_contacts_are_of_the_kinds_the_handbook_lists_and_go_to_whom_it_names(
    profile: str, category: str, name: str, target: str, source: str, library: Library
) -> None:
    """Kinds of the handbook beside those of the standard, each with its rule."""
    rules: IntakeRules = library.of_name(profile, NOW).parts["intake"].sections

    found = rules.category(category)
    assert found is not None
    assert (found.name, found.target, found.source) == (name, target, source)


def test_a_case_that_becomes_one_of_compensation_has_no_limit_any_more(library: Library) -> None:
    """The three days of a general complaint end with its level; nothing takes their place."""
    rules: ComplaintRules = library.of_name("real-estate", NOW).parts["complaints"].sections
    timing = Timing(rules, Calendars().by_name("cn"))
    begun = timing.begin(ClockStart.RECEIVED, NOW, "general", valid=None)

    after = timing.relevel(begun, "major", NOW)

    assert [deadline.state for deadline in begun] == [State.RUNNING]
    assert [deadline.state for deadline in after] == [State.SUPERSEDED]


def test_an_explanation_names_every_test_and_which_one_decided(library: Library) -> None:
    """From the highest level down, with the fact that was looked at."""
    level = told(library, "commercial-plaza", households=7, amount="6000", **WEDNESDAY).level

    assert level["because"] == ["households", "amount"]
    assert [
        (test["level"], test["test"], test["wanted"], test["fact"], test["met"]) for test in level["tests"]
    ] == [
        ("major", "households", "from 10", 7, False),
        ("major", "amount", "from 50000 yuan", "6000", False),
        ("important", "households", "from 5", 7, True),
        ("important", "amount", "above 5000 yuan", "6000", True),
        ("important", "media", "yes", False, False),
        ("important", "lawsuit", "yes", False, False),
    ]
    assert {test["source"] for test in level["tests"]} == {"B-JKC-41", "B-JKC-42"}


def test_a_clock_is_told_with_start_calendar_source_and_warnings(library: Library) -> None:
    """Everything one needs to check the date by hand."""
    found = told(library, "commercial-plaza", **WEDNESDAY)
    clock = found.clocks[0]

    assert (clock["name"], clock["starts"], clock["ends"]) == ("first_contact", "received", "contacted")
    assert (clock["duration"], clock["source"], clock["provisional"]) == ("3 hours", "B-JKC-52", False)
    assert (clock["started_at"], clock["calendar"]) == ("2025-03-05T10:00:00+08:00", "cn")
    assert clock["calendar_version"] == Calendars().by_name("cn").version
    assert [(row["point"], row["at"][11:16]) for row in clock["warnings"]] == [
        (50, "11:30"),
        (75, "12:15"),
        (90, "12:42"),
    ]
    json.dumps(found.as_dict())


def test_a_date_beyond_the_official_days_is_told_to_be_provisional(library: Library) -> None:
    """It may still move when the days off of that year come out."""
    found = told(library, "commercial-plaza", received_at="2026-12-30T10:00:00+08:00", valid=True)

    assert {clock["name"]: clock["provisional"] for clock in found.clocks}["close"] is True


@pytest.mark.parametrize(
    ("profile", "facts", "clock", "why"),
    [
        ("commercial-plaza", {}, "close", "begins when the case is accepted"),
        ("commercial-plaza", {"valid": False}, "close", "runs only on valid cases"),
        ("property", {}, "invalid_reply", "begins when the case is found invalid"),
        ("property", {"valid": True}, "invalid_reply", "runs only on invalid cases"),
        ("property", {"valid": False}, "handled", "runs only on valid cases"),
        ("real-estate", {"amount": 1}, "handled", "level major has no limit"),
    ],
)
def test_a_clock_that_does_not_run_is_told_with_the_reason(
    profile: str, facts: dict[str, Any], clock: str, why: str, library: Library
) -> None:
    """Nobody need guess whether a clock was forgotten."""
    resting = {row["name"]: row["why"] for row in told(library, profile, **facts).resting}

    assert resting[clock] == why


def test_a_channel_narrows_the_steps_to_those_of_a_case_from_there(library: Library) -> None:
    """A store's superior decides on what came over the counter only."""
    by_channel = {
        channel: next(
            row["roles"]
            for row in told(library, "retail-chain", channel=channel).steps
            if row["step"] == "decide_validity"
        )
        for channel in ("counter", "phone")
    }

    assert {channel: [row["role"] for row in rows] for channel, rows in by_channel.items()} == {
        "counter": ["ops_cs", "store_superior"],
        "phone": ["ops_cs"],
    }


def test_duties_and_callbacks_come_from_the_same_rulebook(library: Library) -> None:
    """What the closing condition and the flags ask of staff is told with its source."""
    retail, estate = told(library, "retail-chain"), told(library, "property")
    centre = told(library, "call-centre")

    assert retail.close == {"value": "reply", "source": "B-RET-15"}
    assert [row["source"] for row in retail.duties] == ["B-RET-04"]
    assert [row["duty"] for row in estate.duties] == ["next_reply_time_required"]
    assert [(row["callback"], row["duration"], row["source"]) for row in centre.callbacks] == [
        ("complaint", None, "A-TEL-13")
    ]
    assert told(library, "property", valid=False).callbacks == ()


def test_facts_may_stand_in_a_file_and_money_stays_exact(tmp_path: Path, library: Library) -> None:
    """A sum written without quotes is not rounded by the way through a float."""
    path = tmp_path / "case.json"
    path.write_text('{"amount": 5000.0000000000000001}', encoding="utf-8")

    facts = read_facts(f"@{path}", NOW)

    assert (facts.received_at, facts.valid) == (NOW, None)
    assert explain(library, "commercial-plaza-org", facts).level["code"] == "important"

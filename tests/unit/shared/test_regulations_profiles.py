"""The profiles and demo organisations themselves: what they say, and that a rule stands behind it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

import services.complaints.rulebook as complaints
import services.followup.rulebook as followup
import services.intake.rulebook as intake
import services.reporting.rulebook as reporting
from services.complaints.domain.rulebook import (
    AppliesTo,
    ClockEnd,
    ClockStart,
    CloseCondition,
    ComplaintRules,
    LevelFacts,
    Step,
)
from services.followup.domain.rulebook import Effect, FollowupRules, QuietHours, Trigger
from services.handbooks import STANDARD, TRADES
from services.intake.domain.rulebook import Destination, IntakeRules
from services.names import SERVICES
from services.reporting.domain.rulebook import ReportingRules
from shared.regulations import RegulationError, Sourced
from shared.worktime import Calendars, Duration, due

ROOT = Path(__file__).parents[3]
ORGANISATIONS = ROOT / "organisations"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LOCAL = ZoneInfo("Asia/Shanghai")

#: The base and the trades served.
PROFILES = {
    "standard",
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
    "gas-utility",
    "hotel-franchise",
    "apparel",
    "sales-crm",
    "cable-tv",
    "terminal-services",
    "project-delivery",
    "hospital",
}


@cache
def complaint_rules(org: str) -> ComplaintRules:
    return complaints.load_rulebooks(ORGANISATIONS).for_org(org, NOW).sections


@cache
def intake_rules(org: str) -> IntakeRules:
    return intake.load_rulebooks(ORGANISATIONS).for_org(org, NOW).sections


@cache
def followup_rules(org: str) -> FollowupRules:
    return followup.load_rulebooks(ORGANISATIONS).for_org(org, NOW).sections


@cache
def reporting_rules(org: str) -> ReportingRules:
    return reporting.load_rulebooks(ORGANISATIONS).for_org(org, NOW).sections


def profile_files() -> list[Path]:
    return sorted(ROOT.glob("services/*/regulations/*.yaml"))


def cited(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "source":
                yield value
            else:
                yield from cited(value)
    elif isinstance(node, list):
        for value in node:
            yield from cited(value)


@pytest.mark.parametrize("path", profile_files(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_source_is_a_rule_the_profile_may_cite(path: Path) -> None:
    """A value rests on an existing rule of the profile's own handbooks, never on another trade's."""
    with (ROOT / "docs/domain/rules.tsv").open(encoding="utf-8", newline="") as file:
        sections = {row[0]: row[1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    allowed = STANDARD | TRADES[path.stem]

    sources = set(cited(yaml.safe_load(path.read_text(encoding="utf-8")))) - {"design"}

    assert {source for source in sources if sections.get(source) not in allowed} == set()


def test_every_service_has_every_profile() -> None:
    """An organisation follows one profile in the whole system, so no service may lack it."""
    found = {
        service: {path.stem for path in (ROOT / "services" / service / "regulations").glob("*.yaml")}
        for service in SERVICES
    }

    assert found == dict.fromkeys(SERVICES, PROFILES)


def test_the_demo_organisations_load_in_every_service() -> None:
    """The same seven organisations, with the same profile, stand in all four services."""
    books = [module.load_rulebooks(ORGANISATIONS) for module in (intake, complaints, followup, reporting)]

    profiles = {organisation.id: organisation.profile for organisation in books[0].organisations}
    assert profiles == {
        "plaza-demo": "commercial-plaza",
        "retail-demo": "retail-chain",
        "property-demo": "property",
        "shop-demo": "online-store",
        "it-demo": "it-service",
        "sales-demo": "sales-crm",
        "estate-demo": "real-estate",
    }
    assert all(book.organisations == books[0].organisations for book in books)
    assert {book.for_org(org, NOW).profile for book in books for org in profiles} == set(profiles.values())


def level(**facts: Any) -> tuple[str, tuple[str, ...]]:
    decision = complaint_rules("plaza-demo").level_of(LevelFacts(**facts))
    return decision.level.code, decision.because


@pytest.mark.rule("B-JKC-40")
def test_compensation_up_to_5000_yuan_is_a_general_complaint() -> None:
    """5,000 itself is still general; so is a complaint about which nothing special is known."""
    assert level() == ("general", ())
    assert level(amount=Decimal("5000.00")) == ("general", ())
    assert level(households=4, amount=Decimal(0)) == ("general", ())


@pytest.mark.rule("B-JKC-41")
def test_law_suit_media_several_households_or_more_than_5000_yuan_make_a_complaint_important() -> None:
    """Each test alone is enough; the upper ends, 10 households and 50,000 yuan, are outside."""
    assert level(amount=Decimal("5000.01")) == ("important", ("amount",))
    assert level(amount=Decimal("49999.99")) == ("important", ("amount",))
    assert level(households=5) == ("important", ("households",))
    assert level(households=9) == ("important", ("households",))
    assert level(media=True, lawsuit=True) == ("important", ("media", "lawsuit"))


@pytest.mark.rule("B-JKC-42")
def test_ten_households_or_50000_yuan_make_a_complaint_major() -> None:
    """50,000 itself is major, and the highest level that any test reaches wins."""
    assert level(households=10) == ("major", ("households",))
    assert level(amount=Decimal(50000)) == ("major", ("amount",))
    assert level(households=7, media=True, amount=Decimal(80000)) == ("major", ("amount",))


@pytest.mark.parametrize("org", ["retail-demo", "property-demo", "shop-demo", "it-demo"])
def test_a_handbook_without_levels_has_one_level_for_all(org: str) -> None:
    """No trade borrows the commercial plaza's levels."""
    decision = complaint_rules(org).level_of(LevelFacts(households=30, amount=Decimal(10**6), media=True))

    assert (decision.level.code, decision.because) == ("standard", ())


def due_day(org: str, clock: str, level: str, start: datetime) -> str:
    rule = complaint_rules(org).clock(clock)
    assert rule is not None
    return due(Calendars().by_name("cn"), start, rule.duration_for(level).value).at.isoformat()


def test_plaza_cases_close_within_3_7_or_15_working_days_from_the_day_after_acceptance() -> None:
    """The handbook's examples: to the end of 10, 14 and 26 March 2025 for a case accepted on Wednesday 5."""
    accepted = datetime(2025, 3, 5, 10, 0, tzinfo=LOCAL)

    days = [due_day("plaza-demo", "close", level, accepted) for level in ("general", "important", "major")]

    assert days == ["2025-03-11T00:00:00+08:00", "2025-03-15T00:00:00+08:00", "2025-03-27T00:00:00+08:00"]
    close = complaint_rules("plaza-demo").clock("close")
    assert close is not None
    assert (close.starts, close.ends) == (ClockStart.ACCEPTED, ClockEnd.CLOSED)
    assert [close.duration_for(level).source for level in ("general", "important", "major")] == [
        "B-JKC-54",
        "B-JKC-55",
        "B-JKC-56",
    ]


def test_a_plaza_complainant_is_called_within_3_hours() -> None:
    """First contact counts round the clock from receipt, whatever the level."""
    received = datetime(2025, 3, 5, 23, 0, tzinfo=LOCAL)

    assert due_day("plaza-demo", "first_contact", "major", received) == "2025-03-06T02:00:00+08:00"


def test_retail_cases_close_by_the_end_of_the_seventh_day_after_receipt() -> None:
    """Calendar days: received on 3 March, in time all through 10 March, late on the 11th."""
    received = datetime(2025, 3, 3, 9, 0, tzinfo=LOCAL)

    assert due_day("retail-demo", "close", "standard", received) == "2025-03-11T00:00:00+08:00"


def test_property_complaints_are_replied_to_in_2_hours_and_handled_in_24() -> None:
    """Invalid ones are answered within 2 hours of that finding instead."""
    rules = complaint_rules("property-demo")

    clocks = {
        clock.name: (clock.starts, clock.ends, clock.applies_to, clock.duration_for("standard").value)
        for clock in rules.clocks
    }
    assert clocks == {
        "reply": (ClockStart.RECEIVED, ClockEnd.REPLIED, AppliesTo.VALID, Duration(2, "hours")),
        "handled": (ClockStart.RECEIVED, ClockEnd.HANDLED, AppliesTo.VALID, Duration(24, "hours")),
        "invalid_reply": (
            ClockStart.FOUND_INVALID,
            ClockEnd.REPLIED,
            AppliesTo.INVALID,
            Duration(2, "hours"),
        ),
    }


def test_what_a_handbook_does_not_give_stays_unarmed() -> None:
    """No clock, ground or escalation appears where the source is silent."""
    assert complaint_rules("retail-demo").clock("first_contact") is None
    assert complaint_rules("retail-demo").repeat_escalates is None
    assert complaint_rules("plaza-demo").prevention_required is None
    assert complaint_rules("plaza-demo").grounds == ()
    assert complaint_rules("property-demo").clock("close") is None
    assert followup_rules("property-demo").message("first_contact_sms") is None
    assert followup_rules("plaza-demo").quiet_hours == ()
    assert reporting_rules("retail-demo").kpis[0].target is None
    for org in ("shop-demo", "it-demo"):
        assert {clock.duration_for("standard").source for clock in complaint_rules(org).clocks} == {
            "organisation"
        }


def test_a_case_closes_after_its_reply_in_retail_and_after_its_callback_elsewhere() -> None:
    """The close condition is the profile's."""
    conditions = {
        org: complaint_rules(org).close_condition.value
        for org in ("retail-demo", "plaza-demo", "property-demo")
    }

    assert conditions == {
        "retail-demo": CloseCondition.REPLY,
        "plaza-demo": CloseCondition.CALLBACK,
        "property-demo": CloseCondition.CALLBACK,
    }


def test_retail_knows_seven_grounds_five_demands_and_three_kinds_of_complainant() -> None:
    """Lists of a handbook are complete and every entry names the rule."""
    rules = complaint_rules("retail-demo")

    assert [len(rules.grounds), len(rules.demands), len(rules.complainant_types)] == [7, 5, 3]
    assert {entry.source for entry in rules.grounds} == {"B-RET-03"}
    assert rules.prevention_required == Sourced(value=True, source="B-RET-04")


def test_a_stores_superior_decides_only_on_what_the_store_took_in() -> None:
    """A role may be granted for single channels; nobody else decides, whatever else he may do."""
    step = complaint_rules("retail-demo").step(Step.DECIDE_VALIDITY)

    assert step.allows({"ops_cs"}, "phone")
    assert step.allows({"store_superior", "agent"}, "counter")
    assert not step.allows({"store_superior"}, "phone")
    assert not step.allows({"complaint_handler", "manager"}, "counter")


@pytest.mark.parametrize("org", sorted(path.stem for path in ORGANISATIONS.glob("*.yaml")))
def test_every_kind_of_contact_goes_somewhere(org: str) -> None:
    """Complaints become cases, everything else lands on somebody's desk, in every organisation."""
    rules = intake_rules(org)

    codes = {category.code for category in rules.categories}
    # Real estate's own kind of report, 质疑 (A-RES-08).
    added = {"query"} if org == "estate-demo" else set()
    assert codes - added == {"need", "enquiry", "repair", "order", "suggestion", "praise", "complaint"}
    assert {c.code for c in rules.categories if c.routed_to is Destination.COMPLAINTS} == {"complaint"}
    assert rules.category("gossip") is None
    assert rules.channel("letter") is not None
    assert rules.channel("smoke") is None


def test_only_it_service_keeps_the_first_responsible_person_for_good() -> None:
    """The name survives a transfer where the rule 首问责任制 is in force."""
    kept = {
        org: intake_rules(org).first_responsible.kept_on_transfer
        for org in ("it-demo", "plaza-demo", "retail-demo", "property-demo", "shop-demo")
    }

    assert [org for org, value in kept.items() if value] == ["it-demo"]
    assert intake_rules("it-demo").first_responsible.source == "B-ITS-02"


def test_callbacks_are_due_where_handbook_or_organisation_say_so() -> None:
    """The plaza's next day is for needs; for complaints the organisation decides, and no profile does."""
    need, complaint = (followup_rules("plaza-demo").callback(code) for code in ("need", "complaint"))
    assert need is not None
    assert complaint is not None
    assert need.due == Sourced(Duration(1, "days", from_next_day=True, end_of_day=True), "B-JKC-50")
    assert complaint.due is not None
    assert complaint.due.source == "organisation"

    retail = followup_rules("retail-demo").callback("complaint")
    assert retail is not None
    assert retail.due is None


def test_valid_complaints_are_called_back_after_the_reply() -> None:
    """Only matters of the trigger asked for, and invalid ones only where the rulebook says any."""
    plaza, shop = followup_rules("plaza-demo"), followup_rules("shop-demo")

    assert [rule.code for rule in plaza.callbacks_after(Trigger.CASE_REPLIED, valid=True)] == ["complaint"]
    assert plaza.callbacks_after(Trigger.CASE_REPLIED, valid=False) == ()
    assert [rule.code for rule in shop.callbacks_after(Trigger.CASE_REPLIED, valid=False)] == ["complaint"]


def test_a_dissatisfied_customer_reopens_and_one_not_reached_is_tried_again() -> None:
    """The effect of an outcome is data, so that an organisation can add outcomes of its own."""
    rule = followup_rules("property-demo").callback("complaint")
    assert rule is not None

    effects = {outcome.code: outcome.effect for outcome in rule.outcomes}
    assert effects == {
        "satisfied": Effect.CLOSE,
        "neutral": Effect.CLOSE,
        "dissatisfied": Effect.REOPEN,
        "unreachable": Effect.RETRY,
    }
    assert rule.outcome("rude") is None
    assert rule.share == Sourced(Decimal(100), "B-PRO-12")


@pytest.mark.rule("B-JKC-53")
@pytest.mark.parametrize(
    ("element", "words"),
    [
        ("salutation", "{surname}{title}"),
        ("identity", "{sender}"),
        ("topic", "{topic}"),
        ("not_reached", "未能接通"),
        ("contact_back", "{hotline}"),
        ("contact_back", "客服热线"),
        ("apology_and_wish", "敬请谅解"),
        ("apology_and_wish", "祝您"),
    ],
)
def test_a_first_contact_message_that_lacks_a_demanded_element_is_refused(
    element: str, words: str, tmp_path: Path
) -> None:
    """Each of the handbook's six elements is missed when it is taken out of the text."""
    profiles = tmp_path / "regulations"
    shutil.copytree(followup.PROFILES, profiles)
    path = profiles / "commercial-plaza.yaml"
    text, rest = path.read_text(encoding="utf-8").split("        required:")
    assert words in text
    path.write_text(text.replace(words, "") + "        required:" + rest, encoding="utf-8")

    with pytest.raises(RegulationError, match=rf"first_contact_sms\.required\.\d: {element}: the text lacks"):
        followup.load_rulebooks(ORGANISATIONS, profiles)


VALUES = {
    "surname": "测试",
    "title": "女士",
    "sender": "云桥客服小测",
    "topic": "电梯",
    "hotline": "400-000-0000",
}


@pytest.mark.rule("B-JKC-53")
def test_a_first_contact_message_is_not_sent_with_a_blank_in_it() -> None:
    """A missing or blank value is named, so that the sender fills it in before anything goes out."""
    template = followup_rules("plaza-demo").message("first_contact_sms")
    assert template is not None

    assert template.missing(VALUES) == ()
    assert template.missing({**VALUES, "topic": " ", "title": ""}) == ("title", "topic")


def test_a_value_with_braces_stays_what_it_is() -> None:
    """What a customer wrote is never read as a template itself."""
    template = followup_rules("plaza-demo").message("first_contact_sms")
    assert template is not None

    text = template.render({**VALUES, "topic": "{hotline}{0.__class__}"})

    assert "“{hotline}{0.__class__}”" in text
    assert text.startswith("尊敬的测试女士，您好！我是云桥客服小测。")


def test_the_message_sent_is_one_that_exists_and_gets_what_it_needs() -> None:
    """Complaints names the template and its variables, followup keeps the text: both must agree."""
    message = complaint_rules("plaza-demo").first_contact_message
    assert message is not None
    template = followup_rules("plaza-demo").message(message.template)
    assert template is not None

    assert set(message.required) == {name for element in template.required for name in element.variables}


def test_quiet_hours_may_run_over_midnight() -> None:
    """The end is outside, so that calls start again at eight sharp."""
    night = QuietHours(time(21), time(8), "organisation")
    noon = QuietHours(time(12), time(14), "organisation")

    assert [night.covers(at) for at in (time(20, 59), time(21), time(0), time(7, 59), time(8))] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert [noon.covers(at) for at in (time(11, 59), time(12), time(14))] == [False, True, False]


def test_targets_are_the_handbooks_and_figures_without_one_are_neither_met_nor_missed() -> None:
    """100 % of valid complaints are handled; the property's two callback figures keep their own targets."""
    plaza, estate = reporting_rules("plaza-demo"), reporting_rules("property-demo")
    targets = {
        kpi.code: (kpi.target.value, kpi.target.source) for kpi in estate.kpis if kpi.target is not None
    }
    assert targets == {
        "valid_complaints_handled": (Decimal(100), "A-PRM-25"),
        "callback_rate": (Decimal(100), "B-PRO-12"),
        "callback_rate_of_handled": (Decimal(50), "A-PRM-02"),
        "fee_collection": (Decimal(95), "A-PRM-03"),
        "steward_fee_collection": (Decimal(98), "A-PRM-26"),
        "paid_service_satisfaction": (Decimal(98), "A-PRM-04"),
        "valid_complaint_rate": (Decimal(2), "A-PRM-27"),
    }

    handled, satisfaction = plaza.kpi("valid_complaints_handled"), estate.kpi("satisfaction")
    assert handled is not None
    assert satisfaction is not None
    assert handled.target is not None
    assert (handled.target.value, handled.comparison) == (Decimal(100), "at_least")
    assert satisfaction.target is None
    assert satisfaction.source == "A-PRM-01"


COMPLAINT_FAULTS = {
    "a level without a deadline": (
        ("          major: {amount: 15", "          # major: {amount: 15"),
        "clocks.close.by_level.major: the level has no deadline",
    ),
    "a deadline of no level": (
        ("          major: {amount: 15", "          huge: {amount: 15"),
        "clocks.close.by_level.huge: there is no such level",
    ),
    "a wrong unit": (
        ("amount: 7, unit: working_days", "amount: 7, unit: workdays"),
        "clocks.close.by_level.important: the unit must be one of",
    ),
    "a clock that ends nowhere": (
        ("ends: contacted", "ends: someday"),
        "clocks.first_contact.ends: must be one of contacted, replied, handled, closed, progressed, told: 'someday'",
    ),
    "a clock without a length": (
        ("        duration: {amount: 3, unit: hours, source: B-JKC-52}\n", ""),
        "clocks.first_contact: needs either a duration or durations by_level",
    ),
    "a level nobody reaches": (
        ("        tests: {households_from: 10, amount_from: 50000}\n", ""),
        "levels.2.tests: are missing",
    ),
    "the same level twice": (
        ("code: major", "code: important"),
        "levels: 'important' is listed more than once",
    ),
    "money as a float": (
        ("amount_above: 5000", "amount_above: 5000.5"),
        "levels.1.tests.amount_above: must be a whole number, or",
    ),
}


@pytest.mark.parametrize(("change", "expected"), COMPLAINT_FAULTS.values(), ids=COMPLAINT_FAULTS.keys())
def test_a_complaints_profile_that_does_not_hang_together_is_refused(
    change: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    """Faults between values, not only in them, stop the service at the start."""
    profiles = tmp_path / "regulations"
    shutil.copytree(complaints.PROFILES, profiles)
    path = profiles / "commercial-plaza.yaml"
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")

    with pytest.raises(RegulationError) as caught:
        complaints.load_rulebooks(ORGANISATIONS, profiles)

    assert f"commercial-plaza.yaml: {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('date: "%Y%m%d"', 'date: "%Y%m"'), "numbering.date: lacks %d, so a number that restarts daily"),
        (
            ("{prefix}-{date}-{serial}", "{prefix}-{serial}"),
            "numbering.pattern: must hold {prefix}, {date} and",
        ),
        (("{prefix}-{date}-{serial}", "{prefix"), "numbering.pattern: "),
        (("routed_to: complaints", "routed_to: bin"), "categories.complaint.routed_to: must be one of"),
    ],
)
def test_an_intake_profile_that_cannot_work_is_refused(
    change: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    """Numbers that would come twice and routes that lead nowhere are found at the start."""
    profiles = tmp_path / "regulations"
    shutil.copytree(intake.PROFILES, profiles)
    path = profiles / "standard.yaml"
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")

    with pytest.raises(RegulationError) as caught:
        intake.load_rulebooks(ORGANISATIONS, profiles)

    assert f"standard.yaml: {expected}" in str(caught.value)

"""Reading supervision and disputes out of the complaints rulebooks: the keys ``supervision`` and ``disputes``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.dispute.rules import AppealRule, DisputeRules, SubjectRule
from services.complaints.domain.rulebook import ClockEnd, ClockRule, ClockStart, Grant
from services.complaints.domain.supervision.rules import (
    REFERRAL,
    REPORT,
    URGE,
    ApologyRule,
    AutomaticRule,
    Escalation,
    FeedbackOf,
    FeedbackRule,
    ReferralRule,
    ReportRule,
    StartRule,
    SupervisionRules,
    UrgeRule,
)
from shared.regulations.fields import (
    REQUIRED,
    Flag,
    Many,
    OneOf,
    Row,
    Table,
    Text,
    Whole,
    nested,
    source,
    sourced,
    sourced_duration,
)

#: A newer calendar never moves what is counted in these; clocks of disputes are not computed again.
_PLAIN_UNITS = frozenset({"minutes", "hours", "days"})
#: What a clock may be named after beside the rulebook's own names.
_FAMILIES = frozenset({URGE, REPORT, REFERRAL, "step"})


class _GrantRow(Row):
    builds = Grant
    role = Text(**REQUIRED)
    channels = Many(Text(), least=1, load_default=())
    source = Text()


def _grants(**kwargs: Any) -> fields.Field[Any]:
    return Many(nested(_GrantRow()), least=1, **kwargs)


class _StartRow(Row):
    builds = StartRule
    grants = _grants(**REQUIRED)
    source = source()


class _AutomaticRow(Row):
    builds = AutomaticRule
    code = Text()
    supervisor = Text(**REQUIRED)
    lead = Text()
    levels = Many(Text(), least=1, load_default=())
    breaches = Many(Text(), least=1, load_default=())
    source = source()

    @validates_schema
    def _asks_for_something(self, data: dict[str, Any], **_: object) -> None:
        if not data["levels"] and not data["breaches"]:
            raise marshmallow.ValidationError("needs levels or breaches")


class _EscalationRow(Row):
    builds = Escalation
    after = Whole(least=1, **REQUIRED)
    to = Text(**REQUIRED)
    source = source()


class _UrgeRow(Row):
    builds = UrgeRule
    grants = _grants(**REQUIRED)
    at_most = sourced(Whole(least=1))
    apart = sourced_duration()
    answer_within = sourced_duration()
    escalation = nested(_EscalationRow())
    source = source()


class _ReportRow(Row):
    builds = ReportRule
    code = Text()
    name = Text(**REQUIRED)
    to = Text(**REQUIRED)
    grants = _grants(**REQUIRED)
    levels = Many(Text(), least=1, load_default=())
    endangered = Flag(load_default=False)
    within = sourced_duration()
    source = source()


class _ReferralRow(Row):
    builds = ReferralRule
    code = Text()
    name = Text(**REQUIRED)
    grants = _grants(**REQUIRED)
    returns = _grants(**REQUIRED)
    within = sourced_duration()
    holds_closing = Flag(load_default=False)
    source = source()


class _FeedbackRow(Row):
    builds = FeedbackRule
    of = OneOf(FeedbackOf, **REQUIRED)
    source = source()


class _ApologyRow(Row):
    builds = ApologyRule
    required = Flag(**REQUIRED)
    source = source()


class SupervisionSchema(Row):
    """The key ``supervision`` of a complaints rulebook."""

    builds = SupervisionRules
    starts = nested(_StartRow())
    automatic = Table(_AutomaticRow(), load_default=())
    urges = nested(_UrgeRow())
    reports_up = Table(_ReportRow(), load_default=())
    referrals = Table(_ReferralRow(), load_default=())
    tell_customer = sourced(Flag())
    feedback = nested(_FeedbackRow())
    apology_first = nested(_ApologyRow())


class _AppealRow(Row):
    builds = AppealRule
    rulers = Many(Text(), least=1, **REQUIRED)
    lodged_within = sourced_duration(**REQUIRED)
    within = sourced_duration()
    source = source()


class _SubjectRow(Row):
    builds = SubjectRule
    code = Text()
    name = Text(**REQUIRED)
    raises = Many(Text(), least=1, **REQUIRED)
    rulers = Many(Text(), least=1, **REQUIRED)
    within = sourced_duration()
    appeal = nested(_AppealRow())
    interprets = Flag(load_default=False)
    source = source()

    @validates_schema
    def _counts_in_plain_units(self, data: dict[str, Any], **_: object) -> None:
        appeal: AppealRule | None = data.get("appeal")
        durations = [data.get("within")]
        durations += [appeal.within, appeal.lodged_within] if appeal is not None else []
        if any(each is not None and each.value.unit not in _PLAIN_UNITS for each in durations):
            raise marshmallow.ValidationError(f"counts in {', '.join(sorted(_PLAIN_UNITS))}")


class DisputesSchema(Row):
    """The key ``disputes`` of a complaints rulebook."""

    builds = DisputeRules
    subjects = Table(_SubjectRow(), load_default=())
    holds_closing = sourced(Flag())


def supervision_field() -> fields.Field[Any]:
    """Return the field for the key ``supervision``."""
    return nested(SupervisionSchema(), load_default=None)


def disputes_field() -> fields.Field[Any]:
    """Return the field for the key ``disputes``."""
    return nested(DisputesSchema(), load_default=None)


def supervision_faults(data: dict[str, Any]) -> dict[str, Any]:
    """Return what speaks of levels or clocks the rulebook does not have, and clocks that cannot repeat, by key."""
    rules: SupervisionRules = data.get("supervision") or SupervisionRules()
    levels = {level.code for level in data["levels"]}
    clocks: dict[str, ClockRule] = {clock.name: clock for clock in data["clocks"]}
    named = [(f"automatic.{rule.code}", rule.levels) for rule in rules.automatic]
    named += [(f"reports_up.{rule.code}", rule.levels) for rule in rules.reports_up]
    faults = {
        place: [f"there is no level {code!r}"]
        for place, codes in named
        for code in codes
        if code not in levels
    }
    for rule in rules.automatic:
        for code in rule.breaches:
            if code not in clocks and code.partition(".")[0] not in _FAMILIES:
                faults[f"automatic.{rule.code}"] = [f"there is no clock {code!r}"]
    problems: dict[str, Any] = {"supervision": faults} if faults else {}
    again = {
        name: ["repeats from acceptance on, by progress or what the customer is told"]
        for name, clock in clocks.items()
        if clock.repeats
        and (
            clock.starts is not ClockStart.ACCEPTED or clock.ends not in {ClockEnd.PROGRESSED, ClockEnd.TOLD}
        )
    }
    return problems | ({"clocks": again} if again else {})


def supervision_roles(
    rules: SupervisionRules | None, disputes: DisputeRules | None
) -> Iterator[tuple[str, str]]:
    """Yield every role that may do something under these keys, with its place."""
    rules = rules or SupervisionRules()
    granted: dict[str, tuple[Grant, ...]] = {}
    if rules.starts is not None:
        granted["starts.grants"] = rules.starts.grants
    if rules.urges is not None:
        granted["urges.grants"] = rules.urges.grants
    granted |= {f"reports_up.{rule.code}.grants": rule.grants for rule in rules.reports_up}
    for referral in rules.referrals:
        granted[f"referrals.{referral.code}.grants"] = referral.grants
        granted[f"referrals.{referral.code}.returns"] = referral.returns
    for path, grants in granted.items():
        for number, grant in enumerate(grants):
            yield f"supervision.{path}.{number}.role", grant.role
    for subject in disputes.subjects if disputes is not None else ():
        place = f"disputes.subjects.{subject.code}"
        lists = {"raises": subject.raises, "rulers": subject.rulers}
        lists |= {"appeal.rulers": subject.appeal.rulers} if subject.appeal is not None else {}
        for path, roles in lists.items():
            for number, role in enumerate(roles):
                yield f"{place}.{path}.{number}", role

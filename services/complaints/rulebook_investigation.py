"""Reading the part of the complaints rulebooks about investigations: the shape of the key ``investigation``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.investigation.rules import (
    PREVENTION_FIELD,
    ActionExtensionRule,
    ActionKind,
    ActionRules,
    Before,
    Cause,
    CheckRule,
    Distribution,
    FormRule,
    InvestigationRules,
    Method,
    Need,
    Phase,
    RecordRule,
    RecurrenceRule,
    RequiredRule,
)
from services.complaints.domain.path.rules import FieldKind, FieldRule
from services.complaints.domain.rulebook import Choice
from services.complaints.rulebook_path import form_field
from shared.authority import Authority, Place
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

_MOST_DAYS = 3660


def _roles(**kwargs: Any) -> fields.Field[Any]:
    return sourced(Many(Text(), least=1), **kwargs)


def _check_form(form: tuple[FieldRule, ...]) -> None:
    codes = {rule.code for rule in form}
    faults: dict[str, Any] = {}
    for rule in form:
        if rule.kind is FieldKind.OF_CASE:
            faults[rule.code] = {"kind": ["a form of an investigation repeats nothing of the case"]}
        elif rule.needed_for is not None and rule.needed_for.field not in codes:
            faults[rule.code] = {"needed_for": [f"has no field {rule.needed_for.field!r} of its own"]}
    if faults:
        raise marshmallow.ValidationError({"form": faults})


class _MethodRow(Row):
    builds = Method
    code = Text()
    name = Text(**REQUIRED)
    needs_reason = Flag(load_default=False)
    source = source()


class _FormRow(Row):
    builds = FormRule
    name = Text(**REQUIRED)
    form = form_field(required=True)
    source = source()

    @validates_schema
    def _form_stands_alone(self, data: dict[str, Any], **_: object) -> None:
        _check_form(data["form"])


class _RecordRow(Row):
    code = Text()
    name = Text(**REQUIRED)
    roles = Many(Text(), least=1, **REQUIRED)
    form = form_field(required=True)
    phase = OneOf(Phase, load_default=Phase.OPEN)
    once = Flag(load_default=False)
    after = Text()
    before_report = Flag(load_default=False)
    archives = Flag(load_default=False)
    source = source()

    @staticmethod
    def builds(*, name: str, form: tuple[FieldRule, ...], source: str, **row: Any) -> RecordRule:
        """Build the row around its form."""
        return RecordRule(what=FormRule(name, form, source), **row)

    @validates_schema
    def _form_stands_alone(self, data: dict[str, Any], **_: object) -> None:
        _check_form(data["form"])
        if data["before_report"] and data["phase"] is not Phase.OPEN:
            raise marshmallow.ValidationError("cannot come before the report in this phase", "before_report")


class _CauseRow(Row):
    builds = Cause
    code = Text()
    name = Text(**REQUIRED)
    parent = Text()
    source = source()


class _RecurrenceRow(Row):
    builds = RecurrenceRule
    days = Whole(least=1, most=_MOST_DAYS, **REQUIRED)
    source = source()


class _PlaceRow(Row):
    builds = Place
    roles = Many(Text(), least=1, **REQUIRED)
    quorum = Whole(least=1, most=20, load_default=1)


class _ReviewsRow(Row):
    sequence = Many(nested(_PlaceRow()), least=1, **REQUIRED)
    source = source()

    @staticmethod
    def builds(*, sequence: tuple[Place, ...], source: str) -> Authority:
        """Build the one row of authority under which a report is approved."""
        return Authority("reviews", sequence, source)


class _DepartmentRow(Row):
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)

    @staticmethod
    def builds(*, code: str, name: str) -> Choice:
        """Build the department; the distribution's source speaks for all of them."""
        return Choice(code, name, "")


class _DistributionRow(Row):
    builds = Distribution
    departments = Many(nested(_DepartmentRow()), least=1, **REQUIRED)
    source = source()


class _RequiredRow(Row):
    builds = RequiredRule
    code = Text()
    needs = Many(OneOf(Need), least=1, **REQUIRED)
    before = OneOf(Before, load_default=Before.CLOSE)
    levels = Many(Text(), least=1, load_default=())
    grounds = Many(Text(), least=1, load_default=())
    source = source()


class _KindRow(Row):
    builds = ActionKind
    code = Text()
    name = Text(**REQUIRED)
    within = sourced_duration()
    source = source()


class _ReasonRow(Row):
    builds = Choice
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _ExtensionRow(Row):
    builds = ActionExtensionRule
    roles = Many(Text(), least=1, **REQUIRED)
    reasons = Many(nested(_ReasonRow()), least=1, **REQUIRED)
    at_most = Whole(least=1, **REQUIRED)
    source = source()


class _CheckRow(Row):
    builds = CheckRule
    roles = Many(Text(), least=1, **REQUIRED)
    not_before = sourced_duration()
    within = sourced_duration()
    source = source()


class _ActionsRow(Row):
    builds = ActionRules
    opens = _roles(**REQUIRED)
    kinds = Table(_KindRow(), **REQUIRED)
    approvals = _roles()
    extensions = nested(_ExtensionRow())
    check = nested(_CheckRow())


class InvestigationSchema(Row):
    """The key ``investigation`` of a complaints rulebook."""

    builds = InvestigationRules
    opens = _roles()
    investigators = _roles()
    methods = Table(_MethodRow(), load_default=())
    findings = nested(_FormRow())
    report = nested(_FormRow())
    causes = Table(_CauseRow(), load_default=())
    recurrence = nested(_RecurrenceRow())
    reviews = nested(_ReviewsRow())
    distribution = nested(_DistributionRow())
    records = Table(_RecordRow(), load_default=())
    required = Table(_RequiredRow(), load_default=())
    actions = nested(_ActionsRow())

    @validates_schema
    def _causes_are_a_tree(self, data: dict[str, Any], **_: object) -> None:
        known: set[str] = set()
        faults: dict[str, Any] = {}
        for cause in data["causes"]:
            if cause.parent is not None and cause.parent not in known:
                faults[cause.code] = {"parent": [f"there is no cause {cause.parent!r} before it"]}
            known.add(cause.code)
        if faults:
            raise marshmallow.ValidationError({"causes": faults})

    @validates_schema
    def _records_follow_records(self, data: dict[str, Any], **_: object) -> None:
        known: set[str] = set()
        faults: dict[str, Any] = {}
        for record in data["records"]:
            if record.after is not None and record.after not in known:
                faults[record.code] = {"after": [f"there is no record {record.after!r} before it"]}
            known.add(record.code)
        if faults:
            raise marshmallow.ValidationError({"records": faults})

    @validates_schema
    def _what_it_asks_for_can_be_had(self, data: dict[str, Any], **_: object) -> None:
        """What nobody can bring must not keep a case open for ever."""
        report: FormRule | None = data.get("report")
        reported = all(data.get(key) is not None for key in ("opens", "investigators", "report", "reviews"))
        can = {
            Need.INVESTIGATION: reported,
            Need.PREVENTION: reported and report is not None and report.has(PREVENTION_FIELD),
            Need.ACTION: data.get("actions") is not None,
        }
        faults = {
            rule.code: {
                "needs": [f"the rulebook has no way to {need}" for need in rule.needs if not can[need]]
            }
            for rule in data["required"]
            if not all(can[need] for need in rule.needs)
        }
        if faults:
            raise marshmallow.ValidationError({"required": faults})


def investigation_field() -> fields.Field[Any]:
    """Return the field for the key ``investigation``."""
    return nested(InvestigationSchema())


def investigation_roles(rules: InvestigationRules | None) -> Iterator[tuple[str, str]]:
    """Yield every role the part names, with its path in the rulebook."""
    for path, role in rules.roles() if rules is not None else ():
        yield f"investigation.{path}", role


def investigation_faults(data: dict[str, Any]) -> dict[str, Any]:
    """Return what of the part names levels or grounds that the rulebook does not have, by path."""
    rules: InvestigationRules | None = data.get("investigation")
    levels, grounds = {level.code for level in data["levels"]}, {row.code for row in data["grounds"]}
    faults: dict[str, Any] = {}
    for rule in rules.required if rules is not None else ():
        unknown = [f"there is no level {code}" for code in rule.levels if code not in levels]
        unknown += [f"there is no ground {code}" for code in rule.grounds if code not in grounds]
        if unknown:
            faults.setdefault("required", {})[rule.code] = unknown
    return faults

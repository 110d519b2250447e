"""Shapes of what comes in: RPC arguments (strict), and what the figures need of each event (tolerant)."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from services.reporting.domain.case import FOLDED, tells_of_cases
from services.reporting.domain.month import Month
from services.reporting.settings import LARGEST_PAGE, PAGE

_ID_LENGTH = 128


def _id(**kwargs: Any) -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, _ID_LENGTH), **kwargs)


def _moment(**kwargs: Any) -> fields.AwareDateTime:
    return fields.AwareDateTime(required=True, format="iso", **kwargs)


def _truth(**kwargs: Any) -> fields.Boolean:
    return fields.Boolean(required=True, truthy={True}, falsy={False}, **kwargs)


class _Month(fields.Field[Month]):
    """A calendar month, ``2026-11``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Month:  # noqa: ARG002 - marshmallow's signature
        try:
            return Month.of(value if isinstance(value, str) else "")
        except ValueError:
            message = "must be a month of the years 2000 to 2099 written like 2026-11"
            raise ValidationError(message) from None


class Nothing(Schema):
    """No arguments."""


class MonthQuery(Schema):
    """One month."""

    month = _Month(required=True)


class ReportQuery(Schema):
    """One published report of a month; the latest unless ``version`` names one."""

    month = _Month(required=True)
    version = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1))


class ArchiveQuery(Schema):
    """A page of the archived events about one case, contact or other subject, oldest first."""

    about = _id()
    limit = fields.Integer(load_default=PAGE, strict=True, validate=validate.Range(1, LARGEST_PAGE))
    skip = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 1_000_000))


class _EventData(Schema):
    """What is needed of an event; whatever else it carries is kept and not looked at."""

    class Meta:
        """Pass over what a later version of the publisher may add."""

        unknown = EXCLUDE


class _ContactRegistered(_EventData):
    contact_id = _id()
    category = _id()
    channel = _id()
    received_at = _moment()


class _PersonalDataErased(_EventData):
    customer_id = _id()
    subject_id = _id()


class _MemberChanged(_EventData):
    staff = _id()
    unit = _id()
    post = _id()
    state = _id()


class _OfRecord(_EventData):
    register = _id()
    record_id = _id()


class _ReportPublished(_EventData):
    report_id = _id()
    kind = _id()
    month = _id()


class _FigureReported(_EventData):
    statement_id = _id()
    figure = _id()
    window = _id()
    begins_on = fields.Date(required=True)


class _ContactRejected(_EventData):
    rejected_id = _id()


class _ClockRow(_EventData):
    name = _id()
    due_at = _moment()


class _OfCase(_EventData):
    case_id = _id()


class _WithClocks(_OfCase):
    clocks = fields.List(fields.Nested(_ClockRow), required=True)


class _CaseOpened(_WithClocks):
    number = _id()
    contact_id = _id()
    level = _id()
    received_at = _moment()


class _ContactAttempted(_OfCase):
    outcome = _id()
    attempted_at = _moment()


class _CaseReplied(_OfCase):
    valid = _truth()
    replied_at = _moment()


class _LevelChanged(_WithClocks):
    to = _id()


class _ClockBreached(_OfCase):
    clock = _id()
    due_at = _moment()


class _ClockMet(_ClockBreached):
    on_time = _truth()


class _ClockMoved(_OfCase):
    clock = _id()
    due_to = _moment()


class _CaseClosed(_OfCase):
    closed_at = _moment()
    valid = _truth()
    on_time = _truth()


class _OfCallback(_OfCase):
    callback_id = _id()


class _CallbackMade(_OfCallback):
    outcome = _id()


#: What an event of each type must hold for the figures and reactions; other types need only be events.
EVENT_DATA: dict[str, Schema] = {
    "contact_registered": _ContactRegistered(),
    "contact_rejected": _ContactRejected(),
    "personal_data_erased": _PersonalDataErased(),
    "member_changed": _MemberChanged(),
    "record_opened": _OfRecord(),
    "record_acted": _OfRecord(),
    "record_corrected": _OfRecord(),
    "report_published": _ReportPublished(),
    "figure_reported": _FigureReported(),
    "case_opened": _CaseOpened(),
    "case_accepted": _WithClocks(),
    "case_refused": _WithClocks(),
    "contact_attempted": _ContactAttempted(),
    "case_replied": _CaseReplied(),
    "case_level_changed": _LevelChanged(),
    "case_escalated": _OfCase(),
    "clock_breached": _ClockBreached(),
    "clock_met": _ClockMet(),
    "clock_resumed": _ClockMoved(),
    "clock_extended": _ClockMoved(),
    "clock_recomputed": _ClockMoved(),
    "case_closed": _CaseClosed(),
    "case_reopened": _OfCase(),
    "callback_scheduled": _OfCallback(),
    "callback_due": _OfCallback(),
    "callback_superseded": _OfCallback(),
    "callback_completed": _CallbackMade(),
    "callback_unsatisfied": _CallbackMade(),
}


def data_schema(source: str, kind: str) -> Schema | None:
    """Return what an event ``kind`` of the service ``source`` must hold; None when it need only be an event."""
    elsewhere = kind in FOLDED and not tells_of_cases(source, kind)
    return None if elsewhere else EVENT_DATA.get(kind)

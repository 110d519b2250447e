"""Shapes of the arguments of calls about dossiers."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from services.intake.domain.dossiers.rules import Make
from shared.arguments import Page
from shared.fields import CODE, Moment, line, long_text, truth

_STAFF = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}\Z", error="must be a staff id of letters, digits, -_.@"
)
#: How many documents are handed in, moved or lent at once.
_AT_ONCE = 50
_MOST_COPIES = 1000


def _code(**kwargs: Any) -> fields.String:
    return fields.String(validate=CODE, **kwargs)


def _staff(**kwargs: Any) -> fields.String:
    return fields.String(validate=_STAFF, **kwargs)


def _number(most: int = 10_000, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, most), **kwargs)


def _not_too_many(values: Sized) -> None:
    if len(values) > _AT_ONCE:
        message = f"must be at most {_AT_ONCE}"
        raise ValidationError(message)


def _pieces(**kwargs: Any) -> fields.List[int]:
    return fields.List(_number(), validate=_not_too_many, **kwargs)


def _facts(**kwargs: Any) -> fields.Dict:
    return fields.Dict(keys=_code(), values=line(64), validate=_not_too_many, **kwargs)


class OpenDossier(Schema):
    """A dossier about one subject: the kind of it and its id, and what is known of it."""

    kind = _code(required=True)
    about = _code(required=True)
    about_id = line(64, required=True)
    facts = _facts(load_default=dict)
    keeper = _staff(load_default=None, allow_none=True)
    responsible = _staff(load_default=None, allow_none=True)


class AmendDossier(Schema):
    """What is to change; what is not given stays."""

    id = line(64, required=True)
    facts = _facts(load_default=None, allow_none=True)
    keeper = _staff(load_default=None, allow_none=True)
    responsible = _staff(load_default=None, allow_none=True)
    retention_years = _number(100, load_default=None, allow_none=True)


class DocumentSchema(Schema):
    """One document; ``form`` says which of the alternatives it is, ``reference`` its own number."""

    item = _code(required=True)
    form = _code(load_default=None, allow_none=True)
    make = fields.String(required=True, validate=validate.OneOf([make.value for make in Make]))
    count = _number(_MOST_COPIES, load_default=1)
    reference = line(64, load_default=None, allow_none=True)


class HandIn(Schema):
    """Documents brought in together."""

    id = line(64, required=True)
    documents = fields.List(fields.Nested(DocumentSchema), required=True, validate=_not_too_many)


class MoveDocuments(Schema):
    """Documents that reach a stage; without ``pieces`` all that wait for it."""

    id = line(64, required=True)
    stage = _code(required=True)
    pieces = _pieces(load_default=list)
    to = _code(load_default=None, allow_none=True)
    copy_kept = truth(load_default=False)


class MarkDossier(Schema):
    """A mark given now or, with ``at``, before; with ``due``, the day it is to be given by."""

    id = line(64, required=True)
    mark = _code(required=True)
    at = Moment(load_default=None, allow_none=True)
    due = fields.Date(load_default=None, allow_none=True)
    piece = _number(load_default=None, allow_none=True)


class ExcuseDocuments(Schema):
    """Why documents will be late, and who explained it; without ``items`` all of them."""

    id = line(64, required=True)
    items = fields.List(_code(), load_default=list, validate=_not_too_many)
    reason = long_text(1000, required=True)
    explained_by = _staff(required=True)


class LendDocuments(Schema):
    """A loan asked for (with pieces and due_back), or granted, refused, returned (with its number)."""

    id = line(64, required=True)
    mode = fields.String(required=True, validate=validate.OneOf(["request", "grant", "refuse", "return"]))
    loan = _number(load_default=None, allow_none=True)
    pieces = _pieces(load_default=list)
    due_back = fields.Date(load_default=None, allow_none=True)


class SignReceipt(Schema):
    """A slip signed for ``pieces``, or the slip ``receipt`` passed on."""

    id = line(64, required=True)
    pieces = _pieces(load_default=list)
    receipt = _number(load_default=None, allow_none=True)


class ReadDossier(Schema):
    """A confidential dossier, and what it is read for."""

    id = line(64, required=True)
    purpose = line(200, required=True)


class ListDossiers(Page):
    """A page of dossiers, newest first, narrowed as far as given."""

    kind = _code(load_default=None, allow_none=True)
    about_id = line(64, load_default=None, allow_none=True)
    keeper = _staff(load_default=None, allow_none=True)
    complete = truth(load_default=None, allow_none=True)
    overdue = truth(load_default=None, allow_none=True)
    batch_day = fields.Date(load_default=None, allow_none=True)
    item = _code(load_default=None, allow_none=True)
    reference = line(64, load_default=None, allow_none=True)


class ListUnfiled(Page):
    """What came in on a local day."""

    day = fields.Date(required=True)

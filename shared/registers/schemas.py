"""Shapes of what is asked of registers."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from shared.arguments import ById, Page
from shared.fields import CODE, Moment, line, long_text, truth

#: The most records one table holds.
MAX_ROWS = 5000


class OpenRecord(Schema):
    """A new record of a register; ``values`` by field."""

    register = fields.String(required=True, validate=CODE)
    values = fields.Dict(keys=fields.String(validate=CODE), required=True)


class ActOnRecord(ById):
    """An action on a record, with the values it fills in."""

    action = fields.String(required=True, validate=CODE)
    values = fields.Dict(keys=fields.String(validate=CODE), load_default=dict)


class CorrectRecord(ById):
    """Values of a record put right, and why."""

    values = fields.Dict(keys=fields.String(validate=CODE), required=True)
    reason = long_text(500, required=True)


class DescribeRegister(Schema):
    """One register by its code, or all of them."""

    register = fields.String(load_default=None, validate=CODE)


class RecordQuery(Page):
    """Which records: all that is given must hold; ``where`` is field and value."""

    register = fields.String(load_default=None, validate=CODE)
    state = fields.String(load_default=None, validate=CODE)
    where = fields.Dict(keys=line(64), values=line(100), load_default=dict, validate=validate.Length(max=5))
    open = truth(load_default=None, allow_none=True)
    overdue = truth(load_default=False)
    mine = truth(load_default=False)
    flag = line(64, load_default=None)
    destroy_due = truth(load_default=False)
    held_on = fields.Date(load_default=None)
    opened_from = Moment(load_default=None)
    opened_before = Moment(load_default=None)


class RegisterFigures(Schema):
    """A register's records of a stretch of time, counted by state and by ``by``, with sums of ``sums``."""

    register = fields.String(required=True, validate=CODE)
    by = fields.String(load_default=None, validate=CODE)
    sums = fields.List(fields.String(validate=CODE), load_default=list, validate=validate.Length(max=10))
    opened_from = Moment(load_default=None)
    opened_before = Moment(load_default=None)


class BalanceQuery(Page):
    """Balances of a stock, of one item if that is given."""

    stock = fields.String(load_default=None, validate=CODE)
    item = line(100, load_default=None)


class MissingQuery(Schema):
    """What was due and is not there ``at`` a moment, or now."""

    register = fields.String(load_default=None, validate=CODE)
    at = Moment(load_default=None)


class ExportRegister(Schema):
    """A register's records of a stretch of time, as a table; of more than ``limit``, what follows ``after``."""

    register = fields.String(required=True, validate=CODE)
    form = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))
    limit = fields.Integer(strict=True, load_default=MAX_ROWS, validate=validate.Range(1, MAX_ROWS))
    after = line(100, load_default=None)
    opened_from = Moment(load_default=None)
    opened_before = Moment(load_default=None)


class SampleRecords(Schema):
    """The share of a stretch of time's records that is to be checked; the same ``seed`` gives the same."""

    register = fields.String(required=True, validate=CODE)
    seed = line(64, required=True)
    opened_from = Moment(required=True)
    opened_before = Moment(required=True)

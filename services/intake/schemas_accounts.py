"""Arguments of the calls about clients, conflicts, mergers, gradings and allocations."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from services.intake.domain.same.account import AT_RISK, SETTLED
from services.intake.domain.same.conflict import Outcome, Stage
from services.intake.domain.same.rules import Contract, SearchKind
from shared.arguments import Page
from shared.fields import CODE, line, long_text, truth

_MOST = 500
_SUBJECT = validate.Regexp(
    r"^[a-z0-9][a-z0-9_-]{0,47}\Z", error="must be an id of at most 48 of a-z, 0-9, '-', '_'"
)
_STAFF = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}\Z", error="must be a staff id of letters, digits, -_.@"
)


class SearchConflicts(Schema):
    """What is looked for: a company's name, or its number with the area code."""

    kind = fields.String(required=True, validate=validate.OneOf([each.value for each in SearchKind]))
    text = line(100, required=True)


class EnterAccount(Schema):
    """A client as it is to be entered; what must be there is the rulebook's affair."""

    name = line(100, load_default=None, allow_none=True)
    licence_name = line(100, load_default=None, allow_none=True)
    phone = line(32, load_default=None, allow_none=True)
    region = line(50, load_default=None, allow_none=True)
    address = line(200, load_default=None, allow_none=True)
    contact_name = line(100, load_default=None, allow_none=True)
    customer_id = line(64, load_default=None, allow_none=True)
    conflict_id = line(64, load_default=None, allow_none=True)


class ChangeAccount(Schema):
    """One change of a client; ``to`` is the agent proposed with a rating, ``since`` the day of a contract."""

    id = line(64, required=True)
    change = fields.String(
        required=True,
        validate=validate.OneOf(["owner", "contract", "state", "credit", "reception", "rating", "proposal"]),
    )
    value = line(64, load_default=None, allow_none=True)
    since = fields.Date(load_default=None, allow_none=True)
    to = fields.String(load_default=None, allow_none=True, validate=_STAFF)


class ListAccounts(Page):
    """A page of clients, newest first."""

    owner = fields.String(load_default=None, validate=_STAFF)
    state = fields.String(load_default=None, validate=validate.OneOf([SETTLED, AT_RISK]))
    contract = fields.String(load_default=None, validate=validate.OneOf([each.value for each in Contract]))
    grade = line(32, load_default=None)


class GetQuota(Schema):
    """Whose quota in which pool; without an owner the caller's own."""

    pool = fields.String(required=True, validate=CODE)
    owner = fields.String(load_default=None, validate=_STAFF)
    region = line(50, load_default=None)


class RaiseConflict(Schema):
    """The client as the claimant would enter it, and why it is theirs."""

    name = line(100, required=True)
    phone = line(32, load_default=None, allow_none=True)
    region = line(50, required=True)
    evidence = long_text(4000, required=True)


class DecideConflict(Schema):
    """A ruling for one region, or the arbitration."""

    id = line(64, required=True)
    region = line(50, required=True)
    outcome = fields.String(required=True, validate=validate.OneOf([each.value for each in Outcome]))
    reason = long_text(4000, required=True)


class ListConflicts(Page):
    """A page of conflicts, newest first."""

    stage = fields.String(load_default=None, validate=validate.OneOf([each.value for each in Stage]))


class RequestMerge(Schema):
    """Which client is to lead to which."""

    stays = line(64, required=True)
    goes = line(64, required=True)


class DecideMerge(Schema):
    """What becomes of a merger."""

    id = line(64, required=True)
    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse", "undo"]))


class _Mark(Schema):
    """One mark of a card."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    dimension = fields.String(required=True, validate=CODE)
    points = fields.Integer(required=True, strict=True, validate=validate.Range(0, 1000))
    evidence = long_text(500, required=True)


class _Card(Schema):
    """One customer's card."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    subject = fields.String(required=True, validate=_SUBJECT)
    marks = fields.List(fields.Nested(_Mark), required=True, validate=validate.Length(1, 20))


class ProposeGrading(Schema):
    """A round: its period and the cards of all who are graded."""

    period = fields.String(required=True, validate=CODE)
    cards = fields.List(fields.Nested(_Card), required=True, validate=validate.Length(1, _MOST))


class _Contact(Schema):
    """The dedicated contact of a level."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    level = fields.String(required=True, validate=CODE)
    staff = fields.String(required=True, validate=_STAFF)


class DecideGrading(Schema):
    """Approval of a round or its refusal."""

    id = line(64, required=True)
    approved = truth(required=True)
    contacts = fields.List(fields.Nested(_Contact), load_default=list, validate=validate.Length(0, 20))


class ListGradings(Page):
    """A page of rounds, newest first; ``opened_on`` is when a new place opened."""

    opened_on = fields.Date(load_default=None)


class _Subject(Schema):
    """One on a list."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    id = fields.String(required=True, validate=_SUBJECT)
    region = line(50, load_default=None, allow_none=True)
    channel = fields.String(load_default=None, allow_none=True, validate=CODE)
    screened = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(["pass", "fail"]))


class OpenAllocation(Schema):
    """A list to be distributed; with ``regions`` only what lies in them."""

    kind = fields.String(required=True, validate=CODE)
    subjects = fields.List(fields.Nested(_Subject), required=True, validate=validate.Length(1, _MOST))
    regions = fields.List(line(50), load_default=list, validate=validate.Length(0, 50))
    for_day = fields.Date(load_default=None, allow_none=True)


class _Able(Schema):
    """Somebody to distribute to."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    staff = fields.String(required=True, validate=_STAFF)
    ability = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 100))
    regions = fields.List(line(50), load_default=list, validate=validate.Length(0, 50))


class Allocate(Schema):
    """Over whom a list is distributed."""

    id = line(64, required=True)
    staff = fields.List(fields.Nested(_Able), required=True, validate=validate.Length(1, 100))


class RecordFirstContact(Schema):
    """The first contact with somebody on a list, in detail."""

    id = line(64, required=True)
    subject = fields.String(required=True, validate=_SUBJECT)
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 4000))


class ListAllocations(Page):
    """A page of lists, newest first; with ``staff`` those that gave them somebody."""

    staff = fields.String(load_default=None, validate=_STAFF)


class _Place(Schema):
    """A place with its load and its agents."""

    class Meta:
        """Refuse what is not known."""

        unknown = RAISE

    code = fields.String(required=True, validate=CODE)
    traffic = fields.Integer(required=True, strict=True, validate=validate.Range(0, 10_000_000))
    agents = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 10_000))


class AdviseStaffing(Schema):
    """Places with their load; how many agents there are in all, unless those of the places."""

    places = fields.List(fields.Nested(_Place), required=True, validate=validate.Length(1, 100))
    agents = fields.Integer(load_default=None, strict=True, validate=validate.Range(0, 10_000))
    supervisors = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 1000))

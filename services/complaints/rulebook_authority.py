"""Reading the parts of the complaints rulebooks about money: the shapes of the keys ``authority`` and ``offers``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import marshmallow
from marshmallow import fields, validates_schema

from services.complaints.domain.money.rules import (
    FIRST_REPORT,
    AgreementRule,
    AuthorityRules,
    CopyRule,
    DelegationRule,
    FilingRule,
    FirstReportRule,
    Need,
    OfferKind,
    OfferRules,
    Plan,
    Requirement,
    Way,
)
from shared.authority import Authority, Place, faults_of
from shared.ledger import exact
from shared.regulations import Sourced
from shared.regulations.fields import (
    REQUIRED,
    Exact,
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
from shared.worktime import Duration

_MOST_DAYS = 366
#: A newer calendar never moves what is counted in these.
_PLAIN_UNITS = frozenset({"hours", "days"})


class _Sum(Exact):
    """A sum in yuan: not negative, at most two decimals."""

    def read(self, value: object) -> Any:
        """Read one value."""
        number = super().read(value)
        try:
            return exact(number)
        except ValueError as error:
            raise marshmallow.ValidationError(str(error)) from None


class _PlaceRow(Row):
    builds = Place
    roles = Many(Text(), least=1, **REQUIRED)
    quorum = Whole(least=1, most=20, load_default=1)


class _AuthorityRow(Row):
    code = Text()
    kinds = Many(Text(), least=1, load_default=())
    levels = Many(Text(), least=1, load_default=())
    up_to = _Sum()
    sequence = Many(nested(_PlaceRow()), least=1, **REQUIRED)
    source = source()

    @staticmethod
    def builds(*, sequence: tuple[Place, ...], **row: Any) -> Authority:
        """Build the row; the file calls its places a sequence."""
        return Authority(places=sequence, **row)


class _FilingRow(Row):
    builds = FilingRule
    code = Text()
    name = Text(**REQUIRED)
    levels = Many(Text(), least=1, **REQUIRED)
    source = source()


class _FirstReportRow(Row):
    builds = FirstReportRule
    ways = Many(OneOf(Way), least=1, **REQUIRED)
    filed_with = Text(**REQUIRED)
    source = source()


class _DelegationRow(Row):
    builds = DelegationRule
    roles = Many(Text(), least=1, **REQUIRED)
    at_most_days = Whole(least=1, most=_MOST_DAYS, **REQUIRED)
    source = source()


class AuthoritySchema(Row):
    """The key ``authority`` of a complaints rulebook."""

    builds = AuthorityRules
    matrix = Table(_AuthorityRow(), load_default=())
    filings = Table(_FilingRow(), load_default=())
    first_report = nested(_FirstReportRow())
    delegation = nested(_DelegationRow())

    @validates_schema
    def _every_row_is_reached(self, data: dict[str, Any], **_: object) -> None:
        faults = {code: [reason] for code, reason in faults_of(data["matrix"])}
        if faults:
            raise marshmallow.ValidationError({"matrix": faults})

    @validates_schema
    def _files_where_it_knows(self, data: dict[str, Any], **_: object) -> None:
        units = {rule.code for rule in data["filings"]}
        first = data.get("first_report")
        if first is not None and first.filed_with not in units:
            raise marshmallow.ValidationError({"first_report": {"filed_with": ["there is no such unit"]}})
        if FIRST_REPORT in units:
            raise marshmallow.ValidationError(
                {"filings": {FIRST_REPORT: ["is the record of a first report"]}}
            )


class _RequirementRow(Row):
    builds = Requirement
    what = OneOf(Need, **REQUIRED)
    source = source()


class _CopyRow(Row):
    builds = CopyRule
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)


class _AgreementRow(Row):
    builds = AgreementRule
    filed = Many(nested(_CopyRow()), load_default=())
    source = source()


def _roles() -> fields.Field[Any]:
    return sourced(Many(Text(), least=1))


class _KindRow(Row):
    builds = OfferKind
    code = Text()
    name = Text(**REQUIRED)
    requires = Many(nested(_RequirementRow()), load_default=())
    basis = Text()
    agreement = nested(_AgreementRow())
    pay_within = sourced_duration()
    payments = _roles()
    tell_customer = sourced(Flag())
    source = source()

    @validates_schema
    def _time_stands_still(self, data: dict[str, Any], **_: object) -> None:
        within: Sourced[Duration] | None = data.get("pay_within")
        if within is not None and within.value.unit not in _PLAIN_UNITS:
            reason = f"must be in {' or '.join(sorted(_PLAIN_UNITS))}"
            raise marshmallow.ValidationError(reason, "pay_within")


class _PlanRow(Row):
    builds = Plan
    code = Text()
    name = Text(**REQUIRED)
    calming = Text(**REQUIRED)
    compensation = Text(**REQUIRED)
    courier_claim = Text(**REQUIRED)
    tracing = Text(**REQUIRED)
    source = source()


class OffersSchema(Row):
    """The key ``offers`` of a complaints rulebook."""

    builds = OfferRules
    proposals = _roles()
    payments = _roles()
    kinds = Table(_KindRow(), load_default=())
    plans = Table(_PlanRow(), load_default=())


def authority_field() -> fields.Field[Any]:
    """Return the field for the key ``authority``."""
    return nested(AuthoritySchema())


def offers_field() -> fields.Field[Any]:
    """Return the field for the key ``offers``."""
    return nested(OffersSchema())


def authority_faults(
    authority: AuthorityRules | None, offers: OfferRules | None, levels: Sequence[str]
) -> dict[str, Any]:
    """Return what of the authority part names levels or kinds that the rulebook does not have, by path."""
    if authority is None:
        return {}
    kinds = [kind.code for kind in offers.kinds] if offers is not None else []
    faults: dict[str, Any] = {}
    for row in authority.matrix:
        unknown = [f"there is no level {level}" for level in row.levels if level not in levels]
        unknown += [f"there is no kind {kind}" for kind in row.kinds if kind not in kinds]
        if unknown:
            faults.setdefault("matrix", {})[row.code] = unknown
    for rule in authority.filings:
        unknown = [f"there is no level {level}" for level in rule.levels if level not in levels]
        if unknown:
            faults.setdefault("filings", {})[rule.code] = unknown
    return {"authority": faults} if faults else {}


def authority_roles(authority: AuthorityRules | None, offers: OfferRules | None) -> Iterator[tuple[str, str]]:
    """Yield every role the two parts name, with its path in the rulebook."""
    for path, role in authority.roles() if authority is not None else ():
        yield f"authority.{path}", role
    for path, role in offers.roles() if offers is not None else ():
        yield f"offers.{path}", role

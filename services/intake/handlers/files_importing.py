"""Use case: take a batch of customers from a list; recognise those there are, open files for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from services.intake.domain.customer import Customer
from services.intake.domain.files.rules import FileRules
from services.intake.domain.files.values import Entering
from services.intake.domain.recognising import CustomerClaim, reference_key
from services.intake.handlers.files_changing import ChangeFiles, opened
from services.intake.schemas_files import ImportRow
from shared.acting import cause_of
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.ids import derived_id
from shared.messaging.problems import flatten_errors

if TYPE_CHECKING:
    from services.intake.customers_kept import CustomersKept
    from shared.acting import Caller

_ATTEMPTS = 5
_ROW = ImportRow()


@dataclass(frozen=True, slots=True)
class _Wish:
    """One sound row: where it stands, who it is about, by what that customer is recognised, and what it says."""

    row: int
    claim: CustomerClaim
    keys: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass
class _Batch:
    """What a batch makes of the files it touches, before anything is written."""

    files: dict[str, Customer]
    since: dict[str, int] = field(default_factory=dict)
    touched: dict[str, Customer] = field(default_factory=dict)
    rows_of: dict[str, list[_Wish]] = field(default_factory=dict)


class ImportFiles:
    """A repeat of a batch changes nothing and gets the same answer; the same rows in a new batch update."""

    def __init__(self, kept: CustomersKept, change: ChangeFiles) -> None:
        """Use the files, and ``change`` for the rules in force."""
        self._kept, self._change = kept, change

    def __call__(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return how many files were opened and updated, how many rows merged, and every row refused with why."""
        rules, how = self._change.entering(call.org, data["origin"])
        refused: list[dict[str, Any]] = []
        wishes = [wish for each in data["rows"] if (wish := _wish(call.org, each, how, refused))]
        counts = {"created": 0, "updated": 0, "merged": 0}
        for _ in range(_ATTEMPTS):
            batch = self._plan(call, rules, how, wishes, refused)
            lost = set() if data["dry_run"] else self._write(call, batch)
            for customer_id, rows in batch.rows_of.items():
                if customer_id not in lost:
                    made = _opened_by(batch.touched[customer_id], call.key)
                    counts["created" if made else "updated"] += 1
                    counts["merged"] += len(rows) - 1
            wishes = [wish for customer_id in lost for wish in batch.rows_of[customer_id]]
            if not wishes:
                return {**counts, "refused": sorted(refused, key=lambda each: int(each["row"]))}
        raise Conflict("others keep changing the same customers: send the batch again")

    def _plan(
        self,
        call: Caller,
        rules: FileRules,
        how: Entering,
        wishes: Sequence[_Wish],
        refused: list[dict[str, Any]],
    ) -> _Batch:
        cause = cause_of(call)
        batch = _Batch(self._kept.by_keys([key for wish in wishes for key in wish.keys]))
        for wish in wishes:
            found = {batch.files[key].id: batch.files[key] for key in wish.keys if key in batch.files}
            try:
                if len(found) > 1:
                    problem = Problem("phone", "and the reference belong to two different customers")
                    raise ValidationFailed("the row names two customers", problems=(problem,))
                if found:
                    (customer,) = found.values()
                    self._update(batch, customer, wish, call, rules, how, cause)
                else:
                    new = derived_id("cu", call.key, str(wish.row))
                    customer = opened(rules, new, call.org, wish.claim, wish.values, how, cause)
                    for key in wish.keys:
                        customer.recognise_by(key)
                    batch.since[new] = 0
            except (RuleRefused, ValidationFailed) as error:
                refused.extend(_refusals(wish.row, error))
                continue
            batch.touched[customer.id] = customer
            batch.rows_of.setdefault(customer.id, []).append(wish)
            batch.files |= dict.fromkeys(customer.keys, customer)
        return batch

    def _update(
        self,
        batch: _Batch,
        customer: Customer,
        wish: _Wish,
        call: Caller,
        rules: FileRules,
        how: Entering,
        cause: Cause,
    ) -> None:
        if customer.has_processed(call.key) and customer.id not in batch.since:
            # Written by an earlier try of this very batch.
            return
        since = customer.history.next_seq
        basic = {"name": wish.claim.name, "phone": wish.claim.phone, "unit": wish.claim.unit}
        given = {code: value for code, value in basic.items() if value is not None}
        customer.enter(rules, given | dict(wish.values), how, "imported", cause, change="imported")
        for key in wish.keys:
            customer.recognise_by(key)
        customer.mark_processed(call.key)
        batch.since.setdefault(customer.id, since)

    def _write(self, call: Caller, batch: _Batch) -> set[str]:
        """Write what the batch touched in bulk; return the ids of the files somebody else was faster with."""
        fresh = [batch.touched[each] for each, since in batch.since.items() if since == 0]
        changed = [(batch.touched[each], since) for each, since in batch.since.items() if since]
        lost = {each for each in self._kept.open_all(fresh).known if not self._ours(call, each)}
        return lost | set(self._kept.save_all(changed))

    def _ours(self, call: Caller, customer_id: str) -> bool:
        """Return whether the file of that id is there because of an earlier try of this very batch."""
        there = self._kept.get(customer_id, call.org)
        return there is not None and there.has_processed(call.key)


def _opened_by(customer: Customer, key: str) -> bool:
    return next(iter(customer.history)).cause == key


def _wish(org: str, raw: Mapping[str, Any], how: Entering, refused: list[dict[str, Any]]) -> _Wish | None:
    """Return the wish of a row; None, with the row among ``refused``, when it cannot be read."""
    number = raw["row"]
    try:
        read = _ROW.load({key: value for key, value in raw.items() if key != "row"})
    except ValidationError as error:
        problems = flatten_errors(error.normalized_messages())
        refused.extend(_refusal(number, each.field, each.reason, None) for each in problems)
        return None
    claim: CustomerClaim = read["customer"]
    keys = claim.keys(org)
    if read["reference"]:
        keys = (reference_key(org, how.origin, read["reference"]), *keys)
    return _Wish(number, claim, keys, read["values"])


def _refusals(row: int, error: RuleRefused | ValidationFailed) -> list[dict[str, Any]]:
    problems = error.problems or (Problem("(row)", error.message),)
    return [_refusal(row, each.field, each.reason, error.rule) for each in problems]


def _refusal(row: int, name: str, reason: str, rule: str | None) -> dict[str, Any]:
    return {"row": row, "field": name.removeprefix("customer."), "reason": reason, "rule": rule}

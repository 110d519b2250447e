"""What an erasure does beyond files and contacts: requests, dossiers, visits, registers, clients, the duty log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from services.intake.domain.customer import Customer
from services.intake.domain.privacy.erasing import Traces, tell
from services.intake.domain.privacy.holdings import HOLDINGS, Reach
from services.intake.domain.privacy.requests import DataRequest, Remaining
from services.intake.domain.same.account import Account
from services.intake.domain.same.likeness import Identity
from services.intake.domain.same.names import parse_phone
from services.intake.handlers.duty_log import unit_id
from services.intake.handlers.erasing_limits import Limits
from shared.aggregate import Aggregate
from shared.errors import Conflict
from shared.forgetting import ERASED, forget
from shared.history import Cause
from shared.registers.forgetting import forget_in_record


class Holders(Protocol):
    """The collections that may hold something about a customer."""

    def about(
        self, name: str, org: str, ids: Collection[str], *, path: str | None = None
    ) -> Iterator[Sequence[Aggregate]]:
        """Yield pages of what a collection holds about ``ids``."""
        ...

    def every(self, name: str, org: str) -> Iterator[Sequence[Aggregate]]:
        """Yield pages of all that ``org`` has in a collection."""
        ...

    def save(self, name: str, changes: Sequence[tuple[Any, int]]) -> tuple[str, ...]:
        """Write changed things; return the ids of those that somebody else changed meanwhile."""
        ...


@dataclass
class Round:
    """One sweep of one erasure, and what came of it: how many things it reached, and what remains."""

    request: DataRequest
    customer_id: str
    at: datetime
    cause: Cause
    reached: dict[str, int] = field(default_factory=dict)
    remaining: list[Remaining] = field(default_factory=list)

    def note(self, what: str, source: str, count: int, *, lasting: bool) -> None:
        """Note that ``count`` things remain by the rule ``source``."""
        if count:
            self.remaining.append(Remaining(what, count, source, lasting))


def erased_by(thing: Aggregate, request_id: str) -> bool:
    """Return whether the erasure ``request_id`` took something out of ``thing``."""
    return any(
        entry.type == "personal_data_erased" and entry.data["request_id"] == request_id
        for entry in thing.history
    )


class Elsewhere:
    """Erases in every collection but those of files, contacts and rejected events."""

    def __init__(self, holders: Holders, limits: Limits) -> None:
        """Erase in ``holders``, within ``limits``."""
        self._holders, self._limits = holders, limits

    def erase_words(self, turn: Round, customer: Customer) -> None:
        """Erase what is found by the customer's name and number only; the file must still have them."""
        traces, home = Traces.of(customer), unit_id(customer.org, customer.unit)
        for name, holding in HOLDINGS.items():
            if holding.reach is Reach.WORDS:

                def blank(thing: Any, paths: tuple[str, ...] = holding.personal) -> bool:
                    at_home = home is not None and getattr(thing, "unit_id", None) == home
                    return forget(
                        thing,
                        (*paths, "answers.result"),
                        lambda text: traces.blanked(text, at_home=at_home),
                    )

                self._erase(turn, name, self._holders.every(name, customer.org), blank)
                self._stay(turn, holding.name, holding.stays)
        paths = HOLDINGS["data_requests"].personal
        asked = self._holders.about("data_requests", customer.org, [customer.id])
        self._erase(
            turn,
            "data_requests",
            asked,
            lambda thing: forget(thing, paths, lambda text: traces.blanked(text, at_home=True)),
        )
        self._erase_clients(turn, customer.phone)

    def erase_found(self, turn: Round, contacts: Sequence[str]) -> None:
        """Erase what is found by the customer's id, or by that of one of its ``contacts``."""
        clients = self._erase_clients(turn, None)
        ids = {turn.customer_id, *clients}
        for name, holding in HOLDINGS.items():
            if holding.reach is Reach.WHOLE:
                found = self._holders.about(name, turn.request.org, ids)
                self._erase(turn, name, found, self._whole(name, ids))
        ids |= {*contacts}
        records = self._holders.about("records", turn.request.org, ids)
        self._erase(
            turn,
            "records",
            records,
            lambda record: forget_in_record(record, self._limits.register(record), ids),
        )

    def _whole(self, name: str, ids: Collection[str]) -> Callable[[Any], bool]:
        holding = HOLDINGS[name]

        def only(row: Any) -> bool:
            return holding.row is None or getattr(row, holding.row) in ids

        def blank(thing: Any) -> bool:
            coded = self._limits.coded(thing)
            return forget(thing, holding.personal, lambda _: ERASED, only=only, keeping=coded)

        return blank

    def _erase_clients(self, turn: Round, phone: str | None) -> list[str]:
        """Erase the customer as a client of the sales, with the searches and conflicts over it; return its ids.

        By its ``phone`` number it is found as well, where it was entered without the file.
        """
        org = turn.request.org
        by_phone = Identity(None, None if phone is None else parse_phone(phone)).keys(org)
        found = self._found("accounts", org, {"customer_id": [turn.customer_id], "marks": by_phone})
        clients = [row for row in found if isinstance(row, Account)]
        # What they are known by, before that is emptied; a search that was erased is known by the mark it got.
        keys = {key for row in clients for key in row.particulars.identity.keys(org)} | {*by_phone}
        mark, searched = f"erased|{turn.customer_id}", HOLDINGS["account_searches"].personal
        searches = self._holders.about("account_searches", org, {*keys, mark})
        self._erase(
            turn, "account_searches", searches, lambda search: forget(search, searched, lambda _: mark)
        )
        ruled = [row.conflict_id for row in clients if row.conflict_id is not None]
        cases = self._found("account_conflicts", org, {"against": [row.id for row in clients], "_id": ruled})
        self._erase(turn, "account_conflicts", [cases], self._whole("account_conflicts", ()))
        self._erase(turn, "accounts", [clients], lambda row: _empty_client(row, turn.customer_id))
        return [row.id for row in clients]

    def _found(self, name: str, org: str, paths: Mapping[str, Collection[str]]) -> list[Aggregate]:
        """Return what is found by any of ``paths``, each thing once."""
        found = {
            row.id: row
            for path, ids in paths.items()
            for page in self._holders.about(name, org, ids, path=path)
            for row in page
        }
        return list(found.values())

    def _erase(
        self,
        turn: Round,
        name: str,
        pages: Iterable[Sequence[Aggregate]],
        blank: Callable[[Any], bool],
    ) -> None:
        """Let ``blank`` empty what may be emptied, and note how much was, and what waits or stays."""
        holding, waiting, figures = HOLDINGS[name], dict[str, int](), dict[str, int]()
        reached = turn.reached.get(holding.name, 0)
        for page in pages:
            changes = []
            for thing in page:
                source = self._limits.kept_by(thing, turn.at)
                since = thing.history.next_seq
                if source is not None:
                    waiting[source] = waiting.get(source, 0) + 1
                elif blank(thing):
                    tell(
                        thing,
                        holding.name,
                        turn.customer_id,
                        turn.request.id,
                        at=turn.at,
                        cause=turn.cause,
                    )
                    changes.append((thing, since))
                if erased_by(thing, turn.request.id):
                    reached += 1
                    for rule in self._limits.figures_of(thing):
                        figures[rule] = figures.get(rule, 0) + 1
            if self._holders.save(name, changes):
                raise Conflict(f"one of the {name} was changed by somebody else")
        turn.reached[holding.name] = reached
        for rule, count in waiting.items():
            turn.note(holding.name, rule, count, lasting=False)
        for rule, count in figures.items():
            turn.note(holding.name, rule, count, lasting=True)

    @staticmethod
    def _stay(turn: Round, what: str, source: str | None) -> None:
        if source is not None:
            turn.note(what, source, turn.reached.get(what, 0), lasting=True)


def _empty_client(account: Account, customer_id: str) -> bool:
    """Empty a client; nothing recognises it any more, but its place in the owner's quota stays.

    From then on it leads to the customer, also where it was entered without the file: it is found again by that.
    """
    held = () if account.slot is None else (account.slot,)
    keys = (f"erased|{account.id}", *held)
    words = [path for path in HOLDINGS["accounts"].personal if path.startswith("particulars.")]
    changed = forget(account, words, lambda _: ERASED) or account.keys != keys
    account.keys, account.marks, account.customer_id = keys, (), account.customer_id or customer_id
    return changed

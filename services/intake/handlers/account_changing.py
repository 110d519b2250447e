"""Use cases of changing a client: its owner, contract, state and grades, and what its rating of the agent leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from services.intake.domain.same.account import AT_RISK, SETTLED, Account, Proposal, pool_now
from services.intake.domain.same.rules import Contract, Ownership
from services.intake.handlers.account_views import entered_view
from services.intake.handlers.accounts import Accounts
from services.intake.handlers.ruling import Rules, Ruling
from shared.acting import Caller, change
from shared.authority import must_be_granted
from shared.clock import Clock
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.regulations.values import Sourced

if TYPE_CHECKING:
    from services.intake.accounts_kept import AccountShelves


@dataclass(frozen=True, slots=True)
class _Step:
    """One change about to be made: by whom, with which arguments, under which rules."""

    call: Caller
    data: Mapping[str, Any]
    rules: Ownership
    ruling: Ruling
    now: datetime
    cause: Cause

    @property
    def value(self) -> str:
        """Return the new value; ValidationFailed when it is missing."""
        if self.data["value"] is None:
            raise ValidationFailed("no value", problems=(Problem("value", "is missing"),))
        return str(self.data["value"])


class ChangeAccount:
    """One command with a mode: what is changed is named by ``change``."""

    def __init__(self, kept: AccountShelves, accounts: Accounts, rules: Rules, clock: Clock) -> None:
        """Change clients in ``kept``, by ``rules``; ``accounts`` finds places in quotas."""
        self._kept, self._accounts, self._rules, self._clock = kept, accounts, rules, clock
        self._steps: dict[str, Callable[[Account, _Step], None]] = {
            "owner": self._owner,
            "contract": self._contract,
            "state": self._state,
            "credit": self._credit,
            "reception": self._reception,
            "rating": self._rating,
            "proposal": self._proposal,
        }

    def __call__(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Change one thing of a client.

        RuleRefused where the rulebook does not know it or grants it to others.
        """
        now = self._clock.now()
        ruling = self._rules.in_force(call.org, now)
        rules = ruling.rules.accounts.ownership
        if rules is None:
            raise ValidationFailed("no owners", problems=(Problem("change", "is not in the rulebook"),))

        def step(account: Account, cause: Cause) -> None:
            if account.merged_into is not None:
                raise RuleRefused(
                    f"{account.id} was merged into {account.merged_into}", rule=rules.transfer.source
                )
            self._steps[data["change"]](account, _Step(call, data, rules, ruling, now, cause))

        return change(self._kept.accounts, call, data, "account", step, entered_view)

    def _owner(self, account: Account, step: _Step) -> None:
        """Move it to another owner (A-JD14-06); only by those the rulebook grants it to."""
        must_be_granted(step.rules.transfer, step.call.roles, "moving clients")
        self._move(account, step.value, step, step.rules.transfer.source)

    def _move(self, account: Account, owner: str, step: _Step, source: str) -> None:
        pool = pool_now(account, step.rules, step.now, step.ruling.zone)
        self._accounts.seat(account, owner, pool, step.rules)
        account.pass_to(owner, None if pool is None else pool.code, step.now, step.cause, source=source)

    def _contract(self, account: Account, step: _Step) -> None:
        """Note where the contract stands; whoever may not keep it any more loses it (B-CRM-03)."""
        self._own(account, step)
        contract = _of(Contract, step.value)
        since: date = step.data["since"] or step.now.astimezone(step.ruling.zone).date()
        source = step.rules.pools[0].source if step.rules.pools else step.rules.transfer.source
        account.sign(contract, since, step.now, step.cause, source=source)
        pool = pool_now(account, step.rules, step.now, step.ruling.zone)
        if step.rules.pools and (pool is None or pool.code != account.pool):
            account.hold(None)
            account.pass_to(None, None, step.now, step.cause, source=source)
        elif account.owner is not None:
            self._accounts.seat(account, account.owner, pool, step.rules)
        account.await_lapse(step.rules, step.ruling.calendar, step.ruling.zone, step.now, step.cause)

    def _state(self, account: Account, step: _Step) -> None:
        """Note whether the client may be lost (A-JD15-02)."""
        self._own(account, step)
        if step.value not in (SETTLED, AT_RISK):
            raise ValidationFailed("no state", problems=(Problem("value", "is no state of a client"),))
        account.feel(step.value, step.now, step.cause, source=step.rules.at_risk.source)

    def _credit(self, account: Account, step: _Step) -> None:
        """Note the grade of its credit (信用度)."""
        self._grade(account, "credit", step.rules.credit, step)

    def _reception(self, account: Account, step: _Step) -> None:
        """Note the grade an agent gave it during reception."""
        self._grade(account, "reception", step.rules.reception, step)

    def _grade(
        self, account: Account, kind: str, grades: Sourced[tuple[str, ...]] | None, step: _Step
    ) -> None:
        if grades is None or step.value not in grades.value:
            raise ValidationFailed("no grade", problems=(Problem("value", f"is no {kind} grade here"),))
        account.grade(kind, step.value, step.now, step.cause, source=grades.source)

    def _rating(self, account: Account, step: _Step) -> None:
        """Note how the client rates its agent; a low rating proposes another one (A-LOG-77)."""
        rules, to = step.rules.reassign, step.data["to"]
        if rules is None or not step.value.isdecimal() or not 1 <= int(step.value) <= rules.best:
            raise ValidationFailed("no rating", problems=(Problem("value", "is no rating here"),))
        rating = int(step.value)
        account.grade("rating", step.value, step.now, step.cause, source=rules.source)
        if rating <= rules.up_to and account.owner is not None:
            if to is None or to == account.owner:
                raise ValidationFailed(
                    "nobody to take over", problems=(Problem("to", "must be somebody else"),)
                )
            account.propose(Proposal(rating, account.owner, to, rules.source, step.now), step.cause)

    def _proposal(self, account: Account, step: _Step) -> None:
        """Accept or decline the agent proposed."""
        proposal = account.proposal
        must_be_granted(step.rules.transfer, step.call.roles, "moving clients")
        if proposal is None:
            raise RuleRefused("nobody was proposed", rule=step.rules.transfer.source)
        if step.value == "accepted":
            self._move(account, proposal.to, step, proposal.source)
        else:
            account.decline(step.now, step.cause, source=proposal.source)

    def _own(self, account: Account, step: _Step) -> None:
        if account.owner not in (None, step.call.actor):
            must_be_granted(step.rules.seen_by, step.call.roles, "changing clients of others")


def _of(kind: type[Contract], value: str) -> Contract:
    try:
        return kind(value)
    except ValueError:
        reason = f"must be one of {', '.join(kind)}"
        raise ValidationFailed("no such state", problems=(Problem("value", reason),)) from None

"""One record of a register (登记): opened, acted on by those who may, corrected but never altered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from shared.clocks import Authority, Firing, Kind
from shared.errors import RuleRefused, ValidationFailed
from shared.history import Cause
from shared.registers.definition import Action, ClockRule, Field, Notice, Register
from shared.registers.demands import Hand, demand, granted, run_checks, with_defaults
from shared.registers.parts import Act, ClockNotice, ClockOpening, Correction, Owed, ToOpen
from shared.registers.reckoning import applies, numeric, with_computed
from shared.registers.sharing import shared_keys
from shared.registers.signing import levels_of, role_for, signatures
from shared.registers.stock import Change, changes_of
from shared.registers.timing import since_of, until_of, years_before
from shared.registers.values import read_values, token, tokens
from shared.registers.words import CLOSED, CORRECTED, DESTROY, OPENED, ORIGIN, SUCCESSION, Default, Type
from shared.timed import Timed

#: What a field that an action fills says anew every time the action is taken.
_ANEW: frozenset[object] = frozenset(Default)


@dataclass(kw_only=True)
class Record(Timed):
    """What was written in one form, and everything that was done to it."""

    subject: ClassVar[str] = "record"

    register: str
    number: str | None
    state: str
    opened_at: datetime
    opened_by: str
    values: dict[str, Any]
    is_open: bool = True
    closed_at: datetime | None = None
    acts: list[Act] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    staff: list[str] = field(default_factory=list)
    clock_notices: list[ClockNotice] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    owed_since: datetime | None = None
    #: The record that opened this one.
    origin: str | None = None
    to_open: list[ToOpen] = field(default_factory=list)
    to_open_since: datetime | None = None
    clock_openings: list[ClockOpening] = field(default_factory=list)
    destroyed_at: datetime | None = None

    @classmethod
    def opened(
        cls,
        register: Register,
        hand: Hand,
        *,
        record_id: str,
        org: str,
        regulation: str,
        given: Mapping[str, Any],
        number: str | None,
        origin: str | None = None,
    ) -> Record:
        """Return a new record; RuleRefused names the rule that forbids it or asks for more.

        What another record, its ``origin``, opens is opened by a rule, whoever took the step that it follows from.
        """
        fields = register.of_opening()
        if origin is None:
            granted(register.open, hand, {}, "", register.source, f"{register.name}")
        values = {
            code: value for code, value in read_values(_by_hand(fields), given).items() if value is not None
        }
        record = cls(
            id=record_id,
            org=org,
            regulation=regulation,
            register=register.code,
            number=number,
            state=register.states[0].code,
            opened_at=hand.at,
            opened_by=hand.actor,
            values=values,
            origin=origin,
        )
        record._fill(register, with_defaults(fields, values, hand))
        demand(register, record.values, {f.code for f in fields if f.required}, record.values.keys())
        before = record.flags
        record.flags = list(run_checks(register, record.values, OPENED, ()))
        data = {**record._head(), "state": record.state, **record._shown(register)}
        record.record("record_opened", data, at=hand.at, cause=hand.cause)
        record._after_step(register, OPENED, before, hand, was_open=True)
        return record

    def act(
        self,
        register: Register,
        code: str,
        given: Mapping[str, Any],
        hand: Hand,
        *,
        succeeded: bool = False,
    ) -> None:
        """Take the action ``code``; RuleRefused names the rule that forbids it, ValidationFailed a wrong value.

        What ``succeeded`` by another record is acted on by a rule, whoever took the step that it follows from.
        """
        action = register.action(code)
        if action is None:
            message = f"{register.name} has no action {code!r}"
            raise ValidationFailed(message)
        signed = signatures(self.acts, code)
        role = self._may(register, action, hand, succeeded=succeeded)
        fields = [f for f in register.fields if f.code in (*action.sets, *action.needs)]
        sets = read_values(_by_hand(fields), given)
        if signed and any(self.values.get(key) not in (None, value) for key, value in sets.items()):
            raise RuleRefused("others have signed what this would change", rule=action.source)
        # Who and when are those of this time, not of the time before; what others sign with stays as they saw it.
        anew = set() if signed else {f.code for f in fields if f.default in _ANEW}
        kept = {key: value for key, value in self.values.items() if key not in anew}
        filled = with_defaults(fields, {**kept, **sets}, hand)
        sets = {
            f.code: filled[f.code]
            for f in fields
            if f.code in filled and filled[f.code] != self.values.get(f.code)
        }
        before, was_open, from_state = self.flags, self.is_open, self.state
        self._fill(register, filled)
        demand(register, self.values, {*action.needs, *self._required(register)}, sets.keys())
        numbers = numeric(register.fields, register.computed)
        if not applies(action.when, self.values, numbers):
            raise RuleRefused(f"{action.name} does not apply to this record", rule=action.source)
        self.flags = [
            *(flag for flag in before if register_has_no(register, flag)),
            *run_checks(register, self.values, code, before),
        ]
        done = len(signed) + 1 >= len(levels_of(register, action, self.values))
        if done and action.to is not None:
            self._move(register, action.to, hand)
        self.acts.append(Act(code, hand.actor, role, hand.at, from_state, self.state, done, sets))
        data = {
            **self._head(),
            "action": code,
            "from": from_state,
            "to": self.state,
            "role": role,
            "done": done,
            **self._shown(register),
        }
        self.record("record_acted", data, at=hand.at, cause=hand.cause)
        self._refresh(register)
        if done:
            self._extend(register, action, hand, role)
            self._after_step(register, code, before, hand, was_open=was_open)

    def correct(self, register: Register, given: Mapping[str, Any], reason: str, hand: Hand) -> None:
        """Put values right; what stood there is kept. RuleRefused when nobody, or not this one, may."""
        role = granted(
            register.corrections, hand, self.values, self.opened_by, register.source, "a correction"
        )
        if not given:
            raise ValidationFailed("a correction names what it puts right")
        self._refuse_destroyed(register.source)
        moved = _moved(register)
        stocked = sorted(moved & set(given))
        if stocked:
            message = f"{', '.join(stocked)} moved the stock: write it off or in by a step of its own"
            raise RuleRefused(message, rule=register.source)
        new = read_values(_by_hand(register.fields), given)
        was = {code: self.values.get(code) for code in new}
        before = self.flags
        self._fill(register, {**self.values, **new})
        demand(register, self.values, self._required(register), new.keys())
        self.flags = [
            *(flag for flag in before if register_has_no(register, flag)),
            *run_checks(register, self.values, CORRECTED, before),
        ]
        self.corrections += [
            Correction(code, was[code], self.values.get(code), hand.actor, role, hand.at, reason)
            for code in new
        ]
        data = {**self._head(), "fields": sorted(new), "role": role, **self._shown(register)}
        self.record("record_corrected", data, at=hand.at, cause=hand.cause)
        self._after_step(register, CORRECTED, before, hand, was_open=self.is_open)

    def destroy(self, register: Register, hand: Hand) -> None:
        """Take away what stood in a record that nobody has to keep any longer; that it was there stays known.

        RuleRefused where nothing says how long it is kept, before that time is over, or by one who may not.
        """
        rule = register.retention
        if rule is None:
            raise RuleRefused(f"nothing says how long {register.name} is kept", rule=register.source)
        role = granted(rule.grants, hand, {}, self.opened_by, rule.source, "destruction")
        self._refuse_destroyed(rule.source)
        if self.is_open or self.closed_at is None or self.closed_at > years_before(hand.at, rule.years):
            raise RuleRefused(f"it is kept for {rule.years} years after it is closed", rule=rule.source)
        if self.owed:
            raise RuleRefused("a balance does not know of it yet", rule=rule.source)
        if self.to_open:
            raise RuleRefused("what it opens is not there yet", rule=rule.source)
        self.values, self.tokens, self.shared, self.staff = {}, [], [], [self.opened_by]
        self.acts = [replace(act, sets={}) for act in self.acts]
        self.corrections = [replace(each, before=None, after=None, reason="") for each in self.corrections]
        self.destroyed_at = hand.at
        self.acts.append(Act(DESTROY, hand.actor, role, hand.at, self.state, self.state, done=True, sets={}))
        data = {**self._head(), "action": DESTROY, "from": self.state, "to": self.state, "role": role}
        data |= {"done": True, **self._shown(register)}
        self.record("record_acted", data, at=hand.at, cause=hand.cause)

    def changes(self, register: Register, step: str) -> list[Change]:
        """Return what ``step``, just taken, does to balances; nothing while signatures are missing."""
        if step != OPENED and not (self.acts and self.acts[-1].done):
            return []
        return changes_of(register, self.org, step, self.values)

    def owe(self, key: str, changes: list[Change]) -> None:
        """Remember, in the write that carries the step, which balances it changes."""
        self.owed += [
            Owed(key, c.balance_id, c.stock, c.item, c.place, str(c.amount), c.source, c.told)
            for c in changes
        ]

    def opened_others(self, done: Sequence[ToOpen], refused: Mapping[str, str], at: datetime) -> None:
        """Forget what is ``done``; flag the rules that were ``refused``, each with its source."""
        self.to_open = [each for each in self.to_open if each not in done]
        if not self.to_open:
            self.to_open_since = None
        for rule, source in refused.items():
            flag = f"not_opened:{rule}"
            if flag not in self.flags:
                self.flags = [*self.flags, flag]
                self._flag(flag, source, at, Cause(f"{self.id}/{rule}", "system"))

    def refresh_tokens(self, register: Register) -> None:
        """Write down anew what the record is found by."""
        self.tokens = tokens(register.fields, self.values)
        if self.origin is not None:
            self.tokens.append(token(ORIGIN, self.origin))

    def note_read(self, role: str, at: datetime, cause: Cause) -> None:
        """Write down that a confidential record was read."""
        self.record("record_read", {**self._head(), "role": role}, at=at, cause=cause)

    def after_firing(self, firing: Firing, now: datetime, cause: Cause) -> None:
        """Flag what is late, and tell those the rulebook names."""
        breached = firing.kind is Kind.BREACHED
        source = next(d.source for d in reversed(self.deadlines) if d.name == firing.clock)
        flag = f"late:{firing.clock}"
        if breached and flag not in self.flags:
            self.flags = [*self.flags, flag]
            self._flag(flag, source, now, cause)
        event = f"{'breach' if breached else 'warn'}:{firing.clock}"
        for notice in self.clock_notices:
            if event in notice.at:
                self._notice(notice, now, cause)
        self._will_open([each.rule for each in self.clock_openings if event in each.at], "", cause.actor, now)

    def _may(self, register: Register, action: Action, hand: Hand, *, succeeded: bool) -> str:
        self._refuse_destroyed(action.source)
        possible = self.state in action.from_ if action.from_ else self.is_open
        if not possible:
            raise RuleRefused(f"{action.name} is not possible in state {self.state}", rule=action.source)
        if succeeded:
            return SUCCESSION
        levels = levels_of(register, action, self.values)
        return role_for(action, levels, hand, self.values, self.opened_by, self.acts)

    def _refuse_destroyed(self, source: str) -> None:
        if self.destroyed_at is not None:
            raise RuleRefused("what stood in it is destroyed", rule=source)

    def _required(self, register: Register) -> set[str]:
        return {f.code for f in register.of_opening() if f.required}

    def _fill(self, register: Register, values: Mapping[str, Any]) -> None:
        kept = {code: value for code, value in values.items() if value is not None}
        self.values = with_computed(register.fields, register.computed, kept)

    def _move(self, register: Register, to: str, hand: Hand) -> None:
        self.state = to
        self.is_open = not register.is_final(to)
        if not self.is_open and self.closed_at is None:
            self.closed_at = hand.at

    def _after_step(
        self, register: Register, step: str, flags: list[str], hand: Hand, *, was_open: bool
    ) -> None:
        """Run the clocks, and flag and tell what ``step`` brought about."""
        if step == OPENED and register.is_final(self.state):
            self._move(register, self.state, hand)
        self._refresh(register)
        closing = was_open and not self.is_open
        steps = [step, CLOSED] if closing else [step]
        self._run_clocks(register, steps, hand)
        for code in [flag for flag in self.flags if flag not in flags]:
            check = next((each for each in register.checks if each.code == code), None)
            if check is not None:
                self._flag(code, check.source, hand.at, hand.cause)
                steps.append(f"flag:{code}")
        numbers = numeric(register.fields, register.computed)
        for notice in register.notices:
            if set(notice.at).intersection(steps) and applies(notice.when, self.values, numbers):
                self._notice(notice, hand.at, hand.cause)
        rules = [
            rule.code
            for rule in register.opens
            if set(rule.at).intersection(steps) and applies(rule.when, self.values, numbers)
        ]
        if register.succession is not None and register.succession.at == step:
            rules.append(SUCCESSION)
        again = sum(act.done and act.action == step for act in self.acts)
        turn = f"{step}/{again}" if again > 1 else ""
        self._will_open(rules, turn, hand.actor, hand.at)

    def _will_open(self, rules: Sequence[str], turn: str, by: str, at: datetime) -> None:
        """Remember, in the write that carries a step, what it opens."""
        self.to_open += [ToOpen(rule, by, turn) for rule in rules]
        if rules and self.to_open_since is None:
            self.to_open_since = at

    def _refresh(self, register: Register) -> None:
        """Keep what the record is found by, and what it may not share."""
        self.refresh_tokens(register)
        self.shared = list(shared_keys(register, self.org, self.values, is_open=self.is_open))
        # The timer reads no rulebook: what its notices depend on changes only with a step, and is weighed here.
        numbers = numeric(register.fields, register.computed)
        self.clock_notices = [
            ClockNotice(n.code, n.at, n.to, n.to_field, n.why, n.source)
            for n in register.notices
            if any(step.startswith(("breach:", "warn:")) for step in n.at)
            and applies(n.when, self.values, numbers)
        ]
        self.clock_openings = [
            ClockOpening(rule.code, rule.at)
            for rule in register.opens
            if any(step.startswith(("breach:", "warn:")) for step in rule.at)
            and applies(rule.when, self.values, numbers)
        ]
        named = [
            str(self.values[f.code])
            for f in register.fields
            if f.type is Type.STAFF and self.values.get(f.code)
        ]
        self.staff = sorted({self.opened_by, *named})

    def _run_clocks(self, register: Register, steps: list[str], hand: Hand) -> None:
        numbers = numeric(register.fields, register.computed)
        for rule in register.clocks:
            if set(rule.ends).intersection(steps):
                self.meet_clock(rule.code, hand.at, hand.cause)
        for rule in register.clocks:
            if set(rule.starts).intersection(steps) and applies(rule.when, self.values, numbers):
                self._begin(rule, register, hand)
        if CLOSED in steps:
            lasting = {rule.code for rule in register.clocks if set(rule.starts).intersection(steps)}
            for deadline in [d for d in self.deadlines if d.open and d.name not in lasting]:
                self.drop_clock(deadline.name, hand.at, hand.cause)

    def _begin(self, rule: ClockRule, register: Register, hand: Hand) -> None:
        if rule.within is not None:
            since = since_of(rule, register, self.values, hand)
            if since is not None:
                self.begin_clock(
                    rule.code,
                    rule.within,
                    hand.calendar,
                    hand.at,
                    hand.cause,
                    since=since,
                    warn_at=rule.warn_at,
                )
            return
        due = until_of(rule, register, self.values, hand)
        if due is None:
            return
        self.begin_clock_until(
            rule.code, due, hand.calendar, hand.at, hand.cause, source=rule.source, warn_at=rule.warn_at
        )

    def _extend(self, register: Register, action: Action, hand: Hand, role: str) -> None:
        extends = action.extends
        if extends is None or self.clock(extends.clock) is None:
            return
        reason = str(self.values.get(extends.reason or "") or action.code)
        shown = action.code if extends.reason is None or _is_text(register, extends.reason) else reason
        amount = int(self.values[extends.by])
        authority = Authority(shown, hand.actor, role)
        self.extend_clock(extends.clock, amount, authority, hand.calendar, hand.at, hand.cause)

    def _flag(self, flag: str, source: str, at: datetime, cause: Cause) -> None:
        data = {**self._head(), "flag": flag, "source": source}
        self.record("record_flagged", data, at=at, cause=cause)

    def _notice(self, notice: Notice | ClockNotice, at: datetime, cause: Cause) -> None:
        named = self.values.get(notice.to_field) if notice.to_field is not None else None
        targets: list[tuple[str | None, str | None]] = [(role, None) for role in notice.to]
        if named is not None:
            targets.append((None, str(named)))
        for role, staff in targets:
            data = {
                **self._head(),
                "notice": notice.code,
                "to": role,
                "staff": staff,
                "why": notice.why,
                "source": notice.source,
            }
            self.record("record_noticed", data, at=at, cause=cause)

    def _head(self) -> dict[str, Any]:
        return {"register": self.register, "record_id": self.id, "number": self.number}

    def _shown(self, register: Register) -> dict[str, Any]:
        return {"values": register.shown(self.values), "flags": list(self.flags)}


def register_has_no(register: Register, flag: str) -> bool:
    """Return whether ``flag`` is of no check of the register, but of a clock: it stays for good."""
    return all(check.code != flag for check in register.checks)


def _moved(register: Register) -> set[str]:
    """Return the fields a stock was moved by: to correct them would leave the stock wrong."""
    rule = register.balance
    if rule is None:
        return set()
    if rule.rows is not None:
        return {rule.rows, *([rule.place] if rule.place else [])}
    moved = {rule.item, *(move.quantity for move in rule.moves)}
    return moved | ({rule.place} if rule.place else set())


def _by_hand(fields: Sequence[Field]) -> list[Field]:
    """Return the fields that somebody may fill: what is fixed holds its default."""
    return [field for field in fields if not field.fixed]


def _is_text(register: Register, code: str) -> bool:
    found = register.field(code)
    return found is None or found.type is Type.TEXT or found.personal

"""Customer files (客户档案, 一户一档): who a customer is, by what it is recognised, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from services.intake.domain.files import terms
from services.intake.domain.files.listed import Listed
from services.intake.domain.files.parts import Change, Extract, Handover, Moved, Opening, Origin, Relation
from services.intake.domain.files.quality import Filled, Quality, lacking, quality
from services.intake.domain.files.rules import FileRules, Fresh, Transfer
from services.intake.domain.files.values import BASIC, Entering, Held, check_basic, hold
from services.intake.domain.recognising import CustomerClaim
from shared.aggregate import Aggregate
from shared.errors import Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.regulations.values import DESIGN

#: So many of the latest extracts are looked up by; the history has them all.
_EXTRACTS = 60
#: Where the data of a file comes from that a contact opened.
BY_CONTACT = "contact"
#: The first entries of a file: they change nothing that was there before.
OPENED = "opened"


@dataclass(kw_only=True)
class Customer(Aggregate):
    """One customer's file; ``keys`` are unique over all files."""

    kind: str
    name: str
    phone: str | None
    unit: str | None
    keys: tuple[str, ...]
    opened_at: datetime
    fields: dict[str, Held] = field(default_factory=dict)
    #: What was learned in service and waits for the customer's word.
    pending: dict[str, Held] = field(default_factory=dict)
    confirmed: dict[str, date] = field(default_factory=dict)
    preferences: tuple[str, ...] = ()
    phase: str | None = None
    lifecycle: str | None = None
    next_follow_on: date | None = None
    moves: list[Moved] = field(default_factory=list)
    group: str | None = None
    filing: str | None = None
    extracts: list[Extract] = field(default_factory=list)
    origins: tuple[Origin, ...] = ()
    relations: list[Relation] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    lacking: tuple[str, ...] = ()
    days: dict[str, date] = field(default_factory=dict)

    @staticmethod
    def open(
        customer_id: str,
        org: str,
        claim: CustomerClaim,
        *,
        at: datetime,
        cause: Cause,
        opening: Opening | None = None,
        origin: str = BY_CONTACT,
    ) -> Customer:
        """Open a file from the first contact (B-STD-08), or by hand or from a list, as ``origin`` says."""
        customer = Customer(
            id=customer_id,
            org=org,
            kind=claim.kind,
            name=claim.name,
            phone=claim.phone,
            unit=claim.unit,
            keys=claim.keys(org),
            opened_at=at,
            origins=(Origin(origin, at, at),),
        )
        if opening is not None:
            customer.days = dict.fromkeys(Fresh, opening.today)
            customer.lacking = lacking(opening.rules, claim.kind, customer.holds)
            if opening.lifecycle is not None:
                customer.lifecycle = opening.lifecycle
                customer.moves.append(Moved("lifecycle", opening.lifecycle, opening.today, origin))
        customer.mark_processed(cause.message_id)
        data = {"customer_id": customer_id, "kind": claim.kind}
        customer.record("customer_registered", data, at=at, cause=cause)
        return customer

    @property
    def holds(self) -> frozenset[str]:
        """Return which fields the file holds, the basic ones included."""
        basic = {"name": self.name, "phone": self.phone, "unit": self.unit}
        return frozenset({code for code, value in basic.items() if value} | self.fields.keys())

    @property
    def terms(self) -> list[str]:
        """Return what the file is found and listed by."""
        values = [(code, text) for code, held in self.fields.items() if held.searched for text in held.texts]
        states = {
            "lifecycle": self.lifecycle,
            "phase": self.phase,
            "class": self.group,
            "filing": self.filing,
        }
        return [
            *terms.searched(self.id, self.org, self.name, self.unit, values),
            *(terms.tag(self.org, what, code) for what, code in states.items() if code),
            *(terms.tag(self.org, "origin", each.code) for each in self.origins),
            *(terms.tag(self.org, "holds", code) for code in self.fields),
            *(terms.tag(self.org, "lacks", code) for code in self.lacking),
            *((terms.tag(self.org, "incomplete"),) if self.lacking else ()),
            *(terms.tag(self.org, what, day.isoformat()) for what, day in self.days.items()),
            *(terms.tag(self.org, "extracted", each.on.isoformat(), each.by) for each in self.extracts),
        ]

    @property
    def listed(self) -> Listed:
        """Return what lists say of the file."""
        updated = self.days.get(Fresh.UPDATED.value)
        return Listed(
            self.id,
            self.kind,
            self.name,
            self.phone,
            self.unit,
            self.phase,
            self.lifecycle,
            self.group,
            self.filing,
            origins=tuple(each.code for each in self.origins),
            lacking=tuple(self.lacking),
            updated_on=updated.isoformat() if updated else None,
            next_follow_on=self.next_follow_on.isoformat() if self.next_follow_on else None,
        )

    def quality(self, rules: FileRules, today: date) -> Quality:
        """Return the file's score in three parts (B-GAS-01)."""
        opened = self.opened_at.date()
        days = {what.value: self.days.get(what.value, opened) for what in Fresh}
        return quality(rules, Filled(self.kind, self.holds, frozenset(self.pending), days), today)

    def enter(
        self,
        rules: FileRules,
        values: Mapping[str, Any],
        how: Entering,
        reason: str,
        cause: Cause,
        *,
        learned: bool = False,
        change: str = "fields",
    ) -> None:
        """Enter ``values``, None taking one away; each change keeps the value before.

        What was ``learned`` in service waits for the customer's confirmation where the rulebook asks for it.
        """
        basic = {code: values[code] for code in BASIC if code in values}
        check_basic(rules, self.kind, basic)
        before = {code: self._shown(code) for code in values}
        # All is read before anything is changed: what is refused leaves the file as it was.
        ready = {
            code: value if code in BASIC or value is None else self._read(rules, code, value, how)
            for code, value in values.items()
        }
        self._require_key(basic)
        first = rules.confirmed_first.value if learned and rules.confirmed_first else ()
        changed = []
        for code, value in ready.items():
            if code in first and value is not None:
                self.pending[code] = value if isinstance(value, Held) else Held(value, how.origin, how.at)
                changed.append(code)
            elif self._put(code, value):
                changed.append(code)
                if change != OPENED:
                    self._note(code, before[code], self._shown(code), how, reason, cause.actor)
        self._came_from(how.origin, how.at)
        self.days |= {Fresh.UPDATED.value: how.today}
        self.lacking = lacking(rules, self.kind, self.holds)
        if change != OPENED:
            self._changed(change, how.at, cause, fields=sorted(changed), origin=how.origin)

    def confirm(self, rules: FileRules, codes: Sequence[str], how: Entering, on: date, cause: Cause) -> None:
        """The customer confirmed what the file says of ``codes``, or all of it, on a day (A-LOG-59, B-GAS-08)."""
        asked = tuple(codes) or tuple(sorted(self.holds | self.pending.keys()))
        for code in asked:
            if code not in self.holds and code not in self.pending:
                message = f"the file holds no {code} to be confirmed"
                raise ValidationFailed(message, problems=(Problem("fields", message),))
        for code in asked:
            waiting = self.pending.pop(code, None)
            before = self._shown(code)
            if waiting is not None and self._put(code, waiting):
                self._note(code, before, self._shown(code), how, "confirmed", cause.actor)
            self.confirmed[code] = on
            if code in self.fields:
                self.fields[code] = replace(self.fields[code], confirmed_on=on)
        days = {Fresh.CONFIRMED.value: on} if not codes else {}
        self.days |= days | {Fresh.UPDATED.value: how.today}
        self.lacking = lacking(rules, self.kind, self.holds)
        self._changed("confirmed", how.at, cause, fields=sorted(asked), value_to=on.isoformat())

    def review(self, at: datetime, on: date, cause: Cause) -> None:
        """Somebody went through the file, analysed and sorted it (定期分析、整理)."""
        self.days |= {Fresh.REVIEWED.value: on}
        self._changed("reviewed", at, cause, value_to=on.isoformat())

    def prefer(self, preferences: Sequence[str], how: Entering, reason: str, cause: Cause) -> None:
        """Keep what the customer prefers (个性化服务); it is shown with every contact."""
        before, self.preferences = self.preferences, tuple(preferences)
        self._note("preferences", list(before), list(self.preferences), how, reason, cause.actor)
        self._changed("preferences", how.at, cause)

    def hand_over(
        self,
        rules: FileRules,
        transfer: Transfer,
        facts: Handover,
        values: Mapping[str, Any],
        how: Entering,
        reason: str,
        cause: Cause,
    ) -> None:
        """Hand the unit or meter over to the owner that ``values`` describe; refused as ``transfer`` says."""
        special = facts.special_case and facts.roles & set(transfer.specials)
        if facts.arrears > 0 and not special:
            raise RuleRefused("there are arrears: they are paid before the transfer", rule=transfer.source)
        missing = [code for code in transfer.copies if code not in facts.copies]
        if missing:
            raise RuleRefused(f"copies are missing: {', '.join(missing)}", rule=transfer.source)
        self.enter(rules, values, how, reason, cause, change="transferred")

    def move(
        self, rules: FileRules, what: str, to: str, on: date, reason: str, at: datetime, cause: Cause
    ) -> None:
        """Move to another phase, or state of life, from the day ``on``."""
        before = self.phase if what == "phase" else self.lifecycle
        if what == "phase":
            self.phase = _known(rules.phases, to, "phase")
        else:
            _known(rules.lifecycle, to, "lifecycle")
            state = rules.life_state(before)
            if state is not None and to not in state.moves_to:
                raise RuleRefused(f"a customer who is {before} does not become {to}", rule=state.source)
            self.lifecycle = to
        self.moves.append(Moved(what, to, on, reason))
        self._changed(what, at, cause, value_from=before, value_to=to)

    def follow(self, rules: FileRules, on: date | None) -> None:
        """Set the day of the next follow-up; refused to be missing in a state of life that is followed."""
        self.next_follow_on = on
        if on is None and rules.followed is not None and self.lifecycle in rules.followed.value:
            message = f"the next follow-up's day is missing: the customer is {self.lifecycle}"
            raise RuleRefused(
                message,
                rule=rules.followed.source,
                problems=(Problem("next_follow_on", "is missing"),),
            )

    def relate(
        self,
        rules: FileRules,
        kind: str,
        to: str,
        notes: Mapping[str, str] | None,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Say what ``to`` is to this customer; ``notes`` of None end the relation."""
        found = next((each for each in rules.relations if each.code == kind), None)
        if found is None:
            _known(rules.relations, kind, "kind")
            return
        missing = [code for code in found.notes if notes is not None and not notes.get(code)]
        if missing:
            raise RuleRefused(f"the relation lacks {', '.join(missing)}", rule=found.source)
        others = [each for each in self.relations if (each.kind, each.to) != (kind, to)]
        self.relations = others if notes is None else [*others, Relation(kind, to, dict(notes), at)]
        self._changed("related", at, cause, value_from=kind, value_to=None if notes is None else to)

    def file_step(
        self,
        rules: FileRules,
        step: str,
        group: str | None,
        roles: frozenset[str],
        today: date,
        at: datetime,
        cause: Cause,
    ) -> None:
        """Take a step of filing: extracted by a specialist, submitted, classified by whom the rulebook names."""
        before, filing = self.filing, rules.filing
        if step == "classified":
            _known(rules.classes, group or "", "class")
            if filing is not None and not roles & set(filing.classifiers):
                raise RuleRefused("only the supervisor classifies files", rule=filing.source)
        order = {"submitted": "extracted", "classified": "submitted"}
        if filing is not None and step in order and before != order[step]:
            raise RuleRefused(f"the file was not {order[step]} before", rule=filing.source)
        if step == "extracted":
            made = Extract(cause.actor, today)
            self.extracts = [*(each for each in self.extracts if each != made), made][-_EXTRACTS:]
        self.filing = step
        self.group = group if step == "classified" else self.group
        self._changed(step, at, cause, value_from=before, value_to=group)

    def recognise_by(self, key: str) -> None:
        """Let ``key`` recognise this customer too."""
        if key not in self.keys:
            self.keys = (*self.keys, key)

    def _read(self, rules: FileRules, code: str, value: Any, how: Entering) -> Held:
        return hold(rules, self.kind, code, value, how, self.fields.get(code))

    def _shown(self, code: str) -> Any:
        """Return the JSON shape of what the file holds in a field."""
        if code in BASIC:
            return getattr(self, code)
        return self.fields[code].shown() if code in self.fields else None

    def _put(self, code: str, value: Held | str | None) -> bool:
        """Put a value in its place, None taking it away; return whether that changed anything."""
        before = self._shown(code)
        if code in BASIC:
            plain = str(value.value) if isinstance(value, Held) else value
            if plain != before:
                self._rename(code, plain)
        elif isinstance(value, Held):
            self.fields[code] = value
        else:
            self.fields.pop(code, None)
        return bool(self._shown(code) != before)

    def _rename(self, code: str, value: Any) -> None:
        """Change a basic field, and with it what recognises the customer."""
        before = self._claim()
        setattr(self, code, value)
        after = self._claim()
        gone = {key for phone in (before.phone, None) for key in _keys(before, phone, self.org)} - {
            key for phone in (after.phone, None) for key in _keys(after, phone, self.org)
        }
        kept = [key for key in self.keys if key not in gone]
        self.keys = tuple(dict.fromkeys((*after.keys(self.org), *kept)))
        self.confirmed.pop(code, None)

    def _claim(self) -> CustomerClaim:
        return CustomerClaim(self.kind, self.name, self.phone, self.unit)

    def _require_key(self, basic: Mapping[str, str | None]) -> None:
        name, phone, unit = (basic.get(code, getattr(self, code)) for code in BASIC)
        if not name or not (phone or unit):
            raise ValidationFailed(
                "the customer could not be recognised any more: a name, and a phone or a unit, must stay",
                problems=(Problem("values", "take away what recognises the customer"),),
            )

    def _came_from(self, origin: str, at: datetime) -> None:
        rows = {each.code: each for each in self.origins}
        first = rows[origin].first_at if origin in rows else at
        self.origins = tuple((rows | {origin: Origin(origin, first, at)}).values())

    def _note(self, code: str, before: Any, after: Any, how: Entering, reason: str, by: str) -> None:
        self.changes.append(Change(how.at, by, code, before, after, reason, how.origin))

    def _changed(self, change: str, at: datetime, cause: Cause, **data: Any) -> None:
        common: dict[str, Any] = {"fields": [], "value_from": None, "value_to": None, "origin": None}
        head = {"customer_id": self.id, "change": change, "changed_at": timestamp(at)}
        self.record("customer_changed", head | common | data, at=at, cause=cause)


def _keys(claim: CustomerClaim, phone: str | None, org: str) -> tuple[str, ...]:
    return replace(claim, phone=phone).keys(org)


def _known(rows: Sequence[Any], code: str, what: str) -> str:
    if code not in {row.code for row in rows}:
        known = ", ".join(row.code for row in rows) or "none"
        reason = f"is not one of {known}"
        rule = rows[0].source if rows else DESIGN
        raise RuleRefused(f"{what} {reason}", rule=rule, problems=(Problem(what, reason),))
    return code

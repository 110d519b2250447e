"""The documents of a dossier: handed in, complete or not, passed from stage to stage in time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from services.intake.domain.dossiers.checking import Lack, lacks, pass_gates, stands
from services.intake.domain.dossiers.parts import Act, Brought, Given, Passed, Piece, Receipt
from services.intake.domain.dossiers.rules import (
    COMPLETE,
    OPENED,
    RECEIVED,
    Batch,
    DossierRule,
    Item,
    Stage,
    Weekday,
    applies,
)
from shared.clocks import State
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.timed import Timed

_ONE_DAY = timedelta(days=1)
_SUM = re.compile(r"\d{1,15}(\.\d{1,2})?", re.ASCII)
#: How far ahead a batch day is looked for; nobody closes for so long.
_DAYS_AHEAD = 60


@dataclass(kw_only=True)
class Papers(Timed):
    """The documents about one subject, ``about_id`` of the kind ``about``, and the facts that say which they are.

    ``readers`` are the roles that alone see it; nobody in particular where it is empty.
    """

    subject: ClassVar[str] = "dossier"

    kind: str
    about: str
    about_id: str
    opened_at: datetime
    updated_at: datetime
    facts: dict[str, str] = field(default_factory=dict)
    readers: list[str] = field(default_factory=list)
    keeper: str | None = None
    responsible: str | None = None
    retention_years: int | None = None
    complete: bool = False
    pieces: list[Piece] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    closed_requests: list[str] = field(default_factory=list)

    def lacks(self, rule: DossierRule) -> tuple[Lack, ...]:
        """Return what is asked for and not there."""
        return lacks(rule, self.facts, self.pieces)

    def open(self, rule: DossierRule, act: Act) -> None:
        """Record that it was opened, with its keeper where the rule asks for one."""
        self._check_facts(rule, self.facts)
        absent = [fact.code for fact in rule.facts if fact.required and fact.code not in self.facts]
        if absent:
            problems = tuple(Problem(f"facts.{code}", "is missing") for code in absent)
            raise ValidationFailed("the dossier cannot be opened without these facts", problems=problems)
        if self.about not in rule.abouts:
            problem = Problem("about", f"is not one of {', '.join(rule.abouts)}")
            raise ValidationFailed("such a dossier is about something else", problems=(problem,))
        if rule.keeper is not None and self.keeper is None:
            raise RuleRefused(f"its keeper, a {rule.keeper.role}, must be named", rule=rule.keeper.source)
        self.readers = list(rule.confidential.value) if rule.confidential else []
        data = {"about": self.about, "source": rule.source}
        self.record("dossier_opened", self._head() | data, at=act.at, cause=act.cause)
        self._touch(rule, act)

    def amend(self, rule: DossierRule, act: Act, changes: Mapping[str, object]) -> None:
        """Change the facts, the keeper, the responsible person or how long it is kept, as far as given."""
        facts = changes.get("facts")
        if isinstance(facts, Mapping):
            self._check_facts(rule, facts)
            self.facts = {**self.facts, **facts}
        if "retention_years" in changes:
            if rule.retention is None:
                raise Conflict("no rule says who sets how long this dossier is kept")
            act.role_of(rule.retention)
        for name in ("keeper", "responsible", "retention_years"):
            if name in changes:
                setattr(self, name, changes[name])
        data = {"changed": sorted(changes), "retention_years": self.retention_years}
        self.record("dossier_amended", self._head() | data, at=act.at, cause=act.cause)
        self._touch(rule, act)

    def hand_in(self, rule: DossierRule, act: Act, brought: Sequence[Brought]) -> tuple[int, ...]:
        """Take documents in and return their numbers in the dossier.

        ValidationFailed for an item or form the list does not know; RuleRefused for a form that the facts do not
        allow, or without a number where there must be one.
        """
        act.role_of(rule.hands_in)
        first = len(self.pieces) + 1
        for document in brought:
            item = rule.item(document.item)
            if item is None:
                problem = Problem("documents.item", f"{document.item!r} is not on the list of {self.kind}")
                raise ValidationFailed("the dossier has no place for it", problems=(problem,))
            self._check_form(item, document)
            self.pieces.append(
                Piece(
                    number=len(self.pieces) + 1,
                    item=item.code,
                    form=document.form or item.code,
                    make=document.make,
                    count=document.count,
                    reference=document.reference,
                    received_at=act.at,
                    received_day=act.day,
                    received_by=act.by,
                )
            )
        numbers = tuple(range(first, len(self.pieces) + 1))
        data = {
            "pieces": list(numbers),
            "items": [document.item for document in brought],
            "missing": [lack.item for lack in self.lacks(rule)],
        }
        self.record("documents_received", self._head() | data, at=act.at, cause=act.cause)
        self._touch(rule, act)
        return numbers

    def move(
        self,
        rule: DossierRule,
        act: Act,
        stage: Stage,
        numbers: Sequence[int],
        *,
        to: str | None = None,
        copy_kept: bool = False,
    ) -> tuple[int, ...]:
        """Let documents reach ``stage`` and return which; empty ``numbers`` are all that wait for it.

        RuleRefused, naming the rule, where something else must be there first, no copy is kept, no slip is
        signed, or ``to`` is not who should hold it; Conflict where a document is not at this stage.
        """
        act.role_of(stage.grants)
        pass_gates(stage.gates, rule, self.facts, self.pieces, self.given)
        if stage.batch is not None and stage.batch.keeps_copy and not copy_kept:
            raise RuleRefused("a copy must be kept before it goes up", rule=stage.batch.source)
        chosen = self._at_stage(stage, numbers)
        self._check_slips(stage, chosen)
        holders = {piece.number: self._next_holder(rule, stage, piece, to) for piece in chosen}
        for piece in chosen:
            holder = holders[piece.number]
            passed = Passed(stage.code, act.at, act.by, holder, copy_kept)
            self._replace(
                replace(
                    piece,
                    holder=holder,
                    passed=(*piece.passed, passed),
                    filed_at=act.at if stage.files else piece.filed_at,
                    batch_day=None if stage.batch else piece.batch_day,
                )
            )
        moved = tuple(piece.number for piece in chosen)
        closed = (
            [] if self.waiting(stage) else [each for each in stage.closes if applies(each.when, self.facts)]
        )
        requests = [each.request for each in closed]
        self.closed_requests += [each for each in requests if each not in self.closed_requests]
        data = {
            "stage": stage.code,
            "pieces": list(moved),
            "to": [holders[number] for number in moved],
            "closes": requests,
            "source": stage.source,
        }
        self.record("documents_moved", self._head() | data, at=act.at, cause=act.cause)
        for number in moved:
            self.meet_clock(f"{stage.code}.{number}", act.at, act.cause)
        self._touch(rule, act)
        return moved

    def piece(self, number: int) -> Piece:
        """Return the document with ``number``; Conflict when there is none."""
        if not 1 <= number <= len(self.pieces):
            raise Conflict(f"{self.id} has no document {number}")
        return self.pieces[number - 1]

    def waiting(self, stage: Stage) -> list[Piece]:
        """Return the documents that ``stage`` is next for."""
        return [piece for piece in self.pieces if self._begun(stage, piece) is not None]

    def _at_stage(self, stage: Stage, numbers: Sequence[int]) -> list[Piece]:
        waiting = self.waiting(stage)
        chosen = [self.piece(number) for number in numbers] or waiting
        if not chosen:
            raise Conflict(f"no document of {self.id} waits for {stage.code}")
        for piece in chosen:
            if piece not in waiting:
                raise Conflict(f"document {piece.number} does not wait for {stage.code}")
        return chosen

    def _begun(self, stage: Stage, piece: Piece) -> datetime | None:
        """Return since when ``piece`` waits for ``stage``; None when it does not."""
        if not stage.concerns(piece.item, piece.make, self.facts) or piece.reached(stage.code) is not None:
            return None
        if stage.after == RECEIVED:
            return piece.received_at
        before = piece.reached(stage.after)
        return None if before is None else before.at

    def _check_slips(self, stage: Stage, chosen: Sequence[Piece]) -> None:
        if stage.signed is None or not stage.signed.value:
            return
        signed = {number for receipt in self.receipts for number in receipt.pieces}
        unsigned = [piece.number for piece in chosen if piece.number not in signed]
        if unsigned:
            raise RuleRefused(
                "nothing is handed over before the slip is signed for it",
                rule=stage.signed.source,
                details={"unsigned": unsigned},
            )

    def _next_holder(self, rule: DossierRule, stage: Stage, piece: Piece, to: str | None) -> str | None:
        source, holder = stage.source, piece.holder
        if stage.returns:
            holder = None
        elif stage.to is not None:
            holder = stage.to
        elif stage.distributes:
            item = rule.item(piece.item)
            named = None if item is None else item.holder(self.facts)
            if named is None:
                raise Conflict(f"no rule says who is to hold document {piece.number}")
            source, holder = named.source, named.holder
        if to is not None and to != holder:
            raise RuleRefused(f"document {piece.number} goes to {holder or 'the file'}", rule=source)
        return holder

    def _replace(self, piece: Piece) -> None:
        self.pieces[piece.number - 1] = piece

    def _check_facts(self, rule: DossierRule, facts: Mapping[str, str]) -> None:
        problems = []
        for code, value in facts.items():
            fact = rule.fact(code)
            if fact is None:
                problems.append(Problem(f"facts.{code}", f"is no fact of {rule.code}"))
            elif fact.amount and not _SUM.fullmatch(value):
                problems.append(Problem(f"facts.{code}", "is no sum"))
            elif fact.values and value not in fact.values:
                problems.append(Problem(f"facts.{code}", f"is not one of {', '.join(fact.values)}"))
        if problems:
            raise ValidationFailed("the facts do not fit the dossier", problems=tuple(problems))

    def _check_form(self, item: Item, document: Brought) -> None:
        forms = {form.code: form for form in item.forms}
        if document.form not in (forms or {None, item.code}):
            problem = Problem("documents.form", f"is not one of {', '.join(forms) or item.code}")
            raise ValidationFailed(f"{item.code} comes in other forms", problems=(problem,))
        form = forms.get(document.form or "")
        if form is not None and not applies(form.when, self.facts):
            raise RuleRefused(f"{form.code} does not serve as {item.code} here", rule=form.source)
        if item.numbered and document.reference is None:
            raise RuleRefused(f"{item.code} is not taken without its number", rule=item.source)

    def _touch(self, rule: DossierRule, act: Act) -> None:
        """Bring completeness and clocks in line with what is there now."""
        self.updated_at = act.at
        self.complete = not self.lacks(rule)
        self._time_completion(rule, act)
        for stage in rule.stages:
            self._time_stage(stage, act)

    def _time_completion(self, rule: DossierRule, act: Act) -> None:
        if rule.completion is None:
            return
        if not any(deadline.name == COMPLETE for deadline in self.deadlines):
            since = self._moment(rule, rule.completion.since)
            if since is None:
                return
            self.begin_clock(COMPLETE, rule.completion.within, act.calendar, act.at, act.cause, since=since)
        if self.complete:
            self.meet_clock(COMPLETE, act.at, act.cause)

    def _moment(self, rule: DossierRule, since: str) -> datetime | None:
        if since == OPENED:
            return self.opened_at
        mark = rule.mark(since)
        if mark is None or not stands(mark, self.given):
            return None
        return max(each.at for each in self.given if each.mark == since)

    def _time_stage(self, stage: Stage, act: Act) -> None:
        if stage.within is None and stage.same_day is None and stage.batch is None:
            return
        for piece in list(self.pieces):
            name = f"{stage.code}.{piece.number}"
            since = self._begun(stage, piece)
            if since is None:
                self.drop_clock(name, act.at, act.cause)
            elif not self._timed_already(name):
                self._begin_stage(stage, piece, name, since, act)

    def _timed_already(self, name: str) -> bool:
        return any(d.name == name and d.state is not State.SUPERSEDED for d in self.deadlines)

    def _begin_stage(self, stage: Stage, piece: Piece, name: str, since: datetime, act: Act) -> None:
        at, cause = act.at, act.cause
        if stage.within is not None:
            self.begin_clock(name, stage.within, act.calendar, at, cause, since=since)
            return
        day = since.astimezone(act.zone).date()
        if stage.batch is not None:
            day = batch_day(stage.batch, day, act)
            self._replace(replace(piece, batch_day=day))
            source = stage.batch.source
        else:
            source = stage.same_day.source if stage.same_day is not None else stage.source
        self.begin_clock_until(name, act.end_of(day), act.calendar, at, cause, source=source)

    def _head(self) -> dict[str, object]:
        return {"dossier_id": self.id, "kind": self.kind}


def batch_day(batch: Batch, day: date, act: Act) -> date:
    """Return the first of the batch's weekdays from ``day`` on that is worked."""
    weekdays = {list(Weekday).index(weekday) for weekday in batch.weekdays}
    ahead = [day + number * _ONE_DAY for number in range(_DAYS_AHEAD)]
    named = [each for each in ahead if each.weekday() in weekdays]
    return next((each for each in named if act.calendar.is_working_day(each)), named[0])

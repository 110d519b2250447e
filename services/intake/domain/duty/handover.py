"""The handover between two shifts (交接班), and the closing of the last one: counted, told, accepted, signed twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from services.intake.domain.duty.rules import Check, Count, Form, Part
from services.intake.domain.duty.shift import Taking
from shared.errors import Conflict, Problem, RuleRefused, ValidationFailed
from shared.history import Cause, timestamp
from shared.regulations.values import Sourced
from shared.timed import Timed


@dataclass(slots=True)
class Counted:
    """What each side counted, who has each piece, and why the numbers differ."""

    handed: Decimal | None = None
    counted: Decimal | None = None
    holders: list[str] = field(default_factory=list)
    explanation: str | None = None

    @property
    def differs(self) -> bool:
        """Return whether both counted, and not the same."""
        return None not in (self.handed, self.counted) and self.handed != self.counted


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a point, and why it is not the one expected."""

    answer: bool
    explanation: str | None
    by: str
    at: datetime


@dataclass(slots=True)
class Question:
    """Something unclear, asked at once, and its answer."""

    text: str
    asked_by: str
    answer: str | None = None
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """One side's signature."""

    part: Part
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """The sealed envelope with cash and keys: its number and who received it."""

    number: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Something lost because a point was not kept, and who bears it."""

    check: str
    text: str
    borne_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """Open work of the desk as the handover needs it."""

    id: str
    important: bool
    neglected: bool


@dataclass(frozen=True, slots=True)
class Filling:
    """What one side enters at once; what is left out stays as it is."""

    counts: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[Mapping[str, Any]] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    questions: Sequence[str] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    accepts: Sequence[str] = ()
    envelope: Mapping[str, str] | None = None


@dataclass(kw_only=True)
class Handover(Timed):
    """One shift change; ``to_shift`` is None where the desk closes for the day."""

    subject: ClassVar[str] = "handover"
    desk: str
    day: date
    shift_id: str
    from_shift: str
    to_shift: str | None
    change_at: datetime
    opened_by: str
    takings: list[Taking] = field(default_factory=list)
    counts: dict[str, Counted] = field(default_factory=dict)
    checks: dict[str, Checked] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)
    envelope: Envelope | None = None
    outgoing: list[str] = field(default_factory=list)
    incoming: list[str] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return ``open``, ``pending`` after one signature, ``handed_over`` after two."""
        return ("open", "pending", "handed_over")[len(self.signatures)]

    def open(self, at: datetime, cause: Cause) -> None:
        """Record that it begins."""
        data = self._head() | {"shift_id": self.shift_id, "takings": len(self.takings)}
        self.record("handover_opened", data, at=at, cause=cause)

    def fill(
        self, part: Part, filling: Filling, form: Form, *, by: str, at: datetime, cause: Cause
    ) -> list[str]:
        """Enter what ``part`` counted, checked, wrote, asked or accepts; return the codes of it.

        RuleRefused when one person acts for both sides or an answer is not allowed; Conflict once it is signed:
        by the side itself for what it states, by both for anything.
        """
        if self.state == "handed_over":
            raise Conflict(f"{self.id} was signed by both: what it says stays")
        self._stand_on(part, by, form)
        told = [*self._count(part, filling, form), *self._check(part, filling, form, by, at)]
        told += self._write(part, filling, form)
        for text in filling.questions:
            self.questions.append(Question(text, by))
            told.append("question")
        for answer in filling.answers:
            self._answer(answer["no"], answer["text"], by)
            told.append("answer")
        for item in filling.accepts:
            if part is not Part.INCOMING:
                raise ValidationFailed(
                    "only the incoming side accepts", problems=(Problem("accepts", "is of the other side"),)
                )
            if item not in self.accepted:
                self.accepted.append(item)
                told.append("accepted")
        if filling.envelope is not None:
            self.envelope = Envelope(**filling.envelope)
            told.append("envelope")
        prepared = {check.code for check in form.checks if check.by is Part.OUTGOING}
        if prepared and prepared <= self.checks.keys():
            self.meet_clock("prepared", at, cause)
        data = self._head() | {"part": part.value, "by": by, "filled": told}
        self.record("handover_filled", data, at=at, cause=cause)
        return told

    def sign(
        self, part: Part, work: Sequence[Carried], form: Form, carried: Sourced[bool] | None, *,
        by: str, roles: frozenset[str], at: datetime, cause: Cause,
    ) -> None:  # fmt: skip
        """Sign for ``part``; RuleRefused, naming what is missing, until everything that side owes is there."""
        self._stand_on(part, by, form)
        if self._has_signed(part):
            raise Conflict(f"the {part} side has signed already")
        missing = self.missing(part, work, form, carried)
        if part is Part.INCOMING and form.signed.value and roles.isdisjoint(form.signed.value):
            missing.insert(0, (f"a signature of {', '.join(form.signed.value)}", form.signed.source))
        if missing:
            raise RuleRefused(
                "the handover is not signed: " + "; ".join(reason for reason, _ in missing),
                rule=missing[0][1],
                details={"missing": [{"reason": reason, "source": source} for reason, source in missing]},
            )
        self.signatures.append(Signature(part, by, at))
        if part is Part.INCOMING:
            self.carried = [item.id for item in work]
        differing = sorted(code for code, count in self.counts.items() if count.differs)
        data = self._head() | {
            "part": part.value,
            "by": by,
            "state": self.state,
            "open_work": len(work),
            "differences": differing,
            "source": form.signed.source,
        }
        self.record("handover_signed", data, at=at, cause=cause)

    def missing(
        self, part: Part, work: Sequence[Carried], form: Form, carried: Sourced[bool] | None
    ) -> list[tuple[str, str]]:
        """Return what keeps ``part`` from signing, each with its rule; the gravest first."""
        found: list[tuple[str, str]] = []
        if form.finished and any(item.important for item in work):
            found.append(("important work is unfinished", form.finished.source))
        if carried and any(item.neglected for item in work):
            found.append(("open work of earlier days has no reason and new day", carried.source))
        found += [missing for count in form.counts for missing in self._count_missing(count, part)]
        found += [
            (f"check {check.code}", check.source)
            for check in form.checks
            if check.by is part and check.code not in self.checks
        ]
        if part is Part.OUTGOING:
            found += [
                (f"heading {each.code}", each.source)
                for each in form.headings
                if each.code not in self.headings
            ]
            if form.sealed and self.envelope is None:
                found.append(("the number and the receiver of the envelope", form.sealed.source))
        else:
            if not self._has_signed(Part.OUTGOING):
                # Nobody takes over what the other side has not stated yet.
                stated = self.missing(Part.OUTGOING, (), form, None)
                found += [missing for missing in stated if missing not in found]
            if form.questions and any(question.answer is None for question in self.questions):
                found.append(("an answer to every question", form.questions.source))
            if form.accepted and any(item.id not in self.accepted for item in work):
                found.append(("open work that is not accepted", form.accepted.source))
        return found

    def _count_missing(self, count: Count, part: Part) -> list[tuple[str, str]]:
        entered = self.counts.get(count.code, Counted())
        own = entered.handed if part is Part.OUTGOING else entered.counted
        found = []
        if own is None:
            found.append((f"count {count.code}", count.source))
        elif count.holders and part is Part.OUTGOING and not entered.holders:
            found.append((f"holders of {count.code}", count.source))
        if entered.differs and entered.explanation is None:
            found.append((f"an explanation why {count.code} differs", count.source))
        return found

    def lose(self, code: str, text: str, form: Form, at: datetime, cause: Cause) -> Loss:
        """Note a loss; whoever answered the point ``code`` bears it. Conflict before it was answered."""
        answer = self.checks.get(code)
        if answer is None or form.borne is None:
            raise Conflict(f"nobody answered the point {code}, or the rulebook makes nobody bear the loss")
        loss = Loss(code, text, answer.by, at)
        self.losses.append(loss)
        data = self._head() | {"check": code, "borne_by": answer.by, "source": form.borne.source}
        self.record("handover_loss_recorded", data, at=at, cause=cause)
        return loss

    def _stand_on(self, part: Part, by: str, form: Form) -> None:
        own, other = (
            (self.outgoing, self.incoming) if part is Part.OUTGOING else (self.incoming, self.outgoing)
        )
        if by in other:
            raise RuleRefused("two different people hand over and take over", rule=form.signed.source)
        if by not in own:
            own.append(by)

    def _has_signed(self, part: Part) -> bool:
        return any(signature.part is part for signature in self.signatures)

    def _signed(self, part: Part) -> None:
        """Conflict when what ``part`` entered stands under its own signature, or under that of who took it over."""
        for each in (part, Part.INCOMING):
            if self._has_signed(each):
                raise Conflict(f"the {each} side has signed: what the {part} side entered stays")

    def _count(self, part: Part, filling: Filling, form: Form) -> list[str]:
        known = {count.code for count in form.counts}
        for row in filling.counts:
            code = _known(row["code"], known, "counts")
            entered = self.counts.setdefault(code, Counted())
            if row["number"] is not None:
                self._signed(part)
                if part is Part.OUTGOING:
                    entered.handed = row["number"]
                else:
                    entered.counted = row["number"]
            if row["holders"]:
                self._signed(part)
                entered.holders = list(row["holders"])
            if row["explanation"] is not None:
                if part is not Part.OUTGOING:
                    raise ValidationFailed(
                        "the outgoing side explains", problems=(Problem("counts", "is of the other side"),)
                    )
                entered.explanation = row["explanation"]
        return [row["code"] for row in filling.counts]

    def _check(self, part: Part, filling: Filling, form: Form, by: str, at: datetime) -> list[str]:
        known = {check.code: check for check in form.checks if check.by is part}
        for row in filling.checks:
            self._signed(part)
            check = known[_known(row["code"], known, "checks")]
            _allow(check, answer=row["answer"], explanation=row["explanation"])
            self.checks[check.code] = Checked(row["answer"], row["explanation"], by, at)
        return [row["code"] for row in filling.checks]

    def _write(self, part: Part, filling: Filling, form: Form) -> list[str]:
        known = {heading.code for heading in form.headings}
        for code, text in filling.headings.items():
            self._signed(part)
            self.headings[_known(code, known, "headings")] = text
        return list(filling.headings)

    def _answer(self, number: int, text: str, by: str) -> None:
        if not 1 <= number <= len(self.questions):
            raise ValidationFailed(
                "there is no such question", problems=(Problem("answers", f"has no question {number}"),)
            )
        question = self.questions[number - 1]
        question.answer, question.answered_by = text, by

    def _head(self) -> dict[str, Any]:
        return {
            "handover_id": self.id,
            "desk": self.desk,
            "day": self.day.isoformat(),
            "from_shift": self.from_shift,
            "to_shift": self.to_shift,
        }

    def view(self) -> dict[str, Any]:
        """Return the JSON shape: what was entered, and who signed."""
        return self._head() | {
            "shift_id": self.shift_id,
            "state": self.state,
            "change_at": timestamp(self.change_at),
            "takings": [{"staff": each.staff, "amount": str(each.amount)} for each in self.takings],
            "counts": {code: _count_view(count) for code, count in self.counts.items()},
            "checks": {
                code: {"answer": check.answer, "explanation": check.explanation, "by": check.by}
                for code, check in self.checks.items()
            },
            "headings": dict(self.headings),
            "questions": [{"text": each.text, "answer": each.answer} for each in self.questions],
            "accepted": list(self.accepted),
            "carried": list(self.carried),
            "envelope": (
                {"number": self.envelope.number, "receiver": self.envelope.receiver}
                if self.envelope
                else None
            ),
            "signatures": [
                {"part": each.part.value, "by": each.by, "at": timestamp(each.at)} for each in self.signatures
            ],
            "losses": [
                {"check": each.check, "text": each.text, "borne_by": each.borne_by} for each in self.losses
            ],
            "clocks": self.clock_view(),
        }


def _count_view(count: Counted) -> dict[str, Any]:
    return {
        "handed": None if count.handed is None else str(count.handed),
        "counted": None if count.counted is None else str(count.counted),
        "differs": count.differs,
        "holders": list(count.holders),
        "explanation": count.explanation,
    }


def _allow(check: Check, *, answer: bool, explanation: str | None) -> None:
    """RuleRefused unless the answer is the one expected, or may be explained and is."""
    if answer is check.expects or (check.explained and explanation is not None):
        return
    asked = "must be explained" if check.explained else f"must be answered {'yes' if check.expects else 'no'}"
    raise RuleRefused(f"the point {check.code} {asked}", rule=check.source)


def _known(code: str, known: Any, where: str) -> str:
    if code not in known:
        problem = Problem(where, f"{code!r} is not one of {', '.join(sorted(known)) or 'none'}")
        raise ValidationFailed("the form has no such line for this side", problems=(problem,))
    return code

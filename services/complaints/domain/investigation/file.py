"""What is kept of an investigation: everything ever written into it, by whom, and who signed and received it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.complaints.domain.investigation.states import InvestigationState, Standing, StatementKind
from services.complaints.domain.investigation.telling import Told
from shared.aggregate import digest_of
from shared.authority import Authority, Signature, Signer, sign, standing
from shared.history import Cause, timestamp


@dataclass(frozen=True, slots=True)
class Hand:
    """Who does something, holding which roles, and whom the case is about (``barred``)."""

    roles: Collection[str]
    at: datetime
    cause: Cause
    barred: frozenset[str] = frozenset()

    @property
    def by(self) -> str:
        """Return the person."""
        return self.cause.actor


@dataclass(frozen=True, slots=True)
class Statement:
    """What was written down at one time, never changed again; ``reason`` is why it replaces the one before."""

    kind: StatementKind
    revision: int
    fields: Mapping[str, Any]
    causes: tuple[str, ...]
    by: str
    at: datetime
    reason: str | None = None

    def data(self) -> dict[str, Any]:
        """Return what of it an event carries: nobody's words, only by what they are known again."""
        return {
            "digest": digest_of(self.fields),
            "by": self.by,
            "written_at": timestamp(self.at),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """One record on the investigation: of the rulebook's kind ``kind``, filled with ``fields``."""

    id: str
    kind: str
    fields: Mapping[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a department received the report."""

    department: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How many other cases had one of the causes since ``since``, and the newest of them."""

    count: int = 0
    case_ids: tuple[str, ...] = ()
    since: datetime | None = None
    source: str | None = None


@dataclass(kw_only=True)
class InvestigationFile(Told):
    """What is kept of one investigation of one case.

    ``statements`` holds everything ever written, oldest first; ``revision`` counts them. Nobody among the
    ``investigators`` approves the report. ``awaits`` are the roles of which one is to approve next.
    """

    level: str
    regulation: str
    method: str | None
    method_reason: str | None
    investigators: tuple[str, ...]
    opened_by: str
    opened_at: datetime
    state: InvestigationState = InvestigationState.OPEN
    revision: int = 0
    statements: list[Statement] = field(default_factory=list)
    causes: tuple[str, ...] = ()
    recurrence: Recurrence = field(default_factory=Recurrence)
    prevents: bool = False
    awaits: tuple[str, ...] = ()
    signatures: list[Signature] = field(default_factory=list)
    approved_at: datetime | None = None
    note: str | None = None
    recipients: tuple[str, ...] = ()
    receipts: list[Receipt] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    archive_id: str | None = None

    @property
    def stands(self) -> Standing:
        """Return what its case is to know."""
        if self.state is not InvestigationState.APPROVED:
            return Standing.OPEN
        return Standing.PREVENTED if self.prevents else Standing.APPROVED

    @property
    def findings(self) -> Statement | None:
        """Return the findings in force."""
        return self._last(StatementKind.FINDINGS)

    @property
    def report(self) -> Statement | None:
        """Return the report in force."""
        return self._last(StatementKind.REPORT)

    @property
    def reported_at(self) -> datetime | None:
        """Return when the report in force was written."""
        return self.report.at if self.report is not None else None

    @property
    def unreceived(self) -> tuple[str, ...]:
        """Return the departments that have not received the report yet."""
        received = {receipt.department for receipt in self.receipts}
        return tuple(code for code in self.recipients if code not in received)

    @property
    def intact(self) -> bool:
        """Return whether everything written is as it was when the history took its digest."""
        statements = [digest_of(statement.fields) for statement in self.statements]
        records = [digest_of(record.fields) for record in self.records]
        return (
            not self.history.verify()
            and statements == self._digests("findings_recorded", "report_submitted")
            and records == self._digests("investigation_noted")
        )

    def _digests(self, *kinds: str) -> list[str]:
        return [entry.data["digest"] for entry in self.history if entry.type in kinds]

    def records_of(self, kind: str) -> list[Record]:
        """Return the records of one kind, the oldest first."""
        return [record for record in self.records if record.kind == kind]

    def _last(self, kind: StatementKind) -> Statement | None:
        return next((one for one in reversed(self.statements) if one.kind is kind), None)

    def _write(
        self,
        kind: StatementKind,
        values: Mapping[str, Any],
        causes: tuple[str, ...],
        reason: str | None,
        hand: Hand,
    ) -> Statement:
        self.revision += 1
        statement = Statement(kind, self.revision, dict(values), causes, hand.by, hand.at, reason)
        self.statements.append(statement)
        return statement

    def _sign(self, reviews: Authority, hand: Hand) -> Signature:
        signer = Signer(hand.by, frozenset(hand.roles), hand.at)
        return sign(
            reviews,
            self.signatures,
            signer,
            authors=self.investigators,
            barred=hand.barred,
            what="approving a report",
        )

    def _await(self, reviews: Authority, barred: frozenset[str] = frozenset()) -> None:
        """Keep whose approval is next; those of investigators and of the people concerned do not count."""
        found = standing(reviews, self.signatures, barred | set(self.investigators))
        self.awaits = found.open.roles if found.open is not None else ()

    def _head(self) -> dict[str, Any]:
        return {"investigation_id": self.id, "case_id": self.case_id, "revision": self.revision}

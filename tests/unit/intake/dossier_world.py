"""Dossiers over the real store in memory: every call as RPC would send it, for an organisation of any profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import RAISE, Schema

from services.intake import schemas_dossiers
from services.intake.dossiers_kept import KeptDossiers
from services.intake.handlers.dossier_reading import LookUpDossiers
from services.intake.handlers.dossiers import KeepDossiers
from services.intake.handlers.ruling import Rules
from services.intake.rulebook import load_rulebooks
from shared import arguments
from shared.clock import FixedClock
from shared.errors import Forbidden, KefuError, RuleRefused
from shared.ids import CountingIds
from shared.outbox import Unsent
from shared.ticking import FireClocks
from shared.worktime.calendars import Calendars
from tests.every_role import EVERY_ROLE
from tests.memory import memory_runtime
from tests.unit.intake.fakes import beijing

ORG = "own-demo"
#: Every role the profiles' rules of dossiers name, and those a contact lands with.
_SCHEMAS: Mapping[str, type[Schema]] = {
    "open": schemas_dossiers.OpenDossier,
    "amend": schemas_dossiers.AmendDossier,
    "hand_in": schemas_dossiers.HandIn,
    "move": schemas_dossiers.MoveDocuments,
    "mark": schemas_dossiers.MarkDossier,
    "excuse": schemas_dossiers.ExcuseDocuments,
    "lend": schemas_dossiers.LendDocuments,
    "sign": schemas_dossiers.SignReceipt,
    "read": schemas_dossiers.ReadDossier,
    "get": arguments.ById,
    "page": schemas_dossiers.ListDossiers,
    "unfiled": schemas_dossiers.ListUnfiled,
    "late": arguments.Page,
}


@dataclass(frozen=True, slots=True)
class _Call:
    key: str
    actor: str
    roles: frozenset[str]
    org: str = ORG
    traceparent: str | None = None


class _Customers:
    def customer(self, customer_id: str, org: str, /) -> object | None:
        return object() if (customer_id, org) == ("cu_1", ORG) else None


@dataclass
class FileRoom:
    """The file room of one organisation of ``profile``; ``settings`` are its overrides of intake, as YAML."""

    folder: Path
    profile: str
    now: str
    settings: str = ""
    clock: FixedClock = field(init=False)
    published: list[Unsent] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        own = ""
        if self.settings:
            own = (
                f'overrides:\n  - version: "1"\n    effective_from: 2020-01-01\n    intake:\n{self.settings}'
            )
        (self.folder / f"{ORG}.yaml").write_text(
            f"org: {ORG}\nname: 示例\nprofile: {self.profile}\nnumber_prefix: OWN\ncalendar: cn\n"
            f"time_zone: Asia/Shanghai\npublishers: [hotline]\nroles: [{EVERY_ROLE}, finance_manager]\n{own}",
            encoding="utf-8",
        )
        self.clock = FixedClock(beijing(self.now))
        ids = CountingIds()
        runtime = memory_runtime(self.clock, ids, sink=self.published.extend, settings=SimpleNamespace())
        self.kept = KeptDossiers(runtime)
        self.kept.ensure_indexes()
        self.rules = Rules(load_rulebooks(self.folder), Calendars())
        self.commands = KeepDossiers(self.kept, _Customers(), self.rules, self.clock)
        self.questions = LookUpDossiers(self.kept, self.rules, self.clock)
        self._fire = FireClocks([self.kept], self.clock, ids, digest_above=100)

    def do(
        self,
        method: str,
        /,
        *,
        actor: str = "stf_a1",
        roles: Collection[str] = (),
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Call a use case with ``arguments`` as JSON would carry them."""
        self.calls += 1
        data = _SCHEMAS[method](unknown=RAISE).load(arguments)
        call = _Call(key or f"k-{self.calls}", actor, frozenset({"staff", *roles}))
        place = self.commands if hasattr(self.commands, method) else self.questions
        return getattr(place, method)(call, data)

    def refused(self, method: str, refusal: type[KefuError] = RuleRefused, /, **arguments: Any) -> str | None:
        """Call what must be refused with ``refusal``; return the rule that refuses it."""
        with pytest.raises(refusal) as error:
            self.do(method, **arguments)
        return error.value.rule

    def forbidden(self, method: str, /, **arguments: Any) -> str | None:
        """Call what the caller's roles do not allow; return the rule that says so."""
        return self.refused(method, Forbidden, **arguments)

    def open(self, kind: str, about: str, about_id: str = "S1", **arguments: Any) -> str:
        """Open a dossier and return its id."""
        opened = self.do("open", kind=kind, about=about, about_id=about_id, **arguments)
        return str(opened["dossier_id"])

    def bring(self, dossier: str, *items: str, make: str = "original", **details: Any) -> list[int]:
        """Hand in one document of each of ``items`` and return their numbers."""
        documents = [{"item": item, "make": make, **details} for item in items]
        numbers: list[int] = self.do("hand_in", id=dossier, documents=documents)["pieces"]
        return numbers

    def get(self, dossier: str) -> dict[str, Any]:
        """Return a dossier that is not confidential."""
        shown: dict[str, Any] = self.do("get", id=dossier)
        return shown

    def late(self, dossier: str) -> list[tuple[str, str | None, bool]]:
        """Return clock, item and excuse of everything late."""
        return [(row["clock"], row["item"], row["excused"]) for row in self.get(dossier)["late"]]

    def clocks(self, dossier: str, name: str) -> dict[str, Any]:
        """Return the clock called ``name`` that is not superseded, its due instant as a datetime."""
        (row,) = (
            row
            for row in self.get(dossier)["clocks"]
            if row["clock"] == name and row["state"] != "superseded"
        )
        due: dict[str, Any] = {"due_at": datetime.fromisoformat(row["due_at"])}
        return {**row, **due}

    def at(self, moment: str) -> None:
        """Let it be ``moment``, Chinese time, and let the clocks that came due fire."""
        self.clock.advance(beijing(moment) - self.clock.now())
        while self._fire():
            pass

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(by)
        while self._fire():
            pass

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the data of every event of ``kind``."""
        return [unsent.entry.data for unsent in self.published if unsent.entry.type == kind]

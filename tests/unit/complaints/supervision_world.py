"""Supervision and disputes without broker and database: cases at hand, and every command as RPC would send it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from marshmallow import RAISE, Schema

from services.complaints import schemas, schemas_supervision
from services.complaints.disputes import DisputeRepository
from services.complaints.domain.case import Case
from services.complaints.domain.dispute.dispute import Dispute
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.dispute_ticking import TickDisputes
from services.complaints.handlers.disputing import SettleDisputes
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.supervising import LookUpSupervision, Supervise
from services.complaints.handlers.ticking import FireClocks
from services.complaints.rulebook import PROFILES, load_rulebooks
from shared.clock import FixedClock
from shared.errors import KefuError
from shared.ids import CountingIds
from shared.regulations import Rulebooks
from tests.contract.dispute_store import MemoryDisputes
from tests.unit.complaints.fakes import PLAZA, FakeCall, beijing, rulebooks
from tests.unit.complaints.offer_world import FILE, Counter

#: Holds every role that a rulebook made for a test gives a right to.
BOSS = frozenset({"staff", "complaint_handler", "cs_head", "supervisor", "manager"})
_SCHEMAS: Mapping[str, type[Schema]] = {
    "start_supervision": schemas_supervision.StartSupervision,
    "end_supervision": schemas_supervision.EndSupervision,
    "urge_case": schemas_supervision.UrgeCase,
    "report_up": schemas_supervision.ReportUp,
    "refer_case": schemas_supervision.ReferCase,
    "return_referral": schemas_supervision.ReturnReferral,
    "supervision": schemas.ById,
    "supervised_cases": schemas_supervision.ListSupervised,
    "raise_dispute": schemas_supervision.RaiseDispute,
    "recuse": schemas_supervision.Recuse,
    "rule_dispute": schemas_supervision.RuleDispute,
    "appeal_ruling": schemas_supervision.AppealRuling,
    "withdraw_dispute": schemas.ById,
    "dispute": schemas.ById,
    "disputes": schemas_supervision.ListDisputes,
    "interpretations": schemas_supervision.ListInterpretations,
}


@dataclass
class Tower:
    """The part of the complaints service that watches over cases, for one organisation."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(beijing("2026-03-02 09:00")))
    org: str = PLAZA
    books: Rulebooks[ComplaintRules] = field(default_factory=rulebooks)
    calls: int = 0

    def __post_init__(self) -> None:
        self.counter = Counter(self.clock, self.org, self.books)
        self.world, desk = self.counter.world, self.counter.desk
        cases, rules = self.world.cases, self.world.rules
        self.world.look = LookUpCases(cases, rules, self.clock)
        self.world.ticker = FireClocks(cases, self.clock, CountingIds(), rules=rules)
        self.kept = MemoryDisputes()
        settle = SettleDisputes(desk, cast(DisputeRepository, self.kept))
        owners = (Supervise(cases, rules, self.clock), LookUpSupervision(cases, rules, self.clock), settle)
        self._methods = {
            name: getattr(owner, name) for owner in owners for name in _SCHEMAS if hasattr(owner, name)
        }
        self.dispute_ticker = TickDisputes(settle, self.clock, CountingIds())

    def at(self, text: str) -> None:
        """Put the clock to a wall-clock time in China."""
        self.clock.set(beijing(text))

    def do(
        self,
        method: str,
        *,
        by: str = "stf_boss",
        roles: Collection[str] = BOSS,
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a call as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        data = _SCHEMAS[method](unknown=RAISE).load(arguments)
        call = FakeCall(self.org, key or f"{self.org}/{method}/key-{self.calls}", frozenset(roles), by)
        return self._methods[method](call, data)

    def refused(self, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
        """Send a call that must be refused with an error of ``kind`` and leave no trace; return the error."""
        cases = dict(self.world.cases.documents)
        disputes = dict(self.kept.disputes.documents)
        with pytest.raises(kind) as refused:
            self.do(method, **arguments)
        assert type(refused.value) is kind
        assert (self.world.cases.documents, self.kept.disputes.documents) == (cases, disputes)
        return refused.value

    def open(self, contact: str = "ct_1", **claim: Any) -> Case:
        """Return a new case, received now."""
        return self.world.open(self.org, contact, **{"problem": contact} | claim)

    def accepted(self, contact: str = "ct_1", **claim: Any) -> Case:
        """Return a new valid case."""
        case = self.world.walk(self.open(contact, **claim))
        listed = self.books.of_version(self.org, case.regulation).sections.grounds
        ground = listed[0].code if listed else None
        self.world.do("decide_validity", case, valid=True, ground=ground, reason="属实", roles=self._roles())
        return self.case(case)

    def case(self, case: Case) -> Case:
        return self.world.case(case.id)

    def step(self, method: str, case: Case, **arguments: Any) -> Case:
        """Let the handler do something on the case."""
        self.world.do(method, case, **{"roles": self._roles(), "org": self.org} | arguments)
        return self.case(case)

    def watch(self, case: Case) -> Any:
        """Return everything known of the supervision of a case."""
        return self.do("supervision", id=case.id)

    def tick(self) -> None:
        """Let the timers run until nothing is due."""
        while self.world.ticker() or self.dispute_ticker():
            pass

    def raised(self, case: Case, **given: Any) -> str:
        """Raise a dispute between two departments and return its id."""
        arguments: dict[str, Any] = {
            "by": "stf_a",
            "case_id": case.id,
            "subject": "responsibility",
            "question": "由谁负责维修？",
            "department": "engineering",
            "parties": [
                {"department": "engineering", "staff": ["stf_a"]},
                {"department": "operations", "staff": ["stf_b"]},
            ],
        }
        return str(self.do("raise_dispute", **arguments | given)["dispute_id"])

    def dispute(self, dispute_id: str) -> Dispute:
        found = self.kept.disputes.get(dispute_id, self.org)
        assert found is not None
        return found

    def _roles(self) -> frozenset[str]:
        rules = self.books.for_org(self.org, self.clock.now()).sections
        return frozenset({grant.role for step in rules.steps for grant in step.grants} | {"staff"})


def own_tower(directory: Path, sections: str, *, at: str = "2026-03-02 09:00") -> Tower:
    """Return the service of an organisation with a trade of its own: the standard, and ``sections`` over it.

    ``sections`` are the keys of the complaints rulebook, indented by four blanks.
    """
    profiles, organisations = directory / "profiles", directory / "organisations"
    profiles.mkdir()
    organisations.mkdir()
    standard = (PROFILES / "standard.yaml").read_text(encoding="utf-8")
    (profiles / "standard.yaml").write_text(standard, encoding="utf-8")
    head = (
        'profile: own-trade\nextends: standard\nversions:\n  - version: "1"\n    effective_from: 2020-01-01\n'
    )
    (profiles / "own-trade.yaml").write_text(head + sections, encoding="utf-8")
    words = sorted(set(re.findall(r"[a-z][a-z_]+", standard + sections)) | {"staff"})
    roles = ", ".join(f'"{word}"' for word in words)
    text = FILE.format(org="own-test", profile="own-trade", roles=roles)
    (organisations / "own-test.yaml").write_text(text, encoding="utf-8")
    return Tower(FixedClock(beijing(at)), "own-test", load_rulebooks(organisations, profiles))

"""A department that investigates: cases, investigations and actions in memory, every call as RPC would send it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from marshmallow import RAISE, Schema

from services.complaints import schemas, schemas_investigations
from services.complaints.domain.case import Case
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.domain.investigation.investigation import Investigation
from services.complaints.domain.rulebook import ComplaintRules
from services.complaints.handlers.correcting import Correct
from services.complaints.handlers.inquiring import InquiryDesk
from services.complaints.handlers.investigating import Investigate
from services.complaints.handlers.investigation_looking import LookUpInvestigations
from services.complaints.handlers.investigation_ticking import TickInvestigations
from services.complaints.investigations import InvestigationRepository
from services.complaints.rulebook import PROFILES, load_rulebooks
from shared.clock import FixedClock
from shared.errors import KefuError
from shared.history import Entry
from shared.ids import CountingIds
from shared.regulations import Rulebooks
from tests.contract.investigation_store import MemoryInvestigations
from tests.unit.complaints.fakes import FakeCall, beijing, called_back
from tests.unit.complaints.offer_world import FILE, Counter, loaded

INSPECTOR, HEAD, MANAGER, OWNER, AUDITOR = (
    "stf_inspector",
    "stf_head",
    "stf_manager",
    "stf_owner",
    "stf_audit",
)
#: Who holds what in the organisations below; a call is made with these unless it says otherwise.
ROLES: Mapping[str, frozenset[str]] = {
    INSPECTOR: frozenset({"staff", "quality_staff", "complaint_handler"}),
    HEAD: frozenset({"staff", "post_service_supervisor", "cs_head"}),
    MANAGER: frozenset({"staff", "manager"}),
    OWNER: frozenset({"staff"}),
    AUDITOR: frozenset({"staff", "auditor"}),
}
_SCHEMAS: Mapping[str, type[Schema]] = {
    "open_investigation": schemas_investigations.OpenInvestigation,
    "record_findings": schemas_investigations.RecordFindings,
    "submit_report": schemas_investigations.SubmitReport,
    "approve_report": schemas_investigations.ApproveReport,
    "return_report": schemas_investigations.ReturnReport,
    "acknowledge_report": schemas_investigations.AcknowledgeReport,
    "add_investigation_record": schemas_investigations.AddRecord,
    "open_action": schemas_investigations.OpenAction,
    "decide_action": schemas_investigations.DecideAction,
    "complete_action": schemas_investigations.CompleteAction,
    "extend_action": schemas_investigations.ExtendAction,
    "check_action": schemas_investigations.CheckAction,
    "withdraw_action": schemas_investigations.WithdrawAction,
    "investigation": schemas.ById,
    "investigations": schemas_investigations.ListInvestigations,
    "recurrences": schemas_investigations.ListRecurrences,
    "requirements": schemas.ById,
    "action": schemas.ById,
    "actions": schemas_investigations.ListActions,
    "effectiveness": schemas_investigations.ActionEffectiveness,
}

#: What a logistics company writes about abnormal service quality (服务质量异常反应).
LOGISTICS = """
profile: freight
extends: standard
versions:
  - version: "2026.1"
    effective_from: 2020-01-01
    close_condition: {value: reply, source: design}
    investigation:
      opens: {value: [quality_staff, post_service_supervisor], source: A-LOG-49}
      investigators: {value: [quality_staff, post_service_supervisor], source: A-LOG-63}
      report:
        name: 投诉调查报告
        form:
          course: {name: 经过}
          prevention: {name: 防范措施, required: false}
        source: A-LOG-83
      causes:
        handling: {name: 操作, source: A-LOG-49}
        loading: {name: 装卸, parent: handling, source: A-LOG-49}
        papers: {name: 单证, parent: handling, source: A-LOG-49}
        carrier: {name: 承运人, source: A-LOG-49}
      recurrence: {days: 30, source: design}
      reviews: {sequence: [{roles: [cs_head]}, {roles: [manager]}], source: A-LOG-83}
      distribution:
        departments: [{code: ops, name: 操作部}, {code: sales, name: 销售部}]
        source: A-LOG-83
      records:
        meeting:
          name: 质量异常讨论会
          roles: [quality_staff]
          before_report: true
          form:
            attendees: {name: 有关人员, kind: names}
            item: {name: 异常项目}
            cause: {name: 发生原因}
            measures: {name: 改善措施的检查}
          source: A-LOG-64
        amended_document:
          name: 更改单证
          roles: [quality_staff]
          form:
            document: {name: 单证}
            version_before: {name: 原版本}
            version_after: {name: 更改后版本}
            remedied_at: {name: 补救时间, kind: moment}
          source: A-LOG-17
        client_opinion:
          name: 客户意见反馈到部门
          roles: [complaint_handler]
          form:
            departments: {name: 相关部门, kind: names}
            opinion: {name: 客户意见}
          source: A-LOG-85
        opinion_result:
          name: 跟踪处理结果
          roles: [complaint_handler]
          after: client_opinion
          form: {result: {name: 结果}}
          source: A-LOG-85
      required:
        abnormality: {needs: [investigation, action], source: A-LOG-49}
      actions:
        opens: {value: [quality_staff, post_service_supervisor], source: A-LOG-65}
        approvals: {value: [manager], source: A-LOG-65}
        kinds:
          corrective:
            name: 改善措施
            within: {amount: 3, unit: working_days, from_next_day: true, end_of_day: true, source: design}
            source: A-LOG-65
        extensions:
          roles: [manager]
          reasons: [{code: supplier, name: 等待供应商, source: design}]
          at_most: 1
          source: design
        check:
          roles: [auditor]
          not_before: {amount: 5, unit: days, source: design}
          within: {amount: 10, unit: working_days, from_next_day: true, end_of_day: true, source: design}
          source: design
"""


def books_of(directory: Path, org: str, profile: str, extra: str = "") -> Rulebooks[ComplaintRules]:
    """Return the rulebooks of one organisation of a profile written as text, on top of the standard one.

    Its staff hold every role the two may name: each word of them.
    """
    profiles, organisations = directory / "profiles", directory / "organisations"
    for folder in (profiles, organisations):
        folder.mkdir(exist_ok=True)
    standard = (PROFILES / "standard.yaml").read_text(encoding="utf-8")
    (profiles / "standard.yaml").write_text(standard, encoding="utf-8")
    name = profile.split("profile: ", 1)[1].split("\n", 1)[0]
    (profiles / f"{name}.yaml").write_text(profile, encoding="utf-8")
    words = sorted({*re.findall(r"[a-z][a-z_]+", standard + profile + extra), "staff"})
    roles = ", ".join(f'"{word}"' for word in words)
    text = FILE.format(org=org, profile=name, roles=roles) + extra
    (organisations / f"{org}.yaml").write_text(text, encoding="utf-8")
    return load_rulebooks(organisations, profiles)


@dataclass
class Bureau:
    """The part of the complaints service that investigates and corrects, for one organisation."""

    clock: FixedClock
    org: str
    books: Rulebooks[ComplaintRules]
    calls: int = field(default=0)

    def __post_init__(self) -> None:
        self.counter = Counter(self.clock, self.org, self.books)
        self.world = self.counter.world
        self.found = MemoryInvestigations()
        self.desk = InquiryDesk(self.counter.desk, cast(InvestigationRepository, self.found))
        owners = (Investigate(self.desk), Correct(self.desk), LookUpInvestigations(self.desk))
        self._methods = {
            name: getattr(owner, name) for owner in owners for name in _SCHEMAS if hasattr(owner, name)
        }
        self.ticker = TickInvestigations(self.desk, CountingIds())

    @staticmethod
    def freight(directory: Path, extra: str = "", at: str = "2026-03-02 09:00") -> Bureau:
        """Return the logistics company on a Monday morning; ``extra`` is its own word."""
        books = books_of(directory, "freight-test", LOGISTICS, extra)
        return Bureau(FixedClock(beijing(at)), "freight-test", books)

    @staticmethod
    def of_profile(
        directory: Path, name: str, extra: str = "", sections: str = "", at: str = "2026-03-02 09:00"
    ) -> Bureau:
        """Return an organisation of a profile that says nothing but ``sections`` beside the standard one."""
        head = f"profile: {name}\nextends: standard\nversions:\n"
        head += '  - version: "2026.1"\n    effective_from: 2020-01-01\n'
        books = books_of(directory, f"{name}-test", head + sections, extra)
        return Bureau(FixedClock(beijing(at)), f"{name}-test", books)

    def at(self, text: str) -> None:
        """Put the clock to a wall-clock time in China."""
        self.clock.set(beijing(text))

    def do(
        self,
        method: str,
        /,
        *,
        by: str = INSPECTOR,
        roles: Collection[str] | None = None,
        key: str | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a call as RPC would: through its schema, under a key of its own unless one is given."""
        self.calls += 1
        data = loaded(_SCHEMAS[method](unknown=RAISE), arguments)
        held = ROLES.get(by, frozenset({"staff"})) if roles is None else frozenset(roles)
        call = FakeCall(self.org, key or f"{self.org}/{method}/key-{self.calls}", held, by)
        return self._methods[method](call, data)

    def refused(self, method: str, kind: type[KefuError], /, **arguments: Any) -> KefuError:
        """Send a call that must be refused with an error of ``kind`` and write nothing; return it."""
        before = self.everything()
        with pytest.raises(kind) as refused:
            self.do(method, **arguments)
        assert type(refused.value) is kind
        assert self.everything() == before
        return refused.value

    def case(self, **claim: Any) -> Case:
        """Return a new valid case, received now."""
        return self.counter.case(**claim)

    def open(self, case: Case, **given: Any) -> str:
        """Open the investigation of a case and return its id."""
        return str(self.do("open_investigation", case_id=case.id, **given)["investigation_id"])

    def met(self, found_id: str) -> None:
        """Hold the meeting the logistics company wants before the report."""
        filled = {"attendees": ["stf_a", "stf_b"], "item": "破损", "cause": "码放", "measures": "已检查"}
        self.do("add_investigation_record", id=found_id, kind="meeting", filled=filled)

    def submit(self, found_id: str, *causes: str, by: str = INSPECTOR, **filled: Any) -> Any:
        """Submit the report."""
        form = {"course": "装卸时跌落", **filled}
        return self.do("submit_report", by=by, id=found_id, filled=form, causes=list(causes or ("loading",)))

    def approve(self, found_id: str, *people: str) -> Any:
        """Let people approve the report as it stands, one after the other."""
        answer: Any = None
        for person in people or (HEAD, MANAGER):
            revision = self.investigation(found_id).revision
            answer = self.do("approve_report", by=person, id=found_id, revision=revision)
        return answer

    def approved(self, case: Case, *causes: str, **filled: Any) -> str:
        """Return an investigation of a case whose report is approved."""
        found_id = self.open(case)
        self.met(found_id)
        self.submit(found_id, *causes, **filled)
        self.approve(found_id)
        return found_id

    def act(self, case: Case, **given: Any) -> str:
        """Open a corrective action and return its id."""
        what = {
            "case_id": case.id,
            "kind": "corrective",
            "what": "加固码放",
            "department": "ops",
            "owner": OWNER,
        }
        arguments: dict[str, Any] = what | given
        return str(self.do("open_action", **arguments)["action_id"])

    def active(self, case: Case, **given: Any) -> str:
        """Return an action that was approved."""
        action_id = self.act(case, **given)
        self.do("decide_action", by=MANAGER, id=action_id, approved=True)
        return action_id

    def done(self, case: Case, **given: Any) -> str:
        """Return an action that was done."""
        action_id = self.active(case, **given)
        self.do("complete_action", by=OWNER, id=action_id, evidence="照片 0301")
        return action_id

    def check(self, action_id: str, *, effective: bool, **given: Any) -> Any:
        """Check an action."""
        arguments: dict[str, Any] = {
            "by": AUDITOR,
            "id": action_id,
            "effective": effective,
            "finding": "复查一周",
        } | given
        return self.do("check_action", **arguments)

    def investigation(self, found_id: str) -> Investigation:
        found = self.found.investigations.get(found_id, self.org)
        assert found is not None
        return found

    def action(self, action_id: str) -> CorrectiveAction:
        found = self.found.actions.get(action_id, self.org)
        assert found is not None
        return found

    def kept(self, case: Case) -> Case:
        return self.world.case(case.id)

    def satisfy(self, case: Case) -> Case:
        """Give the final reply, and let the callback find a satisfied customer."""
        answered = self.world.answer(self.kept(case))
        self.world.call_back(called_back(answered, satisfied=True))
        return self.kept(case)

    def tick(self) -> None:
        """Let the timer run until nothing is left to do."""
        while self.ticker():
            pass

    def events(self, kind: str) -> list[Entry]:
        """Return everything recorded as ``kind``, on investigations, actions and cases."""
        aggregates = [*self.found.investigations.all(), *self.found.actions.all(), *self.world.cases.all()]
        return [entry for aggregate in aggregates for entry in aggregate.history if entry.type == kind]

    def everything(self) -> Any:
        return (
            dict(self.found.investigations.documents),
            dict(self.found.actions.documents),
            dict(self.world.cases.documents),
        )

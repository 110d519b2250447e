"""Taking single steps of a path, and looking at where a case stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.complaints.domain.case import Case
from shared.errors import KefuError, RuleRefused
from tests.unit.complaints.fakes import World

#: Together these may take every step of the organisations' paths.
EVERYBODY = frozenset(
    {
        *("staff", "store_staff", "store_superior", "ops_supervisor", "ops_cs", "hr_admin", "handling_dept"),
        *("handling_superior", "general_manager", "company_leader", "domestic_sales", "property_clerk"),
        *("department_manager", "technical_supervisor"),
    }
)


def take(
    world: World, case: Case, step: str, *, by: str = "stf_1", roles: Any = EVERYBODY, **filled: Any
) -> Case:
    world.do("take_step", case, step=step, filled=filled, roles=roles, actor=by)
    return world.case(case.id)


def refused(world: World, case: Case, step: str, **arguments: Any) -> KefuError:
    """Take a step that must be refused by a rule; nothing may be written."""
    before = world.cases.documents[case.id]
    with pytest.raises(RuleRefused) as error:
        take(world, case, step, **arguments)
    assert world.cases.documents[case.id] == before
    return error.value


def standing(world: World, case: Case) -> Mapping[str, str]:
    """Return every step of the path with how it stands."""
    return {row["step"]: row["standing"] for row in world.look.case(case.org, case.id)["steps"]}


def fields_of(error: KefuError) -> list[str]:
    return [problem.field for problem in error.problems]

"""Reading the reporting part of the rulebooks: the shape of its files and what must hold between values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.handbooks import why_not_citable
from services.names import SERVICES
from services.reporting.domain.kpis.definition import Kpi, KpiTarget, with_targets
from services.reporting.domain.rulebook import ReportingRules
from services.reporting.rulebook_kpis import KpiSections
from services.reporting.rulebook_obligations import (
    obligation_roles,
    obligations_field,
    obligations_problems,
)
from services.reporting.rulebook_scorecards import scorecards_field, scorecards_problems
from shared.registers.rows import register_roles, registers_field, registers_problems
from shared.regulations import Rulebooks
from shared.regulations.fields import Whole, sourced
from shared.regulations.loading import Loaded, read_all

PROFILES = Path(__file__).parent / "regulations"
#: The last day that every month has.
_SHORTEST_MONTH = 28


class ReportingRulesSchema(KpiSections):
    """The sections of a reporting rulebook."""

    @staticmethod
    def builds(*, kpis: tuple[Kpi, ...], kpi_targets: tuple[KpiTarget, ...], **rest: Any) -> ReportingRules:
        """Build the rules, each key figure with the target that was set for it."""
        return ReportingRules(kpis=with_targets(kpis, kpi_targets), **rest)

    month_report_by_day = sourced(Whole(least=1, most=_SHORTEST_MONTH))
    registers = registers_field()
    obligations = obligations_field()
    scorecards = scorecards_field()

    @validates_schema
    def _registers_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = registers_problems(data["registers"])
        if problems:
            raise marshmallow.ValidationError({"registers": problems})

    @validates_schema
    def _obligations_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = obligations_problems(data["obligations"], data["registers"])
        if problems:
            raise marshmallow.ValidationError({"obligations": problems})

    @validates_schema
    def _scorecards_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = scorecards_problems(data["scorecards"], data["registers"])
        if problems:
            raise marshmallow.ValidationError({"scorecards": problems})


def _roles(rules: ReportingRules) -> Iterator[tuple[str, str]]:
    """Yield every role the rulebook names, with its path."""
    yield from register_roles(rules.registers)
    yield from obligation_roles(rules.obligations)


def _read(sections: Any) -> ReportingRules:
    rules: ReportingRules = ReportingRulesSchema().load(sections)
    return rules


def read_rulebooks(
    organisations: Path, profiles: Path = PROFILES, *, unfollowed: bool = True
) -> Loaded[ReportingRules]:
    """Return the reporting rulebooks of all ``organisations`` and of all profiles, with every fault of their files.

    Without ``unfollowed`` only the profiles that an organisation follows are gone through.
    """
    return read_all(
        profiles,
        organisations,
        _read,
        "reporting",
        SERVICES,
        roles=_roles,
        refuse_source=why_not_citable,
        unfollowed=unfollowed,
    )


def load_rulebooks(organisations: Path, profiles: Path = PROFILES) -> Rulebooks[ReportingRules]:
    """Return the reporting rulebooks of all ``organisations``; RegulationError names every bad file."""
    return read_rulebooks(organisations, profiles, unfollowed=False).sound()

"""What a reporting rulebook may ask for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.reporting.domain.rulebook import ReportingRules
from services.reporting.rulebook import PROFILES, load_rulebooks
from shared.regulations import RegulationError, Rulebooks
from tests.unit.reporting.stories import ORGANISATIONS, START


def test_a_key_figure_without_a_formula_stops_the_service_with_file_and_path(tmp_path: Path) -> None:
    """Promise: a misspelt key figure is found at start, not in the first report."""
    profiles = tmp_path / "profiles"
    shutil.copytree(PROFILES, profiles)
    standard = profiles / "standard.yaml"
    standard.write_text(standard.read_text("utf-8").replace(" satisfaction:", " satisfacton:"), "utf-8")
    with pytest.raises(RegulationError, match=r"satisfacton.*no such key figure"):
        load_rulebooks(ORGANISATIONS, profiles)


def test_a_report_cannot_be_wanted_by_a_day_that_some_month_lacks(tmp_path: Path) -> None:
    """Promise: a due day exists in every month."""
    profiles = tmp_path / "profiles"
    shutil.copytree(PROFILES, profiles)
    retail = profiles / "retail-chain.yaml"
    retail.write_text(retail.read_text("utf-8").replace("{value: 10,", "{value: 29,"), "utf-8")
    with pytest.raises(RegulationError, match="month_report_by_day"):
        load_rulebooks(ORGANISATIONS, profiles)


def test_every_organisation_has_the_four_key_figures(rulebooks: Rulebooks[ReportingRules]) -> None:
    """Promise: whatever the handbook leaves open, the four figures are computed for everybody."""
    for organisation in rulebooks.organisations:
        rules = rulebooks.for_org(organisation.id, START).sections
        codes = {kpi.code for kpi in rules.kpis}
        assert codes >= {"handled_on_time", "valid_complaints_handled", "callback_rate", "satisfaction"}

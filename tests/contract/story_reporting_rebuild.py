"""The part of the story about counting everything again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

_OPERATOR: dict[str, Any] = {"org": "plaza-demo", "roles": ("operator",), "actor": "operator"}


def tell_of_a_rebuild(stage: Stage) -> None:
    """Let an operator have the figures rebuilt, and somebody else be refused."""
    assert stage.ask("reporting.get_rebuild", **_OPERATOR) is None
    stage.call("reporting.rebuild_figures", org="plaza-demo", roles=("staff",))
    stage.ask("reporting.rebuild_figures", **_OPERATOR)
    stage.ask("reporting.get_rebuild", **_OPERATOR)
    for _ in range(3):
        stage.pass_time(timedelta(minutes=3))
    assert stage.ask("reporting.get_rebuild", **_OPERATOR)["state"] == "done"

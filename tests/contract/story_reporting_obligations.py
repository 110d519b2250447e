"""The part of the story about what is owed again and again: a plaza's ledger, and a shop's meetings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

_HEAD: dict[str, Any] = {"org": "plaza-demo", "roles": ("staff", "cs_head"), "actor": "u-1003"}


def tell_of_obligations(stage: Stage) -> None:
    """Let a month's ledger go to the manager, another be late, and somebody else be refused."""
    stage.pass_time(timedelta(days=1))
    asked: dict[str, Any] = {**_HEAD, "obligation": "ledger_to_manager"}
    owed = stage.ask("reporting.list_obligations", **asked, state="open")[0]["obligation_id"]
    word = {"id": owed, "reference": "台账-1"}
    stage.call("reporting.confirm_obligation", org="plaza-demo", roles=("staff",), **word)
    stage.ask("reporting.confirm_obligation", **_HEAD, **word)
    stage.ask("reporting.get_obligation", **_HEAD, id=owed)
    stage.call("reporting.get_obligation", **_HEAD, id="ob_nothing")
    for _ in range(3):
        stage.pass_time(timedelta(days=20))
    stage.ask("reporting.list_obligations", **asked, state="overdue")
    stage.call("reporting.list_obligations", **_HEAD, state="never")

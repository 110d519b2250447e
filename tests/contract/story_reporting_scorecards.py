"""The part of the story about scorecards: an agent who is late, a colleague who is curious, a month that is closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.stage import Stage

_SHOP: dict[str, Any] = {"org": "shop-demo"}
_CARD = {"scorecard": "conduct"}


def tell_of_scorecards(stage: Stage) -> None:
    """Let a rest be taken without asking, its card be looked at, and its month be closed."""
    day = stage.clock.now().date()
    month = f"{day:%Y-%m}"
    boss: dict[str, Any] = {**_SHOP, "roles": ("staff", "supervisor", "manager"), "actor": "u-1003"}
    agent: dict[str, Any] = {**_SHOP, "roles": ("staff",), "actor": "u-2001"}
    note = {"person": "u-2001", "day": f"{day:%Y-%m}-01", "kind": "unasked_rest"}
    stage.ask("reporting.open_record", **boss, register="conduct_note", values=note)
    stage.ask("reporting.get_scorecard", **agent, **_CARD, month=month)
    stage.call("reporting.get_scorecard", **agent, **_CARD, month=month, person="u-1003")
    stage.call("reporting.get_scorecard", **agent, scorecard="beauty", month=month)
    stage.ask("reporting.list_scorecards", **boss, **_CARD, month=month)
    stage.call("reporting.close_month", **boss, **_CARD, month=month)
    while f"{stage.clock.now():%Y-%m}" == month:
        stage.pass_time(timedelta(days=10))
    stage.ask("reporting.close_month", **boss, **_CARD, month=month)
    stage.ask("reporting.get_scorecard", **agent, **_CARD, month=month)

"""The part of the story about the path of a case: every step it asks for, each by somebody of its role."""

from __future__ import annotations

from typing import Any

from kefu.demo.walking import filled
from tests.contract.stage import Stage


def walk(stage: Stage, org: str, case: str) -> None:
    """Take the mandatory steps that have no command of their own, as far as they can be taken now."""
    while True:
        answer = stage.ask("complaints.next_steps", org=org, roles=("staff", "ops_cs"), id=case)
        rows = [row for row in answer["steps"] if row["mandatory"] and row["command"] == "take_step"]
        ready = [row for row in rows if not row["waits_for"]]
        if not ready:
            return
        take(stage, org, case, ready[0])


def take(stage: Stage, org: str, case: str, row: dict[str, Any]) -> None:
    """Take one step that ``next_steps`` told of."""
    role = row["roles"][0]
    actor = f"u-{role}"
    stage.ask(
        "complaints.take_step",
        org=org,
        actor=actor,
        roles=("staff", role),
        id=case,
        step=row["step"],
        filled=filled(row),
    )

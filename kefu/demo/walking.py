"""Playing what the path of a case asks for beside deciding and replying: each step by somebody of its role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kefu.demo.colleagues import Colleague, Colleagues
from shared.errors import KefuError
from shared.history import timestamp

_WORDS = "已按规定办理并记录。"
_DEPARTMENTS = ["客户服务部"]
_NUMBERS = {"amount": "100.00", "count": "1"}
#: Kinds that carry what is known already.
_KNOWN = {"of_case", "of_step"}
#: When something still to be done is promised for.
_LATER = timedelta(days=1)


class Walker:
    """Takes the mandatory steps of a path that can be taken now; may be shared between threads."""

    def __init__(self, colleagues: Colleagues) -> None:
        """Let ``colleagues`` take the steps."""
        self._colleagues = colleagues

    def walk(self, org: str, case_id: str, key: Callable[[str], str]) -> None:
        """Take steps until none is left that has no command of its own; ``key`` makes idempotency keys of names."""
        while True:
            answer = self._colleagues.ask(org, "complaints.next_steps", id=case_id)
            rows = [row for row in answer["steps"] if _wanted(row)]
            if not rows:
                return
            for row in rows:
                # Under the same key as before should the answer to the question have been late.
                name = f"step-{row['step']}-{len(row['taken'])}"
                self._colleagues.order(
                    org,
                    somebody_with(row["roles"]),
                    "complaints.take_step",
                    key(name),
                    id=case_id,
                    step=row["step"],
                    filled=filled(row),
                )

    def file(self, org: str, case_id: str, key: Callable[[str], str]) -> None:
        """File the case with every unit that must have it before it may close."""
        for unit in self._colleagues.ask(org, "complaints.get_settlement", id=case_id)["filings_due"]:
            name, filing = f"filing-{unit['unit']}", {"unit": unit["unit"], "way": "system"}
            self._colleagues.order(
                org, Colleague.HANDLER, "complaints.record_filing", key(name), id=case_id, **filing
            )


def _wanted(row: Mapping[str, Any]) -> bool:
    return bool(row["mandatory"] and row["command"] == "take_step" and not row["waits_for"])


def somebody_with(roles: list[str]) -> Colleague:
    """Return a colleague who has one of ``roles``; KefuError when the demo has nobody."""
    for colleague in Colleague:
        if set(roles) & set(colleague.roles):
            return colleague
    raise KefuError(f"nobody of the demo is {' or '.join(roles)}")


def filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return something for every field a step must be filled with: approvals are given, first options chosen."""
    values: dict[str, Any] = {}
    for field in row["fields"]:
        if field["field"] == row["each_of"]:
            values[field["field"]] = row["remaining"][0]
        elif field["required"] and field["kind"] not in _KNOWN:
            values[field["field"]] = _value(field)
    # What is wanted only with some answers does no harm with the others.
    for field in row["fields"]:
        if not field["required"] and field["kind"] == "text":
            values[field["field"]] = _WORDS
    return values


def _value(field: Mapping[str, Any]) -> Any:
    kind = field["kind"]
    if kind == "choice":
        return field["options"][0]
    if kind == "yes_no":
        return True
    if kind == "names":
        return _DEPARTMENTS
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    return timestamp(datetime.now(UTC) + _LATER) if kind == "moment" else _WORDS

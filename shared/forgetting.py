"""Emptying texts of aggregates that may be kept no longer, answers to repeated commands included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from shared.aggregate import Aggregate

#: What stands where words stood.
ERASED = "[已清除]"
#: From so many letters on a piece of text is a quotation and no accident.
_QUOTED = 6


def forget(
    aggregate: Aggregate,
    paths: Sequence[str],
    change: Callable[[str], str],
    *,
    only: Callable[[Any], bool] = lambda _: True,
    keeping: Collection[str] = (),
) -> bool:
    """Let ``change`` rewrite every text of ``aggregate`` at ``paths``; return whether that changed anything.

    Of lists only the rows that ``only`` takes are touched, of mappings not the keys that are for ``keeping``.
    What is gone is gone from kept answers too.
    """
    removed: set[str] = set()

    def noting(text: str) -> str:
        after = change(text)
        if after != text:
            removed.add(text)
        return after

    for path in paths:
        name, *inner = path.split(".")
        setattr(aggregate, name, mapped(getattr(aggregate, name), inner, noting, only, keeping))
    forget_answers(aggregate, removed)
    return bool(removed)


def mapped(
    value: Any,
    path: Sequence[str],
    change: Callable[[str], str],
    only: Callable[[Any], bool] = lambda _: True,
    keeping: Collection[str] = (),
) -> Any:
    """Return ``value`` with every text below ``path`` changed; all else as it was."""
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(each, path, change) if only(each) else each for each in value)
    if isinstance(value, Mapping):
        return {key: each if key in keeping else mapped(each, path, change) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = path[:1] or [spec.name for spec in fields(value)]
        return replace(value, **{name: mapped(getattr(value, name), path[1:], change) for name in names})
    return change(value) if isinstance(value, str) and not isinstance(value, Enum) else value


def forget_answers(aggregate: Aggregate, removed: Collection[str]) -> None:
    """Take the texts ``removed`` out of the answers that are kept for commands that are repeated."""

    def without(text: str) -> str:
        return ERASED if any(_stands_in(each, text) for each in removed) else text

    if removed:
        aggregate.answers = [
            replace(answer, result=mapped(answer.result, (), without)) for answer in aggregate.answers
        ]


def _stands_in(removed: str, text: str) -> bool:
    """Return whether a text is ``removed`` or quotes it; a few letters are found in every id."""
    quoted = len(removed) >= _QUOTED or (len(removed) > 1 and not removed.isascii())
    return removed == text or (quoted and removed in text)

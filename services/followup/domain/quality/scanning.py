"""Scanning a talk for what must and must not be said; the talk itself is kept nowhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from services.followup.domain.quality.rules import Phrase, Scan

#: Stands for any number in the words of a rule.
_NUMBER = r"\{number\}"


class By(StrEnum):
    """Who says something."""

    AGENT = "agent"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Line:
    """Something said."""

    by: By
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule finds. ``passed`` is None where it does not apply, ``line`` counts from 1, ``words`` are its own."""

    phrase: str
    passed: bool | None
    alert: bool
    source: str
    line: int | None = None
    words: str | None = None


_Place = tuple[int, int, str]


def scan(talk: Sequence[Line], rules: Iterable[Phrase]) -> list[Finding]:
    """Return what each of ``rules`` finds in ``talk``."""
    lines = [Line(line.by, _plain(line.text)) for line in talk]
    return [_scan(lines, rule) for rule in rules]


def _scan(talk: Sequence[Line], rule: Phrase) -> Finding:
    if rule.when and _first(talk, rule.when) is None:
        return _finding(rule, passed=None)
    if rule.scan is Scan.BEFORE:
        return _before(talk, rule)
    said = [(number, line) for number, line in enumerate(talk, 1) if line.by is By.AGENT]
    if rule.scan is Scan.AT_END:
        said = said[-1:]
    places = [_place(said, group) for group in rule.groups]
    if rule.scan is Scan.BANNED:
        worst = min((place for place in places if place is not None), default=None)
        return _finding(rule, passed=worst is None, at=worst)
    return _held(rule, places, said[-1][0] if said else None)


def _before(talk: Sequence[Line], rule: Phrase) -> Finding:
    """Look whether the agent said all of it before what must come later; where that never came nothing is wrong."""
    later = _first(talk, rule.until)
    if later is None:
        return _finding(rule, passed=None)
    said = [(number, line) for number, line in enumerate(talk, 1) if line.by is By.AGENT]
    places = [_place(said, group) for group in rule.groups]
    if all(place is not None and place < later for place in places):
        return _held(rule, places, None)
    return _finding(rule, passed=False, at=later)


def _held(rule: Phrase, places: Sequence[_Place | None], line: int | None) -> Finding:
    """Return that it was all said, with where the last of it was, or that something was not."""
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        return Finding(rule.code, passed=False, alert=rule.alert, source=rule.source, line=line)
    return _finding(rule, passed=True, at=max(found))


def _finding(rule: Phrase, *, passed: bool | None, at: _Place | None = None) -> Finding:
    line, _, words = at or (None, 0, None)
    return Finding(
        rule.code,
        passed=passed,
        alert=rule.alert and passed is False,
        source=rule.source,
        line=line,
        words=words,
    )


def _first(talk: Sequence[Line], words: Sequence[str]) -> _Place | None:
    return _place(list(enumerate(talk, 1)), words)


def _place(said: Sequence[tuple[int, Line]], words: Sequence[str]) -> _Place | None:
    """Return where one of ``words`` is said first: line, place in it, the words."""
    for number, line in said:
        hits = [(match.start(), each) for each in words if (match := _pattern(each).search(line.text))]
        if hits:
            start, each = min(hits)
            return number, start, each
    return None


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(re.escape(_plain(words)).replace(_NUMBER, r"\d+(?:\.\d+)?"))


def _plain(text: str) -> str:
    """Return ``text`` as it is compared: half-width, small letters, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())

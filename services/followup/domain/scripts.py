"""What is said on a callback (话术): opening, middle, a branch by the answer, closing, and the wish of the season."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from string import Formatter

from shared.errors import Problem, RuleRefused
from shared.regulations.values import Sourced

#: The variable that the season fills in.
WISH = "wish"


class Part(StrEnum):
    """Where in the call a step is said."""

    OPENING = "opening"
    MIDDLE = "middle"
    BRANCH = "branch"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Step:
    """Words with ``{variables}``; with ``answers`` only said after one of them, without before the answer is known."""

    code: str
    part: Part
    text: str
    source: str
    question: bool = False
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What the customer is wished near ``festival``, or at any other time when that is None."""

    code: str
    text: str
    source: str
    festival: str | None = None


@dataclass(frozen=True, slots=True)
class Festival:
    """Days that are celebrated: ``MM-DD`` of every year, or single days of a festival of the moon.

    Its time runs from so many days ``before`` to so many days ``after``, both included.
    """

    code: str
    name: str
    days: tuple[str, ...]
    source: str
    before: int = 0
    after: int = 0

    def near(self, day: date) -> bool:
        """Return whether ``day`` is in its time."""
        return any(
            each - timedelta(days=self.before) <= day <= each + timedelta(days=self.after)
            for each in self._dates(day.year)
        )

    def _dates(self, year: int) -> Iterator[date]:
        for text in self.days:
            if len(text) == len("MM-DD"):
                for near in (year - 1, year, year + 1):
                    yield date.fromisoformat(f"{near}-{text}")
            else:
                yield date.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Script:
    """The words of one kind of call; ``callbacks`` are the rules it belongs to, ``courses`` where it is taught.

    ``questions`` is how many the customer may be asked.
    """

    code: str
    name: str
    source: str
    steps: tuple[Step, ...]
    version: str = "v1"
    callbacks: tuple[str, ...] = ()
    courses: Sourced[tuple[str, ...]] | None = None
    wishes: tuple[Wish, ...] = ()
    questions: Sourced[int] | None = None

    def after(self, answer: str | None) -> tuple[Step, ...]:
        """Return what is said after ``answer``, or, without one, until the customer answers."""
        return tuple(step for step in self.steps if (answer in step.answers if answer else not step.answers))

    def answers(self) -> tuple[str, ...]:
        """Return the answers it has words for, in order, each once."""
        return tuple(dict.fromkeys(answer for step in self.steps for answer in step.answers))

    def most_questions(self) -> int:
        """Return how many questions one customer is asked at most."""
        asked = [sum(step.question for step in self.after(answer)) for answer in self.answers()]
        return sum(step.question for step in self.after(None)) + max(asked, default=0)


@dataclass(frozen=True, slots=True)
class Said:
    """One step with its variables filled in."""

    step: Step
    text: str


def variables_of(text: str) -> tuple[str, ...]:
    """Return the variables of a text, in order, each once."""
    return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(text) if name))


def say(
    script: Script,
    festivals: Sequence[Festival],
    *,
    answer: str | None,
    values: Mapping[str, str],
    today: date,
    more_questions: int,
) -> tuple[Said, ...]:
    """Return what to say, ``values`` filled in and taken literally.

    Raises RuleRefused: naming the rule of the step for what it needs and is missing, that of the limit when
    ``more_questions`` of the caller's own are too many.
    """
    limit = script.questions
    if limit is not None and script.most_questions() + more_questions > limit.value:
        message = f"a call asks at most {limit.value} questions"
        raise RuleRefused(message, rule=limit.source)
    wish = wish_of(script, festivals, today)
    filled = {**values, **({WISH: wish.text} if wish else {})}
    return tuple(_said(step, filled) for step in script.after(answer))


def wish_of(script: Script, festivals: Sequence[Festival], today: date) -> Wish | None:
    """Return the wish of the festival that ``today`` is near, else the one for any other time."""
    near = {festival.code for festival in festivals if festival.near(today)}
    of_season = next((wish for wish in script.wishes if wish.festival in near), None)
    return of_season or next((wish for wish in script.wishes if wish.festival is None), None)


def _said(step: Step, values: Mapping[str, str]) -> Said:
    missing = [name for name in variables_of(step.text) if not values.get(name, "").strip()]
    if missing:
        raise RuleRefused(
            f"the words lack what they must contain: {', '.join(missing)}",
            rule=step.source,
            problems=tuple(Problem(f"values.{name}", "is missing") for name in missing),
        )
    return Said(step, step.text.format_map(values))

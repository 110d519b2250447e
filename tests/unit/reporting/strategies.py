"""Random lives of cases, and random ways in which their events may arrive."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from services.reporting.domain.event import ArchivedEvent
from shared.history import timestamp
from tests.unit.reporting.stories import CLOCKS, DUE, Story

_LATER = ({**CLOCKS[0], "due_at": timestamp(DUE + timedelta(days=1))},)
#: Everything that may happen to a case once it is open, sensible or not: a fold has to stand any of it.
_HAPPENINGS = (
    lambda story: story.accepted(),
    lambda story: story.accepted(clocks=()),
    lambda story: story.case("case_refused", clocks=[]),
    lambda story: story.case("case_level_changed", **{"from": "minor", "to": "major"}, clocks=list(_LATER)),
    lambda story: story.case("case_escalated", cause="repeat", repeats=1),
    lambda story: story.case("case_progressed", step="investigate"),
    lambda story: story.replied(),
    lambda story: story.replied(valid=False),
    lambda story: story.breached(),
    lambda story: story.met(),
    lambda story: story.met(on_time=False),
    lambda story: story.case("clock_recomputed", clock="close", due_to=_LATER[0]["due_at"]),
    lambda story: story.case("clock_extended", clock="close", due_to=_LATER[0]["due_at"]),
    lambda story: story.case("clock_resumed", clock="unheard_of", due_to=_LATER[0]["due_at"]),
    lambda story: story.closed(),
    lambda story: story.closed(valid=False, on_time=False),
    lambda story: story.reopened(),
    lambda story: story.callback("callback_scheduled", 1, round=1),
    lambda story: story.callback("callback_due", 1, due_at=timestamp(DUE)),
    lambda story: story.callback("callback_superseded", 1, round=1),
    lambda story: story.called_back("satisfied", 2),
    lambda story: story.called_back("neutral", 3),
    lambda story: story.called_back("dissatisfied", 4),
)


@st.composite
def lives(draw: st.DrawFn, case_id: str = "cs_1") -> list[ArchivedEvent]:
    """Draw the events of one case, in the order they happened."""
    story = Story(case_id).opened(draw(st.sampled_from(["minor", "major"])))
    for happens in draw(st.lists(st.sampled_from(_HAPPENINGS), max_size=12)):
        happens(story)
    return story.events


@st.composite
def arrivals(draw: st.DrawFn, events: list[ArchivedEvent]) -> list[list[ArchivedEvent]]:
    """Draw a way for ``events`` to arrive: any order, some more than once, in batches of any size."""
    repeated = draw(st.lists(st.sampled_from(events), max_size=len(events)))
    order = draw(st.permutations(events + repeated))
    batches: list[list[ArchivedEvent]] = [[]]
    for event in order:
        batches[-1].append(event)
        if draw(st.booleans()):
            batches.append([])
    return [batch for batch in batches if batch]

"""What callers see of samples and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.followup.domain.quality.rules import SampleRule
from services.followup.domain.quality.sample import Sample, Score
from services.followup.domain.quality.scoring import kappa, mean
from shared.history import timestamp


def sample_view(sample: Sample) -> dict[str, Any]:
    """Return the shape of a sample without what was drawn."""
    return {
        "sample_id": sample.id,
        "kind": sample.kind,
        "about": sample.about,
        "period": sample.period,
        "seed": sample.seed,
        "state": sample.state,
        "opened_by": sample.opened_by,
        "opened_at": timestamp(sample.opened_at),
        "population": sample.population,
        "needed": sample.needed,
        "drawn": len(sample.drawn),
        "source": sample.source,
        "summary": sample.summary,
        "finished_by": sample.finished_by,
        "approved_by": sample.approved_by,
    }


def figures(sample: Sample, rule: SampleRule, scores: Sequence[Score]) -> dict[str, Any]:
    """Return what was found: how many are scored and passed, averages, by agent, and how far two agree."""
    first = [score for score in scores if score.turn == 1]
    average = mean([score.percent for score in first])
    met = sample.needed is not None and len(first) >= sample.needed
    return {
        "scored": len(first),
        "met": met,
        "passed": sum(score.passed for score in first),
        "average": _text(average),
        "average_mark": _text(mean([score.average for score in first if score.average is not None])),
        "on_target": None if rule.target is None or average is None else average >= rule.target.value,
        "agents": [
            {"agent": agent, "scored": len(own), "average": _text(mean([score.percent for score in own]))}
            for agent, own in sorted(_by_agent(first).items())
        ],
        "agreement": _agreement(scores),
    }


def score_view(score: Score, *, shown: bool) -> dict[str, Any]:
    """Return the shape of a score; where another is to score the same unseen, without what was found."""
    view: dict[str, Any] = {
        "score_id": score.id,
        "sample_id": score.sample,
        "kind": score.kind,
        "card": score.card,
        "item": score.ref,
        "agent": score.agent,
        "turn": score.turn,
        "scorer": score.scorer,
        "scored_at": timestamp(score.scored_at),
        "month": score.month,
        "result": None,
    }
    return view | {"result": _result(score)} if shown else view


def _result(score: Score) -> dict[str, Any]:
    return {
        "total": str(score.total),
        "of": str(score.of),
        "average": _text(score.average),
        "percent": str(score.percent),
        "passed": score.passed,
        "marks": [
            {
                "item": mark.item,
                "value": mark.value,
                "passed": mark.passed,
                "alert": mark.alert,
                "line": mark.line,
                "source": mark.source,
            }
            for mark in score.marks
        ],
        "faults": [
            {
                "text": fault.text,
                "item": fault.item,
                "measure": fault.measure,
                "owner": fault.owner,
                "due_on": None if fault.due_on is None else fault.due_on.isoformat(),
            }
            for fault in score.faults
        ],
    }


def _by_agent(scores: Sequence[Score]) -> Mapping[str, list[Score]]:
    by: dict[str, list[Score]] = {}
    for score in scores:
        if score.agent is not None:
            by.setdefault(score.agent, []).append(score)
    return by


def _agreement(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Return Cohen's kappa of each item over what was scored twice."""
    turns = {(score.ref, score.turn): score for score in scores}
    pairs: dict[str, list[tuple[str, str]]] = {}
    for (ref, turn), second in sorted(turns.items()):
        first = turns.get((ref, 1))
        if turn == 1 or first is None:
            continue
        others = {mark.item: mark.value for mark in second.marks}
        for mark in first.marks:
            other = others.get(mark.item)
            if mark.value is not None and other is not None:
                pairs.setdefault(mark.item, []).append((mark.value, other))
    return [
        {"item": item, "pairs": len(both), "kappa": _text(kappa(both))}
        for item, both in sorted(pairs.items())
    ]


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)

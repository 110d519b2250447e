"""Use cases of scores: score an item, list what was found, scan a talk without keeping it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from services.followup.domain.quality.rules import Card, QualityRules, SampleRule
from services.followup.domain.quality.sample import DRAWN, Drawn, Fault, Sample, Score
from services.followup.domain.quality.scanning import By, Finding, Line, scan
from services.followup.domain.quality.scoring import score
from services.followup.domain.rulebook import FollowupRules
from services.followup.handlers.quality_views import score_view
from services.followup.handlers.sampling import may, rule_of
from shared.acting import Caller, create, found
from shared.clock import Clock
from shared.errors import Conflict, NotFound, Problem, RuleRefused, ValidationFailed
from shared.history import Cause
from shared.ruling import Rules

if TYPE_CHECKING:
    from services.followup.quality_kept import Samples, Scores


class Scoring:
    """Scores of sampled items, each scoped to the caller's organisation."""

    def __init__(self, samples: Samples, scores: Scores, rules: Rules[FollowupRules], clock: Clock) -> None:
        """Use what keeps samples and scores, and the rulebooks."""
        self._samples, self._scores, self._rules, self._clock = samples, scores, rules, clock

    def score(self, call: Caller, data: Mapping[str, Any]) -> dict[str, Any]:
        """Score an item; where it is scored already and the sample is checked twice, this is the second time.

        RuleRefused when it is the caller's own work, or the second scorer was the first.
        """

        def build(new: str, cause: Cause) -> Score:
            now = self._clock.now()
            sample = found(self._samples.get(data["id"], call.org), "sample", data["id"])
            ruling = self._rules.of_version(call.org, sample.regulation)
            rule, quality = rule_of(ruling, sample), ruling.rules.quality
            may(call, rule)
            sample.must_be(DRAWN)
            item = sample.item(data["item"])
            if item is None:
                raise NotFound(f"{data['item']} was not drawn for {sample.id}")
            _not_own(call, item, quality)
            card = _card(quality, rule)
            result = score(card, data["marks"], _scanned(quality, card, data["talk"]))
            made = Score(
                id=new,
                org=call.org,
                sample=sample.id,
                kind=sample.kind,
                card=card.code,
                ref=item.ref,
                agent=item.agent,
                turn=self._turn(call, sample, item, rule),
                blind=rule.blind,
                scorer=call.actor,
                scored_at=now,
                month=f"{now.astimezone(ruling.zone):%Y-%m}",
                marks=list(result.marks),
                total=result.total,
                of=result.of,
                average=result.average,
                percent=result.percent,
                passed=result.passed,
                faults=[Fault(**row) for row in data["faults"]],
            )
            made.begin(result, cause)
            return made

        return create(self._scores, call, data, "sc", build, _shown)

    def page(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a page of scores, newest first; what is to be scored unseen by another shows no result."""
        wanted: dict[str, Any] = {"org": call.org}
        for key, name in (("sample", "sample_id"), ("agent", "agent"), ("month", "month")):
            if data[name] is not None:
                wanted[key] = data[name]
        if data["with_faults"]:
            wanted["faults.0"] = {"$exists": True}
        rows = self._scores.page(wanted, data["limit"], data["skip"])
        blind = sorted({row.sample for row in rows if row.blind and row.scorer != call.actor})
        query = {"_id": {"$in": blind}, "org": call.org, "state": DRAWN}
        hidden = {sample.id for sample in self._samples.find(query)} if blind else set()
        secret = self._secret(call, {row.kind for row in rows})
        return [
            score_view(
                row, shown=row.kind not in secret and (row.scorer == call.actor or row.sample not in hidden)
            )
            for row in rows
        ]

    def scan(self, call: Caller, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the rulebook's phrases, or those asked for, find in a talk; nothing of it is kept."""
        quality = self._rules.in_force(call.org, self._clock.now()).rules.quality
        unknown = [code for code in data["phrases"] if quality.phrase(code) is None]
        if unknown:
            known = ", ".join(phrase.code for phrase in quality.phrases) or "none"
            problem = Problem("phrases", f"{', '.join(unknown)}: there is {known}")
            raise ValidationFailed("the rulebook has no such phrases", problems=(problem,))
        rules = [each for each in quality.phrases if not data["phrases"] or each.code in data["phrases"]]
        return [asdict(finding) for finding in scan(_talk(data["talk"]), rules)]

    def _turn(self, call: Caller, sample: Sample, item: Drawn, rule: SampleRule) -> int:
        before = self._scores.of_items(sample, [item.ref])
        if not before:
            return 1
        if not rule.blind or len(before) > 1:
            raise Conflict(f"{item.ref} is scored already")
        if before[0].scorer == call.actor:
            raise RuleRefused("whoever scored it first does not score it again", rule=rule.source)
        return 2

    def _secret(self, call: Caller, kinds: set[str]) -> set[str]:
        """Return those of ``kinds`` whose results the caller may not see."""
        rules = self._rules.in_force(call.org, self._clock.now()).rules.quality
        return {
            rule.code
            for rule in rules.samples
            if rule.code in kinds
            and rule.confidential is not None
            and call.roles.isdisjoint(rule.confidential.roles)
        }


def _shown(made: Score) -> dict[str, Any]:
    return score_view(made, shown=True)


def _not_own(call: Caller, item: Drawn, quality: QualityRules) -> None:
    rule = quality.not_own
    if rule is not None and rule.value and item.agent == call.actor:
        raise RuleRefused("nobody scores their own work", rule=rule.source)


def _card(quality: QualityRules, rule: SampleRule) -> Card:
    card = quality.card(rule)
    if card is None:
        raise Conflict(f"{rule.name} is not scored")
    return card


def _scanned(quality: QualityRules, card: Card, talk: Sequence[Mapping[str, str]]) -> dict[str, Finding]:
    if not talk:
        return {}
    rules = [phrase for item in card.items if (phrase := quality.phrase(item.phrase)) is not None]
    return {finding.phrase: finding for finding in scan(_talk(talk), rules)}


def _talk(rows: Sequence[Mapping[str, str]]) -> list[Line]:
    return [Line(By(row["by"]), row["text"]) for row in rows]

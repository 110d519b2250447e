"""Where followup keeps samples, the pages of their populations, and scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.followup.domain.quality.sample import Page, Sample, Score
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import TIMED_INDEXES, Kept
from shared.mongo.runtime import Runtime


class Samples(Kept[Sample]):
    """The samples of every kind."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Sample)

        def to_document(sample: Sample) -> Document:
            document = documents.to(sample)
            if sample.once is None:
                del document["once"]
            return document

        super().__init__(runtime, "samples", to_document, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes: one list by kind and one of all, and where a kind says so one a period."""
        newest = ("opened_at", DESCENDING)
        self.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("kind", ASCENDING), newest]),
                IndexModel([("org", ASCENDING), newest]),
                IndexModel([("once", ASCENDING)], unique=True, sparse=True),
                *TIMED_INDEXES,
            ]
        )

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Sample]:
        """Return a page of those that match, newest first."""
        return self.find(query, sort=[("opened_at", DESCENDING)], limit=limit, skip=skip)


class Pages(Kept[Page]):
    """The pages of populations; each is found by its id."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Page)
        super().__init__(runtime, "sample_pages", documents.to, documents.of)

    def all_of(self, sample: Sample) -> list[Page]:
        """Return the pages ``sample`` names."""
        return self.find({"_id": {"$in": [page.id for page in sample.pages]}, "org": sample.org})


class Scores(Kept[Score]):
    """The scores of the items of all samples."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Score)
        super().__init__(runtime, "scores", documents.to, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes: an item is scored once a turn; lists of a sample and of an agent's month."""
        once = [("org", ASCENDING), ("sample", ASCENDING), ("ref", ASCENDING), ("turn", ASCENDING)]
        agent = [("org", ASCENDING), ("agent", ASCENDING), ("month", ASCENDING), ("scored_at", DESCENDING)]
        sample = [("org", ASCENDING), ("sample", ASCENDING), ("scored_at", DESCENDING)]
        self.store.ensure_indexes([IndexModel(once, unique=True), IndexModel(agent), IndexModel(sample)])

    def of_sample(self, sample: Sample) -> list[Score]:
        """Return all scores of ``sample``."""
        return self.find({"org": sample.org, "sample": sample.id})

    def of_items(self, sample: Sample, refs: Iterable[str]) -> list[Score]:
        """Return the scores of some items of ``sample``."""
        return self.find({"org": sample.org, "sample": sample.id, "ref": {"$in": list(refs)}})

    def first_turns(self, sample: Sample) -> int:
        """Return how many items of ``sample`` are scored."""
        return self.store.count({"org": sample.org, "sample": sample.id, "turn": 1})

    def page(self, query: Mapping[str, Any], limit: int, skip: int) -> list[Score]:
        """Return a page of those that match, newest first."""
        return self.find(query, sort=[("scored_at", DESCENDING)], limit=limit, skip=skip)

"""Where intake keeps the members of staff."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from services.intake.domain.duty.staff import Member
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime


class Members(Kept[Member]):
    """The members of staff of every organisation."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Member)

        def document(member: Member) -> Document:
            return {key: value for key, value in documents.to(member).items() if key != "place" or value}

        super().__init__(runtime, "members", document, documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes: a staff id is one member's, and so is a place in a unit with a headcount."""
        self.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("staff", ASCENDING)], unique=True),
                IndexModel([("place", ASCENDING)], unique=True, sparse=True),
                IndexModel([("org", ASCENDING), ("absences.deputy", ASCENDING)]),
            ]
        )

    def concerning(self, org: str, staff: str) -> list[Member]:
        """Return the member ``staff`` of ``org``, and those whose deputy they are or were for a while."""
        return self.find({"org": org, "$or": [{"staff": staff}, {"absences.deputy": staff}]})

    def all(self, org: str) -> list[Member]:
        """Return everybody of ``org``, by staff id."""
        return self.find({"org": org}, sort=[("staff", ASCENDING)])

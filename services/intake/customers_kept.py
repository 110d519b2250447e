"""Where intake keeps customer files: written and read whole, found by their terms and by what recognises them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.intake.domain.customer import Customer
from services.intake.domain.files import terms
from services.intake.domain.files.blind import BlindIndex
from services.intake.domain.files.listed import Listed
from shared.mongo.bounds import at_most
from shared.mongo.client import Document
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.mongo.store import Inserted

_DOCUMENTS = Documents(Customer)
#: Above every character that a term may go on with.
_END = "\U0010ffff"
#: What customer files are looked up by. Terms begin with the organisation, so that one index serves all lists.
CUSTOMER_INDEXES = (
    IndexModel([("keys", ASCENDING)], unique=True),
    IndexModel([("terms", ASCENDING)]),
)


#: All that is read for a row of a list.
_LISTED = (
    *("kind", "name", "phone", "unit", "phase", "lifecycle", "group", "filing", "lacking", "next_follow_on"),
    *("origins.code", "days.updated"),
)


def _listed(document: Mapping[str, Any]) -> Listed:
    """Return the row of a document of which ``_LISTED`` was read; older ones lack what came later."""
    return Listed(
        id=document["_id"],
        kind=document["kind"],
        name=document["name"],
        phone=document["phone"],
        unit=document["unit"],
        phase=document.get("phase"),
        lifecycle=document.get("lifecycle"),
        group=document.get("group"),
        filing=document.get("filing"),
        origins=tuple(each["code"] for each in document.get("origins", ())),
        lacking=tuple(document.get("lacking", ())),
        updated_on=document.get("days", {}).get("updated"),
        next_follow_on=document.get("next_follow_on"),
    )


class CustomerDocuments:
    """Customer files as documents and back: no phone number stands among what they are found by."""

    def __init__(self, blind: BlindIndex) -> None:
        """Hide numbers by ``blind``."""
        self.blind = blind

    def to(self, customer: Customer) -> Document:
        """Return the document of a file, with the terms it is found by."""
        keys = [self.blind.hidden(key) for key in customer.keys]
        return _DOCUMENTS.to(customer) | {"keys": keys, "terms": customer.terms}

    def of(self, document: Mapping[str, Any]) -> Customer:
        """Return the file a document holds; of the numbers it is recognised by it knows its own."""
        own = f"{document['org']}|phone|{document['phone']}" if document["phone"] else None
        lookup = self.blind.lookup([own] if own else [])
        keys = dict.fromkeys(lookup.get(key, key) for key in document["keys"])
        return _DOCUMENTS.of({**document, "keys": list(keys)})


class CustomersKept(Kept[Customer]):
    """The collection of customer files."""

    def __init__(self, runtime: Runtime, blind: BlindIndex) -> None:
        """Use the runtime's database, tickets and relay, and what hides numbers."""
        self._documents = CustomerDocuments(blind)
        super().__init__(runtime, "customers", self._documents.to, self._documents.of)

    def ensure_indexes(self) -> None:
        """Create the indexes of every list and of what recognises a customer."""
        self.store.ensure_indexes(list(CUSTOMER_INDEXES))

    def by_keys(self, keys: Sequence[str]) -> dict[str, Customer]:
        """Return the file that each of ``keys`` recognises, as far as there is one."""
        if not keys:
            return {}
        lookup = self._documents.blind.lookup(keys)
        found = self.store.find_many({"keys": {"$in": sorted(lookup)}})
        return {lookup[key]: self.read(row) for row in found for key in row["keys"] if key in lookup}

    def open_all(self, customers: Sequence[Customer]) -> Inserted:
        """Write new files; those with the id or a key of another are reported as known."""
        return self.store.insert([self._documents.to(customer) for customer in customers])

    def search(self, org: str, what: str, text: str, *, whole: bool, limit: int, skip: int) -> list[Listed]:
        """Return a page of the files whose ``what`` is ``text`` or, unless ``whole``, begins with it.

        Names that begin with it come in order: who is called just that comes first.
        """
        wanted = terms.term(org, what, text)
        if whole:
            return self._rows({"terms": wanted}, limit=limit, skip=skip)
        if what != "name":
            return self._between({"$gte": wanted, "$lt": wanted + _END}, limit=limit, skip=skip)
        found = self._first(wanted, terms.mark(org, text), skip + limit)
        return [_listed(document) for document in found[skip : skip + limit]]

    def _first(self, first: str, first_mark: str, number: int) -> list[Document]:
        """Return at least ``number`` of the files with a term that begins with ``first``, if so many have, in order.

        Few more are read, however many there are. Marks say where to stop: a server that reads all that is
        within bounds before it counts can be told so in no other way.
        """
        marked = self._placed(first_mark, first_mark + _END, ("terms",))
        ends = [first + mark.removeprefix(first_mark) for mark, _ in marked]
        ends.append(first + _END)
        stretch = number // terms.SHARE + 1
        while True:
            found = self._placed(first, ends[min(stretch, len(ends) - 1)], (*_LISTED, "terms"))
            if len(found) >= number or stretch >= len(ends) - 1:
                return [document for _, document in found]
            stretch *= 2

    def _placed(self, first: str, end: str, only: Sequence[str]) -> list[tuple[str, Document]]:
        """Return the files with a term from ``first`` to before ``end``, each with its first such, in order."""
        bounds = {"$gte": first, "$lt": end}
        rows = self.store.find_within({"terms": bounds}, {"terms": {"$elemMatch": bounds}}, only=only)
        placed = [(min(each for each in row["terms"] if first <= each < end), row) for row in rows]
        return sorted(placed, key=lambda place: (place[0], place[1]["_id"]))

    def tagged(
        self, org: str, tags: Sequence[str], until: tuple[str, date] | None, *, limit: int, skip: int
    ) -> list[Listed]:
        """Return a page of the files with all of ``tags``.

        With ``until`` only those to which that last happened on that day or before it.
        """
        asked: list[Any] = list(tags)
        if until is not None:
            what, day = until
            bounds = {"$gte": terms.tag(org, what, ""), **at_most(terms.tag(org, what, day.isoformat()))}
            if not asked:
                return self._between(bounds, limit=limit, skip=skip)
            asked.append({"$elemMatch": bounds})
        if not asked:
            return self._rows({"org": org}, limit=limit, skip=skip)
        first, *others = ({"terms": each} for each in asked)
        if not others:
            return self._rows(first, limit=limit, skip=skip)
        return self._within(first, {"$and": others}, limit=limit, skip=skip)

    def count_tagged(self, tag: str) -> int:
        """Return how many files have ``tag``; a tag names its organisation."""
        return self.store.count({"terms": tag})

    def _rows(self, query: Mapping[str, Any], *, limit: int, skip: int) -> list[Listed]:
        found = self.store.find_many(query, only=_LISTED, limit=limit, skip=skip)
        return [_listed(document) for document in found]

    def _between(self, bounds: Mapping[str, str], *, limit: int, skip: int) -> list[Listed]:
        """Return a page of the files with a term within ``bounds``.

        One and the same term must be within both of them, which is what ``$elemMatch`` says. The embedded
        database reads every file for that, but takes bounds by themselves from the index.
        """
        return self._within({"terms": bounds}, {"terms": {"$elemMatch": bounds}}, limit=limit, skip=skip)

    def _within(
        self, rough: Mapping[str, Any], exact: Mapping[str, Any], *, limit: int, skip: int
    ) -> list[Listed]:
        found = self.store.find_within(rough, exact, only=_LISTED, limit=limit, skip=skip)
        return [_listed(document) for document in found]

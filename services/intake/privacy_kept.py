"""Where intake keeps the access log, requests on personal data, customers' flags and throttled publishers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.intake.domain.door import Throttle
from services.intake.domain.privacy.access import AccessEntry
from services.intake.domain.privacy.flags import PrivacyFile
from services.intake.domain.privacy.requests import DataRequest
from shared.mongo.bounds import at_most
from shared.mongo.documents import Documents
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime


class AccessLog(Kept[AccessEntry]):
    """The access log of all organisations."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(AccessEntry)
        super().__init__(runtime, "access_log", documents.to, documents.of)
        self.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("access.customer_id", ASCENDING), ("at", DESCENDING)]),
                IndexModel([("org", ASCENDING), ("month", ASCENDING), ("lot", ASCENDING)]),
            ]
        )

    def page(self, org: str, customer_id: str | None, *, limit: int, skip: int) -> list[AccessEntry]:
        """Return a page of the log, newest first; only of one customer where one is given."""
        query = {"org": org} | ({"access.customer_id": customer_id} if customer_id else {})
        return self.find(query, sort=[("at", DESCENDING)], limit=limit, skip=skip)

    def sample(self, org: str, month: str, start: float, limit: int) -> list[AccessEntry]:
        """Return ``limit`` entries of ``month``, drawn from the lot ``start`` on and around."""
        drawn: list[AccessEntry] = []
        for bound in ({"$gte": start}, {"$lt": start}):
            if len(drawn) < limit:
                query = {"org": org, "month": month, "lot": bound}
                drawn += self.find(query, sort=[("lot", ASCENDING)], limit=limit - len(drawn))
        return drawn


class DataRequests(Kept[DataRequest]):
    """Requests to read, export or erase."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(DataRequest)
        super().__init__(runtime, "data_requests", documents.to, documents.of)
        self.store.ensure_indexes(
            [
                IndexModel([("org", ASCENDING), ("state", ASCENDING), ("asked_at", DESCENDING)]),
                IndexModel([("sweep_at", ASCENDING)]),
            ]
        )

    def page(self, org: str, state: str | None, *, limit: int, skip: int) -> list[DataRequest]:
        """Return a page of the requests, newest first."""
        query = {"org": org} | ({"state": state} if state else {})
        return self.find(query, sort=[("asked_at", DESCENDING)], limit=limit, skip=skip)

    def to_sweep(self, now: datetime, limit: int) -> list[DataRequest]:
        """Return erasures that are to be carried out, or swept again, by ``now``."""
        return self.find({"sweep_at": at_most(now)}, sort=[("sweep_at", ASCENDING)], limit=limit)


class PrivacyFiles(Kept[PrivacyFile]):
    """The flags of customers."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(PrivacyFile)
        super().__init__(runtime, "privacy_files", documents.to, documents.of)

    def of(self, org: str, ids: Sequence[str]) -> dict[str, PrivacyFile]:
        """Return the files with these ids, by customer."""
        found = self.find({"_id": {"$in": list(ids)}, "org": org}) if ids else []
        return {file.customer_id: file for file in found}


class Throttles(Kept[Throttle]):
    """What is only counted of publishers that send too much that cannot be taken."""

    def __init__(self, runtime: Runtime) -> None:
        """Use the runtime's database."""
        documents = Documents(Throttle)
        super().__init__(runtime, "throttles", documents.to, documents.of)
        self.store.ensure_indexes([IndexModel([("org", ASCENDING), ("hour", DESCENDING)])])

    def page(self, org: str, *, limit: int, skip: int) -> list[Throttle]:
        """Return a page of the records, the newest hour first."""
        how: dict[str, Any] = {"sort": [("hour", DESCENDING)], "limit": limit, "skip": skip}
        return self.find({"org": org}, **how)

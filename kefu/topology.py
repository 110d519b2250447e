"""The broker's topology as the four services' entry points ask for it: ``python -m kefu topology``."""

from __future__ import annotations

from collections.abc import Sequence

from services.complaints.service import ComplaintsService
from services.followup.service import FollowupService
from services.intake.service import IntakeService
from services.reporting.service import ReportingService
from shared.messaging.consumer import subscriptions_of
from shared.messaging.topology import Topology

__all__ = ["PUBLISHERS", "RETRY_DELAYS_MS", "SERVICES", "subscriptions_of", "topology"]

SERVICES: tuple[type, ...] = (IntakeService, ComplaintsService, FollowupService, ReportingService)
#: External systems of the demo, each with a broker user of its own.
PUBLISHERS = ("hotline", "shop", "crm", "chat", "property-fees")
#: Those whose contract lists what they publish; the broker refuses them any other routing key.
LIMITED = (("property-fees", ("contact.received",)),)
RETRY_DELAYS_MS = (1_000, 5_000, 30_000, 120_000, 600_000)


def topology(
    publishers: Sequence[str] = PUBLISHERS, retry_delays_ms: Sequence[int] = RETRY_DELAYS_MS
) -> Topology:
    """Return everything the broker must hold for the four services and ``publishers``."""
    return Topology(
        services=tuple(service.name for service in SERVICES),  # type: ignore[attr-defined]  # nameko's convention
        subscriptions=tuple(sub for service in SERVICES for sub in subscriptions_of(service)),
        publishers=tuple(publishers),
        limited=tuple(row for row in LIMITED if row[0] in publishers),
        retry_delays_ms=tuple(retry_delays_ms),
    )

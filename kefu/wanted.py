"""What the broker must hold, got late: the services' entry points take seconds to import."""

from __future__ import annotations

import warnings

from shared.messaging.topology import Topology


def wanted_topology() -> Topology:
    """Return the topology that the four services' entry points ask for; the first call takes seconds."""
    with warnings.catch_warnings():
        # Said on every import of eventlet; the services run on it until nameko does without.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        from kefu.topology import topology  # noqa: PLC0415 - see above
    return topology()

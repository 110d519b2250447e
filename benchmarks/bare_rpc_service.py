"""The barest nameko service: one method, no checks, no database; run by the RPC benchmark."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.rpc import rpc  # noqa: E402


class BareService:
    """Answers what it was asked."""

    name = "bare_rpc"

    @rpc  # type: ignore[untyped-decorator]  # nameko has no types
    def get(self, key: str) -> dict[str, str]:
        """Return the argument."""
        return {"key": key}


if __name__ == "__main__":
    container = ServiceContainer(BareService, config={"AMQP_URI": sys.argv[1]})
    container.start()
    container.wait()

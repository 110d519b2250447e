"""What goes wrong with the private local stack, in words a newcomer can act on."""

from __future__ import annotations

from shared.errors import KefuError


class LocalStackError(KefuError):
    """A private server or service is missing, did not start or died; the message says what to do about it."""

    code = "local_stack"

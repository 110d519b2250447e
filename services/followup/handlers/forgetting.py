"""Reaction: what records of registers say of somebody goes when intake has erased that person."""

from __future__ import annotations

from shared.messaging.envelope import CloudEvent
from shared.registers.handlers.forgetting import ForgetInRecords


class ForgetErased:
    """Takes the words out of every record that names the erased customer or contact; safe to repeat."""

    def __init__(self, forget: ForgetInRecords) -> None:
        """Forget with the use case of registers."""
        self._forget = forget

    def __call__(self, event: CloudEvent) -> None:
        """Forget whom the event names; Conflict when a record was changed meanwhile, and it is to come again."""
        self._forget(event.org, {str(event.data["customer_id"]), str(event.data["subject_id"])})

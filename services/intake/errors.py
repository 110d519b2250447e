"""Refusals of the intake service, each of the shared family."""

from __future__ import annotations

from shared.errors import NotFound


def no_contact(contact_id: str) -> NotFound:
    """Return the error for a contact that does not exist in the caller's organisation."""
    return NotFound(f"there is no contact {contact_id!r} in your organisation")


def no_customer(customer_id: str) -> NotFound:
    """Return the error for a customer that does not exist in the caller's organisation."""
    return NotFound(f"there is no customer {customer_id!r} in your organisation")


def no_rejection(rejected_id: str) -> NotFound:
    """Return the error for a rejected event that does not exist in the caller's organisation."""
    return NotFound(f"there is no rejected event {rejected_id!r} in your organisation")

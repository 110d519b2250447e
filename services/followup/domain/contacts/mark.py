"""That a customer was in contact in a period, once, however many records say so."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ids import derived_id


@dataclass(frozen=True, slots=True)
class Mark:
    """One customer who has a record that counts for a quota in a period; ``member`` if it is one of those meant."""

    org: str
    quota: str
    period: str
    customer_id: str
    member: bool = True

    @property
    def id(self) -> str:
        """Return the only id of this customer, quota and period."""
        return derived_id("cm", self.org, self.quota, self.period, self.customer_id)

"""What a customer agreed to or declined: the confidentiality agreement (保密协议) and marketing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.aggregate import Aggregate
from shared.history import Cause


@dataclass(kw_only=True)
class PrivacyFile(Aggregate):
    """One customer's flags; the id follows from the customer's."""

    customer_id: str
    confidentiality_agreement: bool = False
    opt_out: bool = False

    def set_flags(
        self, *, agreement: bool | None, opt_out: bool | None, source: str, at: datetime, cause: Cause
    ) -> None:
        """Set the flags that are given; nothing is recorded when none changes."""
        before = (self.confidentiality_agreement, self.opt_out)
        if agreement is not None:
            self.confidentiality_agreement = agreement
        if opt_out is not None:
            self.opt_out = opt_out
        if before == (self.confidentiality_agreement, self.opt_out):
            return
        data = {
            "file_id": self.id,
            "customer_id": self.customer_id,
            "confidentiality_agreement": self.confidentiality_agreement,
            "opt_out": self.opt_out,
            "source": source,
        }
        self.record("privacy_flags_set", data, at=at, cause=cause)

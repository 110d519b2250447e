"""What a rulebook says about batches of callbacks (批次): which callback they make, and once per what."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.regulations.values import Sourced


@dataclass(frozen=True, slots=True)
class BatchRule:
    """One kind of batch; ``callback`` is the code of the callback rule its calls are made by.

    With ``per_occasion`` a batch names its occasion, such as an anniversary of one year, and calls everybody once
    for it. ``share`` is the percentage of the customers whose record has to be complete.
    """

    code: str
    name: str
    callback: str
    source: str
    per_occasion: bool = False
    share: Sourced[Decimal] | None = None

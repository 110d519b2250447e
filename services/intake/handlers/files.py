"""The use cases of customer files, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.intake.handlers.files_changing import ChangeFiles
from services.intake.handlers.files_importing import ImportFiles
from services.intake.handlers.files_reading import ReadFiles
from services.intake.handlers.ruling import Rules
from shared.clock import Clock

if TYPE_CHECKING:
    from services.intake.customers_kept import CustomersKept
    from services.intake.repository import IntakeRepository


@dataclass(frozen=True, slots=True)
class Files:
    """Everything the entry points of customer files call."""

    change: ChangeFiles
    read: ReadFiles
    take: ImportFiles

    @staticmethod
    def over(kept: CustomersKept, repository: IntakeRepository, rules: Rules, clock: Clock) -> Files:
        """Put the use cases together over the files ``kept`` and the contacts of ``repository``."""
        change = ChangeFiles(kept, rules, clock)
        return Files(change, ReadFiles(kept, repository, rules, clock), ImportFiles(kept, change))

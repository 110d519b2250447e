"""The use cases about clients, wired together; part of ``application``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.intake.accounts_kept import AccountShelves
from services.intake.handlers.account_changing import ChangeAccount
from services.intake.handlers.account_conflicts import ConflictDesk, MergeDesk
from services.intake.handlers.accounts import Accounts
from services.intake.handlers.allocating import Allocations
from services.intake.handlers.gradings import Gradings
from services.intake.handlers.ruling import Rules
from shared.mongo.kept import Kept
from shared.mongo.runtime import Runtime
from shared.ticking import Ticked


@dataclass(frozen=True, slots=True)
class AccountApplication:
    """Everything the entry points about clients call."""

    clients: Accounts
    change: ChangeAccount
    conflicts: ConflictDesk
    merges: MergeDesk
    gradings: Gradings
    allocations: Allocations
    timed: tuple[Ticked, ...]
    kept: tuple[Kept[Any], ...]


def build_accounts(runtime: Runtime, rules: Rules) -> AccountApplication:
    """Ensure the indexes and wire the use cases."""
    kept = AccountShelves(runtime)
    kept.ensure_indexes()
    clock = runtime.clock
    clients = Accounts(kept, rules, clock)
    return AccountApplication(
        clients=clients,
        change=ChangeAccount(kept, clients, rules, clock),
        conflicts=ConflictDesk(kept, rules, clock),
        merges=MergeDesk(kept, rules, clock, runtime.ids),
        gradings=Gradings(kept, rules, clock),
        allocations=Allocations(kept, rules, clock),
        timed=kept.timed,
        kept=(*kept.timed, kept.searches, kept.merges, kept.gradings),
    )

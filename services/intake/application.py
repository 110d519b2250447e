"""The composition root of the intake service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.handlers.desk import Desk
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.repository import IntakeRepository
from services.intake.rulebook import load_rulebooks
from shared.mongo.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    receive: ReceiveEvents
    desk: Desk


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    repository = IntakeRepository(runtime)
    repository.ensure_indexes()
    registrar = Registrar(repository, runtime.clock, runtime.ids)
    return Application(
        receive=ReceiveEvents(repository, registrar, rulebooks, runtime.clock),
        desk=Desk(repository, registrar, rulebooks, runtime.clock),
    )

"""The composition root of the intake service: builds its use cases once, at start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from services.intake.application_accounts import AccountApplication, build_accounts
from services.intake.application_duty import Duty, duty
from services.intake.customers_kept import CustomersKept
from services.intake.domain.files.blind import BlindIndex
from services.intake.dossiers_kept import KeptDossiers
from services.intake.erasing_kept import Holders
from services.intake.handlers.access_log import Accesses
from services.intake.handlers.accuracy import Accuracy
from services.intake.handlers.competence import Competence
from services.intake.handlers.data_requests import DataRequesting
from services.intake.handlers.desk import Desk
from services.intake.handlers.door import DoorKeeper
from services.intake.handlers.dossier_reading import LookUpDossiers
from services.intake.handlers.dossiers import KeepDossiers
from services.intake.handlers.erasing import Eraser
from services.intake.handlers.erasing_elsewhere import Elsewhere
from services.intake.handlers.erasing_limits import Limits
from services.intake.handlers.files import Files
from services.intake.handlers.personal_data import PersonalData
from services.intake.handlers.receive import ReceiveEvents
from services.intake.handlers.registering import Registrar
from services.intake.handlers.requests import HandleRequests
from services.intake.handlers.requests_opening import Openings
from services.intake.handlers.requests_reading import LookUpRequests
from services.intake.handlers.ruling import Rules
from services.intake.privacy_kept import AccessLog, DataRequests, PrivacyFiles, Throttles
from services.intake.repository import IntakeRepository
from services.intake.requests_kept import RequestsKept
from services.intake.rulebook import load_rulebooks
from services.intake.settings import IntakeSettings
from services.intake.wrong_entries_kept import WrongEntries
from shared.mongo.registering import build_registers
from shared.mongo.runtime import Runtime
from shared.registers.handlers.keeping import KeepRegisters
from shared.registers.handlers.looking import LookOverRegisters
from shared.registers.handlers.reading import ReadRegisters
from shared.ticking import FireClocks, Recompute, Ticked
from shared.worktime.calendars import Calendars

#: How the ids begin of customers and of contacts, which lead to one.
CUSTOMERS_AND_CONTACTS = ("cu_", "ct_")


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    receive: ReceiveEvents
    desk: Desk
    files: Files
    fire_clocks: FireClocks
    recompute_clocks: Recompute
    dossiers: KeepDossiers
    look_up_dossiers: LookUpDossiers
    duty: Duty
    accesses: Accesses
    accuracy: Accuracy
    personal_data: PersonalData
    data_requests: DataRequesting
    eraser: Eraser
    door: DoorKeeper
    requests: HandleRequests
    openings: Openings
    look_up_requests: LookUpRequests
    competence: Competence
    accounts: AccountApplication
    keep_registers: KeepRegisters
    read_registers: ReadRegisters
    look_over_registers: LookOverRegisters


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks = load_rulebooks(runtime.settings.organisations_dir)
    blind = BlindIndex(cast(IntakeSettings, runtime.settings).phone_key)
    repository = IntakeRepository(runtime, blind)
    repository.ensure_indexes()
    customers = CustomersKept(runtime, blind)
    customers.ensure_indexes()
    rules = Rules(rulebooks, Calendars())
    dossiers = KeptDossiers(runtime)
    dossiers.ensure_indexes()
    on_duty = duty(runtime, rules)
    requests = RequestsKept(runtime)
    competence = Competence(on_duty.members, rules, runtime.clock)
    openings = Openings(requests, repository, rules, runtime.clock)
    accounts = build_accounts(runtime, rules)
    registers = build_registers(runtime, rules, people=CUSTOMERS_AND_CONTACTS)
    records = registers.records
    timed: list[Ticked] = [dossiers, requests, *on_duty.timed, *accounts.timed, records]
    digest_above = runtime.settings.clock_digest_above
    registrar = Registrar(repository, runtime.clock, runtime.ids, openings)
    asked = DataRequests(runtime)
    log, flags, throttles = AccessLog(runtime), PrivacyFiles(runtime), Throttles(runtime)
    # Every collection of the service, beside those of the repository: what is personal of each is erased when asked.
    wrong = WrongEntries(runtime)
    own = (customers, dossiers, requests, records, registers.balances, asked, log, flags, throttles, wrong)
    holders = Holders((*own, *on_duty.kept, *accounts.kept))
    holders.ensure_indexes()
    accesses = Accesses(log, rules, runtime.clock)
    elsewhere = Elsewhere(holders, Limits(rules))
    eraser = Eraser(asked, repository, elsewhere, rules, runtime.clock, runtime.ids)
    door = DoorKeeper(repository, throttles, rules, runtime.clock)
    return Application(
        receive=ReceiveEvents(repository, registrar, rulebooks, runtime.clock, door=door),
        desk=Desk(repository, registrar, rulebooks, runtime.clock),
        files=Files.over(customers, repository, rules, runtime.clock),
        fire_clocks=FireClocks(timed, runtime.clock, runtime.ids, digest_above=digest_above),
        recompute_clocks=Recompute(timed, rules, runtime.clock, runtime.ids, digest_above=digest_above),
        dossiers=KeepDossiers(dossiers, repository, rules, runtime.clock),
        look_up_dossiers=LookUpDossiers(dossiers, rules, runtime.clock),
        duty=on_duty,
        accesses=accesses,
        accuracy=Accuracy(wrong, rules, runtime.clock),
        personal_data=PersonalData(repository, accesses, asked, flags, runtime.clock),
        data_requests=DataRequesting(asked, repository, accesses, rules, eraser, runtime.clock),
        eraser=eraser,
        door=door,
        requests=HandleRequests(requests, repository, rules, runtime.clock, competence),
        openings=openings,
        look_up_requests=LookUpRequests(requests, rules, runtime.clock, competence),
        competence=competence,
        accounts=accounts,
        keep_registers=registers.keep,
        read_registers=registers.read,
        look_over_registers=registers.look_over,
    )

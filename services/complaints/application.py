"""The composition root of the complaints service: builds its use cases once, at start."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from services.complaints.disputes import DisputeRepository
from services.complaints.domain.case import Case
from services.complaints.domain.investigation.action import CorrectiveAction
from services.complaints.handlers.approving import ApproveOffers
from services.complaints.handlers.auditing import AuditPages
from services.complaints.handlers.charging import Files
from services.complaints.handlers.correcting import Correct
from services.complaints.handlers.dispute_ticking import TickDisputes
from services.complaints.handlers.disputing import SettleDisputes
from services.complaints.handlers.events import TakeCallbacks, TakeContacts
from services.complaints.handlers.filing import KeepRecords
from services.complaints.handlers.handling import HandleCases
from services.complaints.handlers.inquiring import InquiryDesk
from services.complaints.handlers.investigating import Investigate
from services.complaints.handlers.investigation_looking import LookUpInvestigations
from services.complaints.handlers.investigation_ticking import TickInvestigations
from services.complaints.handlers.liability import AttributeLiability, Penalise
from services.complaints.handlers.liability_looking import LookUpLedgers
from services.complaints.handlers.looking import LookUpCases
from services.complaints.handlers.months import KeepMonths
from services.complaints.handlers.observing import ShowCases
from services.complaints.handlers.offer_looking import LookUpOffers
from services.complaints.handlers.offer_ticking import TickOffers
from services.complaints.handlers.offering import MakeOffers
from services.complaints.handlers.opening import OpenCases, Rules
from services.complaints.handlers.posting import PostCharges
from services.complaints.handlers.receiving import ReceiveCases, RecountMatters
from services.complaints.handlers.register import LookUpReceiving
from services.complaints.handlers.sanctioning import SanctionStaff
from services.complaints.handlers.settling import Desk
from services.complaints.handlers.stepping import LookUpSteps, TakeSteps
from services.complaints.handlers.supervising import LookUpSupervision, Supervise
from services.complaints.handlers.ticking import FireClocks
from services.complaints.investigations import InvestigationRepository
from services.complaints.ledgers import LedgerRepository
from services.complaints.offers import OfferRepository
from services.complaints.repository import CaseRepository
from services.complaints.rulebook import load_rulebooks
from shared.clocks.recomputing import RecomputeClocks
from shared.mongo.runtime import Runtime
from shared.observing import Observe
from shared.worktime.calendars import Calendars


@dataclass(frozen=True, slots=True)
class Application:
    """Everything the entry points call."""

    take_contacts: TakeContacts
    take_callbacks: TakeCallbacks
    handle: HandleCases
    look_up: LookUpCases
    take_steps: TakeSteps
    look_up_steps: LookUpSteps
    fire_clocks: FireClocks
    recompute_clocks: RecomputeClocks[Case]
    attribute_liability: AttributeLiability
    penalise: Penalise
    sanction: SanctionStaff
    months: KeepMonths
    post: PostCharges
    look_up_ledgers: LookUpLedgers
    make_offers: MakeOffers
    approve_offers: ApproveOffers
    keep_records: KeepRecords
    look_up_offers: LookUpOffers
    tick_offers: TickOffers
    supervise: Supervise
    look_up_supervision: LookUpSupervision
    settle_disputes: SettleDisputes
    tick_disputes: TickDisputes
    receive: ReceiveCases
    recount_matters: RecountMatters
    look_up_receiving: LookUpReceiving
    audit: AuditPages
    investigate: Investigate
    correct: Correct
    look_up_investigations: LookUpInvestigations
    tick_investigations: TickInvestigations
    recompute_actions: RecomputeClocks[CorrectiveAction]
    observe: Observe


def build(runtime: Runtime) -> Application:
    """Load the rulebooks, ensure the indexes and wire the use cases; raises if a rulebook is wrong."""
    rulebooks, calendars = load_rulebooks(runtime.settings.organisations_dir), Calendars()
    rules = Rules(rulebooks, calendars)
    repository = CaseRepository(runtime)
    repository.ensure_indexes()
    ledgers = LedgerRepository(runtime)
    ledgers.ensure_indexes()
    files = Files(repository, ledgers, rulebooks, runtime.clock)
    post = PostCharges(files, runtime.ids)
    offers = OfferRepository(runtime)
    offers.ensure_indexes()
    desk = Desk(repository, offers, ledgers, rules, runtime.clock)
    make_offers = MakeOffers(desk)
    disputes = DisputeRepository(runtime)
    disputes.ensure_indexes()
    settle_disputes = SettleDisputes(desk, disputes)
    open_cases = OpenCases(repository, rules, runtime.clock)
    recount = RecountMatters(repository, open_cases, runtime.clock, runtime.ids)
    found = InvestigationRepository(runtime)
    found.ensure_indexes()
    inquiry = InquiryDesk(desk, found)
    current = [
        f"{organisation.id}/{calendars.by_name(organisation.calendar).version}"
        for organisation in rulebooks.organisations
    ]
    return Application(
        take_contacts=TakeContacts(open_cases),
        take_callbacks=TakeCallbacks(repository, rules, runtime.clock),
        handle=HandleCases(repository, rules, runtime.clock),
        look_up=LookUpCases(repository, rules, runtime.clock),
        take_steps=TakeSteps(repository, rules, runtime.clock),
        look_up_steps=LookUpSteps(repository, rules),
        fire_clocks=FireClocks(
            repository,
            runtime.clock,
            runtime.ids,
            digest_above=runtime.settings.clock_digest_above,
            rules=rules,
        ),
        recompute_clocks=RecomputeClocks(
            repository,
            rules,
            runtime.clock,
            runtime.ids,
            current=current,
            digest_above=runtime.settings.clock_digest_above,
        ),
        attribute_liability=AttributeLiability(files),
        penalise=Penalise(files, post),
        sanction=SanctionStaff(files, post),
        months=KeepMonths(files, post),
        post=post,
        look_up_ledgers=LookUpLedgers(files),
        make_offers=make_offers,
        approve_offers=ApproveOffers(desk, make_offers),
        keep_records=KeepRecords(desk),
        look_up_offers=LookUpOffers(desk),
        tick_offers=TickOffers(desk, runtime.ids),
        supervise=Supervise(repository, rules, runtime.clock),
        look_up_supervision=LookUpSupervision(repository, rules, runtime.clock),
        settle_disputes=settle_disputes,
        tick_disputes=TickDisputes(settle_disputes, runtime.clock, runtime.ids),
        receive=ReceiveCases(repository, rules, runtime.clock, recount),
        recount_matters=recount,
        look_up_receiving=LookUpReceiving(repository, rules, runtime.clock),
        audit=AuditPages(desk, files, found, disputes),
        investigate=Investigate(inquiry),
        correct=Correct(inquiry),
        look_up_investigations=LookUpInvestigations(inquiry),
        tick_investigations=TickInvestigations(inquiry, runtime.ids),
        recompute_actions=RecomputeClocks(
            found,
            rules,
            runtime.clock,
            runtime.ids,
            current=current,
            digest_above=sys.maxsize,
        ),
        observe=Observe(
            [ShowCases(repository, rules, [each.id for each in rulebooks.organisations])], runtime.clock
        ),
    )

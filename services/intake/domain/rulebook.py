"""What an organisation's rulebook says about taking contacts, as typed immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.registers.definition import Register

from services.intake.domain.door import Door
from services.intake.domain.dossiers.rules import DossierRule, DossierSettings, dossier_rule
from services.intake.domain.duty.rules import DutyRules
from services.intake.domain.duty.staff import StaffRules
from services.intake.domain.duty.visit import VisitRules
from services.intake.domain.files.rules import FileRules
from services.intake.domain.privacy.rules import Privacy
from services.intake.domain.requests.rules import RequestRules
from services.intake.domain.same.rules import AccountRules
from shared.numbering import Numbering
from shared.regulations.values import Sourced


class Destination(StrEnum):
    """Where a registered contact goes: to a case of its own, or to somebody's desk."""

    COMPLAINTS = "complaints"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of contact: code, Chinese name, where it goes, and which role or unit takes it there."""

    code: str
    name: str
    routed_to: Destination
    target: str
    source: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A way contacts come in: code, Chinese name and the rule that opens it."""

    code: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class FirstResponsible:
    """Who is the first responsible person (首问责任人) of a contact.

    It is the person who received it; ``otherwise`` is the role that answers for a contact no person
    received. With ``kept_on_transfer`` a transfer never takes the name away.
    """

    otherwise: str
    kept_on_transfer: bool
    source: str


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """The intake part of one version of an organisation's rulebook; what is not listed is refused.

    A contact that is recorded ``recorded_minutes`` after it came in, or later, is marked as recorded late.
    Of one member of staff ``wrong_entries_a_day`` commands with wrong fields are counted a day, the others not.
    """

    categories: tuple[Category, ...]
    channels: tuple[Channel, ...]
    first_responsible: FirstResponsible
    numbering: Numbering
    files: FileRules = field(default_factory=FileRules)
    dossiers: tuple[DossierRule, ...] = ()
    dossier_settings: tuple[DossierSettings, ...] = ()
    duty: DutyRules = field(default_factory=DutyRules)
    visits: VisitRules = field(default_factory=VisitRules)
    staff: StaffRules = field(default_factory=StaffRules)
    privacy: Privacy | None = None
    door: Door | None = None
    requests: RequestRules = field(default_factory=RequestRules)
    accounts: AccountRules = field(default_factory=AccountRules)
    registers: tuple[Register, ...] = ()
    recorded_minutes: Sourced[int] | None = None
    wrong_entries_a_day: Sourced[int] | None = None

    def category(self, code: str) -> Category | None:
        """Return the category called ``code``, or ``None`` when the rulebook has none."""
        return next((category for category in self.categories if category.code == code), None)

    def channel(self, code: str) -> Channel | None:
        """Return the channel called ``code``, or ``None`` when the rulebook does not open it."""
        return next((channel for channel in self.channels if channel.code == code), None)

    def dossier(self, code: str) -> DossierRule | None:
        """Return the kind of dossier called ``code`` with the organisation's own decisions about it."""
        return dossier_rule(self.dossiers, self.dossier_settings, code)

    def register(self, code: str) -> Register | None:
        """Return the register called ``code``, or ``None`` when the rulebook has none."""
        return next((register for register in self.registers if register.code == code), None)

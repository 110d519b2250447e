"""Reading the intake part of the rulebooks: the shape of its files and what must hold between values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marshmallow
from marshmallow import validates_schema

from services.handbooks import why_not_citable
from services.intake.domain.files.rules import FileRules
from services.intake.domain.rulebook import (
    Category,
    Channel,
    Destination,
    FirstResponsible,
    IntakeRules,
)
from services.intake.domain.same.rules import AccountRules
from services.intake.rulebook_accounts import AccountRulesRow, roles_of_accounts
from services.intake.rulebook_door import DoorRow
from services.intake.rulebook_dossiers import (
    DossierRow,
    DossierSettingsRow,
    dossier_faults,
    dossier_roles,
)
from services.intake.rulebook_duty import DutyRow
from services.intake.rulebook_files import FileRulesRow, file_roles
from services.intake.rulebook_privacy import PrivacyRow, privacy_roles
from services.intake.rulebook_requests import request_roles, requests_field
from services.intake.rulebook_staff import StaffRow
from services.intake.rulebook_visits import VisitsRow
from services.names import SERVICES
from shared.registers.rows import register_roles, registers_field, registers_problems
from shared.regulations import Rulebooks
from shared.regulations.fields import REQUIRED, Flag, OneOf, Row, Table, Text, Whole, nested, source, sourced
from shared.regulations.loading import Loaded, read_all
from shared.regulations.numbering import NumberingRow

PROFILES = Path(__file__).parent / "regulations"


class _CategoryRow(Row):
    builds = Category
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    routed_to = OneOf(Destination, **REQUIRED)
    target = Text(**REQUIRED)
    source = source()


class _ChannelRow(Row):
    builds = Channel
    code = Text(**REQUIRED)
    name = Text(**REQUIRED)
    source = source()


class _FirstResponsibleRow(Row):
    builds = FirstResponsible
    otherwise = Text(**REQUIRED)
    kept_on_transfer = Flag(**REQUIRED)
    source = source()


class IntakeRulesSchema(Row):
    """The sections of an intake rulebook."""

    builds = IntakeRules
    categories = Table(_CategoryRow(), **REQUIRED)
    channels = Table(_ChannelRow(), **REQUIRED)
    first_responsible = nested(_FirstResponsibleRow(), **REQUIRED)
    recorded_minutes = sourced(Whole(least=1), load_default=None)
    wrong_entries_a_day = sourced(Whole(least=1), load_default=None)
    files = nested(FileRulesRow(), load_default=FileRules())
    dossiers = Table(DossierRow())
    dossier_settings = Table(DossierSettingsRow())

    @validates_schema
    def _settings_are_of_dossiers(self, data: dict[str, Any], **_: object) -> None:
        faults = dossier_faults(data.get("dossiers", ()), data.get("dossier_settings", ()))
        if faults:
            raise marshmallow.ValidationError(dict(faults))

    duty = nested(DutyRow())
    visits = nested(VisitsRow())
    staff = nested(StaffRow())
    privacy = nested(PrivacyRow(), load_default=None)
    door = nested(DoorRow(), load_default=None)
    requests = requests_field()
    accounts = nested(AccountRulesRow(), load_default=AccountRules())
    numbering = nested(NumberingRow(), **REQUIRED)

    @validates_schema
    def _posts_handle_what_there_is(self, data: dict[str, Any], **_: object) -> None:
        known = {category.code for category in data["categories"]}
        known |= {kind.code for kind in data["requests"].kinds}
        posts = data["staff"].posts if "staff" in data else ()
        strange = {code for post in posts for code in post.handles} - known
        if strange:
            message = f"neither a kind of request nor a category: {', '.join(sorted(strange))}"
            raise marshmallow.ValidationError({"staff": {"posts": [message]}})

    registers = registers_field()

    @validates_schema
    def _registers_fit(self, data: dict[str, Any], **_: object) -> None:
        problems = registers_problems(data["registers"])
        if problems:
            raise marshmallow.ValidationError({"registers": problems})


def _roles(rules: IntakeRules) -> Iterator[tuple[str, str]]:
    """Yield every role the rulebook names, with its path: a contact must land with somebody."""
    for category in rules.categories:
        yield f"categories.{category.code}.target", category.target
    yield "first_responsible.otherwise", rules.first_responsible.otherwise
    yield from file_roles(rules.files)
    yield from dossier_roles(rules.dossiers, rules.dossier_settings)
    yield from rules.duty.roles()
    yield from rules.visits.roles()
    yield from privacy_roles(rules.privacy)
    yield from request_roles(rules.requests)
    yield from roles_of_accounts(rules.accounts)
    yield from register_roles(rules.registers)


def _read(sections: Any) -> IntakeRules:
    rules: IntakeRules = IntakeRulesSchema().load(sections)
    return rules


def read_rulebooks(
    organisations: Path, profiles: Path = PROFILES, *, unfollowed: bool = True
) -> Loaded[IntakeRules]:
    """Return the intake rulebooks of all ``organisations`` and of all profiles, with every fault of their files.

    Without ``unfollowed`` only the profiles that an organisation follows are gone through.
    """
    return read_all(
        profiles,
        organisations,
        _read,
        "intake",
        SERVICES,
        refuse_source=why_not_citable,
        unfollowed=unfollowed,
        roles=_roles,
    )


def load_rulebooks(organisations: Path, profiles: Path = PROFILES) -> Rulebooks[IntakeRules]:
    """Return the intake rulebooks of all ``organisations``; RegulationError names every bad file."""
    return read_rulebooks(organisations, profiles, unfollowed=False).sound()

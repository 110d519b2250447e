"""Entry points of the intake service about dossiers; part of ``service``."""

from __future__ import annotations

from typing import Any

from services.intake.application import Application
from services.intake.schemas_dossiers import (
    AmendDossier,
    ExcuseDocuments,
    HandIn,
    LendDocuments,
    ListDossiers,
    ListUnfiled,
    MarkDossier,
    MoveDocuments,
    OpenDossier,
    ReadDossier,
    SignReceipt,
)
from shared.arguments import ById, Page
from shared.messaging.rpc import Call, command, query

#: Any member of staff may call; the organisation's rulebook says who does what with which dossier.
_STAFF = ("staff",)
_READERS = ("staff", "system")


class DossierCalls:
    """Documents and archives (资料、档案): who hands in what by when, where it goes, who has it."""

    app: Application

    @command(*_STAFF, schema=OpenDossier)
    def open_dossier(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Open a dossier about one subject."""
        return self.app.dossiers.open(call, data)

    @command(*_STAFF, schema=AmendDossier)
    def amend_dossier(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Change a dossier's facts, keeper, responsible person or how long it is kept."""
        return self.app.dossiers.amend(call, data)

    @command(*_STAFF, schema=HandIn)
    def hand_in_documents(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Take documents into a dossier."""
        return self.app.dossiers.hand_in(call, data)

    @command(*_STAFF, schema=MoveDocuments)
    def move_documents(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Let documents reach a stage: filed, passed on, returned, distributed, handed out."""
        return self.app.dossiers.move(call, data)

    @command(*_STAFF, schema=MarkDossier)
    def mark_dossier(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Give a dossier a mark, or plan the day it is to be given by."""
        return self.app.dossiers.mark(call, data)

    @command(*_STAFF, schema=ExcuseDocuments)
    def excuse_documents(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note why documents will be late."""
        return self.app.dossiers.excuse(call, data)

    @command(*_STAFF, schema=LendDocuments)
    def lend_documents(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Ask for a loan of documents, sign for it, or take them back."""
        return self.app.dossiers.lend(call, data)

    @command(*_STAFF, schema=SignReceipt)
    def sign_receipt(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Note that the customer signed for papers, or that the slip was passed on."""
        return self.app.dossiers.sign(call, data)

    @command(*_STAFF, schema=ReadDossier)
    def read_dossier(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Show a dossier to whoever may see it and note who read it when and what for."""
        return self.app.dossiers.read(call, data)

    @query(*_READERS, schema=ById)
    def get_dossier(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return a dossier that is not confidential, with what is missing and late."""
        return self.app.look_up_dossiers.get(call, data)

    @query(*_READERS, schema=ListDossiers)
    def list_dossiers(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a page of dossiers, newest first."""
        return self.app.look_up_dossiers.page(call, data)

    @query(*_READERS, schema=ListUnfiled)
    def list_unfiled(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        """Return which of a day's documents were not filed by its end."""
        return self.app.look_up_dossiers.unfiled(call, data)

    @query(*_READERS, schema=Page)
    def list_deductions(self, call: Call, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what was late in a page of dossiers, apart what was excused beforehand."""
        return self.app.look_up_dossiers.late(call, data)

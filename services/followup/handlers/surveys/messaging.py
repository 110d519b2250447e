"""Asking by message: one message for each invitation and each reminder, whoever asks for it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.followup.domain.message import Message
from services.followup.domain.rulebook import FollowupRules
from services.followup.domain.surveys.definition import SurveyKind
from services.followup.domain.surveys.invitation import Invitation
from services.followup.domain.surveys.wave import Wave
from services.followup.errors import no_template
from shared.history import Cause
from shared.ids import derived_id
from shared.ruling import Rules


class Outgoing(Protocol):
    """Where messages are kept."""

    def request(self, messages: Sequence[Message]) -> object:
        """Write messages; those already there stay as they are."""
        ...


class Messaging:
    """Requests the messages of surveys. Who is not asked through a case is told of by the invitation's event."""

    def __init__(self, outgoing: Outgoing, rules: Rules[FollowupRules]) -> None:
        """Use what keeps messages."""
        self._outgoing, self._rules = outgoing, rules

    def invite(self, wave: Wave, kind: SurveyKind, asked: Sequence[Invitation], now: datetime) -> None:
        """Request the invitations, where the rulebook gives a template for them."""
        if kind.message is not None:
            self._request(wave, kind.message, asked, "0", now)

    def remind(self, wave: Wave, kind: SurveyKind, asked: Sequence[Invitation], now: datetime) -> None:
        """Request the reminders of this round, where the rulebook gives a template for them."""
        if kind.reminder is not None:
            self._request(wave, kind.reminder, asked, str(wave.reminders), now)

    def _request(
        self, wave: Wave, code: str, asked: Sequence[Invitation], number: str, now: datetime
    ) -> None:
        template = self._rules.of_version(wave.org, wave.regulation).rules.message(code)
        if template is None:
            raise no_template(code)
        messages = []
        for one in asked:
            if one.case_id is None or one.contact_id is None or one.customer_id is None:
                continue
            message = Message(
                id=derived_id("ms", one.id, number),
                org=one.org,
                template=template.code,
                template_source=template.source,
                regulation=wave.regulation,
                case_id=one.case_id,
                contact_id=one.contact_id,
                customer_id=one.customer_id,
                variables={},
                attempted_at=one.invited_at,
                requested_at=now,
            )
            message.request(Cause(f"{one.id}/{number}", "system"))
            messages.append(message)
        if messages:
            self._outgoing.request(messages)

"""Erasing what callbacks and answers to surveys say of somebody: words go; codes, scores, days and who called stay."""

from __future__ import annotations

from dataclasses import replace

from services.followup.domain.callback import Callback
from services.followup.domain.recording import RecordForm
from services.followup.domain.surveys.invitation import Invitation
from shared.forgetting import ERASED, forget_answers
from shared.registers.forgetting import without_words


def forget_callback(callback: Callback, form: RecordForm | None) -> bool:
    """Empty the callers' notes and the words of the record; return whether anything was left to empty.

    Without the form every value of the record is taken for words.
    """
    removed: set[str] = set()
    callback.calls = tuple(
        replace(call, note=_taken(call.note, removed)) if call.note is not None else call
        for call in callback.calls
    )
    if callback.written is not None:
        fields = form.fields if form else ()
        values = without_words(callback.written.values, fields, removed)
        callback.written = replace(callback.written, values=values)
    forget_answers(callback, removed)
    return bool(removed)


def forget_invitation(invitation: Invitation) -> bool:
    """Empty the comment of the answer; return whether there was one to empty."""
    if invitation.reply is None or invitation.reply.comment is None:
        return False
    removed: set[str] = set()
    comment = _taken(invitation.reply.comment, removed)
    invitation.reply = replace(invitation.reply, comment=comment)
    forget_answers(invitation, removed)
    return bool(removed)


def _taken(text: str, removed: set[str]) -> str:
    if text != ERASED:
        removed.add(text)
    return ERASED

"""Use case: what records of registers say of somebody goes when that person is erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from shared.errors import NotFound
from shared.registers.definition import Register
from shared.registers.forgetting import forget_in_record
from shared.registers.handlers.needs import HoldsRegisters
from shared.registers.record import Record
from shared.ruling import Rules

if TYPE_CHECKING:
    from shared.mongo.registers import RecordsKept

_BATCH = 100


class ForgetInRecords:
    """Takes the words out of every record that names who is erased; safe to repeat.

    The words go from open records too: that somebody is forgotten is not to wait for a form to be closed.
    """

    def __init__(self, records: RecordsKept, rules: Rules[HoldsRegisters]) -> None:
        """Forget in ``records``, of which ``rules`` say what of them is words."""
        self._records, self._rules = records, rules

    def __call__(self, org: str, ids: Collection[str]) -> None:
        """Forget whoever has one of ``ids``; Conflict when a record was changed meanwhile: then try again."""
        after: str | None = None
        while found := self._records.about(org, ids, after=after, limit=_BATCH):
            for record in found:
                since = record.history.next_seq
                if forget_in_record(record, self._definition(record), ids):
                    self._records.save(record, since_seq=since)
            after = found[-1].id

    def _definition(self, record: Record) -> Register | None:
        try:
            return self._rules.of_version(record.org, record.regulation).rules.register(record.register)
        except NotFound:
            return None

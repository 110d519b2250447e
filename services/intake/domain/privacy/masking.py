"""Showing a record to somebody: in full what their roles may see, shortened or hidden what they may not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from services.intake.domain.privacy.rules import DataClass, FieldRule, Mask, Privacy, Subject
from shared.identity import mask_address, mask_id_number, mask_name, mask_phone

_SHORTEN: Mapping[Mask, Callable[[str], str]] = {
    Mask.NAME: mask_name,
    Mask.PHONE: mask_phone,
    Mask.ID_NUMBER: mask_id_number,
    Mask.ADDRESS: mask_address,
}


def in_full(rules: Privacy, field: FieldRule, subject: Subject, roles: Collection[str]) -> bool:
    """Return whether holders of ``roles`` see ``field`` of a record of ``subject`` without further ado."""
    code = field.class_for(subject)
    return code is not DataClass.KEY_SENSITIVE and bool(set(roles) & {*rules.class_rule(code).shown_to})


def shown(
    rules: Privacy,
    record: str,
    values: Mapping[str, str | None],
    subject: Subject,
    roles: Collection[str],
    *,
    granted: Collection[str] = (),
) -> dict[str, str | None]:
    """Return ``values`` of ``record`` as holders of ``roles`` see them; the fields ``granted`` are shown in full."""
    fields = rules.of_record(record)
    return {
        name: value
        if value is None or name in granted or in_full(rules, fields[name], subject, roles)
        else shortened(fields[name], value)
        for name, value in values.items()
    }


def shortened(field: FieldRule, value: str) -> str | None:
    """Return ``value`` as it is shown to whoever may not see it; None for what is hidden whole."""
    shorten = _SHORTEN.get(field.mask)
    return None if shorten is None else shorten(value)

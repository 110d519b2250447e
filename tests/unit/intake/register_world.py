"""Offices of trades that have no example organisation, for the tests of their forms."""

from __future__ import annotations

from pathlib import Path

from tests.unit.intake.register_office import Office, organisation


def office_of(folder: Path, profile: str, overrides: str = "") -> Office:
    """Return the office of an organisation of ``profile``, its file in ``folder`` ending with ``overrides``.

    Who may do what is said by the roles of each call.
    """
    org = organisation(folder, profile)
    with (folder / f"{org}.yaml").open("a", encoding="utf-8") as file:
        file.write(overrides)
    return Office(org, folder)

"""Offices of trades that have no example organisation, for the tests of their forms."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.intake.register_office import Office, organisation

_REGULATIONS = Path(__file__).parents[3] / "services/intake/regulations"


def office_of(folder: Path, profile: str, overrides: str = "") -> Office:
    """Return the office of an organisation of ``profile``, its file in ``folder`` ending with ``overrides``.

    Its staff hold every role that any rulebook could name, so that a form added elsewhere asks for no change here;
    who may do what is said by the roles of each call.
    """
    texts = (path.read_text(encoding="utf-8") for path in sorted(_REGULATIONS.rglob("*.yaml")))
    words = sorted({word for text in texts for word in re.findall(r"\b[a-z][a-z_]*[a-z]\b", text)})
    org = organisation(folder, profile, ", ".join(f'"{word}"' for word in words))
    with (folder / f"{org}.yaml").open("a", encoding="utf-8") as file:
        file.write(overrides)
    return Office(org, folder)

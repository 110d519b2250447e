"""Every role that any rulebook of any profile could name, for organisations that tests make up.

A rulebook that names a role nobody holds is refused, so an organisation made for one test would fail with every form
that somebody adds elsewhere; who may do what is said by the roles of each call.
"""

from __future__ import annotations

import re
from pathlib import Path

_SERVICES = Path(__file__).parents[1] / "services"


def _words() -> list[str]:
    texts = (path.read_text(encoding="utf-8") for path in sorted(_SERVICES.glob("*/regulations/**/*.yaml")))
    return sorted({word for text in texts for word in re.findall(r"\b[a-z][a-z_]*[a-z]\b", text)})


ROLES = _words()
#: As they stand between the brackets of ``roles`` in an organisation's file.
EVERY_ROLE = ", ".join(f'"{word}"' for word in ROLES)

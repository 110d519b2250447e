"""Who calls, and whether its roles carry the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Who may see personal data (个人信息) in full.
PERSONAL_DATA = "personal_data"


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller: staff or system id, organisation, unit if it has one, roles, id of its token."""

    subject: str
    org: str
    unit: str | None
    roles: frozenset[str]
    token_id: str


def require_role(caller: Caller, roles: Iterable[str]) -> None:
    """Raise ``Forbidden`` unless ``caller`` has at least one of ``roles``; none named means nobody may."""
    needed = {roles} if isinstance(roles, str) else set(roles)
    if caller.roles.isdisjoint(needed):
        names = sorted(needed)
        message = f"this needs {'the role' if len(names) == 1 else 'one of the roles'} {', '.join(names)}"
        raise Forbidden(message if names else "no role may do this", details={"roles_needed": names})

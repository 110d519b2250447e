"""Whether somebody holds one of the roles that a rule asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shared.errors import RuleRefused
from shared.regulations.values import Sourced


def must_hold(wanted: Sequence[str], held: Collection[str], what: str, rule: str) -> str:
    """Return the role of ``wanted`` under which ``what`` is allowed; RuleRefused, naming ``rule``, without one.

    Of several that are held it is the one the rulebook names first.
    """
    role = next((role for role in wanted if role in held), None)
    if role is None:
        raise RuleRefused(f"{what} is for {', '.join(wanted)}", rule=rule)
    return role


def must_be_granted(grant: Sourced[tuple[str, ...]], held: Collection[str], what: str) -> str:
    """Return the role under which ``grant`` allows ``what``; RuleRefused, naming its rule, without one."""
    return must_hold(grant.value, held, what, grant.source)

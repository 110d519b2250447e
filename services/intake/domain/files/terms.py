"""What customer files are found by: one list of normalised terms a file, searched by their beginning."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

#: Names are found by no more than so many characters; what is longer is told apart by eye.
_LONGEST = 64
#: One file in so many has marks beside its terms, by which a list of many more than a page is cut.
SHARE = 64
#: What comes between a text and whose it is: below every character of a text, which has no white space.
_OF = "\t"


def folded(text: str) -> str:
    """Return ``text`` as it is compared: full-width forms folded, spaces out, letters small."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()[:_LONGEST]


@lru_cache(maxsize=8192)
def name_terms(name: str) -> tuple[str, ...]:
    """Return what a name is found by: itself, its pinyin (全拼) and the pinyin's initials (首字母)."""
    plain = folded(name)
    full = "".join(lazy_pinyin(plain))
    first = "".join(lazy_pinyin(plain, style=Style.FIRST_LETTER))
    return tuple(dict.fromkeys((plain, folded(full), folded(first))))


def term(org: str, what: str, text: str) -> str:
    """Return the term of ``org`` for the value ``text`` of ``what``."""
    return f"{org}|{what}|{folded(text)}"


def tag(org: str, what: str, *values: str) -> str:
    """Return the term by which files are listed: a state they are in, or a day something happened to them."""
    return "|".join((org, f"={what}", *values))


def mark(org: str, name: str) -> str:
    """Return what stands for ``SHARE`` terms of ``org`` for names: that of a marked file."""
    return term(org, "~name", name)


def searched(
    customer_id: str, org: str, name: str, unit: str | None, values: Iterable[tuple[str, str]]
) -> list[str]:
    """Return the terms of a file: of its name, its unit and the ``values`` of the fields that are searched.

    No two files share a term for a name: so there is an order in which any number of files of the same name can
    be told apart, and some marks among them.
    """
    whats = ("name", "~name") if zlib.crc32(customer_id.encode()) % SHARE == 0 else ("name",)
    found = [f"{org}|{what}|{each}{_OF}{customer_id}" for what in whats for each in name_terms(name)]
    if unit:
        found.append(term(org, "unit", unit))
    return found + [term(org, code, text) for code, text in values]

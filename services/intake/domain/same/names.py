"""Names and numbers of companies: the parts of a licence name, the standard of names, what is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import phonenumbers
from pypinyin import lazy_pinyin

from services.intake.domain.same.licence_words import CITIES, FORMS, INDUSTRIES, PROVINCES, SUFFIXES

_LONGEST = 12
_CHINESE = re.compile(r"[㐀-鿿]")
#: Chinese, alone or with an English name in brackets behind it; English alone.
_WELL_FORMED = re.compile(
    r"[㐀-鿿0-9·]+(?:[(（][㐀-鿿]+[)）][㐀-鿿0-9·]+)?(?:[(（][A-Za-z][A-Za-z0-9 .,&'-]*[)）])?"
    r"|[A-Za-z0-9][A-Za-z0-9 .,&'-]*"
)
#: Several names in one.
_SEVERAL = re.compile(r"[/\\|、;；／]")


@dataclass(frozen=True, slots=True)
class LicenceName:
    """A licence name in its parts; joined they give the name back. All but ``trade`` (公司字号) may be empty."""

    region: str
    trade: str
    industry: str
    form: str

    @property
    def key(self) -> str:
        """Return the key field (公司字号+行业) as it is compared."""
        return f"{_folded(self.trade)}|{_folded(self.industry)}"

    @property
    def sound(self) -> str:
        """Return how the trade name is read, for those written differently and spoken alike."""
        return "".join(lazy_pinyin(_folded(self.trade)))

    def __str__(self) -> str:
        """Return the name as it was."""
        return f"{self.region}{self.trade}{self.industry}{self.form}"


def parse_licence(name: str) -> LicenceName:
    """Return the parts of ``name`` (B-CRM-07): region, trade name, industry, which may be absent, and form."""
    english = re.search(r"[(（][A-Za-z][^()（）]*[)）]$", name) if _CHINESE.search(name) else None
    written, behind = (name[: english.start()], name[english.start() :]) if english else (name, "")
    form = _ending(written, FORMS)
    rest = written.removesuffix(form) if form else written
    region = _region(rest)
    rest = rest[len(region) :]
    industry = _ending(rest, INDUSTRIES)
    return LicenceName(region, rest.removesuffix(industry) if industry else rest, industry, form + behind)


def _ending(text: str, words: Collection[str]) -> str:
    """Return the longest of ``words`` that ``text`` ends with and does not consist of."""
    tails = (text[-length:] for length in range(min(_LONGEST, len(text) - 1), 0, -1))
    return next((tail for tail in tails if tail in words), "")


def _region(text: str) -> str:
    """Return the province, the city or both that ``text`` begins with; never all of it."""
    province = _place(text, PROVINCES)
    city = _place(text[len(province) :], CITIES)
    return province + city


def _place(text: str, places: Collection[str]) -> str:
    for length in range(min(_LONGEST, len(text) - 1), 1, -1):
        if text[:length] in places:
            suffix = next((s for s in SUFFIXES if text[length:].startswith(s)), "")
            return text[: length + (len(suffix) if len(text) > length + len(suffix) else 0)]
    return ""


def why_several(name: str) -> str | None:
    """Return why ``name`` is no single name, None when it is."""
    return (
        "holds several names: enter each by itself and ask to merge them" if _SEVERAL.search(name) else None
    )


def why_not_standard(name: str) -> str | None:
    """Return why ``name`` breaks the standard, None when it does not: Chinese, or Chinese(English), or English."""
    mixed = bool(_CHINESE.search(name)) and re.search(r"[A-Za-z]", name) is not None
    if _SEVERAL.search(name) and not mixed:
        return None
    if _WELL_FORMED.fullmatch(name) is None:
        return "must be the Chinese name, with an English one only in brackets behind it"
    return None


@dataclass(frozen=True, slots=True)
class AreaPhone:
    """A number by country, area code (区号), empty for mobiles, and the rest."""

    country: str
    area: str
    number: str

    @property
    def key(self) -> str:
        """Return it as it is compared."""
        return f"{self.country}|{self.area}|{self.number}"


def parse_phone(text: str) -> AreaPhone | None:
    """Return the parts of a telephone number; None when it is none or its area code is missing."""
    try:
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", text), "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    number = phonenumbers.national_significant_number(parsed)
    length = phonenumbers.length_of_geographical_area_code(parsed)
    return AreaPhone(str(parsed.country_code), number[:length], number[length:])


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()

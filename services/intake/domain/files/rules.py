"""What a rulebook says about customer files (一户一档): fields, phases, lifecycle, classes, standards, freshness."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from shared.regulations.values import DESIGN, Sourced


class FieldType(StrEnum):
    """What a field of a file holds; a list keeps several texts, each with the day it was entered."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    FLAG = "flag"
    LIST = "list"


class Fresh(StrEnum):
    """What must have happened to a file lately."""

    UPDATED = "updated"
    REVIEWED = "reviewed"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Coded:
    """A code with its Chinese name and the rule that gives it: a phase, or where data comes from."""

    code: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class FileField:
    """One field of the files of ``kinds``, all kinds when none is named.

    A ``required`` field counts for completeness; without a ``key`` field a file by hand is refused, as far as
    it comes from one of ``origins`` (all when none is named). What is ``searched`` finds the file; what is
    ``personal`` is shown to those alone who may see personal data.
    """

    code: str
    name: str
    source: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    key: bool = False
    kinds: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    searched: bool = False
    personal: bool = True

    def belongs_to(self, kind: str) -> bool:
        """Return whether files of ``kind`` have this field."""
        return not self.kinds or kind in self.kinds

    def must_come(self, kind: str, origin: str) -> bool:
        """Return whether a file of ``kind`` by hand from ``origin`` is refused without this field."""
        return self.key and self.belongs_to(kind) and (not self.origins or origin in self.origins)


@dataclass(frozen=True, slots=True)
class Standard:
    """How the values of ``fields`` must be written, in files of ``kinds`` (all when none is named).

    ``pattern`` must match the whole value, none of ``refuses`` may stand in it, and it must be one of the
    standard list ``listed``, as soon as the organisation has that list.
    """

    code: str
    fields: tuple[str, ...]
    source: str
    kinds: tuple[str, ...] = ()
    pattern: str | None = None
    refuses: tuple[str, ...] = ()
    listed: str | None = None

    def why_not(self, value: str, lists: tuple[StandardList, ...]) -> str | None:
        """Return what is wrong with ``value``, or None."""
        if any(mark in value for mark in self.refuses):
            return f"may not hold {' or '.join(self.refuses)}"
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return "is not written as the standard asks"
        listed = next((each for each in lists if each.code == self.listed), None)
        if listed is not None and value not in listed.values:
            return f"is not in the standard list {listed.name}"
        return None


@dataclass(frozen=True, slots=True)
class StandardList:
    """A list of an organisation's own that values are taken from (标准化文档)."""

    code: str
    name: str
    values: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class LifeState:
    """A state of a customer's life with the organisation, and those it may move to next."""

    code: str
    name: str
    moves_to: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class OnContact:
    """The state in which the file is opened that a first contact of ``category`` brings."""

    category: str
    state: str
    source: str


@dataclass(frozen=True, slots=True)
class FileClass:
    """A class of files (类别) and the named person who keeps it (专人管理); None while nobody is named."""

    code: str
    name: str
    keeper: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Filing:
    """Extracted files go to ``classifiers``, who alone classify them; files then pass all steps in order."""

    classifiers: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """A file must have been updated, reviewed or confirmed within so many days."""

    what: str
    within_days: int
    source: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Handing a unit or meter over to another owner (过户): the ``copies`` needed, and nothing owed.

    ``specials`` are the roles that may let arrears pass as a special case.
    """

    copies: tuple[str, ...]
    specials: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class RelationKind:
    """How a file may be related to another, and which notes such a relation must carry."""

    code: str
    name: str
    notes: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class FileRules:
    """The part of a rulebook about customer files; what is empty rests."""

    fields: tuple[FileField, ...] = ()
    standards: tuple[Standard, ...] = ()
    lists: tuple[StandardList, ...] = ()
    phases: tuple[Coded, ...] = ()
    origins: tuple[Coded, ...] = ()
    lifecycle: tuple[LifeState, ...] = ()
    on_contact: tuple[OnContact, ...] = ()
    classes: tuple[FileClass, ...] = ()
    filing: Filing | None = None
    #: Whether files are extracted every day, and by whom (客服专员): each misses the days without one.
    extraction: Sourced[bool] | None = None
    specialists: Sourced[tuple[str, ...]] | None = None
    freshness: tuple[Freshness, ...] = ()
    transfer: Transfer | None = None
    relations: tuple[RelationKind, ...] = ()
    #: Fields that, learned in service, count only after the customer confirmed them.
    confirmed_first: Sourced[tuple[str, ...]] | None = None
    #: States of life in which the day of the next follow-up must be known.
    followed: Sourced[tuple[str, ...]] | None = None
    #: What staff tell customers about how data is written, by code.
    notices: tuple[Coded, ...] = ()

    def field(self, code: str) -> FileField | None:
        """Return the field called ``code``."""
        return next((each for each in self.fields if each.code == code), None)

    def life_state(self, code: str | None) -> LifeState | None:
        """Return the state of life called ``code``."""
        return next((each for each in self.lifecycle if each.code == code), None)

    def first_state(self, category: str) -> str | None:
        """Return the state in which a first contact of ``category`` opens a file, or None."""
        return next((each.state for each in self.on_contact if each.category == category), None)

    def source_of(self, field: str) -> str:
        """Return the rule that gives ``field``; the mechanism's own where none does."""
        found = self.field(field)
        return DESIGN if found is None else found.source

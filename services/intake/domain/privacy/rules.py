"""What the rulebook says of personal data: classes, fields, purposes, and who reads, exports and erases."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.regulations.values import Sourced
from shared.worktime import Duration


class DataClass(StrEnum):
    """How much harm a leak does; ``KEY_SENSITIVE`` (个人关键敏感信息) locates a person and is never taken."""

    PUBLIC = "public"
    INTERNAL = "internal"
    UNIT = "unit"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    IMPORTANT = "important"
    KEY_SENSITIVE = "key_sensitive"


class Subject(StrEnum):
    """Whom data identifies (主体): a natural person, or a unit (单位)."""

    PERSON = "person"
    UNIT = "unit"


class Mask(StrEnum):
    """How a value is shown to whoever may not see it: shortened in the way of its kind, or not at all."""

    NAME = "name"
    PHONE = "phone"
    ID_NUMBER = "id_number"
    ADDRESS = "address"
    HIDDEN = "hidden"


#: What may not be of a class beneath personal when it identifies a person.
HARMLESS = frozenset({DataClass.PUBLIC, DataClass.INTERNAL, DataClass.UNIT})


@dataclass(frozen=True, slots=True)
class ClassRule:
    """A class of data: the roles it is shown to, and a rule for each stage of its life (B-DSE-01).

    The stages are collect, store, use, share and open (收集、存储、使用、共享、开放).
    """

    code: DataClass
    name: str
    shown_to: tuple[str, ...]
    collect: str
    store: str
    use: str
    share: str
    open: str
    source: str


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of a record, as ``record.field``: its class, whom it identifies, why it is kept, where it is from.

    ``of_unit`` is its class where the record is of a unit. ``derived`` fields are computed and not collected.
    """

    code: str
    data_class: DataClass
    subject: Subject
    purposes: tuple[str, ...]
    collected: str
    mask: Mask
    source: str
    of_unit: DataClass | None = None
    derived: bool = False

    @property
    def name(self) -> str:
        """Return the field's name within its record."""
        return self.code.partition(".")[2]

    def class_for(self, subject: Subject) -> DataClass:
        """Return its class in a record of ``subject``."""
        return self.of_unit if subject is Subject.UNIT and self.of_unit else self.data_class


@dataclass(frozen=True, slots=True)
class Purpose:
    """What data may be used for; with ``marketing`` not that of customers who opted out."""

    code: str
    name: str
    marketing: bool
    source: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Which roles open a customer's file at all, masked as it is."""

    roles: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Granting:
    """Which roles take a step on personal data, and which approve it where that is needed."""

    roles: tuple[str, ...]
    approvals: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Reading(Granting):
    """Reading in full: by a granted role, or by approval that holds ``valid_for`` a time."""

    valid_for: Sourced[Duration]


@dataclass(frozen=True, slots=True)
class Exporting(Granting):
    """Exports: beyond ``above`` customers, or with important data, only with approval."""

    above: Sourced[int]


@dataclass(frozen=True, slots=True)
class Privacy:
    """The section on personal data; every reference between its parts was checked when it was read."""

    classes: tuple[ClassRule, ...]
    catalogue: tuple[FieldRule, ...]
    purposes: tuple[Purpose, ...]
    units: Sourced[tuple[str, ...]]
    opening: Opening
    reading: Reading
    exporting: Exporting
    erasing: Granting
    auditing: Opening
    confidentiality: str
    opt_out: str

    def subject_of(self, kind: str) -> Subject:
        """Return whom the file of a customer of ``kind`` identifies (B-DSE-07)."""
        return Subject.UNIT if kind in self.units.value else Subject.PERSON

    def class_rule(self, code: DataClass) -> ClassRule:
        """Return the rule of a class."""
        return next(rule for rule in self.classes if rule.code is code)

    def purpose(self, code: str) -> Purpose | None:
        """Return the purpose called ``code``."""
        return next((purpose for purpose in self.purposes if purpose.code == code), None)

    def of_record(self, record: str) -> dict[str, FieldRule]:
        """Return the fields of ``record`` by their names within it."""
        return {field.name: field for field in self.catalogue if field.code.startswith(f"{record}.")}

    @property
    def never_taken(self) -> dict[str, FieldRule]:
        """Return the key sensitive fields by name: what comes with one is refused."""
        return {field.name: field for field in self.catalogue if field.data_class is DataClass.KEY_SENSITIVE}

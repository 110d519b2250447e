"""All rulebooks of all services at once, read as the services read them at their start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.complaints import rulebook as complaints
from services.followup import rulebook as followup
from services.intake import rulebook as intake
from services.names import SERVICES
from services.reporting import rulebook as reporting
from shared.errors import KefuError, NotFound
from shared.regulations import Fault, Organisation, Regulation, RegulationError
from shared.regulations.loading import Loaded

_READERS: Mapping[str, Callable[[Path, Path], Loaded[Any]]] = {
    "intake": intake.read_rulebooks,
    "complaints": complaints.read_rulebooks,
    "followup": followup.read_rulebooks,
    "reporting": reporting.read_rulebooks,
}
_OWN_PROFILES: Mapping[str, Path] = {
    "intake": intake.PROFILES,
    "complaints": complaints.PROFILES,
    "followup": followup.PROFILES,
    "reporting": reporting.PROFILES,
}


class FaultyRulebooks(KefuError):
    """The files cannot be used; the message names every fault, one a line."""

    code = "faulty_rulebooks"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files are: a directory of organisations, and one of profiles for each service."""

    organisations: Path
    profiles: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Side:
    """One rulebook to be shown or compared: a title and its part for each service."""

    title: str
    parts: Mapping[str, Regulation[Any]]


@dataclass(frozen=True, slots=True)
class Library:
    """What all files hold, by service."""

    place: Place
    parts: Mapping[str, Loaded[Any]]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault of every file, sorted, each once although four services read the organisations."""
        return tuple(sorted({fault for part in self.parts.values() for fault in part.faults}))

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        """All organisations, sorted by id."""
        return self.parts["complaints"].rulebooks.organisations

    @property
    def profiles(self) -> tuple[str, ...]:
        """The names of the profiles that every service has, sorted."""
        return tuple(sorted(set.intersection(*(set(part.profiles) for part in self.parts.values()))))

    def sound(self) -> Library:
        """Return this library; raises FaultyRulebooks when any file has a fault."""
        if self.faults:
            raise FaultyRulebooks(str(RegulationError(self.faults)))
        return self

    def of_organisation(self, org: str, at: datetime) -> Side:
        """Return what is in force for ``org`` at ``at``; NotFound for an unknown one or a moment too early."""
        names = ", ".join(organisation.id for organisation in self.organisations)
        if org not in names.split(", "):
            raise NotFound(f"there is no organisation {org!r}; known are {names}")
        parts = {name: part.rulebooks.for_org(org, at) for name, part in self.parts.items()}
        return Side(org, parts)

    def of_name(self, name: str, at: datetime) -> Side:
        """Return the rulebook that ``name`` means: an organisation, a profile, or PROFILE@VERSION.

        A profile without a version is the one in force on the date of ``at``. Raises NotFound.
        """
        profile, _, version = name.partition("@")
        if any(organisation.id == name for organisation in self.organisations):
            return self.of_organisation(name, at)
        if profile not in self.profiles:
            organisations = ", ".join(organisation.id for organisation in self.organisations)
            raise NotFound(
                f"there is no profile and no organisation {profile!r}; known are the profiles "
                f"{', '.join(self.profiles)} and the organisations {organisations}"
            )
        found = {
            service: _edition(part.profiles[profile], profile, version, at)
            for service, part in self.parts.items()
        }
        parts = {service: regulation for service, regulation in found.items() if regulation is not None}
        if not parts:
            known = ", ".join(sorted({_own_version(r, profile) for r in self._regulations(profile)}))
            wanted = f"version {version!r}" if version else f"version in force on {at.date()}"
            raise NotFound(f"profile {profile!r} has no {wanted}; its versions are {known}")
        return Side(name, parts)

    def _regulations(self, profile: str) -> list[Regulation[Any]]:
        return [regulation for part in self.parts.values() for regulation in part.profiles[profile]]


def _edition(
    regulations: tuple[Regulation[Any], ...], profile: str, version: str, at: datetime
) -> Regulation[Any] | None:
    """Return the last regulation made of the profile's ``version``, without one the last begun at ``at``."""
    fitting = [
        regulation
        for regulation in regulations
        if (
            _own_version(regulation, profile) == version
            if version
            else regulation.effective_from <= at.date()
        )
    ]
    return fitting[-1] if fitting else None


def _own_version(regulation: Regulation[Any], profile: str) -> str:
    versions = dict(layer.split(":", 1) for layer in regulation.version.split(","))
    return versions[profile]


def own_place(organisations: Path) -> Place:
    """Return the place of the profiles that the services here bring along, with these ``organisations``."""
    return Place(organisations, _OWN_PROFILES)


def place_of(directory: Path, organisations: Path) -> Place:
    """Return the place that ``directory`` means, completed from the services' own profiles.

    It is laid out like a checkout (``organisations/*.yaml``, ``services/NAME/regulations/*.yaml``, either of
    which may be missing; ``organisations`` then stands in for the first), or holds organisation files only.
    Raises NotFound when it is none of these.
    """
    profiles = {name: directory / "services" / name / "regulations" for name in SERVICES}
    given = {name: path for name, path in profiles.items() if path.is_dir()}
    own = directory / "organisations"
    if own.is_dir() or given:
        return Place(own if own.is_dir() else organisations, {**_OWN_PROFILES, **given})
    if not directory.is_dir() or not any(directory.glob("*.yaml")):
        raise NotFound(
            f"{directory} holds neither organisations/ nor services/*/regulations/ nor organisation files "
            "(*.yaml)"
        )
    return own_place(directory)


def read_library(place: Place) -> Library:
    """Read everything at ``place``; what is wrong with the files is in the library's ``faults``."""
    parts = {name: _READERS[name](place.organisations, place.profiles[name]) for name in SERVICES}
    return Library(place, parts)

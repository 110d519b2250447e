"""Loading rulebooks: files to typed regulations, with every problem of every file in one error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar

import marshmallow

from shared.errors import NotFound
from shared.regulations.documents import Document, Edition, read_profile
from shared.regulations.errors import Fault, RegulationError
from shared.regulations.merging import Layers
from shared.regulations.organisations import OrganisationFile, read_organisations
from shared.regulations.rulebooks import Organisation, Regulation, Rulebooks, Timeline

Sections = TypeVar("Sections")
_Pick = tuple[Document, Edition]


def load(
    directory: Path,
    organisations_dir: Path,
    schema: Callable[[Mapping[str, Any]], Sections],
    service: str,
    services: Collection[str],
) -> Rulebooks[Sections]:
    """Load the profiles in ``directory`` and the organisations that follow them.

    ``schema`` turns merged sections into a typed object and raises marshmallow.ValidationError (a schema's
    ``load`` does). ``service`` is the part of the organisations' overrides that belongs to these profiles,
    ``services`` all parts they may speak of. Every version of every profile and of every organisation is
    built, so a bad one is found now and not on the day it comes into force.
    Raises RegulationError naming file, path and reason of every problem.
    """
    faults: list[Fault] = []
    profiles = _read_profiles(directory, faults)
    organisations = read_organisations(organisations_dir, services, faults)
    chains = _resolve_chains(profiles, faults)
    builder = _Builder(
        profiles, chains, {file.organisation.id: file for file in organisations}, schema, service
    )
    for name in chains:
        for picks in _combinations(chains[name], None):
            builder.build(name, name, picks, faults)
    timelines = {}
    for file in organisations:
        organisation = file.organisation
        if organisation.id in profiles:
            faults.append(Fault(file.file, "org", f"{organisation.id!r} is the name of a profile already"))
        if organisation.profile not in profiles:
            known = ", ".join(sorted(profiles))
            reason = f"there is no profile {organisation.profile!r} in {directory}; known are {known}"
            faults.append(Fault(file.file, "profile", reason))
        elif organisation.profile in chains:
            timelines[organisation.id] = builder.timeline(organisation, faults)
    if faults:
        raise RegulationError(faults)
    return Rulebooks(timelines, builder.rebuild)


def _read_profiles(directory: Path, faults: list[Fault]) -> dict[str, Document]:
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        faults.append(Fault(str(directory), "", "holds no profile file (*.yaml)"))
    documents = [document for path in paths if (document := read_profile(path, faults)) is not None]
    return {document.name: document for document in documents}


def _resolve_chains(profiles: Mapping[str, Document], faults: list[Fault]) -> dict[str, tuple[Document, ...]]:
    """Return for every usable profile its layers, the base first."""
    chains: dict[str, tuple[Document, ...]] = {}
    for name, document in profiles.items():
        chain = [document]
        while (extends := chain[0].extends) is not None:
            if extends not in profiles:
                faults.append(Fault(chain[0].file, "extends", f"there is no profile {extends!r}"))
                break
            if profiles[extends] in chain:
                circle = " -> ".join([*(layer.name for layer in reversed(chain)), extends])
                faults.append(
                    Fault(document.file, "extends", f"the profiles extend each other in a circle: {circle}")
                )
                break
            chain.insert(0, profiles[extends])
        else:
            if all(layer.editions for layer in chain):
                chains[name] = tuple(chain)
    return chains


def _combinations(chain: Sequence[Document], overrides: Document | None) -> Iterator[tuple[_Pick, ...]]:
    """Yield the editions in force together, once for every day on which one of them changes.

    Nothing is in force before every profile of the chain has begun; overrides may begin later.
    """
    layers = [*chain, overrides] if overrides else list(chain)
    begin = max(layer.editions[0].effective_from for layer in chain)
    days = {edition.effective_from for layer in layers for edition in layer.editions}
    for day in sorted({begin, *(day for day in days if day > begin)}):
        yield tuple((layer, edition) for layer in layers if (edition := _in_force(layer, day)) is not None)


def _in_force(document: Document, day: date) -> Edition | None:
    begun = [edition for edition in document.editions if edition.effective_from <= day]
    return begun[-1] if begun else None


class _Builder(Generic[Sections]):
    """Merges layers and gives them to the schema, translating its complaints into file and path."""

    def __init__(
        self,
        profiles: Mapping[str, Document],
        chains: Mapping[str, tuple[Document, ...]],
        files: Mapping[str, OrganisationFile],
        schema: Callable[[Mapping[str, Any]], Sections],
        service: str,
    ) -> None:
        self._profiles = profiles
        self._chains = chains
        self._files = files
        self._schema = schema
        self._service = service

    def timeline(self, organisation: Organisation, faults: list[Fault]) -> Timeline[Sections]:
        """Return every regulation the organisation ever has; adds to ``faults`` what cannot be built."""
        overrides = self._files[organisation.id].overrides_for(self._service)
        built = (
            self.build(organisation.id, organisation.profile, picks, faults)
            for picks in _combinations(self._chains[organisation.profile], overrides)
        )
        return Timeline(organisation, tuple(regulation for regulation in built if regulation is not None))

    def build(
        self, org: str, profile: str, picks: Sequence[_Pick], faults: list[Fault]
    ) -> Regulation[Sections] | None:
        """Return the regulation made of ``picks``, or ``None`` after adding to ``faults`` why not."""
        layers = Layers()
        for document, edition in picks:
            layers.lay(edition.sections, document.file)
        if layers.faults:
            faults.extend(layers.faults)
            return None
        try:
            sections = self._schema(layers.sections)
        except marshmallow.ValidationError as error:
            faults.extend(
                Fault(layers.file_of(path), path, reason) for path, reason in _flatten(error.messages, "")
            )
            return None
        return Regulation(
            org=org,
            profile=profile,
            version=",".join(f"{document.name}:{edition.version}" for document, edition in picks),
            effective_from=max(edition.effective_from for _, edition in picks),
            sections=sections,
            _content=layers.sections,
        )

    def rebuild(self, org: str, version: str) -> Regulation[Sections]:
        """Return the regulation named by ``version``; NotFound when a layer of it is gone."""
        overrides = self._files[org].overrides_for(self._service)
        layers = {**self._profiles, org: overrides}
        picks: list[_Pick] = []
        for part in version.split(","):
            name, _, wanted = part.partition(":")
            document = layers.get(name)
            edition = next((e for e in document.editions if e.version == wanted), None) if document else None
            if document is None or edition is None:
                raise NotFound(
                    f"organisation {org!r} has no rulebook version {version!r}: {part!r} is not on file"
                )
            picks.append((document, edition))
        # An organisation may have changed its profile since, so the profile is what the version says.
        profile = [document.name for document, _ in picks if document is not overrides][-1:]
        faults: list[Fault] = []
        regulation = self.build(org, "".join(profile), picks, faults)
        if regulation is None:
            problems = RegulationError(faults)
            raise NotFound(f"organisation {org!r} cannot use its rulebook version {version!r}: {problems}")
        return regulation


def _flatten(messages: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield path and reason of every message in marshmallow's nested answer."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            # Marshmallow files what concerns a whole mapping under this key.
            path = place if key == marshmallow.exceptions.SCHEMA else f"{place}.{key}" if place else str(key)
            yield from _flatten(value, path)
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, place)
    else:
        yield place, str(messages)

"""Loading rulebooks: files to typed regulations, with every problem of every file in one error."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import marshmallow

from shared.errors import NotFound
from shared.regulations.documents import Document, Edition, RefuseSource, read_profile
from shared.regulations.errors import Fault, RegulationError
from shared.regulations.merging import Layers
from shared.regulations.organisations import OrganisationFile, read_organisations
from shared.regulations.parts import read_parts
from shared.regulations.rulebooks import Organisation, Regulation, Rulebooks, Timeline

Sections = TypeVar("Sections")
_Pick = tuple[Document, Edition]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Sections]):
    """What the files of one part of the system hold, and every fault of them, sorted, each once.

    ``profiles`` are the regulations of each profile by itself, sorted by the date each comes into force.
    With ``faults`` both hold only what could be built.
    """

    rulebooks: Rulebooks[Sections]
    profiles: Mapping[str, tuple[Regulation[Sections], ...]]
    faults: tuple[Fault, ...]

    def sound(self) -> Rulebooks[Sections]:
        """Return the rulebooks; raises RegulationError naming file, path and reason of every fault."""
        if self.faults:
            raise RegulationError(self.faults)
        return self.rulebooks


def load(
    directory: Path,
    organisations_dir: Path,
    schema: Callable[[Mapping[str, Any]], Sections],
    service: str,
    services: Collection[str],
) -> Rulebooks[Sections]:
    """Return what ``read_all`` reads; raises RegulationError naming file, path and reason of every fault."""
    return read_all(directory, organisations_dir, schema, service, services).sound()


def read_all(
    directory: Path,
    organisations_dir: Path,
    schema: Callable[[Mapping[str, Any]], Sections],
    service: str,
    services: Collection[str],
    *,
    refuse_source: RefuseSource | None = None,
    roles: Callable[[Sections], Iterable[tuple[str, str]]] | None = None,
    unfollowed: bool = True,
) -> Loaded[Sections]:
    """Read the profiles in ``directory`` and the organisations that follow them.

    ``schema`` turns merged sections into a typed object and raises marshmallow.ValidationError (a schema's
    ``load`` does). ``service`` is the part of the organisations' overrides that belongs to these profiles,
    ``services`` all parts they may speak of. ``refuse_source(profile, source)`` tells why a profile may not
    cite a source; ``roles`` yields path and name of every role the sections name, each of which somebody of
    the organisation must hold. Every version of every profile and of every organisation is built, so a bad
    one is found now and not on the day it comes into force; without ``unfollowed`` no profile is built by
    itself, and what only a profile that no organisation follows gets wrong is not found. ``schema`` is
    called once for the same sections and must give what nobody changes. Raises nothing for what is wrong
    with a file.
    """
    faults: list[Fault] = []
    names, documents = _read_profiles(directory, refuse_source, faults)
    organisations = read_organisations(organisations_dir, services, faults)
    chains = _resolve_chains(names, documents, faults)
    builder = _Builder(
        documents, chains, {file.organisation.id: file for file in organisations}, schema, service
    )
    profiles = {name: builder.profile(name, faults) for name in chains} if unfollowed else {}
    timelines = {}
    for file in organisations:
        organisation = file.organisation
        if organisation.id in names:
            faults.append(Fault(file.file, "org", f"{organisation.id!r} is the name of a profile already"))
        if organisation.profile not in names:
            known = ", ".join(sorted(names))
            reason = f"there is no profile {organisation.profile!r} in {directory}; known are {known}"
            faults.append(Fault(file.file, "profile", reason))
        elif organisation.profile in chains:
            timeline = timelines[organisation.id] = builder.timeline(organisation, faults)
            if roles is not None:
                faults.extend(_unheld(timeline, roles, file.file))
    rulebooks = Rulebooks(timelines, builder.rebuild)
    return Loaded(rulebooks, profiles, tuple(sorted(set(faults))))


def _unheld(
    timeline: Timeline[Sections], roles: Callable[[Sections], Iterable[tuple[str, str]]], file: str
) -> Iterator[Fault]:
    """Yield a fault, at the file that names it, for every role nobody of the organisation holds."""
    organisation = timeline.organisation
    for regulation in timeline.regulations:
        for path, role in roles(regulation.sections):
            if role not in organisation.roles:
                reason = f"nobody of {organisation.id} holds the role {role!r}; {file} lists those held"
                yield Fault(regulation.file_of(path), path, reason)


def _read_profiles(
    directory: Path, refuse_source: RefuseSource | None, faults: list[Fault]
) -> tuple[frozenset[str], dict[str, Document]]:
    """Return the names of all profiles, and those of them that can be used."""
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        faults.append(Fault(str(directory), "", "holds no profile file (*.yaml)"))
    read = [read_profile(path, faults, refuse_source) for path in paths]
    documents = {document.name: document for document in read if document is not None}
    documents = read_parts(directory, documents, faults, refuse_source)
    return frozenset(path.stem for path in paths), documents


def _resolve_chains(
    names: Collection[str], profiles: Mapping[str, Document], faults: list[Fault]
) -> dict[str, tuple[Document, ...]]:
    """Return for every usable profile its layers, the base first."""
    chains: dict[str, tuple[Document, ...]] = {}
    for name, document in profiles.items():
        chain = [document]
        while (extends := chain[0].extends) is not None:
            if extends not in profiles:
                if extends not in names:  # one that could not be read is a fault of its own file
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


#: An organisation that decides nothing itself has its profile's sections, and typing them is most of the work.
@lru_cache(maxsize=256)
def _typed(schema: Callable[[Mapping[str, Any]], Sections], packed: bytes) -> Sections:
    return schema(pickle.loads(packed))  # noqa: S301 - packed by this module a moment ago


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

    def profile(self, name: str, faults: list[Fault]) -> tuple[Regulation[Sections], ...]:
        """Return every regulation the profile by itself ever is; adds to ``faults`` what cannot be built."""
        built = (self.build(name, name, picks, faults) for picks in _combinations(self._chains[name], None))
        return tuple(regulation for regulation in built if regulation is not None)

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
            for part in edition.parts:
                layers.lay(part.sections, part.file)
            layers.lay(edition.sections, document.file)
        if layers.faults:
            faults.extend(layers.faults)
            return None
        try:
            sections = _typed(self._schema, pickle.dumps(layers.sections))
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
            _layers=layers,
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

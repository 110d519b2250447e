"""The services' contracts (AsyncAPI 3): reading them, and the tables of the READMEs that are made from them.

``python -m kefu.contracts render`` writes the tables between the markers of every service's README,
``python -m kefu.contracts check`` says which README is out of date and exits 1. Tests hold contracts and code together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from services.names import SERVICES

ROOT = Path(__file__).parents[1]
#: What every contract may refer to.
COMMON = ROOT / "shared" / "contracts" / "common.yaml"
BEGIN = "<!-- from asyncapi.yaml: python -m kefu.contracts render -->"
END = "<!-- end -->"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EXIT_STALE = 1
_EXIT_USAGE = 2

Json = dict[str, Any]


class ContractError(Exception):
    """A contract cannot be used; the text names the file and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message with every reference in it resolved.

    ``type`` is the event's type or the operation's name; ``payload`` and ``headers`` are JSON Schemas (draft 7),
    ``examples`` bodies and headers as they would go over the wire.
    """

    key: str
    type: str
    summary: str
    payload: Json
    headers: Json
    examples: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its AMQP binding, and for a queue what it is bound to and declared with."""

    key: str
    address: str | None
    binding: Json
    exchange: str | None
    routing_keys: tuple[str, ...]
    queue_arguments: Json


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``kind``, ``roles`` and ``reply`` are filled for calls only."""

    key: str
    action: str
    summary: str
    channel: Channel
    messages: tuple[Message, ...]
    kind: str | None
    roles: frozenset[str]
    reply: Message | None

    @property
    def is_call(self) -> bool:
        """Tell whether this is an operation that answers."""
        return self.reply is not None


class Contract:
    """The contract of one service, read from its ``asyncapi.yaml``; never changes once read."""

    def __init__(self, service: str, path: Path | None = None) -> None:
        """Read ``path``, by default the file in the service's own folder; raises ContractError."""
        self.service = service
        self.path = path or ROOT / "services" / service / "asyncapi.yaml"
        self.document = read(self.path)

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its key, in the order of the file."""
        return self._operations

    @cached_property
    def _operations(self) -> dict[str, Operation]:
        rows: Mapping[str, Json] = self.document.get("operations", {})
        return {key: self._operation(key, row) for key, row in rows.items()}

    def calls(self) -> dict[str, Operation]:
        """Return the operations other services and people call, by method."""
        return {key: each for key, each in self.operations().items() if each.is_call}

    def receivers(self) -> dict[str, Operation]:
        """Return the operations that take events, by entry point."""
        return {
            key: each
            for key, each in self.operations().items()
            if each.action == "receive" and not each.is_call
        }

    def sent(self) -> dict[str, Message]:
        """Return the events the service sends, by type."""
        messages = (each.messages for each in self.operations().values() if each.action == "send")
        return {message.type: message for (message,) in messages}

    def _operation(self, key: str, row: Json) -> Operation:
        channel = self._channel(_pointer(row["channel"]))
        reply = None
        if "reply" in row:
            (answer,) = row["reply"]["messages"]
            reply = self._message(answer)
        return Operation(
            key=key,
            action=row["action"],
            summary=row.get("summary", ""),
            channel=channel,
            messages=tuple(self._message(each) for each in row["messages"]),
            kind=row.get("x-kefu-kind"),
            roles=frozenset(row.get("x-kefu-roles", ())),
            reply=reply,
        )

    def _channel(self, pointer: str) -> Channel:
        row = follow(self.document, pointer, self.path)
        return Channel(
            key=pointer.rpartition("/")[2],
            address=row["address"],
            binding=row["bindings"]["amqp"],
            exchange=row.get("x-kefu-exchange"),
            routing_keys=tuple(row.get("x-kefu-routing-keys", ())),
            queue_arguments=row.get("x-kefu-queue-arguments", {}),
        )

    def _message(self, reference: Json) -> Message:
        key = _pointer(reference).rpartition("/")[2]
        row = expand(reference, self.path)
        for trait in row.get("traits", ()):
            row = trait | row
        return Message(
            key=key,
            type=row["name"],
            summary=row.get("summary", ""),
            payload=row["payload"],
            headers=row.get("headers", {}),
            examples=tuple(row.get("examples", ())),
        )


def all_contracts() -> dict[str, Contract]:
    """Return the contracts of all services by name."""
    return {service: Contract(service) for service in SERVICES}


@lru_cache(maxsize=32)
def read(path: Path) -> Json:
    """Return the document at ``path``, which is read once; nobody may change it. Raises ContractError."""
    try:
        # The parser in C is some ten times faster; both read the same.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{path}: is no mapping")
    return document


def expand(node: Any, path: Path) -> Any:
    """Return ``node`` of the file at ``path`` with every ``$ref`` replaced by what it points at.

    What stands beside a ``$ref`` is a remark and left out; what is pointed at more than once is shared. Raises
    ContractError for a reference that leads nowhere or round in a circle.
    """
    return _expand(node, path, (), {})


def _expand(node: Any, path: Path, chain: Sequence[str], done: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_expand(each, path, chain, done) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _expand(value, path, chain, done) for key, value in node.items()}
    target, pointer = locate(node["$ref"], path)
    mark = f"{target}#{pointer}"
    if mark in chain:
        raise ContractError(f"{path}: {node['$ref']} leads round in a circle")
    if mark not in done:
        done[mark] = _expand(follow(read(target), pointer, target), target, (*chain, mark), done)
    return done[mark]


def locate(reference: str, path: Path) -> tuple[Path, str]:
    """Return the file and the JSON pointer that ``reference`` in the file at ``path`` means."""
    file, _, pointer = reference.partition("#")
    return ((path.parent / file).resolve() if file else path), pointer


def follow(document: Any, pointer: str, path: Path) -> Any:
    """Return what the JSON pointer leads to; raises ContractError naming ``path`` when it leads nowhere."""
    node = document
    for step in pointer.strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or name not in node:
            raise ContractError(f"{path}: nothing at #{pointer}")
        node = node[name]
    return node


def references(node: Any) -> Iterator[str]:
    """Yield every ``$ref`` in ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def tables(contract: Contract) -> str:
    """Return the README's part about calls and events, as Markdown."""
    lines = ["| call | kind | arguments | roles | |", "|---|---|---|---|---|"]
    for name, call in contract.calls().items():
        roles = ", ".join(sorted(call.roles))
        lines.append(f"| `{name}` | {call.kind} | {_arguments(call)} | {roles} | {call.summary} |")
    lines += ["", "| events taken | from | queue | |", "|---|---|---|---|"]
    for taken in contract.receivers().values():
        types = ", ".join(f"`{message.type}`" for message in taken.messages)
        lines.append(
            f"| {types} | `{taken.channel.exchange}` | `{taken.channel.address}` | {taken.summary} |"
        )
    lines += ["", f"| event sent to `{contract.service}.events` | says | data |", "|---|---|---|"]
    for kind, message in contract.sent().items():
        lines.append(f"| `{kind}` | {message.summary} | {_data(message)} |")
    return "\n".join(lines)


def rendered(readme: str, contract: Contract) -> str:
    """Return the text of a README with what stands between its markers made anew; raises ContractError without."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ContractError(f"the README of {contract.service} lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables(contract)}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Render or check the READMEs of the services named, of all when none is; return the exit code."""
    verb, *services = arguments or [""]
    if verb not in {"render", "check"} or not set(services) <= set(SERVICES):
        sys.stderr.write(f"usage: python -m kefu.contracts render|check [{'|'.join(SERVICES)} …]\n")
        return _EXIT_USAGE
    stale = []
    for service in services or SERVICES:
        readme = ROOT / "services" / service / "README.md"
        try:
            text = readme.read_text(encoding="utf-8")
            made = rendered(text, Contract(service))
        except (OSError, ContractError) as error:
            stale.append(f"{service}: {error}")
            continue
        if verb == "render":
            readme.write_text(made, encoding="utf-8")
        elif made != text:
            stale.append(f"{service}: {readme.relative_to(ROOT)} differs from the contract: render it")
    sys.stderr.writelines(f"{line}\n" for line in stale)
    return _EXIT_STALE if stale else 0


def _pointer(reference: Json) -> str:
    return str(reference["$ref"]).partition("#")[2]


def part(schema: Json, *path: str) -> Json:
    """Return the schema of the property at ``path``, of the last part of an ``allOf`` that has it."""
    for name in path:
        layers = [*schema.get("allOf", ()), schema]
        found = [layer["properties"][name] for layer in layers if name in layer.get("properties", {})]
        if not found:
            raise ContractError(f"a schema has no property {name}")
        schema = found[-1]
    return schema


def _arguments(call: Operation) -> str:
    (request,) = call.messages
    arguments = part(request.payload, "kwargs")
    required = arguments.get("required", ())
    names = [name for name in arguments.get("properties", {}) if name != "idempotency_key"]
    return ", ".join(f"**`{name}`**" if name in required else f"`{name}`" for name in names) or "none"


def _data(message: Message) -> str:
    return ", ".join(f"`{name}`" for name in part(message.payload, "data").get("properties", {}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

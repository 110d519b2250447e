"""One JSON line per log record, from our code and from every library, without personal data.

Line: ``time`` (UTC, ISO 8601), ``level``, ``logger``, ``event``, ``service``, then the context bound by
``bind_context`` (correlation id, trace id ...) and the record's own keys. Values under personal keys
(``shared.identity.masking.PERSONAL_WORDS``) are masked at any depth, and so is everything in any text that
looks like a phone number, an identity number or a mail address. Objects are shown by their class only,
because nobody knows what their ``repr`` tells.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO, cast
from uuid import UUID

import structlog

from shared.identity.masking import MASK, is_personal_key, mask_text

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: Keys whose values the logging itself has just written, and what it passes along for its own use.
_OWN_KEYS = frozenset({"time", "level", "logger", "_record", "_from_structlog"})
_FIRST_KEYS = ("time", "level", "logger", "event", "service")
_DEEPEST = 6
_LONGEST_LIST = 50
_SMALLEST_PHONE = 10**7
_LONGEST_TEXT = 16_384
_CUT_MARGIN = 64

#: Libraries whose DEBUG records hold whole messages, documents or credentials; never below this level.
_QUIETED = {"pymongo": logging.INFO, "amqp": logging.INFO, "kombu": logging.INFO, "nameko": logging.INFO}


def configure_logging(service: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log record of the process at ``level`` or above to ``stream`` as one JSON line each.

    ``stream`` is standard output unless given. May be called again; the last call counts.
    """
    handler = _Handler(sys.stdout if stream is None else stream)
    handler.addFilter(_drop_closing_channel_noise)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_chain(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _Arrange(service),
                structlog.processors.JSONRenderer(serializer=_as_json),
            ],
        )
    )
    # Nothing shows them, and looking them up is half the cost of a record among green threads.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, lowest in _QUIETED.items():
        logging.getLogger(name).setLevel(max(lowest, root.level))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger ``name``; what it logs is masked whether or not logging was configured."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_chain(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return cast("structlog.stdlib.BoundLogger", logger)


@contextmanager
def bind_context(**ids: str | int | None) -> Iterator[None]:
    """Put ``ids`` on every line logged inside the block by this green thread; None values are left out."""
    given = {key: value for key, value in ids.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**given):
        yield


def mask_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: mask what is personal in ``event`` and bring every value down to JSON types."""
    clean: dict[str, Any] = {}
    for key, value in event.items():
        if key in _OWN_KEYS:
            clean[key] = value
        elif is_personal_key(key):
            clean[_clean_text(key)] = MASK
        else:
            clean[_clean_text(key)] = _clean(value, 0)
    return clean


def _clean(value: Any, depth: int) -> Any:
    """Return ``value`` in JSON types with personal data masked; what is too deep or too long is cut."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    for kinds, convert in _PLAIN:
        if isinstance(value, kinds):
            return convert(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _clean_many(value, depth)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _clean_text(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return mask_text(text)
    # A number cut in half looks like none, so the end of what was cut off is not shown either.
    return mask_text(text[:_LONGEST_TEXT])[:-_CUT_MARGIN] + "…"


def _clean_number(value: float | Decimal) -> float | str:
    if isinstance(value, Decimal):
        return mask_text(format(value, "f") if value.is_finite() else str(value))
    if value - value != 0:
        # NaN and infinities are no JSON.
        return repr(value)
    # Nothing this small is a phone or identity number, but its decimals may look like one.
    if abs(value) < _SMALLEST_PHONE:
        return value
    written = repr(value)
    masked = mask_text(written)
    return value if masked == written else masked


_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (str, _clean_text),
    ((int, float, Decimal), _clean_number),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    ((UUID, PurePath), lambda value: _clean_text(str(value))),
    (BaseException, lambda value: f"{type(value).__name__}: {_clean_text(str(value))}"),
)


def _clean_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {
        _clean_text(str(key)): MASK if is_personal_key(str(key)) else _clean(item, depth + 1)
        for key, item in value.items()
    }


def _clean_many(value: Iterable[Any], depth: int) -> list[Any]:
    items = list(value)
    clean = [_clean(item, depth + 1) for item in items[:_LONGEST_LIST]]
    if len(items) > _LONGEST_LIST:
        clean.append(f"… {len(items) - _LONGEST_LIST} more")
    return clean


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; of a record that cannot be written it tells the place only, never the arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name logging gives it
        """Write a line that says where a faulty record came from; never raises."""
        line = {"level": "error", "logger": record.name, "event": "a log record could not be written"}
        with suppress(OSError, ValueError):
            self.stream.write(json.dumps({**line, "place": f"{record.module}:{record.lineno}"}) + "\n")
            self.flush()


def _as_json(event: Any, **_options: Any) -> str:
    line = json.dumps(event, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        # A lone surrogate, which no stream takes.
        return json.dumps(event)
    return line


@dataclass(frozen=True, slots=True)
class _Arrange:
    """Structlog processor: add the service and put the keys everyone looks for first."""

    service: str

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> MutableMapping[str, Any]:
        everything = {**event, "service": self.service}
        first = {key: everything.pop(key) for key in _FIRST_KEYS if key in everything}
        return {**first, **everything}


def _chain() -> list[Processor]:
    """Return the steps every record passes, ours or a library's: context, level, name, time, trace, mask."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_personal_data,
    ]


def _drop_closing_channel_noise(record: logging.LogRecord) -> bool:
    """Refuse the warning that deliveries were ignored while a channel closed: they are simply redelivered."""
    if record.name != "amqp" or "during closing channel" not in str(record.msg):
        return True
    return not record.getMessage().startswith("Received method (60, 60) ")

"""Logging: one JSON line per record on standard error, from our own loggers and every library's alike.

Each line carries timestamp (UTC), level, event, logger, role and pid of the process, and whatever is bound to
the context (``request_id``). No key leaves a process by its log: the last step before rendering masks what
looks like one, wherever it stands, in query strings and in the texts of exceptions too. That step is a net,
not a licence: nobody logs keys on purpose.
"""

from __future__ import annotations

import json as stdlib_json
import logging
import os
import re
import sys
from functools import lru_cache
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "[redacted]"

# Names whose value is a secret, whatever it looks like. `token` also catches csrftoken and access_token.
_NAMES = r"api[_-]?key|token|passw(?:or)?d|secret(?:[_-]?key)?|sessionid|cookie"
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAMES}|authorization)$")
_RULES: list[tuple[re.Pattern[str], str]] = [
    # Authorization: Bearer x | 'Authorization': 'Basic x' | Bearer x. The scheme stays: it tells nothing. With or
    # without one, never both: a possessive group would say it shorter, which Python 3.11.2 (Debian 12) gets wrong.
    (
        re.compile(
            r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?(?:[a-z]+\s+|(?![a-z]+\s)))(?!\[redacted\])[^\s\"',;}\]]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer\s+)(?!\[redacted\])[\w.~+/=-]{8,}"), rf"\1{MASK}"),
    # token=x | "api_key": "x" | personal_api_key%3Dx
    (
        re.compile(rf"(?i)((?:{_NAMES})[\"']?(?:\s*[=:]\s*|%3D)[\"']?)(?!\[redacted\])[^\s\"'&,;}}\])]+"),
        rf"\1{MASK}",
    ),
    # Our keys by their prefix: phx_ personal, phc_ project. phs_ and pha_ are the real system's others.
    (re.compile(r"(ph[cx]_|(?<![A-Za-z0-9])ph[as]_)[A-Za-z0-9_-]+"), rf"\1{MASK}"),
    # postgresql://user:password@host
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{MASK}@"),
]


# A text without any of these is left as it is by every rule; most texts are, and this asks once instead of five times.
_SUSPICIOUS = re.compile(r"(?i)ph[acsx]_|api[_-]?key|token|passw|secret|session|cookie|authorization|bearer|://")


def redact(text: str) -> str:
    """Return ``text`` with everything that looks like a key, a token or a password replaced by ``MASK``."""
    if not _SUSPICIOUS.search(text):
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=512)  # the names of fields are few
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): MASK if _is_secret_name(str(key)) else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return redact(str(value))  # bytes, paths, exceptions: whatever they would print must be looked at as well


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask secrets in every value of a record; a structlog processor, the last one before rendering."""
    return _clean(event)  # type: ignore[no-any-return]


def _add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["role"] = os.environ.get("HEALTHTRACK_ROLE", "command")
    event["pid"] = os.getpid()
    return event


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at that moment: a test may have put another stream there."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """structlog's formatter with a short way for our own records, which nobody else formats after us.

    structlog copies each record twice, in case another handler wants it. There is one line for every request, and the
    copies take a third of its time.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``."""
        if type(record.msg) is not dict:
            return super().format(record)
        event: Any = dict(record.msg)
        for process in self.processors[1:]:  # the first one takes away what the long way adds
            event = process(None, "", event)
        return str(event)


def _renderer(json: bool) -> Processor:
    if json:
        # Not orjson: it refuses lone surrogates, and a log line must never be lost to what it reports about.
        encode = stdlib_json.JSONEncoder(default=str).encode  # made once: `dumps` makes one for each line
        return structlog.processors.JSONRenderer(serializer=lambda event, **_: encode(event))
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _is_defect(record: logging.LogRecord) -> bool:
    return getattr(record, "status_code", 500) != 503


def _calm(record: logging.LogRecord) -> bool:
    """Make a warning without a traceback of what Django refuses as suspicious, a malformed Host header for one.

    Anybody can send such requests, and Django logs each as an error. On the handler and not on a logger: each kind has
    a logger of its own, and a logger's filters do not hold for those below it.
    """
    if record.name.startswith("django.security."):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return logging.getLogger().isEnabledFor(record.levelno)
    return True


# What a record passes first, ours and a library's alike.
_FIRST: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
]
_THEN: list[Processor] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure(json: bool, level: str) -> None:
    """Set up structlog and the standard library's logging for this process; a second call replaces the first.

    ``json`` chooses one JSON object per line, else a form for people's eyes. ``level`` is a name of
    ``logging`` in any case. Raises ``ValueError`` for another word.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"HEALTHTRACK_LOG_LEVEL must be a level such as DEBUG or INFO; it is {level!r}")
    root = logging.getLogger()
    for old in [other for other in root.handlers if isinstance(other, _StandardError)]:
        root.removeHandler(old)
    root.addHandler(_handler(json))
    root.setLevel(number)
    _quieten_libraries()
    _spare_what_no_line_shows()
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_FIRST,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_THEN,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests set it up anew
    )


def _handler(json: bool) -> logging.Handler:
    handler = _StandardError()
    handler.addFilter(_calm)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[*_FIRST, *_THEN],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _add_process,
                structlog.processors.format_exc_info,
                mask_secrets,
                _renderer(json),
            ],
        )
    )
    return handler


def _spare_what_no_line_shows() -> None:
    """Turn off what the standard library finds out for every record: place in the code, thread, task and process."""
    logging._srcfile = None  # the way that "Optimization" in its documentation names
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if hasattr(logging, "logAsyncioTasks"):  # Python 3.12
        logging.logAsyncioTasks = False


def _quieten_libraries() -> None:
    # Django reports each 4xx and 503 here as well; the request line of runtime.requests already tells it.
    defects = logging.getLogger("django.request")
    defects.setLevel(logging.ERROR)
    defects.filters = [_is_defect]
    logging.getLogger("procrastinate.blueprints").setLevel(logging.WARNING)  # a line at each start, of no use
    logging.getLogger("procrastinate.periodic").setLevel(logging.WARNING)  # the same, for each task

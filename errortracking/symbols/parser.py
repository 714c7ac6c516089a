"""Looking positions up in symbol data, in a process of its own (`child`): a worker has one while it needs it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from errortracking.symbols import protocol
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Kind, Position
from errortracking.symbols.parsing import Died, Left, Process, TookTooLong, Unavailable
from errortracking.symbols.protocol import Reply, Request

__all__ = ["Unavailable", "Unreadable", "close", "lookup"]

log = structlog.get_logger(__name__)

# Bytes of address space. A map of 34 MB with a script of 16 MB takes some 1,200 (benchmarks/symbols.md).
MEMORY = 2 * 1024 * 1024 * 1024
SECONDS = 30.0  # by the clock, for a request; the same map takes some 3
# Of these it must have had a processor for so many, or the machine is blamed, not the data.
BUSY_SECONDS = 15.0
# Deaths over the same file before it is blamed: one may be the kernel's, short of memory, or an operator's.
DEATHS_TO_BLAME = 2
MOST_PROCESSES = 10  # for one request: an idle one may leave, a large one does, but not one after the other
# The frames of an answer are some kilobytes, with their lines of source: so many are some megabytes in one reply.
POSITIONS_AT_ONCE = 200

_lock = threading.Lock()
_process: Process | None = None


class Unreadable(Exception):
    """The data cannot be parsed, or not with the memory and time that are allowed. ``failure`` belongs on its row."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def lookup(path: Path, symbol_set_ref: str, positions: Sequence[Position]) -> list[Answer]:
    """Return one answer for each position, in their order, from the container at ``path``.

    All positions must be of one kind; where the container is of another one, the data is `Unreadable`.
    ``symbol_set_ref`` is for the texts of failures. May be called from any thread; one call at a time is worked on.
    Raises `Unreadable` and `Unavailable`, and ValueError for positions of several kinds.
    """
    if not positions:
        return []
    kinds = {position.kind for position in positions}
    if len(kinds) > 1:
        raise ValueError("positions of several kinds")
    answers: list[Answer] = []
    with _lock:
        for start in range(0, len(positions), POSITIONS_AT_ONCE):
            asked = positions[start : start + POSITIONS_AT_ONCE]
            request = protocol.request(str(path), symbol_set_ref, asked)
            answers += _answers(request, _ask(request))
    return answers


def close() -> None:
    """End the process, if there is one. It would leave by itself a minute later."""
    global _process
    with _lock:
        if _process:
            _process.close()
        _process = None


def _answers(request: Request, reply: Reply) -> list[Answer]:
    if reply["kind"] == "unreadable":
        raise Unreadable(protocol.failure(reply["failure"]))
    if reply["kind"] == "defect":
        raise _defect(request, reply["text"])
    if reply["kind"] == "unavailable":
        raise Unavailable(reply["text"])
    return [protocol.answer(encoded) for encoded in reply["answers"]]


def _defect(request: Request, text: str) -> Unreadable:
    """Return what the data is for now that a defect of ours keeps from being read; the log has its text.

    Not raised as what it is: each batch that needs the data would fail, and each of its events again by itself. The
    failure shows the error's type alone, since its text may hold anything of the data.
    """
    log.error("the parser of symbol data has a defect", ref=request["ref"], kind=request["kind"], error=text)
    return Unreadable(protocol.unreadable(Kind(request["kind"]), f"a defect of the parser, {text.partition(':')[0]}"))


def _ask(request: Request) -> Reply:
    """Ask with as many processes as it takes; the caller holds the lock."""
    deaths = 0
    for _ in range(MOST_PROCESSES):
        try:
            return _living().ask(request, SECONDS)
        except Left:
            continue
        except TookTooLong as error:
            if error.busy < BUSY_SECONDS:
                raise Unavailable(f"{error}, of which it could work for {error.busy:.1f} s") from error
            reason = str(error)
        except Died as death:
            deaths += 1
            reason = f"{death}, with {MEMORY // 1024**2} MB of memory"
            if deaths < DEATHS_TO_BLAME:
                continue
        log.warning("symbol data cannot be read", ref=request["ref"], reason=reason)
        raise Unreadable(protocol.unreadable(Kind(request["kind"]), reason))
    raise Unavailable("one process after the other leaves without an answer")


def _living() -> Process:
    global _process
    if _process is None or not _process.is_alive:
        if _process:
            _process.close()
        _process = Process(MEMORY)
    return _process

"""The program that parses symbol data and looks positions up in it.

    python -m errortracking.symbols.child <memory>

A process of its own, because the data is whatever somebody uploaded or a web site sent: maps take twenty times their
size in memory, and a small one can be made to ask for any amount, which the library answers by ending its process.
It knows neither Django nor the database, and reads only the files that it is told.

Maps that were parsed are kept for the next request. The process ends when nobody asks for a while, and soon where it is
large, so that memory goes back to the machine. It also ends, without an answer and with status 0, when it is asked for
another map and is large already: then the next process has all the memory for that one.
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

import orjson
import psutil

from errortracking.symbols import container, protocol
from errortracking.symbols.formats import PARSERS, Parsed, base
from errortracking.symbols.lookups import Kind
from errortracking.symbols.protocol import Reply, Request

IDLE_SECONDS = 60
LARGE_IDLE_SECONDS = 5  # the next batch of events is likely to ask for the same map
KEPT_MAPS = 16
# Of a process that knows no map, some 23 MB are resident. A map of 1 MB takes some 20 MB (benchmarks/symbols.md).
LARGE_BYTES = 256 * 1024 * 1024
# The library descends into a script as deep as its code is nested; with the usual 8 MB it ends at some thousands of
# brackets or of added texts, which tables that programs write do have.
STACK_BYTES = 128 * 1024 * 1024
_ORPHANED = 3  # exit status
_PATIENCE_SECONDS = 1  # for an idle process to leave by itself when the worker is gone


def main(arguments: list[str]) -> None:
    """Answer the requests that come on standard input; ``memory`` is in bytes of address space."""
    (memory,) = map(int, arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        # the worker decides; a Ctrl-C must not look like the data's fault
        signal.signal(number, signal.SIG_IGN)
    _limit(memory)
    threading.stack_size(STACK_BYTES)
    work = threading.Thread(target=_work, args=[memory])
    work.start()
    work.join()
    os._exit(1)  # it raised: who leaves as planned does not come here


def _work(memory: int) -> None:
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints to standard output must not disturb the replies
    threading.stack_size(0)
    requests = _requests()
    maps = Maps(memory)
    _say(replies, {"kind": "ready"})
    with suppress(queue.Empty):
        while (request := requests.get(timeout=LARGE_IDLE_SECONDS if _is_large() else IDLE_SECONDS)) is not None:
            _say(replies, maps.reply(request))
    _leave()


def _limit(memory: int) -> None:
    """Set the limits of this process, which may have been started by one with limits of its own."""
    with suppress(ValueError):  # macOS does not let everybody set it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))  # the worker looks at the clock
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Maps:
    """The maps that were parsed last."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._kept: OrderedDict[tuple[str | int, ...], Parsed] = OrderedDict()

    def reply(self, request: Request) -> Reply:
        """Return the reply; nothing is raised."""
        kind = Kind(request["kind"])
        try:
            parsed = self._parsed(Path(request["path"]), kind)
            found = [parsed.find(position, request["ref"]) for position in protocol.positions(request)]
        except base.Invalid as error:
            return {"kind": "unreadable", "failure": protocol.told(error.failure)}
        except container.Broken as error:
            return {"kind": "unreadable", "failure": protocol.told(protocol.unreadable(kind, str(error)))}
        except MemoryError:
            if self._kept:
                _leave()
            why = f"reading it takes more than {self._memory // 1024**2} MB of memory"
            return {"kind": "unreadable", "failure": protocol.told(protocol.unreadable(kind, why))}
        except OSError as error:  # of this machine's disk; the formats read what is in memory
            return {"kind": "unavailable", "text": f"{type(error).__name__}: {error}"}
        except Exception as error:
            return {"kind": "defect", "text": f"{type(error).__name__}: {error}"}
        return {"kind": "answers", "answers": [protocol.encoded(answer) for answer in found]}

    def _parsed(self, path: Path, kind: Kind) -> Parsed:
        about = path.stat()
        key = (str(path), kind.value, about.st_ino, about.st_size)  # not its time, which tells when it was last used
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._kept and _is_large():
            _leave()
        contents = container.read(path)
        if contents.kind is not kind:
            raise container.Broken(f"it holds data of the kind {contents.kind}")
        self._kept[key] = parsed = PARSERS[kind](contents)
        if len(self._kept) > KEPT_MAPS:
            self._kept.popitem(last=False)
        return parsed


def _is_large() -> bool:
    return psutil.Process().memory_info().rss > LARGE_BYTES


def _leave() -> NoReturn:
    os._exit(0)  # freeing a large map piece by piece would take a second


def _say(replies: BinaryIO, reply: Reply) -> None:
    remaining = memoryview(orjson.dumps(reply) + b"\n")
    try:
        while remaining:
            remaining = remaining[replies.write(remaining) :]  # unbuffered: it may take a part only
    except BrokenPipeError:
        os._exit(_ORPHANED)


def _requests() -> queue.SimpleQueue[Request | None]:
    """Return the queue of requests, fed by a thread that ends the process when the worker is gone."""
    requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            requests.put(orjson.loads(line))
        requests.put(None)
        time.sleep(_PATIENCE_SECONDS)
        os._exit(_ORPHANED)  # in the middle of a map that nobody waits for

    threading.Thread(target=read, daemon=True, name="requests").start()
    return requests


if __name__ == "__main__":
    main(sys.argv[1:])

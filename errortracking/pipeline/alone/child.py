"""The program that processes rows alone.

    python -m errortracking.pipeline.alone.child <environment id> <lease> <memory>

A process of its own, because an event may end the process that handles it: by a crash in a library written in
C, by taking all memory, by never ending. It says which event it begins with, so that whoever watches knows
which one it was.
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
import time
from typing import BinaryIO
from uuid import UUID

import orjson

from errortracking.pipeline.alone.protocol import Report, Task

EVENT_CPU_SECONDS = 20  # an event takes some milliseconds; what takes this long will not end
_ORPHANED = 3  # exit status
_PATIENCE_SECONDS = 1  # for an idle child to leave by itself when the worker is gone


def main(arguments: list[str]) -> None:
    """Answer the tasks that come on standard input until it ends; ``memory`` is in bytes of address space."""
    environment_id, lease_id, memory = int(arguments[0]), UUID(arguments[1]), int(arguments[2])
    for number in (signal.SIGINT, signal.SIGTERM):
        # the worker decides; a Ctrl-C must not look like an event's fault
        signal.signal(number, signal.SIG_IGN)
    # The soft limit alone: the process that parses symbol data for this one sets its own.
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints to standard output must not disturb the answers
    tasks = _tasks()

    import django

    django.setup()
    from errortracking.pipeline.alone.row import process_row

    def begin(place: int) -> None:
        _say(answers, {"kind": "event", "place": place})
        _allow_processor_time()

    _say(answers, {"kind": "ready"})
    while (task := tasks.get()) is not None:
        _say(answers, process_row(environment_id, lease_id, task, begin))


def _say(answers: BinaryIO, report: Report) -> None:
    try:
        answers.write(orjson.dumps(report) + b"\n")
    except BrokenPipeError:
        os._exit(_ORPHANED)


def _allow_processor_time() -> None:
    """Let the kernel end this process (SIGXCPU) if one event takes too much, whether or not anybody watches."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + EVENT_CPU_SECONDS + 1, hard))


def _tasks() -> queue.SimpleQueue[Task | None]:
    """Return the queue of tasks, fed by a thread that ends the process when the worker is gone."""
    tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            tasks.put(orjson.loads(line))
        tasks.put(None)
        time.sleep(_PATIENCE_SECONDS)
        os._exit(_ORPHANED)  # in the middle of an event that nobody waits for: its transaction is rolled back

    threading.Thread(target=read, daemon=True, name="tasks").start()
    return tasks


if __name__ == "__main__":
    main(sys.argv[1:])

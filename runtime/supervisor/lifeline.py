"""Children end when their supervisor ends, however it ended.

The supervisor keeps the writing end of a pipe that nobody ever writes to; every child reads from it, and reads the end
of the pipe at the moment the kernel closes the other end, which it does even after ``kill -9``. Linux can signal the
death of a parent by itself; that is asked for as well, because it needs no thread that gets its turn.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

VARIABLE = "HEALTHTRACK_LIFELINE_FD"
LAST_WORK_SECONDS = 15.0  # an orphan may finish its requests or its batch for so long, then it goes at once
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def hold() -> None:
    """Watch the supervisor's pipe in a thread, if this process has one: SIGTERM to ourselves when it closes."""
    descriptor = os.environ.pop(VARIABLE, None)  # popped: a process we start does not have the descriptor
    if descriptor is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    threading.Thread(target=_watch, args=[int(descriptor)], name="lifeline", daemon=True).start()


def _watch(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # not a pipe of ours any more: the same as closed
        os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_WORK_SECONDS)
    os._exit(1)

"""One child process of the supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from environments import clock
from runtime.supervisor import identity
from runtime.supervisor.backoff import Backoff
from runtime.supervisor.state import Row

log = structlog.get_logger("healthtrack.supervisor")


@dataclass(frozen=True)
class Specification:
    """What to start: a name of its own, the role it shares with its like, and the command."""

    name: str
    role: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    stop_seconds: float = 30.0


class Child:
    """A place for one process, which may be a different one after each death."""

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self.restarts = 0
        self.deaths = 0
        self._backoff = Backoff()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._since = ""
        self._due = 0.0
        self._asked = False

    @property
    def running(self) -> bool:
        """Whether there is a process, as far as ``reap`` has seen."""
        return self._process is not None

    @property
    def due_in(self) -> float:
        """Seconds until the next start is due; 0 or less means now."""
        return self._due - time.monotonic()

    def start(self) -> None:
        """Start the process. One that cannot even be started counts as one that died at once."""
        spec = self.specification
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                spec.command,
                env={**os.environ, **spec.environment},
                stdin=subprocess.DEVNULL,
                pass_fds=spec.descriptors,
                # A session of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops all in order,
                # and the whole group, with whatever the child has started, can be ended at once.
                start_new_session=True,
            )
        except OSError as error:
            log.error("cannot start", name=spec.name, error=str(error))
            self._plan()
            return
        self._since = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        log.info("started", name=spec.name, child=self._process.pid, restarts=self.restarts)

    def reap(self) -> bool:
        """Notice a death, end what the dead process has left in its group, and plan the next start."""
        process = self._process
        if process is None or not _has_ended(process):
            return False
        _kill_group(process.pid)  # before the wait: until then the pid, and so the group's number, is not used again
        code = process.wait()
        self._process = None
        write = log.info if self._asked else log.warning
        write("ended", name=self.specification.name, child=process.pid, status=_describe(code))
        self._plan()
        return True

    def _plan(self) -> None:
        self.deaths += 1
        self.restarts += 1
        self._due = time.monotonic() + self._backoff.after_death(time.monotonic() - self._started)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, which every child answers by finishing what it has begun."""
        self._asked = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group at once."""
        if self._process is not None:
            _kill_group(self._process.pid)

    def row(self) -> Row | None:
        """Return the line of this process for ``ps``, or ``None`` between a death and the next start."""
        if self._process is None or (mark := identity.of(self._process.pid)) is None:
            return None
        spec = self.specification
        return Row(spec.name, spec.role, self._process.pid, self._since, self.restarts, mark)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"

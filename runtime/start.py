"""What ``up`` does before there is a server: each step either succeeds or says in one text why it cannot."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from django.db import connections

from config import connections as formula
from environments.provisioning import Provisioned, is_unused, provision_first
from runtime import schema
from runtime.announce import Address
from runtime.bootstrap import places
from runtime.supervisor.children import Specification
from runtime.supervisor.state import AlreadyRunning, RunFolder

log = structlog.get_logger("healthtrack.up")

BIND_SECONDS = 2.0  # how long a port may stay in use after the process that held it was ended
BACKLOG = 1024  # connections that the kernel keeps while every web process is busy or being started again
WEB_STOP_SECONDS = 25.0  # longer than runtime.server gives its requests
WORKER_STOP_SECONDS = 60.0  # a batch takes seconds; it is safe to kill one, only wasteful


class CannotStart(Exception):
    """The server cannot start; the text is for the person at the terminal."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def take_data_folder(data: Path) -> RunFolder:
    """Take the data folder for this ``up`` alone, and end what a killed one left. Raises ``CannotStart``."""
    folder = RunFolder(data)
    try:
        folder.lock()
    except AlreadyRunning:
        pids = [row.pid for row in folder.read() if row.role == "supervisor"]
        who = f" (process {pids[0]})" if pids else ""
        raise CannotStart(
            f"A server runs on the data folder {data} already{who}.\n"
            "Stop it, or choose another folder with --data-dir; `manage.py ps` shows what runs.",
            2,
        ) from None
    except OSError as error:
        raise CannotStart(
            f"The data folder {data} cannot be written ({error.strerror}).\nChoose one: --data-dir FOLDER."
        ) from None
    if ended := folder.end_leftovers():
        log.warning("ended processes that a killed supervisor had left", pids=ended)
    return folder


def listen(host: str, port: int) -> tuple[socket.socket, Address]:
    """Open the one listening socket that all web processes inherit. Raises ``CannotStart``."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, where)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStart(
            f"The server cannot listen on {host}, port {port}: {reason}.\nChoose another: --host, --port.", 2
        ) from None
    return listener, Address(host, listener.getsockname()[1])


def _bind(listener: socket.socket, where: tuple[object, ...]) -> None:
    """Bind; where the address is in use, try for a moment: the kernel may still be closing what a killed one held."""
    deadline = time.monotonic() + BIND_SECONDS
    while True:
        try:
            return listener.bind(where)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def prepare_database(
    web: int, workers: int, tell: Callable[[Provisioned, str], None]
) -> tuple[Provisioned | None, bool]:
    """Bring the database up to date and, where it is empty, make the first user with a project and a key.

    ``tell`` gets these and the password as soon as they are committed: nothing else knows them, and whatever may still
    fail or be killed must not lose them. Returns what was made, ``None`` where there were users, and whether nobody has
    used what an earlier start made. Raises ``CannotStart``.
    """
    try:
        schema.check()
        with schema.explained("it was asked for its connections"):
            refusal = formula.refusal(web, workers, schema.available_connections())
        if refusal:
            raise CannotStart(refusal)
        schema.migrate()
        password = secrets.token_urlsafe(12)
        with schema.explained("the first user was made"):
            made = provision_first(password)
            if made is not None:
                tell(made, password)
            unused = made is None and is_unused()
    except schema.DatabaseProblem as error:
        raise CannotStart(str(error)) from None
    finally:
        connections.close_all()  # the supervisor needs none
    return made, unused


def specifications(
    listener: socket.socket, web: int, workers: int, environment: dict[str, str], inherited: tuple[int, ...]
) -> list[Specification]:
    """Return what the supervisor is to run; every child gets the descriptors ``inherited``.

    One of these is the share of the embedded database: a child that outlives a killed supervisor by some seconds still
    counts as a user, and another command that ends meanwhile does not stop the server under it.
    """
    manage = (sys.executable, str(places.CHECKOUT / "manage.py"))
    descriptor = listener.fileno()
    return [
        Specification(
            name=f"{role}-{number}",
            role=role,
            command=(*manage, *arguments),
            environment={**environment, "HEALTHTRACK_ROLE": role, "HEALTHTRACK_NAME": f"{role}-{number}"},
            descriptors=(*descriptors, *inherited),
            stop_seconds=seconds,
        )
        for role, count, arguments, descriptors, seconds in (
            ("web", web, ("web", "--fd", str(descriptor)), (descriptor,), WEB_STOP_SECONDS),
            ("worker", workers, ("worker",), (), WORKER_STOP_SECONDS),
        )
        for number in range(1, count + 1)
    ]


def default_web_processes() -> int:
    """Return one per processor, at least 2 (one answers while the other is started again), at most 4."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(processors, 2), 4)

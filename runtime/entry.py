"""From a Python environment that is complete to a running command: its database, then Django.

``manage.py`` calls :func:`run`. By then every package can be imported; Django comes last, with ``DATABASE_URL`` set.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from runtime.bootstrap import places

if TYPE_CHECKING:
    from runtime.postgres import Cluster

DATABASE_FREE = frozenset(
    {
        *("help", "version", "check", "diffsettings", "findstatic", "collectstatic", "compilemessages", "makemessages"),
        *("makemigrations", "startapp", "startproject", "spectacular", "sendtestemail"),
        "ps",  # looks at what runs, and must not change it
        "test",  # makes a server of its own
    }
)
"""The commands that start no database. Any other one may need it, also one that is added later."""

SERVERS = frozenset({"up", "web", "worker", "runserver"})
"""The commands that run on and log what they do. Any other one says itself what it did, and logs only warnings."""

LOOKS = "doctor"
"""The command that needs a database and says itself why there is none."""

_cluster: Cluster | None = None


def cluster() -> Cluster | None:
    """Return the embedded PostgreSQL of this process; ``None`` where ``DATABASE_URL`` named a server."""
    return _cluster


def other_data_folder() -> str | None:
    """Return the data folder where a command must be told which one, so that a line to paste finds the database."""
    if cluster() is None:
        return None
    data = places.data_folder()
    try:
        usual = places.data_folder({k: v for k, v in os.environ.items() if k != "HEALTHTRACK_DATA_DIR"})
    except places.NoPlace:
        return str(data)
    return str(data) if data != usual else None


def run(argv: list[str]) -> int:
    """Run one command and return its exit code. May raise ``SystemExit``, as Django's commands do."""
    if argv[1:2] == ["test"]:
        from runtime.testing import command

        return command.run(argv[2:])
    try:
        _check_packages()
        argv = take_data_dir(argv)
        with _database(argv):
            return _pg(argv) if argv[1:2] == ["pg"] else _django(argv)
    except (places.NoPlace, UsageError) as error:
        print(error, file=sys.stderr)
        return 2


class UsageError(Exception):
    """The command line is wrong; the message says how."""


def take_data_dir(argv: list[str]) -> list[str]:
    """Take ``--data-dir FOLDER`` out of ``argv`` and set ``HEALTHTRACK_DATA_DIR``, for this process and its children.

    Every command has the option, so it is read here and not by each of them. What follows ``--`` is not ours.
    """
    kept, rest = list(argv), iter(range(1, len(argv)))
    taken: list[int] = []
    for index in rest:
        word = argv[index]
        if word == "--":
            break
        if word == "--data-dir":
            taken += [index, index + 1]
            os.environ["HEALTHTRACK_DATA_DIR"] = _folder(argv[index + 1] if index + 1 < len(argv) else "")
            next(rest, None)
        elif word.startswith("--data-dir="):
            taken.append(index)
            os.environ["HEALTHTRACK_DATA_DIR"] = _folder(word.partition("=")[2])
    return [word for index, word in enumerate(kept) if index not in taken]


def _folder(value: str) -> str:
    if not value:
        raise UsageError("--data-dir needs a folder")
    return os.path.abspath(value)


def needs_database(argv: list[str]) -> bool:
    """Return whether the command of ``argv`` needs a database: every one but those of ``DATABASE_FREE`` and a help."""
    if len(argv) < 2 or argv[1].startswith("-") or argv[1] in DATABASE_FREE:
        return False
    options = argv[: argv.index("--")] if "--" in argv else argv
    return not {"-h", "--help"} & set(options)


@contextmanager
def _database(argv: list[str]) -> Iterator[None]:
    """Name the data folder and have the embedded server while the command runs, unless ``DATABASE_URL`` names one."""
    global _cluster
    if not needs_database(argv) or os.environ.get("DATABASE_URL"):
        _name_data_folder(required=False)
        yield
        return
    folder = _name_data_folder(required=True)
    from runtime.postgres import Cluster, PostgresError

    _exit_on_signals()
    try:
        _refuse_to_make(argv, folder)
        _cluster = Cluster(folder)
        os.environ["DATABASE_URL"] = _cluster.acquire()
    except PostgresError as error:
        if argv[1] != LOOKS:
            raise UsageError(str(error)) from None
        os.environ["HEALTHTRACK_DATABASE_PROBLEM"] = str(error)
        yield
        return
    try:
        yield
    finally:
        _cluster.release()


def _refuse_to_make(argv: list[str], folder: Path) -> None:
    """Raise ``PostgresError`` for the command that only looks where there is no database yet: it makes none."""
    from runtime.postgres import PostgresError
    from runtime.postgres.home import NAME

    if argv[1] == LOOKS and not os.path.lexists(folder / NAME):
        raise PostgresError(f"There is no database in {folder} yet.")


def _name_data_folder(*, required: bool) -> Path:
    """Set ``HEALTHTRACK_DATA_DIR`` to the data folder, so that children and settings see the same one."""
    try:
        folder = places.data_folder()
    except places.NoPlace:
        if required:
            raise
        return Path()
    os.environ["HEALTHTRACK_DATA_DIR"] = str(folder)
    return folder


def _exit_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack, so that the server is left in order; a command may set its own."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP, and means it
            signal.signal(number, leave)


def _check_packages() -> None:
    """Say it in words where somebody's own environment, which manage.py leaves alone, lacks what is needed."""
    for name in ("django", "psycopg", "psutil"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"{name} is missing in the Python environment in use ({sys.prefix}).\n"
                "Leave it (`deactivate`), so that manage.py makes its own, or install requirements/runtime.txt into it."
            )


def _pg(argv: list[str]) -> int:
    from runtime.postgres import pg

    return pg.run(argv[2:])


def _django(argv: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if argv[1:2] and argv[1] not in SERVERS:
        os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "WARNING")
    from django.core.management import execute_from_command_line

    _check_settings()
    execute_from_command_line(argv)
    return 0


def _check_settings() -> None:
    """Read the settings now, so that a wrong value in the environment is one line and no traceback."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
        importlib.import_module("config.connections")
    except (ValueError, OSError, ImproperlyConfigured) as error:
        raise UsageError(f"The environment variables are not usable: {error}") from None

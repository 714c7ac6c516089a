"""The Python environment that ``manage.py`` makes for itself: ``.venv``, or one in the user's cache folder."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from runtime.bootstrap import condition, pip, places, stamp
from runtime.bootstrap.condition import python as _python
from runtime.bootstrap.progress import Progress
from runtime.bootstrap.stamp import INCLUDES, REQUIREMENTS, Stamp

LOOP_GUARD = "HEALTHTRACK_EXECUTED_BY"


def ensure(argv: list[str], checkout: Path = places.CHECKOUT) -> None:
    """Return where the running interpreter is the right one; else make the environment and run ``argv`` in it.

    Inside an active virtual environment, and where ``HEALTHTRACK_NO_BOOTSTRAP`` is set (a container image, which brings
    its packages), nothing is made. ``test`` needs the development packages, every other command those of the server.
    """
    if sys.prefix != sys.base_prefix or os.environ.get("HEALTHTRACK_NO_BOOTSTRAP", "0") not in {"", "0"}:
        return
    wanted = "dev" if argv[1:2] == ["test"] else "runtime"
    try:
        folder = _find_or_make(checkout, wanted)
    except (pip.InstallError, places.NoPlace) as error:
        sys.exit(f"\n{error}")
    except OSError as error:
        sys.exit(f"\nThe Python environment could not be made: {error}\nThe command can simply be run again.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The command can simply be run again.")
    python = _python(folder)
    if os.environ.get(LOOP_GUARD) == str(os.getpid()):  # exec keeps the process id
        sys.exit(f"{python} does not run as a virtual environment. Remove {folder} and try again.")
    os.environ[LOOP_GUARD] = str(os.getpid())
    # pip has compiled nothing. Without bytecode every process of the server would compile Django again at each start,
    # which costs more than a second of each; the environment is ours, so it is ours to write to.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execv(python, [str(python), *argv])  # noqa: S606 - our own interpreter, no shell


def _find_or_make(checkout: Path, wanted: str) -> Path:
    """Return an environment that has the packages ``wanted``: one that is ready, else the first that can be used."""
    beside = checkout / ".venv"
    if _is_ready(beside, checkout, wanted):
        return beside
    folder = beside
    if not condition.can_be_used(beside):
        cache = places.cache_folder() / places.checkout_key(checkout)
        # The last is of this interpreter alone, and so never in the way of another.
        folders = [cache / "venv", cache / f"venv-{stamp.interpreter_key(cache)[:12]}"]
        for folder in folders:
            if _is_ready(folder, checkout, wanted):
                return folder
        folder = next(filter(condition.can_be_used, folders), folders[-1])
        if os.path.lexists(beside):
            why = "read-only, of another Python, or broken and not made here"
            Progress().line(f"{beside} stays as it is ({why}); {folder} is used instead")
    _make(folder, checkout, wanted)
    return folder


def _is_ready(folder: Path, checkout: Path, wanted: str) -> bool:
    found = Stamp.read(folder)
    return (
        found is not None
        and found.key == stamp.interpreter_key(folder)
        and found.locks.get(wanted) == stamp.lock_hashes(checkout)[wanted]
        and (folder / "pyvenv.cfg").is_file()
        and os.access(_python(folder), os.X_OK)
        and set(found.installed) <= set(stamp.distributions(folder))
    )


def _make(folder: Path, checkout: Path, wanted: str) -> None:
    progress = Progress()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, progress) as lock, _terminated_as_exit():
        if _is_ready(folder, checkout, wanted):  # another command made it while this one waited
            return
        progress.line(f"Python {sys.version.split()[0]}, environment {folder}")
        hashes = stamp.lock_hashes(checkout)  # before pip reads the files: a change meanwhile must not be stamped
        if not condition.can_be_refreshed(folder):
            _create(folder, progress)
        elif stamp.unfinished(folder) is not None or not _is_whole(folder):
            condition.forget_half_packages(folder, checkout / REQUIREMENTS["dev"])
        stamp.begin(folder, stamp.INSTALLING)
        pip.install(_python(folder), checkout / REQUIREMENTS[wanted], progress, lock)
        locks = {name: hashes[name] for name in INCLUDES[wanted]}
        Stamp(stamp.interpreter_key(folder), locks, stamp.distributions(folder)).write(folder)
        progress.line("the environment is ready")


def _is_whole(folder: Path) -> bool:
    found = Stamp.read(folder)
    return found is None or set(found.installed) <= set(stamp.distributions(folder))


def _create(folder: Path, progress: Progress) -> None:
    """Make an empty environment in ``folder``, whatever of ours was there before."""
    try:
        import venv
    except ImportError:
        text = "This Python has no module venv. On Debian and Ubuntu: apt-get install python3-venv"
        raise pip.InstallError(text) from None
    # An own pip costs three seconds; the interpreter's does as well, where there is one.
    own_pip = pip.runner() is None
    if own_pip and importlib.util.find_spec("ensurepip") is None:
        raise pip.InstallError("This Python has no pip. On Debian and Ubuntu: apt-get install python3-pip")
    if not condition.can_be_used(folder):  # somebody filled it while we waited for the lock
        raise pip.InstallError(f"{folder} holds something that is not ours. The command can simply be run again.")
    progress.line("creating it")
    (folder / stamp.OURS).touch()
    stamp.begin(folder, stamp.CREATING)
    for entry in folder.iterdir():
        if entry.name in stamp.KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    try:
        venv.create(folder, with_pip=own_pip, symlinks=True)
    except subprocess.CalledProcessError as error:
        raise pip.InstallError(f"ensurepip failed: {(error.output or b'').decode(errors='replace')}") from None


@contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[int]:
    """Hold the environment's lock and yield its descriptor; says so where it must wait for another command."""
    path = folder / stamp.LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.line(f"another command is making {folder}; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            break
        os.close(descriptor)  # somebody removed the folder while we waited: its lock protects nothing
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exit that ends pip as well."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

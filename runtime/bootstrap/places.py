"""Where files may go: the home, cache and data folders of this account, on machines where any of them may be missing.

Nothing here is taken from ``os.path.expanduser``: it trusts an empty ``HOME`` and then answers ``/``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

try:
    import pwd
except ImportError:  # pragma: no cover - Windows; manage.py refuses it with a text before this matters
    pwd = None  # type: ignore[assignment]

CHECKOUT = Path(__file__).resolve().parent.parent.parent
"""The folder that holds manage.py."""


class NoPlace(Exception):
    """No folder fits; the message says what to set."""


def home(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the home folder: ``HOME``, else the one of the account's passwd entry; ``None`` where neither exists."""
    candidates = [environ.get("HOME", "")]
    if pwd is not None:
        with contextlib.suppress(KeyError):  # an uid without an entry, as `docker run --user 1234` makes
            candidates.append(pwd.getpwuid(os.getuid()).pw_dir)
    for candidate in candidates:
        if os.path.isabs(candidate) and os.path.isdir(candidate):
            return Path(candidate)
    return None


def is_writable(folder: Path) -> bool:
    """Return whether ``folder`` is a directory to write in, or could be made inside the nearest one that exists."""
    while not folder.exists():
        if folder.is_symlink() or folder == folder.parent:
            return False
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def checkout_key(checkout: Path = CHECKOUT) -> str:
    """Return 12 hex digits that stand for this checkout in folders shared by several."""
    return hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]


def cache_folders(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield folders for what can be made again, best first; the last resort lies in a temporary folder.

    ``XDG_CACHE_HOME`` counts only when absolute, as its specification says.
    """
    xdg = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        yield Path(xdg, "healthtrack")
    if base := home(environ):
        yield base / ".cache" / "healthtrack"
    for parent in temporary_folders(environ):
        yield parent / f"healthtrack-{os.getuid()}"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the first usable cache folder, made with mode 0700. Raises :class:`NoPlace`."""
    for folder in cache_folders(environ):
        if is_writable(folder) and make_own(folder):
            return folder
    raise NoPlace("There is no folder to write to: set XDG_CACHE_HOME to one.")


def temporary_folders(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield the temporary folders that exist; ``/var/tmp`` before ``/tmp``, because it survives a restart."""
    seen: set[str] = set()
    for name in (environ.get("TMPDIR", ""), "/var/tmp", "/tmp", "/dev/shm"):  # noqa: S108 - guarded by make_own
        if os.path.isabs(name) and os.path.isdir(name) and name not in seen:
            seen.add(name)
            yield Path(name)


def make_own(folder: Path, mode: int = 0o700) -> bool:
    """Make ``folder`` and return whether it is a real directory of this account that nobody else can write to.

    A link or somebody else's folder under a name that can be guessed (``/tmp/…``) is a trap: it answers ``False``.
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    private = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and private and os.access(folder, os.W_OK)


def data_folder(environ: Mapping[str, str] = os.environ, checkout: Path = CHECKOUT) -> Path:
    """Return the data folder without making it: ``HEALTHTRACK_DATA_DIR``, ``<checkout>/.data``, or the user's own.

    Raises :class:`NoPlace` where none can be written. Never a temporary folder: what was accepted must stay.
    """
    if named := environ.get("HEALTHTRACK_DATA_DIR"):
        return Path(os.path.abspath(named))
    candidates = [checkout / ".data"]
    xdg = environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(xdg):
        candidates.append(Path(xdg, "healthtrack"))
    if base := home(environ):
        candidates.append(base / ".local" / "share" / "healthtrack")
    for candidate in candidates:
        if is_writable(candidate):
            return candidate
    tried = ", ".join(map(str, candidates))
    raise NoPlace(f"No data folder can be written (tried {tried}).\nName one by --data-dir or HEALTHTRACK_DATA_DIR.")

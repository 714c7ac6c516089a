"""What may be done with a folder where an environment should be: go on in it, make it anew, or leave it alone.

A folder that somebody else made is never emptied. One of ours is emptied only where its interpreter does not run:
a server may be running from it, with PostgreSQL's programs in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from runtime.bootstrap import stamp

RUN_SECONDS = 20.0


def python(folder: Path) -> Path:
    """Return the environment's interpreter."""
    return folder / "bin" / "python"


def can_be_used(folder: Path) -> bool:
    """Return whether ``folder`` can become an environment for the running interpreter without harm to anybody."""
    if not os.path.lexists(folder):
        parent = next(parent for parent in folder.parents if parent.exists())
        return os.access(parent, os.W_OK)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    return can_be_refreshed(folder) or _is_empty(folder) or ((folder / stamp.OURS).exists() and not _runs(folder))


def can_be_refreshed(folder: Path) -> bool:
    """Return whether pip may go on in what is there: an environment of this interpreter, ours or a person's own."""
    if stamp.unfinished(folder) == stamp.CREATING or not os.access(python(folder), os.X_OK):
        return False
    same_version = _version(folder) == list(sys.version_info[:2])
    return same_version and os.path.realpath(python(folder)) == os.path.realpath(sys.executable)


def forget_half_packages(folder: Path, lock: Path) -> None:
    """Remove the records of packages of ``lock`` that are not whole, so that pip does not take them for installed.

    pip writes a package's RECORD last; one that was interrupted has none, or names files that are not there. Only the
    record goes: pip then installs over the files.
    """
    pinned = {_normal(name) for name in re.findall(r"^[A-Za-z0-9._-]+", lock.read_text(encoding="utf-8"), re.M)}
    for information in folder.glob("lib/python*/site-packages/*.dist-info"):
        if _normal(information.name.removesuffix(".dist-info").partition("-")[0]) in pinned and not _whole(information):
            shutil.rmtree(information)


def _whole(information: Path) -> bool:
    try:
        lines = (information / "RECORD").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    names = (line.rsplit(",", 2)[0].strip('"').replace('""', '"') for line in lines)
    return all(os.path.lexists(information.parent / name) for name in names if not name.endswith(".pyc"))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(folder: Path) -> list[int] | None:
    """Return the major and minor version that the environment was made for."""
    try:
        text = (folder / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, re.M)
    return [int(found[1]), int(found[2])] if found else None


def _is_empty(folder: Path) -> bool:
    return all(entry.name in stamp.KEPT for entry in folder.iterdir())


def _runs(folder: Path) -> bool:
    """Return whether an environment that was made completely has an interpreter that runs, of whatever version."""
    version = _version(folder)
    if version is None or stamp.unfinished(folder) == stamp.CREATING:
        return False
    question = f"import sys; sys.exit(sys.prefix == sys.base_prefix or list(sys.version_info[:2]) != {version})"
    try:
        done = subprocess.run(
            [python(folder), "-I", "-c", question], capture_output=True, timeout=RUN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True  # slow is not broken
    except OSError:
        return False
    return done.returncode == 0

"""What an environment was made of: written last, so that whatever was interrupted has none."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

REQUIREMENTS = {"runtime": "requirements/runtime.txt", "dev": "requirements/dev.txt"}
INCLUDES = {"runtime": ("runtime",), "dev": ("dev", "runtime")}
"""What a set of packages contains. A test holds every pin of the first file equal to the second's."""

LOCK = ".healthtrack.lock"
UNFINISHED = ".healthtrack.unfinished"
OURS = ".healthtrack.ours"
"""Says that the folder was made here from nothing: only then may it be emptied."""
KEPT = (LOCK, UNFINISHED, OURS)
"""What stays when an environment is emptied."""
CREATING, INSTALLING = "creating", "installing"


def interpreter_key(venv: Path) -> str:
    """Return what binds an environment: Python's version and build, the platform, the executable, and its own place
    (scripts in it name that place, so an environment that was moved or copied is remade)."""
    parts = (
        sys.implementation.name,
        sys.version,
        sysconfig.get_platform(),
        os.path.realpath(sys.executable),
        str(venv),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def lock_hashes(checkout: Path) -> dict[str, str]:
    """Return the hash of each lock file by the name of its set."""
    return {name: hashlib.sha256((checkout / path).read_bytes()).hexdigest() for name, path in REQUIREMENTS.items()}


def distributions(venv: Path) -> list[str]:
    """Return the names of the installed packages' folders: cheap to read, and gone when somebody removes a package."""
    return sorted(path.name for path in venv.glob("lib/python*/site-packages/*.dist-info"))


@dataclass(frozen=True)
class Stamp:
    """The content of ``<venv>/.healthtrack.json``."""

    key: str
    locks: dict[str, str] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, venv: Path) -> Stamp | None:
        """Return the stamp of an environment; ``None`` where it has none or an unreadable one."""
        try:
            found = json.loads(_path(venv).read_text(encoding="utf-8"))
            return cls(str(found["key"]), dict(found["locks"]), list(found["installed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, venv: Path) -> None:
        """Write it in one step: a reader sees the whole stamp or none."""
        unfinished = _path(venv).with_suffix(".new")
        text = json.dumps({"key": self.key, "locks": self.locks, "installed": self.installed})
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(_path(venv))
        (venv / UNFINISHED).unlink(missing_ok=True)


def begin(venv: Path, what: str) -> None:
    """Mark the environment as unfinished, and in which step; :meth:`Stamp.write` takes the mark away."""
    (venv / UNFINISHED).write_text(what, encoding="utf-8")
    _path(venv).unlink(missing_ok=True)


def unfinished(venv: Path) -> str | None:
    """Return the step in which a change of the environment was interrupted, ``None`` where none was."""
    try:
        return (venv / UNFINISHED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _path(venv: Path) -> Path:
    return venv / ".healthtrack.json"

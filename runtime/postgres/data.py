"""The data folder of one PostgreSQL server: made, checked, started and stopped by PostgreSQL's own programs.

Whoever calls holds the start lock of the cluster; nothing here guards against a second caller.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import tempfile
from pathlib import Path

from runtime.bootstrap import progress
from runtime.postgres import settings
from runtime.postgres.errors import PostgresError
from runtime.postgres.programs import Programs

START_SECONDS = 600
"""How long a start may take. A crash recovery with much to replay takes minutes; a failed start ends at once."""
STOP_SECONDS = 60


class DataFolder:
    """``<home>/data`` and the programs that work on it."""

    def __init__(self, home: Path, programs: Programs, *, durable: bool) -> None:
        self.path = home / "data"
        self.log = home / "start.log"
        self.programs = programs
        self.durable = durable

    def make_if_missing(self) -> None:
        """Run initdb where there are no data yet. Raises :class:`PostgresError` for data of another major version.

        It works in ``data.new-…``, renamed when complete, so that an interrupted initdb never looks complete. Each try
        has a folder of its own: what an interrupted one has started may still be writing into the last.
        """
        if self.path.exists():
            self._check_version()
            return
        progress.tell("making a database, which takes some seconds, once")
        for locale in self._locales():
            self._remove_unfinished()
            unfinished = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.path.parent))
            self.programs.account.own(unfinished)
            options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", *locale]
            if not self.durable:
                options.append("--no-sync")
            done = self.programs.run("initdb", "-D", str(unfinished), "--no-instructions", *options)
            if done.returncode == 0:
                unfinished.rename(self.path)
                return
        self._remove_unfinished()
        raise PostgresError(f"PostgreSQL's initdb failed in {unfinished}:\n{_tail(done.stdout + done.stderr)}")

    def _remove_unfinished(self) -> None:
        for folder in self.path.parent.glob("data.new-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _locales(self) -> list[list[str]]:
        """Return the locale options to try. The builtin locale (17 and newer) sorts the same on every machine."""
        if self.programs.major >= 17:
            return [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
        return [["--locale=C", "--lc-ctype=C.UTF-8"], ["--locale=C"]]

    def _check_version(self) -> None:
        try:
            major = (self.path / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise PostgresError(
                f"{self.path} exists and is not a PostgreSQL data folder. Move it away, or choose another --data-dir."
            ) from None
        if major != str(self.programs.major):
            raise PostgresError(_other_version(self.path, major, self.programs))

    def postmaster(self) -> tuple[int, Path] | None:
        """Return the process id and socket folder that the server noted at its start; ``None`` where it was stopped."""
        try:
            lines = (self.path / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0]), Path(lines[4])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def start(self, socket_folder: Path, server_lock: int) -> None:
        """Start the server, which keeps ``server_lock`` open for as long as any of its processes lives.

        Returns when it accepts connections. Raises :class:`PostgresError` with the end of its log where it does not.
        """
        # No process has the lock, so the file is a left-over, and its process id may long be somebody else's: then
        # PostgreSQL would refuse to start.
        self.path.joinpath("postmaster.pid").unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        self.log.touch(mode=0o600)
        self.programs.account.own(self.log)
        words = settings.arguments(socket_folder, durable=self.durable)
        options = " ".join(f"-c {shlex.quote(word)}" for word in words)
        # Names relative to the home: pg_ctl puts them into a shell's double quotes, where a "$" would be interpreted.
        arguments = ["-D", self.path.name, "-w", "-t", str(START_SECONDS), "-l", self.log.name, "-o", options]
        done = self.programs.run("pg_ctl", "start", *arguments, cwd=self.path.parent, pass_fds=(server_lock,))
        if done.returncode:
            raise PostgresError(f"PostgreSQL did not start in {self.path}:\n{self._log_tail() or _tail(done.stderr)}")

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back. Raises :class:`PostgresError` where it does not end."""
        for mode in ("fast", "immediate"):
            done = self.programs.run("pg_ctl", "stop", "-D", str(self.path), "-w", "-t", str(STOP_SECONDS), "-m", mode)
            if done.returncode == 0 or self.postmaster() is None:
                return
        raise PostgresError(f"PostgreSQL did not stop in {self.path}:\n{_tail(done.stderr)}")

    def forget(self) -> None:
        """Delete the data of a cluster made for tests, so that the next start makes it anew."""
        if not self.durable and (self.path / "PG_VERSION").exists():  # whatever else it may be is not ours
            shutil.rmtree(self.path, ignore_errors=True)

    def _log_tail(self) -> str:
        """Return the end of what the server said at its last start; most of it is in the collector's file."""
        texts = []
        with contextlib.suppress(OSError, ValueError):  # no log yet
            texts.append(self.log.read_text(encoding="utf-8", errors="replace"))
            if "logging collector" in texts[0]:
                newest = max((self.path / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
                texts.append(newest.read_text(encoding="utf-8", errors="replace"))
        return "\n".join(map(_tail, texts))


def _tail(text: str, lines: int = 10) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _other_version(path: Path, major: str, programs: Programs) -> str:
    return (
        f"{path} holds the data of PostgreSQL {major}; the programs here are PostgreSQL {programs.version}"
        f" ({programs.folder}).\nNothing was changed. Any of these goes on from here:\n"
        f"  1. Keep using PostgreSQL {major}: install it, and set HEALTHTRACK_POSTGRES_BIN to its folder of programs.\n"
        "  2. Take the data along. With that variable set:\n"
        "         python3 manage.py pg pg_dump -Fc -f /tmp/healthtrack.dump\n"
        "     Then without it, and with the new folder from then on:\n"
        "         python3 manage.py pg --data-dir NEW_FOLDER pg_restore -d healthtrack /tmp/healthtrack.dump\n"
        "  3. Begin anew: choose another --data-dir."
    )

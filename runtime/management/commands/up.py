"""``manage.py up``: the whole server."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError

from environments import clock
from environments.provisioning import Provisioned
from runtime import announce, entry, metrics, secret_key, start
from runtime.announce import Address
from runtime.bootstrap import places
from runtime.management.numbers import between
from runtime.supervisor import identity, lifeline
from runtime.supervisor.database import DatabaseGuard
from runtime.supervisor.state import Row, RunFolder
from runtime.supervisor.supervise import STOPPING_SIGNALS, Supervisor

log = structlog.get_logger("healthtrack.up")


class Command(BaseCommand):
    """Starts the database, the web processes and the workers, watches over them, and stops them in order."""

    help = "Run the server: database, web processes and workers. The first start makes a user, a project and a key."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to listen and how many processes to run."""
        parser.add_argument(
            "--host", default="127.0.0.1", help="Where to listen. Default: 127.0.0.1, this machine only."
        )
        parser.add_argument(
            "--port",
            type=between(0, 65535),
            default=os.environ.get("PORT") or 8000,
            help="0 takes a free one. Default: the variable PORT, else 8000.",
        )
        parser.add_argument(
            "--web", type=between(1, 64), metavar="N", help="Web processes. Default: one per CPU, 2 to 4."
        )
        parser.add_argument("--workers", type=between(0, 64), default=1, metavar="N", help="Workers. Default: 1.")
        parser.add_argument("--data-dir", metavar="FOLDER", help="The data folder (every command takes this option).")

    def handle(self, *_: Any, host: str, port: int, web: int | None, workers: int, **__: Any) -> None:
        """Run until SIGTERM, SIGHUP or Ctrl-C."""
        os.environ["HEALTHTRACK_ROLE"] = "supervisor"
        lifeline.hold()  # a program that started us may hold one, as the tests do
        early = _EarlySignals()
        data = places.data_folder()
        try:
            folder = start.take_data_folder(data)
            try:
                listener, address = start.listen(host, port)
                self._serve(data, folder, listener, address, web or start.default_web_processes(), workers, early)
            finally:
                folder.unlock()
        except start.CannotStart as error:
            raise CommandError(str(error), returncode=error.code) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted before the server was up.", returncode=130) from None

    def _serve(
        self,
        data: Path,
        folder: RunFolder,
        listener: Any,
        address: Address,
        web: int,
        workers: int,
        early: _EarlySignals,
    ) -> None:
        folder.note_url(address.url)
        teller = _Teller(self, address)
        teller.made, teller.unused = start.prepare_database(web, workers, teller.tell_credentials)
        early.check()
        environment = {
            **_key(data),
            "HEALTHTRACK_NO_BOOTSTRAP": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # unset: children that are started again should not compile all again
            "HEALTHTRACK_SITE_URL": os.environ.get("HEALTHTRACK_SITE_URL") or address.url,
            metrics.FOLDER_VARIABLE: str(folder.empty_metrics()),
        }
        cluster = entry.cluster()
        supervisor = Supervisor(
            start.specifications(
                listener, web, workers, environment, () if cluster is None else (cluster.lock_descriptor,)
            ),
            folder,
            _me(),
            DatabaseGuard(cluster) if cluster is not None else None,
        )
        announce.when_ready(address, teller.set_ready)

        def on_tick() -> None:
            if teller.ready and not supervisor.ready:
                supervisor.ready = True
                teller.tell_all()

        supervisor.run(on_tick, before_stop=listener.close)
        if supervisor.failure is not None:
            raise start.CannotStart(f"{supervisor.failure}; the log above says why.")
        self.stdout.write("Stopped.")


class _EarlySignals:
    """Ends the start when a signal comes, until the supervisor listens itself.

    A handler of Python's ends what runs by an exception, and that may be lost: in a finaliser, in a callback of a weak
    reference or of a C library it is printed, and all goes on. So the signal is remembered, too.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        for number in STOPPING_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup, or a shell, wants it to be ignored, and means it
                signal.signal(number, self._come)

    def _come(self, number: int, _frame: FrameType | None) -> None:
        self._came = number
        self.check()

    def check(self) -> None:
        """Raise what ends the start, if a signal came: KeyboardInterrupt or SystemExit."""
        if self._came == signal.SIGINT:
            raise KeyboardInterrupt
        if self._came is not None:
            sys.exit(128 + self._came)


class _Teller:
    """Tells the credentials as soon as they exist, whatever comes of the start, and the addresses once they answer."""

    def __init__(self, command: BaseCommand, address: Address) -> None:
        self._command, self._url = command, os.environ.get("HEALTHTRACK_SITE_URL") or address.url
        self._local = address.url
        self.made: Provisioned | None = None
        self.unused = False
        self.ready = False

    def set_ready(self) -> None:
        """Note that the server answers; called from another thread."""
        self.ready = True

    def tell_credentials(self, made: Provisioned, password: str) -> None:
        """Print what only a first start knows."""
        self._write(announce.credentials(made, password) + "\n")

    def tell_all(self) -> None:
        """Print the addresses, and what to do first or, where the credentials may be lost, how to get new ones."""
        text = announce.addresses(self._url.rstrip("/"))
        if self.made is not None:
            text += "\n" + announce.first_steps(self._local, self.made)
        elif self.unused:
            text += "\n" + announce.never_used(entry.other_data_folder())
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._command.stdout.write(text)
            self._command.stdout.flush()
        except OSError:  # nobody reads any more; the server runs on
            log.warning("standard output is closed")


def _key(data: Path) -> dict[str, str]:
    try:
        return secret_key.ensure(data)
    except OSError as error:
        raise start.CannotStart(f"The secret key in {data} cannot be used ({error.strerror}).") from None


def _me() -> Row:
    pid = os.getpid()
    since = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    return Row("supervisor", "supervisor", pid, since, 0, identity.of(pid) or "")

"""``manage.py web``: one web process; started by ``up``."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import env
from config.connections import WEB_THREADS
from runtime.server import Server
from runtime.supervisor import lifeline


class Command(BaseCommand):
    """Serves requests on a socket that it inherits."""

    help = "Serve requests on a listening socket inherited from `up`, which starts this by itself."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the descriptor of the socket."""
        parser.add_argument("--fd", type=int, required=True, help="The descriptor of the listening socket.")

    def handle(self, *_: Any, fd: int, **__: Any) -> None:
        """Serve until SIGTERM, or until the supervisor is gone."""
        lifeline.hold()
        try:
            listener = socket.socket(fileno=fd)
        except OSError as error:
            raise CommandError(
                f"{fd} is no listening socket ({error.strerror}); `manage.py up` starts this command."
            ) from None
        from config.wsgi import application  # late: it loads every view

        Server(application, listener, WEB_THREADS, env.integer("HEALTHTRACK_TRUSTED_PROXIES", 0)).run()

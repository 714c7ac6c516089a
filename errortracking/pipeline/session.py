"""How the pipeline's database sessions are set up, so that one that hangs does not hold a project for ever."""

from __future__ import annotations

from contextlib import suppress

from django.db import DatabaseError, connection

# Who waits this long for a lock gives way (and is less than an event may take in a child). A worker that was frozen, or
# whose machine is gone, loses its session, and with it the project.
_SETTINGS = """
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '3min';
    SET idle_session_timeout = '15min';
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3
"""
# A session whose worker was killed while it waited for a lock would otherwise notice that only when it gets the lock.
_CHECK_CLIENT = "SET client_connection_check_interval = '2s'"


def prepare() -> None:
    """Set up the connection of this thread, making it if need be. Not to be called inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        with suppress(DatabaseError):  # a server that runs on Windows cannot look
            cursor.execute(_CHECK_CLIENT)

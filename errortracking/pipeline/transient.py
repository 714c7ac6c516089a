"""Tells errors that pass by themselves (the database is away, a deadlock) from those that the same rows bring back."""

from __future__ import annotations

import django.db
import psycopg

# SQLSTATE classes (PostgreSQL's appendix «Error Codes»): connection exception, transaction rollback
# (serialization, deadlock), insufficient resources (disk full, too many connections), operator intervention
# (shutdown, crash), system error (I/O). Class 54, program limit exceeded, is not among them although psycopg
# calls it an OperationalError: a row that is too large for an index will be too large tomorrow.
_CLASSES = ("08", "40", "53", "57", "58")
# A lock was not to be had in time; a standby that may not write, during a failover; a session that was ended because it
# idled in a transaction.
_STATES = ("55P03", "25006", "25P03")
_MAY_PASS = (django.db.OperationalError, django.db.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed later without anything being changed."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    cause = error.__cause__ if isinstance(error, django.db.Error) else error
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return state[:2] in _CLASSES or state in _STATES
    return isinstance(error, _MAY_PASS)  # without a state: the connection could not be made, or broke

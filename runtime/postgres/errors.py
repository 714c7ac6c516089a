"""The one exception of this package."""

from __future__ import annotations


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be had. The message is for the person at the terminal and says what to do."""

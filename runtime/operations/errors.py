"""The one exception of backup and restore."""

from __future__ import annotations


class OperationFailed(Exception):
    """It could not be done. The text is for the person at the terminal: what, why, and what to do."""

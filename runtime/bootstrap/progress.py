"""What the person at the terminal sees while the environment is made. On stderr: a command's stdout may be JSON."""

from __future__ import annotations

import sys
import time
from typing import TextIO

QUIET_SECONDS = 5.0
"""How often a line that cannot be overwritten (a log, a pipe) is repeated."""


def tell(text: str, stream: TextIO | None = None) -> None:
    """Say at a terminal what takes some seconds, so that nobody gives up; logs and pipes get nothing."""
    stream = stream or sys.stderr
    if stream.isatty():
        stream.write(f"healthtrack: {text}\n")
        stream.flush()


class Progress:
    """Lines with the seconds since the start; on a terminal, :meth:`step` overwrites its own line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._begun = self._last_step = time.monotonic()
        self._open = False

    def line(self, text: str) -> None:
        """Print one line that stays."""
        self._write(f"{self._label()}{text}\n")
        self._open = False

    def step(self, text: str) -> None:
        """Show how far it is: at once on a terminal, every ``QUIET_SECONDS`` elsewhere."""
        now = time.monotonic()
        if self._terminal:
            self._write(f"{self._label()}{text[:60]}\x1b[K")
            self._open = True
        elif now - self._last_step >= QUIET_SECONDS:
            self.line(text)
            self._last_step = now

    def _label(self) -> str:
        return f"healthtrack [{time.monotonic() - self._begun:4.0f} s] "

    def _write(self, text: str) -> None:
        ending = "\x1b[K\n" if text.endswith("\n") and self._open else ""
        self._stream.write(("\r" if self._open else "") + (text[:-1] + ending if ending else text))
        self._stream.flush()

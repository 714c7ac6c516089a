"""What the person at the terminal is told while something takes long."""

from __future__ import annotations

import io

import pytest

from runtime.bootstrap import progress


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "said"), [(Terminal(), "healthtrack: making tea\n"), (io.StringIO(), "")])
def test_a_terminal_is_told_and_a_log_is_not(stream: io.StringIO, said: str) -> None:
    progress.tell("making tea", stream)
    assert stream.getvalue() == said

"""What docs/api.md tells the users of generated clients: its commands and its examples, taken from there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

SECTION: Final = (
    (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8").partition("\n## Generated clients\n")[2]
).partition("\n## ")[0]
ADDRESS: Final = "http://127.0.0.1:8000"
KEY: Final = "phx_…"


def commands(language: str) -> list[list[str]]:
    """Return the words of the commands that stand before the example in ``language``."""
    before = SECTION.partition(f"```{language}\n")[0]
    return [shlex.split(line) for line in re.findall(r"```sh\n(.*?)```", before, re.DOTALL)[-1].splitlines()]


def example(language: str, url: str, key: str) -> str:
    """Return the example in ``language``, for a server and a key that exist."""
    [text] = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    assert ADDRESS in text
    assert KEY in text
    return str(text).replace(ADDRESS, url).replace(KEY, key)

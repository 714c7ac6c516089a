"""What the tests with real SDKs share: running a program, and reading back what the server made of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.node import install

T = TypeVar("T")

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
PATIENCE = (
    30.0  # seconds; generous, since the test machine may be busy. The product's own bar is measured in benchmarks/
)


def run_python(name: str, *arguments: str, expect: int = 0) -> str:
    """Run a program with this environment's Python and the real posthog-python; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / name), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


def install_node_packages(folder: Path) -> Path:
    """Install the locked npm packages into ``folder`` beside copies of the programs; return the folder."""
    for program in PROGRAMS.glob("*.mjs"):
        shutil.copy(program, folder / program.name)
    return install(HERE, folder)


class Project:
    """One project of a live server, seen by a client with a personal API key."""

    def __init__(self, url: str, answer: dict[str, Any]) -> None:
        self.url = url
        self.token: str = answer["project_token"]
        self.key: str = answer["personal_api_key"]
        self.environment_id: int = answer["environment_id"]

    def get(self, path: str) -> Any:
        """Return the JSON at ``path`` below ``error_tracking/``."""
        answer = requests.get(
            f"{self.url}/api/environments/{self.environment_id}/error_tracking/{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def frames(self, at_least: int) -> list[dict[str, Any]]:
        """Wait until the project has ``at_least`` stack frames and return them all."""
        return until(lambda: self._frames(at_least))

    def _frames(self, at_least: int) -> list[dict[str, Any]] | None:
        page = self.get("stack_frames/?limit=1000")
        return page["results"] if page["count"] >= at_least else None


def until(question: Callable[[], T | None]) -> T:
    """Ask until the answer is not None and return it; fail after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = question()
        if answer is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"nothing came within {PATIENCE:g} s")

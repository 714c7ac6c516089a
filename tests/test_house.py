"""The house rules that tools check: each tool runs once, here, so that one command covers everything."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bootstrap.places import CHECKOUT

REQUIREMENTS = CHECKOUT / "requirements"
ROOMS = (
    "config",
    "runtime",
    "environments",
    "notifications",
    "errortracking",
    "healthtrack",
    "outbound",
    "tests",
    "benchmarks",
)


def run(*words: str) -> None:
    """Run a tool of the environment in the checkout; its output is the failure's text."""
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{' '.join(words)}\n{done.stdout}", pytrace=False)


def sources() -> Iterator[Path]:
    """The project's Python files."""
    yield CHECKOUT / "manage.py"
    for room in ROOMS:
        yield from (CHECKOUT / room).rglob("*.py")


def pins(name: str) -> dict[str, str]:
    """The lock file's lines with a version, by the package's name, markers included."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?(==.*?)\s*\\?$", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_the_linter_has_nothing_to_say() -> None:
    run("ruff", "check", "--quiet", ".")


def test_every_file_is_formatted() -> None:
    run("ruff", "format", "--check", "--quiet", ".")


def test_the_types_hold() -> None:
    run(sys.executable, "-m", "mypy")


def test_the_types_of_every_room_are_checked_and_those_of_the_tests_too() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["mypy"]["packages"] == list(ROOMS)


def test_imports_point_downwards_only() -> None:
    with tempfile.TemporaryDirectory() as cache:  # the checkout may be read-only
        run("lint-imports", "--cache-dir", cache)


def test_every_change_of_a_model_has_its_migration() -> None:
    run(sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run")


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_a_lock_file_holds_pins_and_hashes_and_names_no_host(name: str) -> None:
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 20
    assert [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("folder", ["sdk", "clients", "bundles", "data/bundles"])
def test_a_lock_file_of_npm_holds_versions_and_hashes_and_names_no_registry(folder: str) -> None:
    packages = json.loads((CHECKOUT / "tests" / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    asked = json.loads((CHECKOUT / "tests" / folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked


def test_the_development_lock_contains_the_servers_lock() -> None:
    """``manage.py`` counts on it: an environment made for the tests serves every other command."""
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert len(runtime) > 20
    assert {name: pin for name, pin in runtime.items() if dev.get(name) != pin} == {}


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_package_that_is_asked_for_is_locked(name: str) -> None:
    lines = (REQUIREMENTS / f"{name}.in").read_text(encoding="utf-8").splitlines()
    asked = [re.split(r"[\[<>=!~ ]", line)[0] for line in lines if line and not line.startswith(("-", "#"))]
    assert asked
    assert [package for package in asked if package not in pins(f"{name}.txt")] == []


def test_what_runs_before_any_package_is_installed_imports_the_standard_library_alone() -> None:
    allowed = {*sys.stdlib_module_names, "runtime"}
    files = [CHECKOUT / "manage.py", *(CHECKOUT / "runtime" / "bootstrap").glob("*.py")]
    assert len(files) > 4
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names.append(node.module or "")
            for name in names:
                assert name.split(".")[0] in allowed, f"{path}: {name}"
                if name.startswith("runtime.") and path.name != "manage.py":
                    assert name.startswith("runtime.bootstrap"), f"{path}: {name}"


def test_the_bootstrap_package_pulls_in_nothing_that_needs_a_package() -> None:
    """``runtime/__init__.py`` is imported before the environment exists."""
    assert (CHECKOUT / "runtime" / "__init__.py").read_text(encoding="utf-8").strip() == ""


SQL_CLOCK = re.compile(r"\b(now|clock_timestamp|statement_timestamp)\(\)|\bCURRENT_(TIMESTAMP|DATE)\b", re.IGNORECASE)
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|SET|VALUES)\b")


def test_time_comes_from_one_clock_and_never_from_the_database() -> None:
    """``environments.clock`` can be set by tests; ``now()`` in SQL and ``auto_now`` cannot."""
    checked = 0
    for path in sources():
        if "tests" in path.parts or "benchmarks" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                assert node.arg not in {"auto_now", "auto_now_add"}, f"{path}:{node.value.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                checked += 1
                uses_clock = SQL_CLOCK.search(node.value) and SQL.search(node.value)
                assert not uses_clock, f"{path}:{node.lineno}: {node.value.strip()[:80]}"
    assert checked > 100

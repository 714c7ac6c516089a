"""A Python client that openapi-python-client generates from a live server's schema calls every operation of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.clients.documented import commands, example
from tests.clients.operations import not_called
from tests.clients.place import left_behind, place, strict_place
from tests.live import LiveServer

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "dev.in"


def run_python(folder: Path, *words: str, given: str = "") -> str:
    """Run this environment's Python in ``folder``, with nothing else on its path; return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=given,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_types(folder: Path, *programs: str) -> None:
    """Check programs by the client's types; what the generator wrote is not theirs to answer for."""
    options = ["--strict", "--warn-unreachable", "--follow-imports=silent", "--config-file=", "--cache-dir=.mypy_cache"]
    run_python(folder, "-m", "mypy", *options, *programs)


def schemas(server: LiveServer) -> dict[str, Any]:
    described: dict[str, Any] = requests.get(f"{server.url}/api/schema/?format=json", timeout=30).json()
    return described["components"]["schemas"]  # type: ignore[no-any-return]


def test_the_program_calls_every_operation_and_finds_what_it_expects(
    python_folder: Path, server: LiveServer, strict_server: LiveServer
) -> None:
    here = place(server, "python") | strict_place(strict_server, "python")
    check_types(python_folder, *(program.name for program in python_folder.glob("*.py")))
    called = json.loads(run_python(python_folder, "walk.py", given=json.dumps(here)))
    assert not_called(called) == []
    assert left_behind(here) == {
        "settings": [7, None, 3, None],
        "spikes": [10, 3, 500],
        "releases": [("5.0", None), ("4.0", None), ("2.4.0", {"git": {"branch": "main"}})],
        "health issues": [("critical", "active", True), ("info", "resolved", False), ("warning", "resolved", False)],
        "recommendations": {
            "alerts": None, "long_running_issues": None, "quiet_issues": None, "rate_limits": None, "source_maps": None,
        },
        "frames": 3,
    }  # fmt: skip


def test_every_class_has_the_name_of_a_schema(python_folder: Path, server: LiveServer) -> None:
    """Where a schema has no name the generator makes one up, of the operation or the field around it."""
    text = (python_folder / "healthtrack_client" / "models" / "__init__.py").read_text(encoding="utf-8")
    classes = set(re.findall(r'^    "(\w+)",$', text, re.MULTILINE))
    known = schemas(server)
    maps = {  # of a name to a number, say: their values have a type, so that they are no `JSONObject`
        schema + "".join(word.capitalize() for word in field.split("_"))
        for schema, described in known.items()
        for field, shape in described.get("properties", {}).items()
        if "additionalProperties" in shape
    }
    assert {"HealthIssueSummaryByKind", "HealthIssueSummaryBySeverity"} <= maps
    assert classes == set(known) | maps


def test_no_field_is_of_any_type(python_folder: Path) -> None:
    fields = {
        f"{model.stem}.{name}": type_
        for model in (python_folder / "healthtrack_client" / "models").glob("*.py")
        for name, type_ in re.findall(r"^    (\w+): ([^=\n]+)", model.read_text(encoding="utf-8"), re.MULTILINE)
        if name != "additional_properties"
    }
    assert len(fields) > 80
    assert fields["error_tracking_release.metadata"].strip() == "JSONObject | None"
    assert {name for name, type_ in fields.items() if "Any" in type_} == {
        "activity_log_change.after",  # a status, an assignee, a text, …
        "activity_log_change.before",
        "error_tracking_issue_event_frame.code_variables",  # as a client sent them
    }


def test_every_module_of_the_client_can_be_imported(python_folder: Path) -> None:
    program = (
        "import importlib, pkgutil, healthtrack_client as c\n"
        "names = [m.name for m in pkgutil.walk_packages(c.__path__, 'healthtrack_client.')]\n"
        "print(len([importlib.import_module(name) for name in names]))"
    )
    assert int(run_python(python_folder, "-c", program)) > 90


def test_the_documented_example_works(python_folder: Path, server: LiveServer) -> None:
    install, _ = commands("python")
    assert install[:2] == ["pip", "install"]
    assert set(install[2:]) <= set(REQUIREMENTS.read_text(encoding="utf-8").split())
    here = place(server, "python-example")
    (python_folder / "example.py").write_text(example("python", here["url"], here["key"]), encoding="utf-8")
    check_types(python_folder, "example.py")
    assert run_python(python_folder, "example.py").splitlines() == [
        "critical client_check {'seen': ['1.0', '1.2']}",
        "warning other_check {}",
        "info other_check {'sdk': 'web'}",
    ]

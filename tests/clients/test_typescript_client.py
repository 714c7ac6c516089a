"""openapi-fetch with types that openapi-typescript makes of a live server's schema calls every operation of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.clients.documented import commands, example
from tests.clients.operations import not_called
from tests.clients.place import left_behind, place, strict_place
from tests.live import LiveServer
from tests.node import run_node

HERE = Path(__file__).parent


def compile_here(folder: Path, expect: int = 0) -> str:
    """Type-check the programs of ``folder`` and make JavaScript of them; return what the compiler said."""
    return run_node(folder, "node_modules/typescript/bin/tsc", "--project", ".", expect=expect)


def test_the_program_calls_every_operation_and_finds_what_it_expects(
    typescript_folder: Path, server: LiveServer, strict_server: LiveServer
) -> None:
    here = place(server, "typescript") | strict_place(strict_server, "typescript")
    assert compile_here(typescript_folder) == ""
    called = json.loads(run_node(typescript_folder, "out/walk.mjs", given=json.dumps(here)))
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


def test_the_compiler_refuses_what_the_schema_does_not_allow(typescript_folder: Path) -> None:
    """Without this, types that are all `any` would pass as well."""
    wrong = typescript_folder / "wrong.mts"
    wrong.write_text(
        'import type { Schemas } from "./common.mjs";\n'
        'export const severity: Schemas["HealthIssue"]["severity"] = "fatal";\n'
        'export const body: Schemas["ErrorTrackingReleaseCreateRequest"] = { version: "1" };\n'
        'export const metadata: Schemas["ErrorTrackingRelease"]["metadata"] = 7;\n'
        'export const when = (issue: Schemas["HealthIssue"]) => issue.resolved_at.length;\n',
        encoding="utf-8",
    )
    try:
        said = compile_here(typescript_folder, expect=1)
    finally:
        wrong.unlink()
    assert re.findall(r"^(\w+)\.mts\((\d)", said, re.MULTILINE) == [("wrong", str(line)) for line in (2, 3, 4, 5)]


def test_nothing_that_the_server_describes_is_of_any_type(typescript_folder: Path) -> None:
    types = (typescript_folder / "healthtrack.d.ts").read_text(encoding="utf-8")
    assert len(re.findall(r"\bunknown;", types)) > 100  # headers that are not described, and the inside of JSON
    assert re.findall(r"\bany\b(?=[;\[\]|>])", types) == []
    any_json = re.findall(r"^ +(\w+)\??: (?:unknown|Record<string, never>);", types, re.MULTILINE)
    assert any_json == ["before", "after", "code_variables"]  # a change of any field; what a client sent


def test_the_documented_example_works(typescript_folder: Path, server: LiveServer) -> None:
    install, _ = commands("ts")
    locked = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert install[:2] == ["npm", "install"]
    for name, _, version in (package.partition("@") for package in install[2:]):
        assert locked[name].startswith(version)
    here = place(server, "typescript-example")
    text = example("ts", here["url"], here["key"])
    (typescript_folder / "example.mts").write_text(f"{text}\n", encoding="utf-8")
    assert compile_here(typescript_folder) == ""
    assert run_node(typescript_folder, "out/example.mjs").splitlines() == [
        "critical client_check { seen: [ '1.0', '1.2' ] }",
        "warning other_check {}",
        "info other_check { sdk: 'web' }",
    ]

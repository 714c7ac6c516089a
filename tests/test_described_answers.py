"""Whatever a client sends, the answer is one that the OpenAPI description of the server describes.

Schemathesis makes requests from the description, right and wrong ones, and compares what a live server answers: no
server error, no status, content type, header or body that is not described.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from environments.api.schema import Generator
from tests.live import live_server

EXAMPLES: Final = 12
"""Random requests of an operation, after those that schemathesis thinks of for each rule of the description."""

NOT_CHECKED: Final = [
    # The description says which form a value has; the contract takes others, too: "7" for 7, "yes" for true, a number
    # for a text (1.4, 4, 5), a wrong `limit` or `order_by` for none (1.5, 7), a plain 404 for a malformed id.
    "negative_data_rejection",
    # What the description allows may still be refused: a hash id that is taken, an empty version (4), an issue that is
    # resolved already (2.2), a text with NUL characters.
    "positive_data_acceptance",
]
OPTIONS: Final = [
    *("--seed", "1", "--generation-deterministic"),
    *("--continue-on-failure", "--exclude-checks", ",".join(NOT_CHECKED)),
]
FEW: Final = ["--max-examples", "3", "--phases", "examples,fuzzing"]
CONFIGURATION: Final = r"""
# DELETE of a stack frame, a fingerprint or an issue is described, and answers 405 (contract 1.4): it is not in `Allow`.
[[operations]]
include-path-regex = '/(stack_frames|fingerprints|issues)/\{id\}/$'
checks = { allow_header_conformance = { enabled = false } }
"""
KINDS: Final = {
    "deliveries": "delivery",  # before the alerts, below which it lies
    "alerts": "destination",
    "assignment_rules": "assignment_rule",
    "bypass_rules": "bypass_rule",
    "grouping_rules": "grouping_rule",
    "suppression_rules": "suppression_rule",
    "external_references": "external_reference",
    "fingerprints": "fingerprint",
    "issues": "issue",
    "recommendations": "recommendation",
    "releases": "release",
    "stack_frames": "frame",
    "symbol_sets": "symbol_set",
    "health_issues": "health_issue",
}


def with_examples(description: dict[str, Any], project: int, names: dict[str, list[str]]) -> dict[str, Any]:
    """Return the description with the names that exist, since a random text is never the id of anything."""
    for path, item in description["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in {"environment_id", "project_id"}:
                    known = [str(project), "@current"]
                elif parameter["name"] == "id":
                    kind = next((kind for place, kind in KINDS.items() if f"/{place}/" in path), None)
                    if kind is None:
                        continue
                    known = names[kind]
                elif parameter["name"] == "hash_id":
                    known = names["hash"]
                elif parameter["name"] == "uuid":
                    known = names["event"]
                else:
                    continue
                parameter["schema"] = {"type": "string", "enum": known}
    # Documented as an object, and shown as it was stored, whatever JSON that is (contract 4).
    description["components"]["schemas"]["ErrorTrackingRelease"]["properties"]["metadata"] = {}
    return description


PARTS: Final = {
    "issues": r"^/api/environments/[^/]+/error_tracking/(issues|fingerprints|external_references)/",
    "rules": r"^/api/environments/[^/]+/error_tracking/[a-z]+_rules/",
    "alerts": r"^/api/environments/[^/]+/error_tracking/alerts/",
    "symbol sets": r"^/api/environments/[^/]+/error_tracking/symbol_sets/",
    "the rest of a project": (
        r"^/api/environments/[^/]+/"
        r"(?!$|error_tracking/(alerts|issues|fingerprints|external_references|symbol_sets|[a-z]+_rules)/)"
    ),
    # The same views once more: a few requests tell that they stand there, too.
    "the other prefix": r"^/api/projects/\{project_id\}/.",
}
"""Paths, a test each: several processes share the work, and each test has its time."""

ACCOUNTS: Final = r"^/api/((environments|projects)/(\{\w+\}/)?$|users|organizations|personal_api_keys|reset_password)"
"""The paths of `tests.test_described_accounts`: who deletes the project cannot go on with it."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_every_answer_is_described(tmp_path: Path, part: str) -> None:
    with live_server(HEALTHTRACK_RATE_LIMITS="off") as server:
        made = server.bootstrap(email="generator@example.com", scopes="*")
        project = made["environment_id"]
        program = f"from tests.furnishing import furnish_as_json; furnish_as_json({project}, 40)"
        names = json.loads(server.manage("shell", "--no-imports", "-c", program).stdout)
        description = requests.get(f"{server.url}/api/schema/?format=json", timeout=30).json()
        operations = sum(len(item) for path, item in description["paths"].items() if re.search(PARTS[part], path))
        (tmp_path / "openapi.json").write_text(json.dumps(with_examples(description, project, names)))
        (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
        command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", server.url, *OPTIONS]
        command += FEW if part == "the other prefix" else ["--max-examples", str(EXAMPLES)]
        command += ["--include-path-regex", PARTS[part]]
        command += ["--header", f"Authorization: Bearer {made['personal_api_key']}"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540, check=False
        )
        if done.returncode:
            pytest.fail(done.stdout, pytrace=False)
        assert operations
        assert f"Tested: {operations}\n" in done.stdout


def test_each_path_is_of_exactly_one_part() -> None:
    description = Generator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for path in description["paths"]:
        assert len([part for part in (*PARTS.values(), ACCOUNTS) if re.search(part, path)]) == 1, path

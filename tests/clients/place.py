"""What the programs with generated clients find on the server: a project with rows that both of them know."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import requests

from environments import clock
from environments.models import Project
from errortracking.models import Issue, SpikeEvent
from tests.errortracking.api.making import CONTEXT, make_frame, make_release, make_symbol_set
from tests.healthtrack.api.making import make_issue, make_resolved
from tests.live import LiveServer

PER_HOUR: Final = 20
"""Few, so that they are soon spent, and per hour, so that they are spent however slow the machine is. The programs know
the number."""


def place(server: LiveServer, name: str) -> dict[str, Any]:
    """Make a furnished project and keys for it; return what a program needs to know of it."""
    email = f"{name}@example.com"
    own = server.bootstrap(email=email, project="shop")
    reader = server.bootstrap(email=email, project="shop", scopes="health_issue:read")
    program = f"from tests.clients.place import furnish_as_json; furnish_as_json({own['environment_id']})"
    return {
        "url": server.url,
        "project": str(own["environment_id"]),
        "key": own["personal_api_key"],
        "reader_key": reader["personal_api_key"],
        **json.loads(server.manage("shell", "--no-imports", "-c", program).stdout),
    }


def strict_place(server: LiveServer, name: str) -> dict[str, str]:
    """Make an empty project on a server that answers `PER_HOUR` requests of a key; return what a program needs."""
    made = server.bootstrap(email=f"{name}@example.com", project="busy")
    return {
        "busy_url": server.url,
        "busy_project": str(made["environment_id"]),
        "busy_key": made["personal_api_key"],
    }


def furnish_as_json(project_id: int) -> None:
    """Furnish the project, in the server's environment, and print the names as a line of JSON."""
    project = Project.objects.get(pk=project_id)
    moment = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)  # too young to be cleared away
    print(json.dumps({"moment": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **_rows(project, moment)}))


def _rows(project: Project, moment: Any) -> dict[str, Any]:
    times = {"created_at": moment, "updated_at": moment}
    critical = make_issue(project, kind="client_check", severity="critical", payload={"seen": ["1.0", "1.2"]}, **times)
    warning = make_issue(project, kind="other_check", payload={}, **times)
    over = make_resolved(project, kind="other_check", severity="info", **(times | {"resolved_at": moment}))
    release = make_release(project, hash_id="hash-shop", version="2.4.0", metadata={"git": {"branch": "main"}})
    symbol_set = make_symbol_set(project, ref="chunk-shop", release=release)
    frames = [
        make_frame(project, "aaaa", 0, symbol_set=symbol_set, context=CONTEXT, created_at=moment),
        make_frame(project, "aaaa", 1, created_at=moment),
        make_frame(project, "bbbb", 0, resolved=False, contents={"mangled_name": "n"}, created_at=moment),
    ]
    issues = [
        Issue.objects.create(environment=project, name="KeyError", description="'tea'"),
        Issue.objects.create(environment=project),
    ]
    for issue, minutes, baseline, value in ((0, 0, 1.5, 700), (1, 5, 4.25, 900), (0, 10, 2.0, 800)):
        SpikeEvent.objects.create(
            environment=project,
            issue=issues[issue],
            detected_at=moment + timedelta(minutes=minutes),
            computed_baseline=baseline,
            current_bucket_value=value,
        )
    return {
        "critical": str(critical.id),
        "warning": str(warning.id),
        "resolved": str(over.id),
        "release": str(release.id),
        "symbol_set": str(symbol_set.id),
        "frames": [str(frame.id) for frame in frames],
        "issues": [str(issue.id) for issue in issues],
    }


def left_behind(here: dict[str, Any]) -> dict[str, Any]:
    """Return what a program has left on the server, read without a generated client."""

    def get(path: str) -> Any:
        headers = {"Authorization": f"Bearer {here['key']}"}
        answer = requests.get(f"{here['url']}/api/projects/{here['project']}/{path}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    releases = get("error_tracking/releases/")["results"]
    issues = get("health_issues/")["results"]
    recommendations = get("error_tracking/recommendations/?poll=true")["results"]
    return {
        "settings": list(get("error_tracking/settings/retrieve_settings/").values()),
        "spikes": list(get("error_tracking/spike_detection_config/").values()),
        "releases": [(release["version"], release["metadata"]) for release in releases],
        "health issues": sorted((issue["severity"], issue["status"], issue["dismissed"]) for issue in issues),
        "recommendations": {row["type"]: row["dismissed_at"] for row in recommendations},
        "frames": get("error_tracking/stack_frames/")["count"],
    }

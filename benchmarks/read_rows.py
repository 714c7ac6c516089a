"""The rows that `benchmarks/read.py` lists, and the keys that it asks with."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from environments import clock
from environments.models import Membership, Organization, PersonalAPIKey, Project, User
from environments.scopes import EVERYTHING
from errortracking.models import FrameContent, Release, StackFrame, SymbolSet
from healthtrack.models import SEVERITY_ORDER, HealthIssue

DOMAIN = "read.benchmark.example.com"


class Made(NamedTuple):
    """A project, and the keys of its members."""

    project: Project
    keys: list[str]


def make(rows: int, keys: int) -> Made:
    """Make a project with so many rows of each resource, and so many members with a key each."""
    organization = Organization.objects.create(name="Benchmark")
    project = Project.objects.create(organization=organization, name="Benchmark")
    made = Made(project, [_key(organization, number) for number in range(keys)])
    _health_issues(project, rows)
    _frames(project, rows, _releases(project, rows))
    return made


def delete(made: Made) -> None:
    """Delete what `make` made."""
    made.project.organization.delete()
    User.objects.filter(email__endswith=f"@{DOMAIN}").delete()


def _key(organization: Organization, number: int) -> str:
    user = User.objects.create(email=f"{number}@{DOMAIN}", password="!")
    Membership.objects.create(organization=organization, user=user)
    scopes = [EVERYTHING] if number % 2 else ["error_tracking:read", "health_issue:read"]
    return PersonalAPIKey.objects.issue(user, "benchmark", scopes, last_used_at=clock.now())[1]


def _health_issues(project: Project, rows: int) -> None:
    payload = {"pipeline_name": "orders", "error": "connection refused", "sdks": [{"name": "posthog-js", "count": 120}]}
    now = clock.now()
    HealthIssue.objects.bulk_create(
        HealthIssue(
            environment=project,
            kind=f"kind_{number % 7}",
            severity=SEVERITY_ORDER[number % 3],
            payload=payload | {"number": number},
            unique_hash=f"{number:064}",
            created_at=now - timedelta(seconds=number),
        )
        for number in range(rows)
    )


def _releases(project: Project, rows: int) -> list[Release]:
    metadata = {"git": {"commit_id": "d" * 40, "branch": "main", "remote_url": "https://example.com/a/b.git"}}
    return Release.objects.bulk_create(
        Release(environment=project, hash_id=f"{n:0128}", version=f"1.{n}", project="web", metadata=metadata)
        for n in range(rows)
    )


def _frames(project: Project, rows: int, releases: list[Release]) -> None:
    sets = SymbolSet.objects.bulk_create(
        SymbolSet(environment=project, ref=f"chunk-{n}", release=release) for n, release in enumerate(releases[:20])
    )
    contents = {"mangled_name": "f", "resolved_name": "loadCart", "line": 1042, "column": 17, "in_app": True}
    contents |= {"source": "webpack://shop/src/cart.ts", "lang": "javascript", "frame_id": "a" * 128}
    code = "    const total = items.reduce((sum, item) => sum + item.price, 0);"
    lines = [{"number": number, "line": code} for number in range(5)]
    context = {"before": lines, "line": lines[0], "after": lines}
    bodies = FrameContent.objects.bulk_create(
        FrameContent(environment=project, hash=n.to_bytes(32), contents=contents, context=context, resolved=True)
        for n in range(rows)
    )
    StackFrame.objects.bulk_create(
        StackFrame(
            environment=project, raw_id=f"{n:0128}", content=body, symbol_set=sets[n % len(sets)] if n % 2 else None
        )
        for n, body in enumerate(bodies)
    )

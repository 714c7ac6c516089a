"""What a batch reads does not grow with the project, whatever PostgreSQL believes about the size of its tables.

Statistics lag behind: in a project's first hour, and in each new bucket or partition, there are none, and a planner
that takes a table for empty finds it as cheap to read all of it as to look something up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from environments.models import Project
from environments.tenancy import sql
from errortracking.models import Fingerprint, partitions
from errortracking.pipeline import spike, statistics
from tests.errortracking.pipeline.making import NOON, entry, make_project, send
from tests.errortracking.pipeline.spiking import come, fingerprint

MANY = 200

Scans = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def scans(db: None, monkeypatch: pytest.MonkeyPatch) -> Scans:
    """Return a function of a statement and a table: the plan's scans of the table, when the statement is run again."""
    partitions.ensure([NOON.date()])
    seen: dict[str, Any] = {}
    execute = sql.Cursor.execute

    def remember(cursor: sql.Cursor, query: Any, params: Any = None, **options: Any) -> Any:
        seen[query] = params
        return execute(cursor, query, params, **options)

    monkeypatch.setattr(sql.Cursor, "execute", remember)

    def of(statement: str, table: str, before: str = "SELECT 1") -> list[dict[str, Any]]:
        with transaction.atomic(), sql.cursor() as cursor:
            execute(cursor, before, seen[statement])
            execute(cursor, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", seen[statement])
            [(plans,)] = cursor.fetchall()
            transaction.set_rollback(True)
        return [
            node
            for node in _nodes(plans[0]["Plan"])
            if node.get("Relation Name", "").startswith(table) and "Scan" in node["Node Type"]
        ]

    return of


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def rows(scan: dict[str, Any]) -> int:
    """Return how many rows a scan has read."""
    removed = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    number: float = (scan["Actual Rows"] + removed) * scan["Actual Loops"]
    return round(number)


def test_a_count_reads_no_counts_of_other_issues(project: Project, scans: Scans) -> None:
    come(project, *((fingerprint(project), 1, NOON) for _ in range(MANY)))
    come(project, *((fingerprint(project), 1, NOON) for _ in range(10)))
    assert sum(map(rows, scans(spike._COUNT, "errortracking_spikecount"))) == 0


def test_a_count_reads_those_of_the_issues_other_fingerprints(project: Project, scans: Scans) -> None:
    first = fingerprint(project)
    second = fingerprint(project, first.issue)
    come(project, (first, 1, NOON), *((fingerprint(project), 1, NOON) for _ in range(MANY)))
    come(project, (second, 1, NOON))
    assert sum(map(rows, scans(spike._COUNT, "errortracking_spikecount"))) == 1


# What a statement added is taken away before it runs again.
_FORGET = """
    DELETE FROM errortracking_fingerprintuser
    WHERE environment_id = %(environment)s AND fingerprint_id = ANY(%(fingerprints)s) AND user_key = ANY(%(users)s)
"""


def look_ups(scans: Scans) -> int:
    """Return how often `statistics._ADD_USERS` looks for a user when it runs again."""
    found = scans(statistics._ADD_USERS, "errortracking_fingerprintuser", _FORGET)
    return sum(scan["Actual Loops"] for scan in found)


def test_a_user_is_looked_for_in_the_issues_other_fingerprints_only(scans: Scans) -> None:
    project = make_project()

    def come_from(*names: str) -> None:
        send(project, *(entry(distinct_id=name, properties={"$exception_fingerprint": name}) for name in names))

    come_from(*(f"old {number}" for number in range(MANY)))
    come_from(*(f"new {number}" for number in range(10)))
    assert look_ups(scans) == 0

    first, second = Fingerprint.objects.filter(environment_id=project.id, fingerprint__in=["new 1", "new 2"])
    Fingerprint.objects.filter(environment_id=project.id, id=first.id).update(issue_id=second.issue_id)
    come_from("new 1")
    assert look_ups(scans) == 1

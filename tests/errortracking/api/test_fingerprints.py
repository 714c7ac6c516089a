"""Fingerprints: list, retrieve, resolve; DELETE is refused without a body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from errortracking.models import Fingerprint, Issue
from tests.environments.world import NOT_FOUND, Api, World, answer, statements
from tests.errortracking.api.acting import UNKNOWN, came, invalid, issues
from tests.errortracking.issues.making import texts

__all__ = ["issues"]

SEEN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def fingerprints(world: World) -> Api:
    return Api(world.project, world.key("*"), below="error_tracking/fingerprints/")


def make(issue: Issue, text: str) -> Fingerprint:
    return Fingerprint.objects.create(
        environment_id=issue.environment_id,
        issue=issue,
        fingerprint=text,
        kind="manual",
        first_seen=SEEN,
        created_at=SEEN,
    )


def shown(row: Fingerprint) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "fingerprint": row.fingerprint,
        "issue_id": str(row.issue_id),
        "created_at": "2026-03-01T12:30:00Z",
        "first_seen": "2026-03-01T12:30:00Z",
    }


@pytest.fixture
def rows(world: World, stranger: World) -> list[Fingerprint]:
    """Fingerprints of two issues, the newest first; another project has the same texts."""
    one, two = (Issue.objects.create(environment=world.project) for _ in range(2))
    foreign = Issue.objects.create(environment=stranger.project)
    for text in ("a", "b", "ü ?&/"):
        make(foreign, text)
    made = [make(one, "a"), make(two, "b"), make(one, "ü ?&/")]
    return sorted(made, key=lambda row: row.pk, reverse=True)


def test_they_are_listed_newest_first(fingerprints: Api, rows: list[Fingerprint]) -> None:
    expected = {"count": 3, "next": None, "previous": None, "results": [shown(row) for row in rows]}
    assert answer(fingerprints.get("")) == (200, expected)


def test_those_of_an_issue_are_listed(fingerprints: Api, rows: list[Fingerprint]) -> None:
    for issue in {row.issue_id for row in rows}:
        _, found = answer(fingerprints.get(f"?issue_id={issue}"))
        assert found["results"] == [shown(row) for row in rows if row.issue_id == issue]
    assert answer(fingerprints.get(f"?issue_id={UNKNOWN}"))[1]["count"] == 0
    assert answer(fingerprints.get("?issue_id="))[1]["count"] == 3
    assert answer(fingerprints.get("?issue_id=x")) == invalid("issue_id", "Must be a valid UUID.")


def test_one_is_shown(fingerprints: Api, rows: list[Fingerprint]) -> None:
    assert answer(fingerprints.get(f"{rows[0].pk}/")) == (200, shown(rows[0]))
    for id_ in (UNKNOWN, "x"):
        assert answer(fingerprints.get(f"{id_}/")) == (404, NOT_FOUND)


def test_a_text_is_resolved(fingerprints: Api, rows: list[Fingerprint]) -> None:
    by_text = {row.fingerprint: row for row in rows}
    assert answer(fingerprints.get("resolve/?fingerprint=a")) == (200, shown(by_text["a"]))
    assert answer(fingerprints.get("resolve/?fingerprint=%C3%BC+%3F%26%2F")) == (200, shown(by_text["ü ?&/"]))
    assert answer(fingerprints.get("resolve/?fingerprint=A")) == (404, NOT_FOUND)
    required = invalid("fingerprint", "This field is required.", "required")
    assert answer(fingerprints.get("resolve/")) == required
    assert answer(fingerprints.get("resolve/?fingerprint=")) == required
    null = invalid("fingerprint", "Null characters are not allowed.", "null_characters_not_allowed")
    assert answer(fingerprints.get("resolve/?fingerprint=%00")) == null


def test_after_a_merge_they_show_the_target(world: World, issues: Api, fingerprints: Api) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    (text,) = texts(second)
    issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})
    assert answer(fingerprints.get(f"resolve/?fingerprint={text}"))[1]["issue_id"] == str(first.pk)
    assert answer(fingerprints.get(f"?issue_id={first.pk}"))[1]["count"] == 2


def test_nobody_deletes_one(world: World, fingerprints: Api, rows: list[Fingerprint]) -> None:
    for id_ in (rows[0].pk, UNKNOWN):
        response = fingerprints.delete(f"{id_}/")
        assert (response.status_code, response.content) == (405, b"")
        assert "DELETE" not in response["Allow"]
    assert Fingerprint.objects.filter(environment_id=world.project.pk).count() == 3


def test_a_page_takes_one_statement(fingerprints: Api, rows: list[Fingerprint]) -> None:
    fingerprints.get("")
    with statements() as sent:
        fingerprints.get("")
    assert len([text for text in sent if "errortracking_" in text]) == 1
    assert "environments_rowcount" in sent[-1]  # kept by the database: a million are not counted for a page

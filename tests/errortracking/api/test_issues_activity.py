"""GET issues/activity/ and issues/{id}/activity/: what happened, newest first, with who did it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from environments import clock
from errortracking.models import Issue, IssueOperation
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.errortracking.api.acting import UNKNOWN, came, issues
from tests.errortracking.issues.making import minute, texts
from tests.errortracking.pipeline.making import NOON

__all__ = ["issues"]

SYSTEM = {"first_name": "System", "email": None, "is_system": True}


def person(world: World) -> dict[str, str]:
    return {"first_name": "Ada", "email": world.user.email}


@pytest.fixture(autouse=True)
def ada(world: World) -> None:
    world.user.first_name = "Ada"
    world.user.save()


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what happened to which issue."""
    return [(entry["activity"], entry["item_id"]) for entry in entries]


def changed(field: str, before: Any, after: Any, action: str = "changed") -> dict[str, Any]:
    return {"type": "ErrorTrackingIssue", "action": action, "field": field, "before": before, "after": after}


def at(moment: datetime) -> Any:
    return clock.stopped_at(moment)


def test_what_exceptions_and_people_do_is_told_newest_first(world: World, issues: Api) -> None:
    with at(minute(1)):
        issue = came(world.project, "KeyError", "ada")
    with at(minute(2)):
        issues.patch(f"{issue.pk}/", {"status": "resolved", "name": "Cart"})
    with at(minute(3)):
        came(world.project, "KeyError", "ada")
    with at(minute(4)):
        issues.patch(f"{issue.pk}/assign/", {"assignee": {"type": "user", "id": str(world.user.pk)}})

    status, found = answer(issues.get(f"{issue.pk}/activity/"))

    assert status == 200
    assert (found["total_count"], found["next"], found["previous"]) == (4, None, None)
    assigned, reopened, updated, created = found["results"]
    id_ = str(issue.pk)
    common = {"scope": "ErrorTrackingIssue", "item_id": id_}
    detail = {"id": None, "name": "Cart", "short_id": None, "type": None, "merge": None}
    assignee = {"type": "user", "id": str(world.user.pk)}
    assert [entry.pop("id") for entry in (assigned, reopened, updated)] != [id_] * 3
    assert assigned == common | {
        "user": person(world),
        "activity": "assigned",
        "detail": detail | {"changes": [changed("assignee", None, assignee)]},
        "created_at": "2026-11-22T12:04:00Z",
    }
    assert reopened == common | {
        "user": SYSTEM,
        "activity": "reopened",
        "detail": detail | {"changes": [changed("status", "resolved", "active")]},
        "created_at": "2026-11-22T12:03:00Z",
    }
    assert updated == common | {
        "user": person(world),
        "activity": "updated",
        "detail": detail | {"changes": [changed("name", "KeyError", "Cart"), changed("status", "active", "resolved")]},
        "created_at": "2026-11-22T12:02:00Z",
    }
    assert created == common | {
        "id": id_,
        "user": SYSTEM,
        "activity": "created",
        "detail": detail | {"changes": []},
        "created_at": "2026-11-22T12:01:00Z",
    }


def test_merges_splits_and_undos_are_told_with_what_they_moved(world: World, issues: Api) -> None:
    with at(minute(1)):
        first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    (text,) = texts(second)
    with at(minute(2)):
        issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})
    with at(minute(3)):
        split = issues.post(f"{first.pk}/split/", {"fingerprints": [{"fingerprint": text, "name": "Cart"}]})
    (new,) = answer(split)[1]["new_issue_ids"]
    with at(minute(4)):
        issues.post(f"{first.pk}/undo/")

    _, found = answer(issues.get(f"{first.pk}/activity/"))

    undone, split_, merged, created = found["results"]
    operations = {row.kind: str(row.pk) for row in IssueOperation.objects.filter(environment_id=world.project.pk)}
    assert told(found["results"]) == [(name, str(first.pk)) for name in ("undone", "split", "merged", "created")]
    assert merged["detail"]["id"] == operations["merge"]
    assert merged["detail"]["merge"] == {
        "type": "ErrorTrackingIssue",
        "source": [{"id": str(second.pk), "name": "ValueError"}],
        "target": {"id": str(first.pk), "name": "KeyError"},
    }
    assert split_["detail"]["id"] == undone["detail"]["id"] == operations["split"]
    into = [{"id": new, "name": "Cart"}]
    assert split_["detail"]["changes"] == [changed("split_into", None, into, "split")]
    assert undone["detail"]["changes"] == [changed("split_into", into, None, "undone")]
    assert {entry["user"]["email"] for entry in (undone, split_, merged)} == {world.user.email}
    assert created["user"] == SYSTEM


def test_an_issue_that_a_split_made_tells_who_made_it(world: World, issues: Api) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    (text,) = texts(second)
    issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})
    made = issues.post(f"{first.pk}/split/", {"fingerprints": [{"fingerprint": text, "name": "Cart"}]})
    (new,) = answer(made)[1]["new_issue_ids"]
    _, found = answer(issues.get(f"{new}/activity/"))
    (entry,) = found["results"]
    whence = {"id": str(first.pk), "name": "KeyError"}
    assert (entry["activity"], entry["user"]) == ("created", person(world))
    assert entry["detail"]["changes"] == [changed("split_from", None, whence, "split")]


def test_all_issues_are_told_together_and_no_other_projects(world: World, stranger: World, issues: Api) -> None:
    made = []
    for number in range(3):
        with at(minute(number)):
            made.append(str(Issue.objects.create(environment=world.project, name=f"E{number}").pk))
            Issue.objects.create(environment=stranger.project)
    with at(minute(3)):
        issues.post("bulk/", {"action": "set_status", "status": "resolved", "ids": made[:1]})
    _, found = answer(issues.get("activity/"))
    assert told(found["results"]) == [("updated", made[0]), *(("created", id_) for id_ in reversed(made))]
    assert found["total_count"] == 4


def test_other_resources_are_no_part_of_it(world: World, issues: Api) -> None:
    world.api("*").patch("error_tracking/settings/update_settings/", {"project_rate_limit_value": 9})
    assert answer(issues.get("activity/")) == (
        200,
        {"results": [], "next": None, "previous": None, "total_count": 0},
    )


def test_pages_are_of_ten_and_numbered_from_one(world: World, issues: Api) -> None:
    made = [
        str(Issue.objects.create(environment=world.project, created_at=NOON + timedelta(minutes=number)).pk)
        for number in range(25)
    ][::-1]
    root = f"http://testserver/api/environments/{world.project.pk}/error_tracking/issues/activity/"
    for query, expected, following, before in (
        ("", made[:10], "?limit=10&page=2", None),
        ("?page=2", made[10:20], "?limit=10&page=3", "?limit=10&page=1"),
        ("?page=3", made[20:], None, "?limit=10&page=2"),
        ("?page=9", [], None, "?limit=10&page=8"),
        ("?page=2&limit=3", made[3:6], "?limit=3&page=3", "?limit=3&page=1"),
        ("?limit=1000", made, None, None),
        ("?limit=0&page=x", made[:10], "?limit=10&page=2", None),
        ("?limit=-1&page=-1", made[:10], "?limit=10&page=2", None),
        (f"?page={'9' * 30}", made[:10], "?limit=10&page=2", None),
    ):
        _, found = answer(issues.get(f"activity/{query}"))
        assert [entry["item_id"] for entry in found["results"]] == expected, query
        links = [None if link is None else root + link for link in (following, before)]
        assert [found["next"], found["previous"]] == links, query
        assert found["total_count"] == 25


def test_an_unknown_issue_is_a_404(world: World, stranger: World, issues: Api) -> None:
    foreign = Issue.objects.create(environment=stranger.project)
    for id_ in (UNKNOWN, "x", foreign.pk):
        assert answer(issues.get(f"{id_}/activity/")) == (404, NOT_FOUND)


def test_what_happened_to_a_merged_issue_is_told_by_its_successor(world: World, issues: Api) -> None:
    gone, target = (Issue.objects.create(environment=world.project) for _ in range(2))
    assert issues.post(f"{target.pk}/merge/", {"ids": [str(gone.pk)]}).status_code == 200
    for ending in ("/", "/?limit=2&page=1", ""):
        response = issues.get(f"{gone.pk}/activity{ending}")
        assert answer(response) == (308, {"issue_id": str(target.pk)})
        assert response["Location"] == f"http://testserver{issues.root}{target.pk}/activity{ending}"


def test_a_page_takes_two_statements_however_much_happened(world: World, issues: Api) -> None:
    made = [str(Issue.objects.create(environment=world.project).pk) for _ in range(8)]
    issues.post("bulk/", {"action": "set_status", "status": "resolved", "ids": made})
    for path in ("activity/", f"{made[0]}/activity/"):
        issues.get(path)
        with statements() as sent:
            issues.get(path)
        # The page and how many there are; of one issue also whether it is there.
        assert len([text for text in sent if "errortracking_issue" in text]) == (2 if path == "activity/" else 3)


def test_it_has_a_scope_of_its_own(world: World, issues: Api) -> None:
    for path in ("activity/", f"{UNKNOWN}/activity/"):
        found = answer(world.api("error_tracking:write").get(f"error_tracking/issues/{path}"))
        text = "API key missing required scope 'activity_log:read'"
        assert found == error(403, "authentication_error", "permission_denied", text)

"""External references: link, list, remove."""

from __future__ import annotations

from typing import Any

import pytest

from environments import clock
from errortracking.api import external_references
from errortracking.models import ExternalReference, Issue
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.errortracking.api.acting import NOON, UNKNOWN, invalid, issues, recorded

__all__ = ["issues"]

URL = "https://github.com/acme/shop/issues/12"


@pytest.fixture
def references(world: World) -> Api:
    return Api(world.project, world.key("*"), below="error_tracking/external_references/")


@pytest.fixture
def issue(world: World) -> Issue:
    return Issue.objects.create(environment=world.project, name="KeyError")


def integration(kind: str, name: str) -> dict[str, Any]:
    return {"id": None, "kind": kind, "display_name": name}


def test_an_issue_is_linked_and_shows_it(world: World, references: Api, issues: Api, issue: Issue) -> None:
    body = {"issue": str(issue.pk), "external_url": URL, "external_id": "12", "title": "Cart fails"}
    with clock.stopped_at(NOON):
        status, made = answer(references.post("", body))
    id_ = made["id"]
    nested = {"id": id_, "integration": made["integration"], "external_url": URL}
    assert (status, made["integration"]["kind"], made["integration"]["id"]) == (201, "github", None)
    assert made == nested | {
        "issue_id": str(issue.pk),
        "external_id": "12",
        "title": "Cart fails",
        "created_at": "2026-11-22T12:00:00Z",
    }
    assert answer(references.get(f"{id_}/")) == (200, made)
    page = {"count": 1, "next": None, "previous": None, "results": [made]}
    assert answer(references.get("")) == (200, page)
    assert answer(references.get(f"?issue_id={issue.pk}")) == (200, page)
    assert answer(references.get(f"?issue_id={UNKNOWN}"))[1]["count"] == 0
    assert answer(references.get("?issue_id=x")) == invalid("issue_id", "Must be a valid UUID.")
    assert answer(issues.get(f"{issue.pk}/"))[1]["external_issues"] == [nested]
    after = {"id": "12", "issue": str(issue.pk), "provider": "github", "title": "Cart fails", "url": URL}
    assert recorded(world.project) == [("create", id_, None, after)]


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://gitlab.com/acme/shop/-/issues/3", "gitlab"),
        ("https://linear.app/acme/issue/SHOP-7", "linear"),
        ("https://acme.atlassian.net/browse/SHOP-7", "jira"),
        ("HTTPS://GitHub.com/acme/shop/issues/1", "github"),
    ],
)
def test_the_address_says_which_tracker_it_is(references: Api, issue: Issue, url: str, provider: str) -> None:
    _, made = answer(references.post("", {"issue": str(issue.pk), "external_url": url}))
    assert (made["integration"]["kind"], made["external_id"], made["title"]) == (provider, "", "")


def test_an_address_that_does_not_say_it_needs_a_provider(references: Api, issue: Issue) -> None:
    body = {"issue": str(issue.pk), "external_url": "https://git.example.com/acme/shop/-/issues/3"}
    expected = invalid("provider", "The address does not say which tracker it is.", "required")
    assert answer(references.post("", body)) == expected
    _, made = answer(references.post("", body | {"provider": "gitlab"}))
    assert made["integration"]["kind"] == "gitlab"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"issue": ...}, invalid("issue", "This field is required.", "required")),
        ({"issue": "x"}, invalid("issue", "Must be a valid UUID.")),
        ({"issue": UNKNOWN}, invalid("issue", "Issue not found.", "does_not_exist")),
        ({"external_url": ...}, invalid("external_url", "This field is required.", "required")),
        ({"external_url": "javascript:alert(1)"}, invalid("external_url", "Enter a valid URL.")),
        ({"external_url": "ftp://github.com/x"}, invalid("external_url", "Enter a valid URL.")),
        ({"external_url": "https://ada:secret@github.com/x"}, invalid("external_url", "Enter a valid URL.")),
        ({"external_url": "https://[::1/x"}, invalid("external_url", "Enter a valid URL.")),
        ({"provider": "trac"}, invalid("provider", '"trac" is not a valid choice.', "invalid_choice")),
        (
            {"title": "x" * 401},
            invalid("title", "Ensure this field has no more than 400 characters.", "max_length"),
        ),
    ],
)
def test_what_is_wrong_is_a_400(
    world: World, references: Api, issue: Issue, change: dict[str, Any], expected: Any
) -> None:
    body = {"issue": str(issue.pk), "external_url": URL} | change
    assert answer(references.post("", {name: value for name, value in body.items() if value is not ...})) == expected
    assert not ExternalReference.objects.filter(environment_id=world.project.pk).exists()


def test_the_same_twin_again_is_a_400_and_of_another_issue_it_is_not(
    world: World, references: Api, issue: Issue
) -> None:
    body = {"issue": str(issue.pk), "external_url": URL}
    assert references.post("", body).status_code == 201
    expected = invalid("external_url", "The issue is linked to it already.", "already_linked")
    assert answer(references.post("", body)) == expected
    second = Issue.objects.create(environment=world.project)
    assert references.post("", body | {"issue": str(second.pk)}).status_code == 201


def test_an_issue_has_so_many_and_no_more(references: Api, issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_references, "MAX_REFERENCES", 2)
    statuses = [
        references.post("", {"issue": str(issue.pk), "external_url": f"{URL}{number}"}).status_code
        for number in range(3)
    ]
    assert statuses == [201, 201, 400]


def test_a_link_is_removed(world: World, references: Api, issue: Issue) -> None:
    _, made = answer(references.post("", {"issue": str(issue.pk), "external_url": URL}))
    assert answer(references.delete(f"{made['id']}/")) == (204, None)
    assert answer(references.get(f"{made['id']}/")) == (404, NOT_FOUND)
    assert recorded(world.project)[1][0] == "destroy"
    for id_ in (made["id"], UNKNOWN, "x"):
        assert answer(references.delete(f"{id_}/")) == (404, NOT_FOUND)


def test_another_projects_issue_is_unknown(stranger: World, references: Api) -> None:
    foreign = Issue.objects.create(environment=stranger.project)
    expected = error(400, "validation_error", "does_not_exist", "Issue not found.", "issue")
    assert answer(references.post("", {"issue": str(foreign.pk), "external_url": URL})) == expected


def test_a_page_takes_one_statement(references: Api, issue: Issue) -> None:
    for number in (1, 4):
        for twin in range(number):
            references.post("", {"issue": str(issue.pk), "external_url": f"{URL}{number}{twin}"})
        for query in ("", f"?issue_id={issue.pk}"):
            references.get(query)
            with statements() as sent:
                references.get(query)
            assert len([text for text in sent if "errortracking_" in text]) == 1
            assert ("environments_rowcount" in sent[-1]) == (not query)  # the database keeps the number of all

"""Two people at one health issue, over real HTTP: each is told what happened."""

from __future__ import annotations

from typing import Any

import pytest

from environments.api import audit
from healthtrack.models import HealthIssue
from tests.environments.racing import Rival, all_at_once, meet, rival, sender, settled
from tests.environments.world import World
from tests.healthtrack.api.making import make_issue, stored

__all__ = ["rival", "settled"]

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = {"detail": "Could not resolve health issue."}


def hold(rival: Rival, issue: HealthIssue) -> None:
    """Lock the row, so that whoever wants to write it has to wait."""
    rival.execute(
        "SELECT FROM healthtrack_healthissue WHERE environment_id = %s AND id = %s FOR UPDATE",
        [issue.environment_id, issue.id],
    )


def test_of_two_resolvers_at_once_one_succeeds_and_one_is_refused(
    live_server: Any, settled: World, rival: Rival
) -> None:
    """2.2, resolve: a conditional UPDATE."""
    issue = make_issue(settled.project)
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    hold(rival, issue)
    responses = meet(rival, [lambda: send("POST", "resolve/")] * 2)
    winner, loser = sorted(responses, key=lambda response: response.status_code)
    assert (winner.status_code, loser.status_code) == (200, 400)
    assert loser.json() == REFUSED
    row = stored(issue)
    assert winner.json()["resolved_at"] == row["resolved_at"].isoformat().replace("+00:00", "Z")
    assert row["updated_at"] == row["resolved_at"]


def test_of_many_resolvers_exactly_one_succeeds(live_server: Any, settled: World) -> None:
    issue = make_issue(settled.project)
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    responses = all_at_once(8, lambda: send("POST", "resolve/"))
    assert sorted(response.status_code for response in responses) == [200, *[400] * 7]


def test_a_resolver_who_waits_for_the_check_is_refused_once_that_has_resolved(
    live_server: Any, settled: World, rival: Rival
) -> None:
    issue = make_issue(settled.project)
    rival.execute(
        "UPDATE healthtrack_healthissue SET status = 'resolved', resolved_at = created_at"
        " WHERE environment_id = %s AND id = %s",
        [settled.project.pk, issue.id],
    )
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    [response] = meet(rival, [lambda: send("POST", "resolve/")])
    assert (response.status_code, response.json()) == (400, REFUSED)
    assert stored(issue)["resolved_at"] == issue.created_at


def test_a_resolver_who_waits_for_a_change_that_is_undone_succeeds(
    live_server: Any, settled: World, rival: Rival
) -> None:
    issue = make_issue(settled.project)
    rival.execute(
        "DELETE FROM healthtrack_healthissue WHERE environment_id = %s AND id = %s", [settled.project.pk, issue.id]
    )
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    [response] = meet(rival, [lambda: send("POST", "resolve/")], "rollback")
    assert response.status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "resolve/"), ("PATCH", "")])
def test_an_issue_that_is_deleted_meanwhile_is_not_found(
    live_server: Any, settled: World, rival: Rival, method: str, path: str
) -> None:
    issue = make_issue(settled.project)
    rival.execute(
        "DELETE FROM healthtrack_healthissue WHERE environment_id = %s AND id = %s", [settled.project.pk, issue.id]
    )
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    [response] = meet(rival, [lambda: send(method, path, {"dismissed": True})])
    assert (response.status_code, response.json()["detail"]) == (404, "Not found.")


def test_a_resolve_and_a_dismissal_at_once_both_happen(live_server: Any, settled: World, rival: Rival) -> None:
    """Each writes its own columns."""
    issue = make_issue(settled.project)
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    hold(rival, issue)
    responses = meet(rival, [lambda: send("POST", "resolve/"), lambda: send("PATCH", "", {"dismissed": True})])
    assert [response.status_code for response in responses] == [200, 200]
    row = stored(issue)
    assert (row["status"], row["dismissed"]) == ("resolved", True)
    assert row["resolved_at"] is not None


def test_two_dismissals_at_once_both_happen_and_the_second_knows_of_the_first(
    live_server: Any, settled: World, rival: Rival, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    issue = make_issue(settled.project)
    send = sender(live_server, settled, f"health_issues/{issue.id}/")
    hold(rival, issue)
    responses = meet(rival, [lambda: send("PATCH", "", {"dismissed": True})] * 2)
    assert [(response.status_code, response.json()["dismissed"]) for response in responses] == [(200, True)] * 2
    assert [change.before for change in changes] == [{"dismissed": False}, {"dismissed": True}]

"""Several connections at once: each row is made once, and one of them computes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.db import connection, transaction

from errortracking.recommendations.claims import claim, start_stale
from tests.environments.racing import Rival, all_at_once, meet, rival, sender, settled
from tests.environments.world import World
from tests.errortracking.recommendations.making import ALL_TYPES, make_row, rows, started

__all__ = ["rival", "settled"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_jobs_left")]
PATH = "error_tracking/recommendations/"
MAKE = """
    INSERT INTO errortracking_recommendation
        (environment_id, id, type, status, status_changed_at, meta, created_at, updated_at)
    SELECT %s, gen_random_uuid(), type, 'computing', now(), '{}', now(), now() FROM unnest(%s::text[]) AS type
"""
LOCK = "SELECT FROM errortracking_recommendation WHERE environment_id = %s AND type = %s FOR UPDATE"


def in_threads(number: int, act: Callable[[], Any]) -> list[Any]:
    """Let so many threads, each with a connection of its own, begin together; return what they returned, sorted."""
    results: list[Any] = []
    barrier = threading.Barrier(number)

    def run() -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == number
    return sorted(results)


def statuses(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {item["type"]: item["status"] for item in response.json()["results"]}


def test_of_many_who_look_first_one_makes_and_starts_everything(settled: World) -> None:
    """3, list: creates missing rows."""
    assert in_threads(8, lambda: start_stale(settled.project.pk)) == [0] * 7 + [5]
    assert sorted(rows(settled.project)) == ALL_TYPES
    assert sorted(started(settled.project)) == ALL_TYPES


def test_of_many_who_find_stale_rows_one_starts_them(settled: World) -> None:
    for name in ALL_TYPES:
        make_row(settled.project, name)
    assert in_threads(8, lambda: start_stale(settled.project.pk)) == [0] * 7 + [5]
    assert sorted(started(settled.project)) == ALL_TYPES


def test_of_many_who_ask_for_one_row_one_gets_it(settled: World) -> None:
    """4.2, claim: an atomic update."""
    row = make_row(settled.project)

    def ask() -> bool:
        with transaction.atomic():
            return claim(settled.project.pk, row.pk)

    assert in_threads(8, ask) == [False] * 7 + [True]
    assert started(settled.project) == ["alerts"]


def test_two_lists_at_once_make_each_row_once(live_server: Any, settled: World, rival: Rival) -> None:
    """Both find nothing, and wait for one who then gives up: one of them makes the rows, and starts each once."""
    look = sender(live_server, settled, PATH)
    rival.execute(MAKE, [settled.project.pk, ["alerts"]])
    answers = meet(rival, [lambda: look("GET")] * 2, "rollback")
    assert [statuses(answer) for answer in answers] == [dict.fromkeys(ALL_TYPES, "computing")] * 2
    assert sorted(rows(settled.project)) == ALL_TYPES
    assert sorted(started(settled.project)) == ALL_TYPES


def test_lists_that_wait_for_the_maker_of_the_rows_leave_them_to_it(
    live_server: Any, settled: World, rival: Rival
) -> None:
    look = sender(live_server, settled, PATH)
    rival.execute(MAKE, [settled.project.pk, ALL_TYPES])
    answers = meet(rival, [lambda: look("GET")] * 2)
    assert [statuses(answer) for answer in answers] == [dict.fromkeys(ALL_TYPES, "computing")] * 2
    assert started(settled.project) == []


def test_of_two_lists_that_find_a_stale_row_one_starts_it(live_server: Any, settled: World, rival: Rival) -> None:
    """Both have seen it `ready` before they wait; after the wait the second looks again."""
    look = sender(live_server, settled, PATH)
    for name in ALL_TYPES:
        make_row(settled.project, name)
    rival.execute(LOCK, [settled.project.pk, "alerts"])
    answers = meet(rival, [lambda: look("GET")] * 2)
    assert [statuses(answer) for answer in answers] == [dict.fromkeys(ALL_TYPES, "computing")] * 2
    assert sorted(started(settled.project)) == ALL_TYPES


def test_of_two_refreshes_at_once_one_claims_the_row(live_server: Any, settled: World, rival: Rival) -> None:
    """3, refresh: already computing → 200 with the current row."""
    send = sender(live_server, settled, PATH)
    row = make_row(settled.project)
    rival.execute(LOCK, [settled.project.pk, "alerts"])
    answers = meet(rival, [lambda: send("POST", f"{row.pk}/refresh/")] * 2)
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "computing")] * 2
    assert started(settled.project) == ["alerts"]


def test_a_list_and_a_refresh_at_once_start_a_row_once(live_server: Any, settled: World, rival: Rival) -> None:
    send = sender(live_server, settled, PATH)
    for name in ALL_TYPES:
        make_row(settled.project, name)
    row = rows(settled.project)["alerts"]
    rival.execute(LOCK, [settled.project.pk, "alerts"])
    answers = meet(rival, [lambda: send("GET"), lambda: send("POST", f"{row.pk}/refresh/")])
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sorted(started(settled.project)) == ALL_TYPES


def test_a_claim_that_was_rolled_back_leaves_the_row_to_the_next(
    live_server: Any, settled: World, rival: Rival
) -> None:
    send = sender(live_server, settled, PATH)
    row = make_row(settled.project)
    rival.execute(
        "UPDATE errortracking_recommendation SET status = 'computing', status_changed_at = now()"
        " WHERE environment_id = %s",
        [settled.project.pk],
    )
    [answer] = meet(rival, [lambda: send("POST", f"{row.pk}/refresh/")], "rollback")
    assert (answer.status_code, answer.json()["status"]) == (200, "computing")
    assert started(settled.project) == ["alerts"]


def test_a_crowd_over_http_starts_each_row_once(live_server: Any, settled: World) -> None:
    look = sender(live_server, settled, PATH)
    for answer in all_at_once(6, lambda: look("GET")):
        assert statuses(answer) == dict.fromkeys(ALL_TYPES, "computing")
    assert sorted(started(settled.project)) == ALL_TYPES

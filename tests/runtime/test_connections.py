"""The formula of connections, and that a running server keeps to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from config import connections
from runtime import schema
from runtime.postgres import settings
from tests.live import live_server


def test_the_formula_counts_threads_workers_and_a_reserve() -> None:
    # 8 threads per web process; per worker 3 for the pipeline, 6 around the tasks, 2 in them, 3 in fetches and 2 that
    # send alerts; 10 in reserve.
    assert connections.needed(web=2, workers=1) == 2 * 8 + 16 + 10
    assert connections.needed(web=4, workers=3) == 4 * 8 + 3 * 16 + 10
    assert connections.needed(web=1, workers=0) == 18


def test_what_does_not_fit_is_refused_with_the_numbers() -> None:
    assert connections.refusal(web=2, workers=1, available=42) is None
    text = connections.refusal(web=2, workers=1, available=41)
    assert text is not None
    assert "need up to 42 database connections, and the server gives 41." in text


@pytest.mark.django_db
def test_available_is_what_the_server_gives_to_ordinary_users() -> None:
    assert settings.COMMON["max_connections"] == "100"
    assert schema.available_connections() == 297  # the server of the tests: 300, of which 3 are for superusers


def test_a_busy_server_stays_within_the_formula() -> None:
    with live_server(web=2, workers=1) as server:
        made = server.bootstrap()
        url = f"{server.url}/api/environments/{made['environment_id']}/error_tracking/releases/"
        headers = {"Authorization": f"Bearer {made['personal_api_key']}"}
        event = {"api_key": made["project_token"], "event": "x", "distinct_id": "d"}

        def ask(_: int) -> int:
            requests.post(f"{server.url}/e/", json=event)
            return requests.get(url, headers=headers).status_code

        with ThreadPoolExecutor(32) as pool:
            assert set(pool.map(ask, range(320))) == {200}
        with psycopg.connect(server.database_url or "") as connection:
            rows = connection.execute(
                "SELECT application_name, count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1"
            ).fetchall()
        used: dict[str, int] = dict(rows)
        assert 0 < used["web"] <= 2 * connections.WEB_THREADS
        assert 0 < used["worker"] <= connections.per_worker()
        assert set(used) <= {"web", "worker"}, "the supervisor keeps no connection"

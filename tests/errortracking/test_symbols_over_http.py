"""Source maps on a running server: events of unknown scripts wait for theirs, uploads come after the fact."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from tests.errortracking.pipeline.mapping import CALLED, SCRIPT, packed, source_map, web
from tests.errortracking.symbols.cli import Chunk, Cli
from tests.live import LiveServer, live_server
from tests.outbound.web import Asked, Web, ok
from tests.outbound.web import web as serving

MAPPED = SCRIPT + "//# sourceMappingURL=app.js.map\n"


@pytest.fixture(scope="module")
def fetching() -> Iterator[LiveServer]:
    """A server that may fetch from this machine."""
    with live_server(HEALTHTRACK_FETCH_SOURCE_MAPS="on", HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="127.0.0.1") as server:
        yield server


def capture(server: LiveServer, token: str, *frames: dict[str, Any]) -> str:
    """Send one exception as posthog-js does; return its uuid."""
    uuid = str(uuid4())
    sent = {"type": "Error", "value": "no stock", "stacktrace": {"type": "raw", "frames": list(frames)}}
    properties = {
        "distinct_id": "u1",
        "token": token,
        "$lib": "web",
        "$lib_version": "1.449.2",
        "$exception_list": [sent],
    }
    event = {"event": "$exception", "uuid": uuid, "properties": properties}
    assert requests.post(f"{server.url}/e/", json={"api_key": token, "batch": [event]}, timeout=30).status_code == 200
    return uuid


def rows(server: LiveServer, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    assert server.database_url
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()


def issue_of(server: LiveServer, uuid: str) -> Any:
    """Return the id of the issue that an event went to; None while it is not processed."""
    found = rows(
        server,
        "SELECT f.issue_id FROM errortracking_event e JOIN errortracking_fingerprint f"
        " ON f.environment_id = e.environment_id AND f.id = e.fingerprint_id WHERE e.id = %s",
        uuid,
    )
    return found[0][0] if found else None


def names(server: LiveServer, made: dict[str, Any]) -> list[Any]:
    """Return the resolved names of the project's frames, as the API shows them."""
    answer = requests.get(
        f"{server.url}/api/environments/{made['environment_id']}/error_tracking/stack_frames/",
        headers={"Authorization": f"Bearer {made['personal_api_key']}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return sorted(str(frame["contents"].get("resolved_name")) for frame in answer.json()["results"])


def in_page(page: Web, **changes: Any) -> list[dict[str, Any]]:
    url = f"{page.url}/app.js"
    return [web(CALLED, "c", filename=url, **changes), web(filename=url, **changes)]


def test_the_first_event_of_an_unknown_script_is_grouped_by_its_source(fetching: LiveServer) -> None:
    made = fetching.bootstrap(email="fetch@example.com", project="fetch")
    with serving() as page:
        page.pages = {"/app.js": ok(MAPPED.encode()), "/app.js.map": ok(source_map().encode())}
        started = time.monotonic()
        first = capture(fetching, made["project_token"], *in_page(page))
        issue = fetching.until(lambda: issue_of(fetching, first))
        assert time.monotonic() - started < 20
        second = capture(fetching, made["project_token"], *in_page(page))
        assert fetching.until(lambda: issue_of(fetching, second)) == issue

        assert page.targets == ["GET /app.js", "GET /app.js.map"]
    assert names(fetching, made) == ["pay", "refund"]


def test_a_script_without_a_map_holds_its_events_up_no_longer_than_it_takes_to_know(fetching: LiveServer) -> None:
    made = fetching.bootstrap(email="nomap@example.com", project="nomap")
    with serving() as page:
        started = time.monotonic()
        event = capture(fetching, made["project_token"], *in_page(page))
        fetching.until(lambda: issue_of(fetching, event))
        assert time.monotonic() - started < 20
    (found,) = rows(fetching, "SELECT failure_reason FROM errortracking_symbolset WHERE ref = %s", f"{page.url}/app.js")
    assert found == (f'{{"JavaScript":{{"HttpStatus":[404,"{page.url}/app.js"]}}}}',)


def test_an_upload_after_the_fact_shows_in_old_events_and_the_next_one_joins_their_issue(fetching: LiveServer) -> None:
    made = fetching.bootstrap(email="upload@example.com", project="upload")
    chunk = str(uuid4())
    frames = [web(CALLED, "c", filename="app://a.js", chunk_id=chunk), web(filename="app://a.js", chunk_id=chunk)]
    first = capture(fetching, made["project_token"], *frames)
    issue = fetching.until(lambda: issue_of(fetching, first))
    assert names(fetching, made) == ["None", "None"]

    cli = Cli(fetching.url, made["environment_id"], made["personal_api_key"])
    cli.upload([Chunk(chunk, b"".join(packed()), cli.release("shop", "1.0"))])
    fetching.until(lambda: names(fetching, made) == ["pay", "refund"])
    second = capture(fetching, made["project_token"], *frames)
    assert fetching.until(lambda: issue_of(fetching, second)) == issue


@contextmanager
def stuck(page: Web) -> Iterator[threading.Event]:
    """Let the script be asked for and never come; yields what tells that it was."""
    asked, over = threading.Event(), threading.Event()

    def answer(_: Asked) -> Iterable[bytes]:
        asked.set()
        over.wait(60)
        yield b""

    page.pages = {"/app.js": answer}
    try:
        yield asked
    finally:
        over.set()


def test_a_worker_killed_while_it_fetches_loses_no_event() -> None:
    fetching = live_server(HEALTHTRACK_FETCH_SOURCE_MAPS="on", HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="127.0.0.1")
    with fetching as server, serving() as page, stuck(page) as asked:
        made = server.bootstrap()
        started = time.monotonic()
        event = capture(server, made["project_token"], *in_page(page))
        assert asked.wait(30)
        server.wait_replaced("worker", server.kill("worker"))
        assert issue_of(server, event) is None
        server.until(lambda: issue_of(server, event))
        assert 35 < time.monotonic() - started < 60

        assert rows(server, "SELECT outcome, count FROM errortracking_outcomecount") == [("stored", 1)]
        assert rows(server, "SELECT count(*) FROM errortracking_queuedrequest") == [(0,)]

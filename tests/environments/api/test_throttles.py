"""Contract 1.5: 480 requests a minute and 4800 an hour with each key; who is counted, and what a refusal says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from environments import clock, housekeeping
from environments.api import buckets, throttles
from environments.models import RateLimit
from environments.tenancy import sql
from tests.environments.world import Api, World, answer, error, statements

LIST = "error_tracking/releases/"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
JSON = "application/json"


@pytest.fixture
def three_a_minute(settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3


def after(seconds: float) -> Any:
    return clock.stopped_at(NOON + timedelta(seconds=seconds))


def statuses(api: Api, seconds: list[float]) -> list[int]:
    """What requests at these moments answer."""
    found = []
    for second in seconds:
        with after(second):
            found.append(api.get(LIST).status_code)
    return found


def throttled(text: str) -> tuple[int, dict[str, Any]]:
    return error(429, "throttled_error", "throttled", f"Request was throttled. Expected available in {text}.")


# ---- what a refusal says


@pytest.mark.usefixtures("three_a_minute")
@pytest.mark.parametrize(
    ("second", "text", "header"), [(2, "58 seconds", "58"), (2.5, "58 seconds", "58"), (59.5, "1 second", "1")]
)
def test_one_request_too_many_is_a_429(world: World, second: float, text: str, header: str) -> None:
    """1.4 and 1.5: the text, singular included, and Retry-After in whole seconds; no other header."""
    api = world.api()
    assert statuses(api, [0, 1, 2]) == [200] * 3
    with after(second):
        response = api.get(LIST)
    assert answer(response) == throttled(text)
    assert response["Retry-After"] == header
    assert not [name for name in response.headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.usefixtures("three_a_minute")
def test_who_waits_as_told_is_let_in(world: World) -> None:
    """1.5: sliding window."""
    api = world.api()
    assert statuses(api, [0, 1, 2, 3, 50, 59.9]) == [200, 200, 200, 429, 429, 429]
    assert statuses(api, [60, 60.9, 61, 61.5, 62]) == [200, 429, 200, 429, 200]


@pytest.mark.usefixtures("three_a_minute")
def test_a_refused_request_is_not_counted(world: World) -> None:
    api = world.api()
    assert statuses(api, [0, 0, 0, *range(1, 60)]) == [200] * 3 + [429] * 59
    assert statuses(api, [59.99, 60]) == [429, 200]


def test_the_defaults_are_480_a_minute_and_4800_an_hour(world: World) -> None:
    """1.5: `burst` 480/minute and `sustained` 4800/hour."""
    api, minutes = world.api(), range(0, 600, 60)
    for second in minutes:
        with after(second):
            assert [throttled_wait(world, api) for _ in range(480)] == [None] * 480
            assert throttled_wait(world, api) == (60 if second < 540 else 3060)
    with after(3599):
        assert throttled_wait(world, api) == 1
    with after(3600):
        assert throttled_wait(world, api) is None


def throttled_wait(world: World, api: Api) -> int | None:
    return throttles.wait(world.keys[api.key or ""].pk)


# ---- who is counted


@pytest.mark.usefixtures("three_a_minute")
def test_a_key_is_counted_wherever_it_stood(world: World) -> None:
    """Decision table: throttles and a key in the body."""
    key, api = world.key("*"), world.anonymous()
    body = {"version": "1", "project": "p", "personal_api_key": key}
    with after(0):
        assert api.get(LIST, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert api.get(f"{LIST}?personal_api_key={key}").status_code == 200
        assert api.post(LIST, body).status_code == 201
        assert api.post(LIST, body).status_code == 429
        assert api.get(f"{LIST}?personal_api_key={key}").status_code == 429
        assert api.get(LIST, headers={"Authorization": f"Bearer {key}"}).status_code == 429


@pytest.mark.usefixtures("three_a_minute")
def test_sessions_are_not_counted(world: World) -> None:
    """1.5: sessions are not counted."""
    assert statuses(world.browser(), [0] * 10) == [200] * 10
    assert not RateLimit.objects.exists()


@pytest.mark.usefixtures("three_a_minute")
def test_each_key_has_its_own_limit(world: World) -> None:
    """Disagreement 22: per key, not per team."""
    assert statuses(world.api(), [0] * 4) == [200, 200, 200, 429]
    assert statuses(world.api(), [0]) == [200]


@pytest.mark.usefixtures("three_a_minute")
def test_a_rolled_key_keeps_what_it_has_used(world: World) -> None:
    api = world.api()
    assert statuses(api, [0] * 3) == [200] * 3
    assert statuses(Api(world.project, world.keys[api.key or ""].roll()), [0]) == [429]


@pytest.mark.usefixtures("three_a_minute")
def test_the_limit_comes_after_authentication_scope_and_membership(world: World, stranger: World) -> None:
    """A request that may not be made is refused as that, and uses nothing up."""
    api = world.api("error_tracking:read")
    assert statuses(api, [0] * 2) == [200] * 2
    with after(0):
        for _ in range(5):
            assert api.post(LIST, {}).status_code == 403
            assert Api(stranger.project, api.key).get(LIST).status_code == 403
            assert api.get("/api/projects/x/error_tracking/releases/").status_code == 404
            assert Api(world.project, "phx_unknown").get(LIST).status_code == 401
        assert api.get(f"{LIST}nonsense/").status_code == 404
        assert api.get(LIST).status_code == 429
        assert api.post(LIST, {}).status_code == 403


@pytest.mark.usefixtures("three_a_minute")
def test_wrong_methods_options_and_missing_objects_count(world: World) -> None:
    api = world.api()
    with after(0):
        assert api.put(LIST, {}).status_code == 405
        assert api.request("OPTIONS", LIST).status_code == 200
        assert api.get(f"{LIST}nonsense/").status_code == 404
        assert api.get(f"{LIST}nonsense/").status_code == 429


@pytest.mark.usefixtures("three_a_minute")
def test_a_throttled_write_changes_nothing(world: World) -> None:
    api = world.api()
    assert statuses(api, [0] * 3) == [200] * 3
    with after(0):
        assert api.post(LIST, b"{", content_type=JSON).status_code == 400  # noticed before: 1.1, malformed JSON
        assert api.post(LIST, {"version": "1", "project": "p"}).status_code == 429
        assert answer(world.browser().get(LIST))[1]["count"] == 0


@pytest.mark.urls("tests.environments.api.endpoints")
@pytest.mark.usefixtures("three_a_minute")
def test_endpoints_without_a_project_count_too(world: World) -> None:
    api = world.api()
    with after(0):
        assert [api.get("/api/me/").status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.usefixtures("three_a_minute")
def test_one_setting_switches_the_limits_off(world: World, settings: Any) -> None:
    """1.5: only when the setting is on."""
    settings.RATE_LIMITS = False
    assert statuses(world.api(), [0] * 5) == [200] * 5
    assert not RateLimit.objects.exists()


# ---- the row


def test_a_list_takes_three_statements_and_seldom_one_for_the_limit(world: World) -> None:
    """Of 200 requests at 400 a minute at most 18 ask the row, with one statement."""
    api = world.api()
    asked = []
    with after(0):
        api.get(LIST)
    for n in range(1, 200):
        with statements(leases=True) as sent, after(n * 0.15):
            assert api.get(LIST).status_code == 200
        [asks] = [[statement for statement in sent if "environments_ratelimit" in statement]]
        assert len(sent) - len(asks) == 2  # the page is empty
        asked.append(len(asks))
    assert set(asked) == {0, 1}
    assert sum(asked) <= 18


def test_refused_requests_do_not_write_each(world: World, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3
    api = world.api()
    assert statuses(api, [0, 0, 0, 0]) == [200, 200, 200, 429]
    with statements(leases=True) as sent:
        assert statuses(api, [0.5] * 50) == [429] * 50
    assert not [statement for statement in sent if "environments_ratelimit" in statement]


def test_another_process_sees_what_this_one_used(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 5
    api, processes = world.api(), [throttles._Buckets() for _ in range(2)]
    found = []
    for n in range(7):
        monkeypatch.setattr(throttles, "_buckets", processes[n % 2])
        found += statuses(api, [n / 10])
    assert found == [200] * 5 + [429] * 2


def test_a_process_that_has_forgotten_a_key_reads_its_row(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3
    monkeypatch.setattr(throttles, "MAX_KEYS", 1)
    first, second = world.api(), world.api()
    assert statuses(first, [0, 0]) == [200, 200]
    assert statuses(second, [0, 0]) == [200, 200]
    assert statuses(first, [0, 0]) == [200, 429]


def test_a_row_of_another_version_begins_anew(world: World) -> None:
    api = world.api()
    assert statuses(api, [0]) == [200]
    RateLimit.objects.update(state=b"\x09something", revision=5)
    assert statuses(api, [1, 2, 3]) == [200] * 3
    assert buckets.load(bytes(RateLimit.objects.get().state)).runs


def test_a_database_that_is_away_is_a_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api = world.api()
    real = sql.Cursor.execute

    def execute(cursor: sql.Cursor, query: str, parameters: Any = None, **options: Any) -> Any:
        if "environments_ratelimit" in query:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return real(cursor, query, parameters, **options)

    with monkeypatch.context() as patched:
        patched.setattr(sql.Cursor, "execute", execute)
        with after(0):
            response = api.get(LIST)
    assert response.status_code == 503
    assert answer(response)[1]["code"] == "service_unavailable"
    assert response["Retry-After"] == "5"
    assert statuses(api, [0]) == [200]


def test_a_row_that_never_holds_still_is_a_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles._Bucket, "_swap", lambda self, state: False)
    monkeypatch.setattr(throttles, "_ATTEMPTS", 5)
    assert statuses(world.api(), [0]) == [503]


def test_a_thread_does_not_wait_for_ever_for_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "PATIENCE_SECONDS", 0.01)
    api = world.api()
    bucket = throttles._buckets.get(world.keys[api.key or ""].pk)
    with bucket._lock:
        assert statuses(api, [0]) == [503]
    assert statuses(api, [0]) == [200]


def test_rows_of_keys_that_are_not_used_are_deleted_after_a_day(world: World) -> None:
    old, new = world.api(), world.api()
    statuses(old, [0])
    statuses(new, [3600])
    with after(24 * 3600 + 1):
        housekeeping.daily()
    assert [row.key_id for row in RateLimit.objects.all()] == [world.keys[new.key or ""].pk]

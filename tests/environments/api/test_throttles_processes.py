"""The limits over several real processes and threads that ask one real row at the same time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection

from environments.api import buckets, throttles
from environments.models import RateLimit
from tests.environments.racing import settled
from tests.environments.world import World
from tests.live import live_server

__all__ = ["settled"]

LENGTH, LIMIT = 3 * buckets.SECOND, 300

PROGRAM = f"""
import json, sys, time
import django
django.setup()
from environments.api import throttles
throttles.MINUTE = {LENGTH}
real, key, pause = throttles._now, sys.argv[1], float(sys.argv[2])
def now():
    global moment  # the last one is that of the decision
    moment = real()
    return moment
throttles._now = now
print("ready", flush=True)
sys.stdin.readline()
decided, end = [], time.monotonic() + 7
while time.monotonic() < end:
    decided.append((throttles.wait(key) is None, moment))
    time.sleep(pause)
print(json.dumps(decided))
"""


def database_url() -> str:
    name = connection.settings_dict["NAME"]
    return re.sub(r"^(\w+://[^/]*/)[^?]*", lambda match: match[1] + name, os.environ["DATABASE_URL"])


def decisions(key: str, pauses: list[float]) -> list[tuple[int, bool]]:
    """Let a process for each pause ask as often as it can, from the same moment on; return moments and answers."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HEALTHTRACK_RATE_LIMIT_PER_MINUTE": str(LIMIT),
        "HEALTHTRACK_RATE_LIMIT_PER_HOUR": "1000000",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, key, str(pause)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for pause in pauses
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        found: list[Any] = []
        with ThreadPoolExecutor(len(processes)) as pool:
            for output, _ in pool.map(lambda process: process.communicate("\n", timeout=60), processes):
                found += json.loads(output)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return sorted((moment, passed) for passed, moment in found)


@pytest.mark.django_db(transaction=True)
def test_four_processes_together_keep_to_the_limit_and_use_nine_tenths_of_it() -> None:
    found = decisions("shared", [0.001, 0.001, 0.002, 0.01])
    passed = [moment for moment, is_passed in found if is_passed]
    held = {moment: n + 1 - bisect_right(passed, moment - LENGTH) for n, moment in enumerate(passed)}
    assert max(held.values()) <= LIMIT
    assert len(passed) > LIMIT, "the window has moved on"
    refused = [moment for moment, is_passed in found if not is_passed]
    assert len(refused) > 10
    for moment in refused:
        used = bisect_right(passed, moment) - bisect_right(passed, moment - LENGTH)
        assert used > 0.9 * LIMIT


@pytest.mark.django_db(transaction=True)
def test_threads_of_one_process_share_its_leases(live_server: Any, settled: World, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 100
    key = settled.key("*")
    address = f"{live_server.url}/api/environments/{settled.project.pk}/error_tracking/releases/"

    def get(_: int) -> int:
        return requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, range(130)))
    assert sorted(found) == [200] * 100 + [429] * 30
    runs = buckets.load(bytes(RateLimit.objects.get().state)).runs
    assert sum(run.size for run in runs) == 100


def test_two_web_processes_refuse_the_request_too_many() -> None:
    """1.5 over real HTTP: one web process or several, the limit is the key's. And a setting raises or lowers it."""
    with live_server(web=2, HEALTHTRACK_RATE_LIMIT_PER_MINUTE="60") as server:
        made = server.bootstrap()
        address = f"{server.url}/api/projects/{made['environment_id']}/error_tracking/releases/"
        headers = {"Authorization": f"Bearer {made['personal_api_key']}"}
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: requests.get(address, headers=headers, timeout=60), range(90)))
    refused = [response for response in found if response.status_code == 429]
    assert {response.status_code for response in found} == {200, 429}
    assert 0.9 * 60 < len(found) - len(refused) <= 60
    wait = int(refused[0].headers["Retry-After"])
    assert 0 < wait <= 60
    seconds = f"{wait} second" + ("s" if wait > 1 else "")
    assert refused[0].json() == {
        "type": "throttled_error",
        "code": "throttled",
        "detail": f"Request was throttled. Expected available in {seconds}.",
        "attr": None,
    }


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_deleted_while_it_is_used_leaves_no_error(settled: World) -> None:
    key = settled.keys[settled.key("*")]
    key.delete()
    assert throttles.wait(key.pk or "gone") is None

"""/metrics: what was asked of the server and what waits in it, in Prometheus' format."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from environments import clock
from environments.models import Organization, Project
from errortracking.models import Outcome, OutcomeCount, QueuedRequest, SetAsideEvent
from runtime import metrics
from tests.runtime.test_probes import database_away

pytestmark = pytest.mark.django_db


def scrape(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return name and labels → value; fails on what Prometheus could not read."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.content.decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a name is described twice"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(client: Client, name: str, **labels: str) -> float:
    return scrape(client).get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def project() -> Project:
    return Project.objects.create(organization=Organization.objects.create(name="Acme"), name="shop")


def test_requests_are_counted_by_route_and_not_by_path(client: Client) -> None:
    labels = {"method": "GET", "route": "^livez/?$", "status": "200"}
    before = value(client, "healthtrack_http_requests_total", **labels)
    client.get("/livez")
    client.get("/livez/")
    assert value(client, "healthtrack_http_requests_total", **labels) == before + 2
    timed = value(client, "healthtrack_http_request_seconds_count", method="GET", route="^livez/?$")
    assert timed == before + 2


def test_unknown_paths_and_methods_share_one_label(client: Client) -> None:
    labels = {"method": "other", "route": "unmatched", "status": "404"}
    before = value(client, "healthtrack_http_requests_total", **labels)
    client.generic("BREW", "/coffee")
    client.generic("WHEN", "/milk")
    assert value(client, "healthtrack_http_requests_total", **labels) == before + 2
    assert not [key for key in scrape(client) if "coffee" in str(key) or "BREW" in str(key)]


def test_the_backlog_is_that_of_the_database(client: Client, project: Project) -> None:
    now = clock.now()
    for age, size in ((1, 100), (60, 50)):
        QueuedRequest.objects.create(
            environment_id=project.pk, received_at=now - timedelta(seconds=age), events=2, bytes=size, payload=b""
        )
    with clock.stopped_at(now):
        seen = scrape(client)
    assert seen["healthtrack_backlog_requests", ()] == 2
    assert seen["healthtrack_backlog_bytes", ()] == 150
    assert seen["healthtrack_backlog_oldest_seconds", ()] == 60
    assert seen["healthtrack_database_up", ()] == 1


def test_outcomes_are_summed_over_projects_and_days(client: Client, project: Project) -> None:
    today = clock.now().date()
    for day, outcome, reason, count in (
        (today, Outcome.STORED, "", 5),
        (today - timedelta(days=1), Outcome.STORED, "", 2),
        (today, Outcome.SET_ASIDE, "a", 1),
        (today, Outcome.SET_ASIDE, "b", 3),
    ):
        OutcomeCount.objects.create(environment_id=project.pk, day=day, outcome=outcome, reason=reason, count=count)
    seen = scrape(client)
    assert seen["healthtrack_outcomes_total", (("outcome", "stored"),)] == 7
    assert seen["healthtrack_outcomes_total", (("outcome", "set_aside"),)] == 4


def test_events_set_aside_are_counted(client: Client, project: Project) -> None:
    SetAsideEvent.objects.create(
        environment_id=project.pk,
        event_uuid="01900000-0000-7000-8000-000000000000",
        received_at=clock.now(),
        reason="broken",
        payload=b"",
    )
    assert value(client, "healthtrack_set_aside_events") == 1


def test_without_the_database_the_rest_is_still_told(client: Client) -> None:
    with database_away(OperationalError("down")):
        seen = scrape(client)
    assert seen["healthtrack_database_up", ()] == 0
    assert ("healthtrack_backlog_requests", ()) not in seen
    assert any(name == "healthtrack_http_requests_total" for name, _ in seen)


def test_openmetrics_is_spoken_to_who_asks_for_it(client: Client) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


def test_counters_that_cannot_be_read_are_no_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("half a file")

    monkeypatch.setattr(metrics, "registry", broken)
    assert client.get("/metrics").status_code == 503


COUNT = """
import django; django.setup()
from runtime import metrics
for _ in range({times}): metrics.observe("GET", "unmatched", 200, 0.01)
{then}
"""
READ = """
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry(); MultiProcessCollector(registry)
labels = {"method": "GET", "route": "unmatched", "status": "200"}
print(registry.get_sample_value("healthtrack_http_requests_total", labels))
"""


def test_processes_count_together_and_a_successor_goes_on_where_a_killed_one_stopped(tmp_path: Path) -> None:
    def run(name: str, times: int, then: str) -> str:
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
            "HEALTHTRACK_NAME": name,
        }
        done = subprocess.run(
            [sys.executable, "-c", COUNT.format(times=times, then=then)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, -9), done.stderr
        return done.stdout

    run("web-1", 3, "import os; os.kill(os.getpid(), 9)")
    run("web-2", 4, "")
    assert run("web-1", 5, READ) == "12.0\n"
    assert sorted(path.name for path in tmp_path.glob("counter_*")) == ["counter_web-1.db", "counter_web-2.db"]

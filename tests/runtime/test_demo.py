"""``manage.py demo``: a project with something in it, through the real ingest and pipeline."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest
import requests

from environments.models import PersonalAPIKey, User
from runtime.demo import events, project
from runtime.demo.stories import STORIES
from tests.live import LiveServer, live_server

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}  # as `curl -d` sends it
IDS = {(sdk, version): f"{sdk} {version}" for sdk, versions in events.VERSIONS.items() for version in versions}


def test_without_a_server_it_runs_in_process_and_a_second_run_adds_no_exception() -> None:
    with live_server(start=False) as server:
        first = server.manage("demo", "--seed", "7", "--events", "30").stdout.splitlines()
        assert first[:5] == [
            "No server runs: in this process.",
            "Releases: 7",
            "Exceptions sent: 30",
            "Exceptions of a spike: 520",
            "Requests processed: 7",
        ]
        assert first[5] == "Recommendations: 5"
        assert "Events: 610 sent; 60 counted, 550 stored." in first
        assert "Health checks: 16" in first
        # More where enough of the views and minified frames fall on one day; the times reach back from now.
        found = next(line for line in first if line.startswith("Spikes in the project: 1. Health issues: "))
        assert "web_vitals" in found
        assert "Issues in the project: 8. Recommendations to follow: " in "\n".join(first)

        second = server.manage("demo", "--seed", "7", "--events", "30").stdout.splitlines()
        assert "Events: 30 sent; 30 duplicate." in second
        assert "Exceptions of a spike: 0" in second
        assert found in second
        assert "Exceptions of seed 7 that were there already were not added again." in second

        more = server.manage("demo", "--seed", "7", "--events", "32").stdout.splitlines()
        assert "Events: 36 sent; 4 counted, 30 duplicate, 2 stored." in more
        assert any(line.startswith("Issues in the project: 8.") for line in more)


def test_with_a_server_it_goes_over_http_and_the_lines_it_prints_work() -> None:
    with live_server() as server:
        _check_over_http(server)


def _check_over_http(server: LiveServer) -> None:
    output = server.manage("demo", "--events", "12").stdout
    assert output.startswith(f"Through the server at {server.url}.\n")
    assert "Events: 556 sent; 24 counted, 532 stored." in output
    assert "Issues in the project: 8." in output
    assert "Recommendations to follow: alerts, long_running_issues, rate_limits, source_maps.\n" in output

    curls = re.findall(r"curl -H '(Authorization): (Bearer phx_\w+)' (http\S+)", output)
    names = ["stack_frames", "recommendations", "spike_events", "health_issues"]
    assert [url.rsplit("/", 2)[1] for *_, url in curls] == names
    frames, recommendations, spikes, health = (
        requests.get(url, headers={name: value}).json() for name, value, url in curls
    )
    assert {issue["status"] for issue in health["results"]} == {"active"}
    assert "web_vitals" in {issue["kind"] for issue in health["results"]}
    (spike,) = spikes["results"]
    assert spike["issue"]["name"] == "PaymentFailed"
    assert (spike["computed_baseline"], spike["current_bucket_value"] >= 520) == (0.0, True)
    ((name, value, preview),) = re.findall(r"curl -H '(Authorization): (Bearer phx_\w+)' -d threshold=20 (\S+)", output)
    replayed = requests.post(preview, data="threshold=20", headers=FORM | {name: value}).json()
    assert replayed["candidate"]["config"]["threshold"] == 20
    assert [one["issue"] for one in replayed["current"]["spikes"]] == [spike["issue"]]
    assert Counter(row["contents"]["lang"] for row in frames["results"]) == {"javascript": 27, "python": 5}
    assert len(recommendations["results"]) == 5
    assert all(row["computed_at"] for row in recommendations["results"])
    pages = [re.search(rf"  {name}  (\S+)", output) for name in ("Issues", "Spikes", "Health")]
    for page in pages:
        assert page
        assert "/admin/login/" in requests.get(page[1]).url

    again = server.manage("demo", "--events", "12").stdout
    assert "Events: 12 sent; 12 duplicate." in again
    name, value, url = curls[0]
    assert requests.get(url, headers={name: value}).status_code == 401  # the second run's key took its place


@pytest.mark.django_db
def test_a_user_with_ten_other_keys_keeps_them_all_and_is_told_so() -> None:
    user = User.objects.create_user("ann@example.com", None)
    for _ in range(9):
        PersonalAPIKey.objects.issue(user, "bootstrap", ["*"])
    project.provisioned()
    project.provisioned()  # the demo's own key gives way to its next one
    assert Counter(PersonalAPIKey.objects.values_list("label", flat=True)) == {"bootstrap": 9, "demo": 1}
    PersonalAPIKey.objects.filter(label="demo").delete()
    PersonalAPIKey.objects.issue(user, "bootstrap", ["*"])
    with pytest.raises(project.DemoFailed, match="at most 10 personal API keys"):
        project.provisioned()
    assert PersonalAPIKey.objects.filter(label="bootstrap").count() == 10


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--events", "0"], "argument --events: '0' is not a number from 1 to 100000"),
        (["--events", "many"], "argument --events: 'many' is not a number from 1 to 100000"),
        (["--seed", "-1"], "argument --seed: '-1' is not a number from 0 to 2147483647"),
    ],
)
def test_a_bad_option_is_refused_in_words(server: LiveServer, words: list[str], text: str) -> None:
    done = server.manage("demo", *words, expect=None)
    assert done.returncode != 0
    assert text in done.stderr


def test_an_event_follows_from_its_seed_and_number_alone() -> None:
    assert events.make(3, 50, NOW, IDS) == events.make(3, 50, NOW, IDS)
    ids = {events.make(seed, number, NOW, IDS)[1]["uuid"] for seed in (3, 4) for number in range(50)}
    assert len(ids) == 100
    # Written down: another value would add a second copy to every demo that was made before.
    assert str(events.event_id(1, 0, "exception")) == "5cde0d39-d448-5169-bd41-659d8a086fca"


def test_the_first_exceptions_tell_every_story_once() -> None:
    sdks = [events.make(9, number, NOW, IDS)[0] for number in range(8)]
    assert len(STORIES) == 8
    assert sdks == ["posthog-python"] * 3 + ["posthog-node"] * 2 + ["web"] * 3


def test_many_users_and_every_release_are_among_200_exceptions() -> None:
    made = [events.make(1, number, NOW, IDS)[1] for number in range(200)]
    assert len({event["distinct_id"] for event in made}) == 25
    assert {event["properties"]["$release_id"] for event in made} == set(IDS.values())

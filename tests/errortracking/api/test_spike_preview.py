"""POST …/spike_detection_config/preview/: what another configuration would have found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from environments.models import AuditEntry
from errortracking.models import SpikeDetectionConfig, SpikeEvent
from errortracking.spikes import preview as replaying
from errortracking.spikes import series
from tests.environments.world import Api, World, answer, statements
from tests.errortracking.api.previewing import DEFAULTS, NOTHING, api, asked, came, fingerprint, found, invalid, now

__all__ = ["api", "now"]  # fixtures

TOO_MUCH = "The range holds more than can be replayed in one request. Ask for a shorter one, or for a higher threshold."


# ---- the answer
def test_it_shows_what_the_candidate_and_the_current_configuration_find(world: World, api: Api) -> None:
    one = fingerprint(world.project)
    came(one, {"22 11:00": 10, "22 11:05": 60, "22 11:30": 800})
    shown = asked(api, threshold=50, multiplier=5)

    issue = {"id": str(one.issue_id), "name": "KeyError", "description": "stock"}
    large = {
        "issue": issue,
        "bucket": "2026-11-22T11:30:00Z",
        "computed_baseline": 35.0,
        "current_bucket_value": 800,
    }
    small = {"issue": issue, "bucket": "2026-11-22T11:05:00Z", "computed_baseline": 10.0, "current_bucket_value": 60}
    assert shown == {
        "date_from": "2026-11-15T12:02:00Z",
        "date_to": "2026-11-22T12:02:00Z",
        "candidate": {
            "config": {"snooze_duration_minutes": 10, "multiplier": 5, "threshold": 50},
            "count": 2,
            "truncated": False,
            "spikes": [large, small],
        },
        "current": {"config": DEFAULTS, "count": 1, "truncated": False, "spikes": [large]},
    }


def test_what_the_candidate_leaves_out_is_as_it_is_configured(world: World, api: Api) -> None:
    SpikeDetectionConfig.objects.create(environment=world.project, threshold=77, snooze_duration_minutes=3)
    configured = {"snooze_duration_minutes": 3, "multiplier": 10, "threshold": 77}
    shown = asked(api, multiplier=2)

    assert shown["current"]["config"] == configured
    assert shown["candidate"]["config"] == configured | {"multiplier": 2}


@pytest.mark.parametrize("body", [{}, None, {"nonsense": None, "enabled": True}])
def test_without_a_candidate_both_are_the_configuration(world: World, api: Api, body: Any) -> None:
    came(fingerprint(world.project), {"22 11:30": 500})
    status, shown = answer(api.post("", body))

    assert status == 200
    assert shown["candidate"] == shown["current"]
    assert found(shown["current"]) == [("22 11:30", 0.0, 500)]


def test_a_project_without_exceptions_has_no_spikes(api: Api) -> None:
    assert asked(api)["candidate"] == NOTHING


def test_a_form_will_do(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"22 11:30": 20})
    response = api.post("", b"threshold=20&date_from=2026-11-22", content_type="application/x-www-form-urlencoded")

    assert found(json.loads(response.content)["candidate"]) == [("22 11:30", 0.0, 20)]


def test_nothing_is_written(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"22 11:30": 700})
    with statements() as sent:
        asked(api, threshold=5)

    assert [text for text in sent if text.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))] == []
    assert not SpikeDetectionConfig.objects.filter(environment_id=world.project.pk).exists()
    assert not SpikeEvent.objects.filter(environment_id=world.project.pk).exists()
    assert not AuditEntry.objects.filter(environment_id=world.project.pk).exists()


# ---- the replay
def test_an_issue_is_all_of_its_fingerprints(world: World, api: Api) -> None:
    first = fingerprint(world.project)
    others = [fingerprint(world.project, first.issue) for _ in range(2)]
    for one in (first, *others):
        came(one, {"22 11:00": 2, "22 11:05": 30})

    assert found(asked(api, threshold=90)["candidate"]) == [("22 11:05", 6.0, 90)]
    assert found(asked(api, threshold=91)["candidate"]) == []


def test_history_before_the_range_counts_and_spikes_there_do_not(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"21 23:30": 600, "22 00:00": 700, "22 00:20": 7000})

    assert found(asked(api, date_from="2026-11-22")["candidate"]) == [("22 00:20", 650.0, 7000)]


def test_an_issue_without_history_is_judged_by_the_projects_mean_per_issue(world: World, api: Api) -> None:
    """3, table: (5 + 3 + 4) / 3; here over two hours of the clock and midnight."""
    others = [fingerprint(world.project, name=f"E{number}") for number in range(4)]
    for bucket, counts in {"21 23:30": (13, 1, 1), "22 00:00": (9, 1, 1, 1), "22 00:05": (4, 4)}.items():
        for one, count in zip(others, counts, strict=False):
            came(one, {bucket: count})
    came(fingerprint(world.project), {"22 00:10": 40})
    came(fingerprint(world.project), {"22 00:10": 41})

    assert found(asked(api, threshold=20)["candidate"]) == [("22 00:10", 4.0, 41)]
    assert found(asked(api, threshold=20, multiplier=9)["candidate"]) == [("22 00:10", 4.0, 41), ("22 00:10", 4.0, 40)]


def test_a_snooze_keeps_an_issue_quiet_and_no_other(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"22 11:00": 500, "22 11:05": 9000, "22 11:10": 90000})
    came(fingerprint(world.project), {"22 11:05": 5001})
    shown = asked(api, snooze_duration_minutes=5)

    last, other, first = ("22 11:10", 4750.0, 90000), ("22 11:05", 500.0, 5001), ("22 11:00", 0.0, 500)
    assert found(shown["current"]) == [last, other, first]
    assert found(shown["candidate"]) == [last, ("22 11:05", 500.0, 9000), other, first]


def test_the_counts_of_another_project_do_not_matter(world: World, stranger: World, api: Api) -> None:
    theirs = fingerprint(stranger.project)
    came(theirs, {"22 11:00": 5000, "22 11:30": 90000})
    came(fingerprint(world.project), {"22 11:30": 500})

    assert found(asked(api)["candidate"]) == [("22 11:30", 0.0, 500)]


def test_counts_of_fingerprints_that_are_gone_do_not_matter(world: World, api: Api) -> None:
    gone = fingerprint(world.project)
    came(gone, {"22 11:00": 5000, "22 11:30": 90000})
    gone.issue.delete()

    assert asked(api)["candidate"]["count"] == 0


def test_the_newest_spikes_are_shown_and_all_are_counted(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MOST_SPIKES", 2)
    for hour in (3, 7, 5):
        came(fingerprint(world.project), {f"22 0{hour}:00": 600 + hour})
    came(fingerprint(world.project), {"22 07:00": 900})
    shown = asked(api, threshold=606)

    assert found(shown["candidate"]) == [("22 07:00", 0.0, 900), ("22 07:00", 0.0, 607)]
    assert (shown["candidate"]["count"], shown["candidate"]["truncated"]) == (2, False)
    assert found(shown["current"]) == [("22 07:00", 0.0, 900), ("22 07:00", 0.0, 607)]
    assert (shown["current"]["count"], shown["current"]["truncated"]) == (4, True)


# ---- its bounds
def test_what_takes_too_long_is_a_400_that_says_so(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    came(fingerprint(world.project), {"22 11:00": 500})
    monkeypatch.setattr(series, "SECONDS", 0)
    assert answer(api.post("", {})) == invalid(TOO_MUCH, "date_from", "range_too_large")


def test_what_the_database_takes_too_long_for_is_a_400_too(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(fingerprint(world.project), {"22 11:00": 500})
    slow = series._SERIES.replace("FROM counted GROUP", "FROM counted, pg_sleep(5) GROUP")
    assert slow != series._SERIES
    monkeypatch.setattr(series, "_SERIES", slow)
    monkeypatch.setattr(series, "SECONDS", 0.2)
    assert answer(api.post("", {})) == invalid(TOO_MUCH, "date_from", "range_too_large")


def test_more_counts_than_can_be_looked_at_are_a_400_and_a_higher_threshold_helps(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MOST_COUNTS", 3)
    came(fingerprint(world.project), {"22 10:00": 1, "22 11:00": 500, "22 11:05": 1})
    came(fingerprint(world.project), {"22 11:05": 499})
    assert asked(api)["candidate"]["count"] == 1
    assert answer(api.post("", {"threshold": 499})) == invalid(TOO_MUCH, "date_from", "range_too_large")


def test_only_the_hours_before_spikes_of_new_issues_are_asked_of_the_whole_project(world: World, api: Api) -> None:
    came(fingerprint(world.project), {"20 10:00": 500, "20 10:05": 600})
    came(fingerprint(world.project), {"22 11:00": 10, "22 11:05": 500})
    with statements() as sent:
        asked(api)

    assert len([text for text in sent if "count(DISTINCT f.issue_id)" in text]) == 1

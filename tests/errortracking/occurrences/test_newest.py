"""The newest events of an issue with many fingerprints: the right ones, without reading all."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from errortracking.models import Event, Fingerprint
from errortracking.occurrences import events, newest
from errortracking.occurrences.events import Asked
from tests.environments.world import Api, World, answer, statements, world
from tests.errortracking.api.occurring import NOON, found, issues, make_events, make_fingerprint, uuid

__all__ = ["issues", "world"]

SECOND = timedelta(seconds=1)


def fingerprints(world: World, number: int) -> list[Fingerprint]:
    first = make_fingerprint(world.project)
    others = [make_fingerprint(world.project, first.issue, f"f{n}") for n in range(1, number)]
    return [first, *others]


def spread(rows: list[Fingerprint], seconds: list[list[int]], **fields: Any) -> None:
    """Give each fingerprint an event at each of its seconds after noon."""
    number = 0
    for fingerprint, mine in zip(rows, seconds, strict=True):
        make_events(
            fingerprint, {uuid(930_000 + number + n): NOON + at * SECOND for n, at in enumerate(mine)}, **fields
        )
        number += len(mine)


def since(issue: Fingerprint, number: int, earliest: Any = None, latest: Any = None) -> datetime | None:
    fingerprints = newest.of_issue(issue.environment_id, issue.issue_id)
    return newest.since(issue.environment_id, fingerprints, newest.Within(earliest, latest), number)


class Reads:
    """Counts the moments that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moments = self.rounds = 0
        real = newest._times

        def counting(*arguments: Any) -> dict[UUID, list[datetime]]:
            read = real(*arguments)
            self.rounds += 1
            self.moments += sum(map(len, read.values()))
            return read

        monkeypatch.setattr(newest, "_times", counting)


def test_it_is_the_moment_of_the_last_that_is_wanted(world: World) -> None:
    rows = fingerprints(world, 3)
    spread(rows, [[1, 4, 7], [2, 5, 8], [3, 6, 9]])
    assert [since(rows[0], number) for number in (1, 4, 9)] == [NOON + at * SECOND for at in (9, 6, 1)]


def test_where_there_are_not_so_many_it_is_where_the_search_began(world: World) -> None:
    rows = fingerprints(world, 3)
    spread(rows, [[1], [2], []])
    assert since(rows[0], 3) is None
    assert since(rows[0], 2, NOON + SECOND, NOON + SECOND) == NOON + SECOND
    assert since(rows[0], 1, NOON, NOON + SECOND) == NOON + SECOND


def test_of_one_that_has_nearly_all_the_others_are_not_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = fingerprints(world, 20)
    spread(rows, [list(range(1_000, 1_400)), *([list(range(100))] * 19)])
    reads = Reads(monkeypatch)
    assert since(rows[0], 200) == NOON + 1_200 * SECOND
    # 20 of each; of the first then 40, 80, 160 and 200: a sorted list of all would have been 2,300.
    assert (reads.rounds, reads.moments) == (5, 20 * 20 + 40 + 80 + 160 + 200)


@pytest.mark.parametrize("seed", range(8))
def test_the_pages_are_those_of_a_list_of_all(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Hot and cold fingerprints, several events at one moment, with and without filters and dates."""
    draw = Random(seed)
    monkeypatch.setattr(newest, "FEW", 1)
    monkeypatch.setattr(newest, "LEAST", 2)
    monkeypatch.setattr(events, "SHALLOW", 0)
    monkeypatch.setattr(events, "MOST", most := draw.choice([7, 30, 1_000]))
    rows = fingerprints(world, draw.randint(2, 9))
    spread(rows, [[draw.randint(0, 60) for _ in range(draw.choice([0, 1, 5, 40]))] for _ in rows], sdk="web")
    chosen = draw.choice([0, 20])
    Event.objects.filter(environment_id=world.project.pk, timestamp__gt=NOON + 40 * SECOND).update(sdk="ios")
    stored = Event.objects.filter(environment_id=world.project.pk, timestamp__gte=NOON + chosen * SECOND)
    newest_ones = list(stored.order_by("-timestamp", "-id")[:most])
    query = f"date_from={(NOON + chosen * SECOND).isoformat().replace('+00:00', 'Z')}"
    for sdk in (None, "ios", "web"):
        expected = [str(event.pk) for event in newest_ones if sdk in (None, event.sdk)]
        asked = query if sdk is None else f"{query}&sdk={sdk}"
        _, body = answer(issues.get(f"{rows[0].issue_id}/events/?{asked}"))
        assert body["count"] == len(expected)
        for offset in range(0, len(expected) + 1, 7):
            page = found(issues, rows[0].issue_id, f"{asked}&limit=7&offset={offset}")
            assert page == expected[offset : offset + 7]


def test_few_fingerprints_take_no_statement_more(world: World, issues: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SHALLOW", 2)
    rows = fingerprints(world, newest.FEW)
    spread(rows, [[1, 2]] * len(rows))
    reads = Reads(monkeypatch)
    for query in ("", "limit=2&offset=4", "distinct_id=ann"):
        with statements() as sent:
            assert found(issues, rows[0].issue_id, query)
        assert len(sent) == 3  # the key, the count, the events, which have no frames
    rows.append(make_fingerprint(world.project, rows[0].issue, "more"))
    assert reads.rounds == 0
    for query, number in (("limit=2", 0), ("limit=2&offset=4", 1), ("distinct_id=ann&limit=2", 2)):
        assert found(issues, rows[0].issue_id, query)
        assert reads.rounds == number


def test_an_issue_without_fingerprints_has_no_events(world: World) -> None:
    issue = make_fingerprint(world.project)
    Fingerprint.objects.filter(environment_id=world.project.pk).delete()
    assert since(issue, 5) is None
    assert events.count(Asked(world.project.pk, issue.issue_id)) == (0, Asked(world.project.pk, issue.issue_id), 0)

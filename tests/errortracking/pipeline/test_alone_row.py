"""One row event by event: a savepoint for each, what raises is set aside (here without the child process around it)."""

from __future__ import annotations

from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import Event, EventCount, EventLedger, SetAsideEvent, partitions, payload
from errortracking.pipeline import lease
from errortracking.pipeline import process as stages
from errortracking.pipeline.alone import row
from errortracking.pipeline.alone.protocol import Report
from errortracking.pipeline.batch import Batch
from tests.errortracking.pipeline.making import (
    NOON,
    entry,
    exception,
    make_project,
    other,
    outcomes,
    queue,
    request,
    uuid,
    waiting,
)


@pytest.fixture
def shop(db: None) -> Project:
    return make_project()


@pytest.fixture(autouse=True)
def _hooked(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a property of an event say what it does to the stages, and make the partition of the events' day."""

    def act(batch: Batch) -> None:
        for event in batch.events:
            what = event.entry["properties"].get("do")
            if what == "raise":
                raise ZeroDivisionError("what a pity")
            if what == "recurse":
                act_again(0)

    def act_again(depth: int) -> int:
        return act_again(depth + 1) + 1

    monkeypatch.setattr(stages, "STAGES", (act, *stages.STAGES))
    partitions.ensure([NOON.date()])


def doing(what: str, number: int) -> payload.EventEntry:
    return entry(properties={"do": what}, uuid=uuid(number))


def process(project: Project) -> list[Report]:
    """Take what waits and process it row by row; return the reports."""
    leased = lease.take(project.id)
    return [process_one(leased.environment_id, leased.lease, one) for one in leased.ids]


def process_one(environment_id: int, lease_id: UUID, id_: UUID) -> Report:
    return row.process_row(environment_id, lease_id, {"row": str(id_), "deaths": {}}, lambda place: None)


def set_aside(project: Project) -> dict[str, str]:
    """Return the reasons of the project's set-aside events by uuid."""
    rows = SetAsideEvent.objects.filter(environment_id=project.id)
    return {str(one.event_uuid): one.reason for one in rows}


def ids(project: Project) -> list[str]:
    return sorted(map(str, Event.objects.filter(environment_id=project.id).values_list("id", flat=True)))


def test_a_sound_row_has_its_usual_effect(shop: Project) -> None:
    queue(shop, entry(uuid=uuid(1)), entry(uuid=uuid(1)), other(), entry(exception("KeyError"), uuid=uuid(2)))
    process(shop)

    assert outcomes(shop) == {"stored": 2, "duplicate": 1, "counted": 1}
    assert ids(shop) == [uuid(1), uuid(2)]
    assert waiting(shop) == 0


def test_an_event_that_raises_is_set_aside_with_its_reason_and_the_others_are_stored(shop: Project) -> None:
    queue(shop, entry(uuid=uuid(1)), doing("raise", 2), entry(uuid=uuid(3)))
    process(shop)

    assert ids(shop) == [uuid(1), uuid(3)]
    assert set_aside(shop) == {uuid(2): "ZeroDivisionError: what a pity"}
    assert outcomes(shop) == {"stored": 2, "set_aside/ZeroDivisionError": 1}
    assert waiting(shop) == 0


def test_a_set_aside_event_keeps_what_it_was_with_its_request(shop: Project) -> None:
    broken = doing("raise", 2)
    content = request(entry(uuid=uuid(1)), broken, ip="192.0.2.7", sent_at="2026-11-22T11:59:00Z")
    queue(shop, payload=payload.pack(content), events=2)
    process(shop)

    kept = SetAsideEvent.objects.get(environment_id=shop.id)
    assert kept.received_at == NOON
    assert payload.unpack(kept.payload) == {**content, "events": [broken]}


def test_an_event_that_raises_leaves_nothing_else_behind(shop: Project) -> None:
    queue(shop, doing("raise", 1))
    process(shop)

    assert not EventCount.objects.filter(environment_id=shop.id).exists()
    assert ids(shop) == []


def test_a_set_aside_exception_that_is_sent_again_is_a_duplicate(shop: Project) -> None:
    queue(shop, doing("raise", 1), doing("raise", 1))
    process(shop)
    queue(shop, entry(uuid=uuid(1)))
    process(shop)

    assert [str(one.uuid) for one in EventLedger.objects.filter(environment_id=shop.id)] == [uuid(1)]
    assert len(set_aside(shop)) == 1


def test_what_postgresql_refuses_is_set_aside(shop: Project) -> None:
    # Ingest would have repaired the text; a payload of an operator's or of a later version may hold it.
    queue(shop, entry(uuid=uuid(1)), entry(uuid=uuid(2), distinct_id="nul \0 inside"))
    process(shop)

    assert ids(shop) == [uuid(1)]
    assert set_aside(shop)[uuid(2)].startswith("DataError: ")


def test_an_event_that_recurses_without_end_is_set_aside(shop: Project) -> None:
    queue(shop, doing("recurse", 1), entry(uuid=uuid(2)))
    process(shop)

    assert ids(shop) == [uuid(2)]
    assert set_aside(shop)[uuid(1)].startswith("RecursionError")


def test_what_a_child_died_of_is_remembered_when_the_worker_dies_too(shop: Project) -> None:
    queue(shop, doing("raise", 1), entry(uuid=uuid(2)), poison=[0, 0], attempts=5)
    process(shop)

    assert set_aside(shop) == {uuid(1): "ProcessDied: the process that handled it ended"}
    assert ids(shop) == [uuid(2)]


def test_one_death_blames_no_event(shop: Project) -> None:
    queue(shop, entry(uuid=uuid(1)), entry(uuid=uuid(2)), poison=[0, 1], attempts=5)
    process(shop)

    assert ids(shop) == [uuid(1), uuid(2)]
    assert set_aside(shop) == {}


def test_after_many_deaths_the_rest_of_the_request_is_not_tried(shop: Project) -> None:
    queue(shop, *[entry(uuid=uuid(number)) for number in range(12)], poison=list(range(20)))
    process(shop)

    assert ids(shop) == []
    assert len(set_aside(shop)) == 12
    assert set_aside(shop)[uuid(11)] == ("ProcessDied: processes that handled its request ended 20 times")


def test_a_row_that_cannot_be_unpacked_is_set_aside_as_a_whole(shop: Project) -> None:
    queued = queue(shop, payload=b"no zstd", events=3)
    process(shop)

    kept = SetAsideEvent.objects.get(environment_id=shop.id)
    assert (kept.event_uuid, bytes(kept.payload)) == (queued.id, b"no zstd")
    assert kept.reason.startswith("Unreadable: ValueError: not a payload")
    assert outcomes(shop) == {"set_aside/Unreadable": 3}
    assert waiting(shop) == 0


def test_a_row_that_is_another_workers_meanwhile_is_left_alone(shop: Project) -> None:
    queue(shop, entry())
    mine = lease.take(shop.id)
    lease.take(shop.id)

    assert process_one(shop.id, mine.lease, mine.ids[0]) == {"kind": "lost"}
    assert outcomes(shop) == {}
    assert waiting(shop) == 1


def test_the_report_tells_what_was_committed(shop: Project) -> None:
    queue(shop, entry(), other(), doing("raise", 1))

    assert process(shop) == [
        {"kind": "done", "outcomes": {"stored": 1, "counted": 1, "set_aside": 1}, "limited": {"allowed": 1}}
    ]


def test_each_event_is_announced_before_it_is_looked_at(shop: Project) -> None:
    queue(shop, doing("raise", 1), entry(), entry(), poison=[2])
    leased = lease.take(shop.id)
    announced: list[int] = []
    row.process_row(shop.id, leased.lease, {"row": str(leased.ids[0]), "deaths": {}}, announced.append)

    assert announced == [0, 1, 2]

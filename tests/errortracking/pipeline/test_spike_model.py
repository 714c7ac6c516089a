"""The statements of spike detection, held to a model in plain Python over random batches, merges and splits."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import Fingerprint, Issue, SpikeEvent, partitions
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.making import NOON
from tests.errortracking.pipeline.spiking import configure, fingerprint, stored

THRESHOLD, MULTIPLIER, SNOOZE = 6, 2, 7
BUCKET = timedelta(minutes=5)


def start(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)


@pytest.fixture(autouse=True)
def _days(db: None) -> None:
    """Make the partitions, which the worker sees to before a batch."""
    partitions.ensure([NOON.date()])


class Model:
    """What pipeline 3 says, a look at everything each time."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[datetime, UUID]] = Counter()
        self.snoozed: dict[UUID, datetime] = {}
        self.spikes: list[tuple[UUID, datetime, float, int]] = []

    def come(self, sent: list[tuple[Fingerprint, int, datetime]], issue_of: dict[UUID, UUID]) -> None:
        last: dict[tuple[datetime, UUID], datetime] = {}
        for of, count, at in sent:
            self.counts[start(at), of.id] += count
            place = start(at), issue_of[of.id]
            last[place] = max(last.get(place, at), at)
        for (bucket, issue), at in sorted(last.items()):
            value, usual = self.sum(bucket, issue, issue_of), self.usual(bucket, issue, issue_of)
            free = issue not in self.snoozed or self.snoozed[issue] <= at
            if value >= THRESHOLD and value > usual * MULTIPLIER and free:
                self.snoozed[issue] = at + timedelta(minutes=SNOOZE)
                self.spikes.append((issue, at, usual, value))

    def sum(self, bucket: datetime, issue: UUID, issue_of: dict[UUID, UUID]) -> int:
        return sum(n for (when, print_), n in self.counts.items() if when == bucket and issue_of[print_] == issue)

    def usual(self, bucket: datetime, issue: UUID, issue_of: dict[UUID, UUID]) -> float:
        before = [bucket - ago * BUCKET for ago in range(1, 12)]
        own = [value for when in before if (value := self.sum(when, issue, issue_of))]
        if own:
            return sum(own) / len(own)
        team = []
        for when in before:
            there = {issue_of[print_]: 0 for (at, print_) in self.counts if at == when}
            if there:
                team.append(sum(self.sum(when, one, issue_of) for one in there) / len(there))
        return sum(team) / len(team) if team else 0.0


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_the_spikes_are_those_of_the_model(project: Project, seed: int) -> None:
    chance, model = random.Random(seed), Model()
    configure(project, THRESHOLD, MULTIPLIER, SNOOZE)
    prints = [fingerprint(project) for _ in range(3)]
    prints += [fingerprint(project, chance.choice(prints).issue) for _ in range(4)]
    issues = [row.pk for row in Issue.objects.filter(environment_id=project.pk).order_by("pk")]
    for step in range(25):
        if chance.random() < 0.3:  # a fingerprint moves: by a merge, a split or an undo
            moved = chance.choice(prints)
            moved.issue_id = chance.choice(issues)
            moved.save()
        now = NOON + timedelta(minutes=4 * step)
        sent = [
            (of, chance.choice([1, 1, 2, 3, 9]), now - timedelta(seconds=chance.randrange(700)))
            for of in chance.sample(prints, chance.randrange(1, 6))
        ]
        detect_spikes(stored(project, *sent))
        model.come(sent, {of.id: of.issue_id for of in prints})
    rows = SpikeEvent.objects.filter(environment_id=project.pk).order_by("id")
    found = [(row.issue_id, row.detected_at, row.computed_baseline, row.current_bucket_value) for row in rows]
    assert sorted((issue, at, value) for issue, at, _, value in found) == sorted(
        (issue, at, value) for issue, at, _, value in model.spikes
    )
    for (_, _, usual, _), (_, _, wanted, _) in zip(sorted(found), sorted(model.spikes), strict=True):
        assert usual == pytest.approx(wanted)
    assert len(found) > 3

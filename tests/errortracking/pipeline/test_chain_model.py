"""All stages together, held to a model in plain Python over random batches, while people act on the issues."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import BypassRule, Fingerprint, GroupingRule, Issue, SuppressionRule, partitions, payload
from errortracking.pipeline import fingerprint, frames, parse
from tests.errortracking.pipeline.limiting import limits
from tests.errortracking.pipeline.making import NOON, entry, exception, outcomes, turn
from tests.errortracking.pipeline.making import queue as enqueue
from tests.errortracking.pipeline.ruling import add, where

PER_ISSUE, PER_PROJECT = 6, 40  # an hour
STATUSES = ["active", "resolved", "archived", "pending_release", "suppressed"]


class Sent(NamedTuple):
    """An event as the model sees it: by its fingerprints, newest first, and what the rules ask for."""

    uuid: UUID
    second: int
    candidates: list[str]
    noise: int
    vip: bool


class Model:
    """What pipeline 2.8 to 2.11 say, one event after the other."""

    def __init__(self) -> None:
        self.issue_of: dict[str, int] = {}
        self.status: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.seen: set[UUID] = set()
        self.buckets: dict[object, tuple[Fraction, int]] = {}

    def come(self, sent: list[Sent]) -> None:
        """Let the events of one batch come, in their order."""
        passed = [(one, self.link(one)) for one in sent if not self.is_dropped(one)]
        stored = [pair for pair in passed if not self.is_suppressed(pair[1])]
        for one, issue in sorted(stored, key=lambda pair: pair[0].second):
            self.outcomes[self.charge(one, issue)] += 1

    def is_dropped(self, one: Sent) -> bool:
        if one.uuid in self.seen:
            self.outcomes["duplicate"] += 1
            return True
        self.seen.add(one.uuid)
        drawn = (one.noise >= 1 and one.uuid.int % 10_000 < 2_500) or one.noise >= 5
        self.outcomes["suppressed/rule"] += bool(one.candidates) and drawn
        return bool(one.candidates) and drawn

    def link(self, one: Sent) -> int | None:
        if not one.candidates:
            return None
        known = next((value for value in one.candidates if value in self.issue_of), None)
        if known is None:
            known = one.candidates[0]
            self.issue_of[known] = len(self.status)
            self.status.append("active")
        elif one.candidates.index(known) >= 2:  # a legacy one
            self.issue_of.setdefault(one.candidates[0], self.issue_of[known])
        issue = self.issue_of[known]
        if self.status[issue] != "suppressed":
            self.status[issue] = "active"
        return issue

    def is_suppressed(self, issue: int | None) -> bool:
        suppressed = issue is not None and self.status[issue] == "suppressed"
        self.outcomes["suppressed/issue"] += suppressed
        return suppressed

    def charge(self, one: Sent, issue: int | None) -> str:
        if one.vip and one.candidates:
            return "stored"
        if issue is not None and not self.pays(issue, PER_ISSUE, one.second):
            return "rate_limited/issue"
        return "stored" if self.pays("project", PER_PROJECT, one.second) else "rate_limited/project"

    def pays(self, bucket: object, value: int, second: int) -> bool:
        pool, at = self.buckets.get(bucket, (Fraction(value), second))
        if second > at:
            pool, at = min(Fraction(value), pool + Fraction((second - at) * value, 3600)), second
        self.buckets[bucket] = (pool - 1 if pool >= 1 else pool, at)
        return pool >= 1


def kinds() -> list[dict[str, Any]]:
    """Return the properties of some kinds of events; of Go's and Python's SDK in the order of old and new versions."""
    main, crash = ({"platform": "go", "filename": f"{name}.go", "function": name, "lineno": 3} for name in ("a", "b"))
    outer, inner = exception("Outer"), exception("Inner")
    go = {"$lib": "posthog-go"}
    python = {"$lib": "posthog-python"}
    return [
        *({"$exception_list": [exception(f"Error{number}")]} for number in range(3)),
        {**go, "$lib_version": "1.18.0", "$exception_list": [exception("G", frames=[crash, main])]},
        {**go, "$lib_version": "1.19.0", "$exception_list": [exception("G", frames=[main, crash])]},
        {**python, "$lib_version": "7.30.0", "$exception_list": [inner, outer]},
        {**python, "$lib_version": "7.31.0", "$exception_list": [outer, inner]},
        {"$exception_list": [exception("Manual")], "$exception_fingerprint": "mine"},
        {"$exception_list": [exception("Grouped")]},
        {"$exception_list": [exception("Unreadable", stacktrace=3, frames=[])]},
        {"$exception_list": [exception("Text", "order 12 of 'bob'", frames=[])]},
        {"$exception_list": [exception("Text", "order 77 of 'eve'", frames=[])]},
    ]


def candidates(properties: dict[str, Any], rule: GroupingRule) -> list[str]:
    """Return the fingerprints of an event, newest first; the single stages' tests say which they are."""
    event = parse.parse(UUID(int=1), properties, NOON)
    frames.resolve(event)
    if not event.exceptions:
        return []
    if event.exceptions[0].type == "Grouped":
        return [f"custom-rule:{rule.id}"]
    return [one.value for one in fingerprint.candidates(event)]


def make_rules(project: Project) -> GroupingRule:
    add(SuppressionRule, project, where("noise", 1, "gte"), sampling_rate=0.25)
    add(SuppressionRule, project, where("noise", 5, "gte"))
    add(BypassRule, project, where("vip", True))
    return add(GroupingRule, project, where(value="Grouped"))


def event(one: Sent, properties: dict[str, Any]) -> payload.EventEntry:
    sent = entry(uuid=str(one.uuid))
    sent["properties"] = {**properties, "noise": one.noise, "vip": one.vip}
    return sent


def decide(project: Project, model: Model, ids: dict[int, UUID], chance: random.Random) -> None:
    """Let somebody give an issue another status."""
    issue = chance.randrange(len(model.status))
    model.status[issue] = chance.choice(STATUSES)
    Issue.objects.filter(environment_id=project.id, id=ids[issue]).update(status=model.status[issue])


def check(project: Project, model: Model) -> dict[int, UUID]:
    """Compare outcomes, fingerprints, issues and their status; return the ids of the model's issues."""
    assert outcomes(project) == dict(+model.outcomes)
    rows = dict(Fingerprint.objects.filter(environment_id=project.id).values_list("fingerprint", "issue_id"))
    assert rows.keys() == model.issue_of.keys()
    ids = {issue: rows[value] for value, issue in model.issue_of.items()}
    assert {value: ids[issue] for value, issue in model.issue_of.items()} == rows
    statuses = dict(Issue.objects.filter(environment_id=project.id).values_list("id", "status"))
    assert statuses == {ids[issue]: status for issue, status in enumerate(model.status)}
    return ids


def know_by_an_older_fingerprint(project: Project, model: Model, known: list[list[str]], chance: random.Random) -> None:
    """Let some kinds be known already, as an older server knew them."""
    for values in known:
        if len(values) > 1 and model.issue_of.keys().isdisjoint(values) and chance.random() < 0.6:
            value = chance.choice(values[1:])
            issue = Issue.objects.create(environment=project, name="old", status="resolved")
            columns = {"fingerprint": value, "kind": "v1", "first_seen": NOON}
            Fingerprint.objects.create(environment=project, issue=issue, **columns)
            model.issue_of[value] = len(model.status)
            model.status.append("resolved")


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_ends_as_in_the_model(project: Project, seed: int) -> None:
    partitions.ensure([NOON.date()])
    chance, model = random.Random(seed), Model()
    limits(project, issue=PER_ISSUE, project=PER_PROJECT)
    rule, sent = make_rules(project), kinds()
    known = [candidates(properties, rule) for properties in sent]
    know_by_an_older_fingerprint(project, model, known, chance)
    now, uuids = NOON, [UUID(int=chance.getrandbits(128)) for _ in range(150)]
    for _ in range(12):
        now += timedelta(seconds=chance.choice([1, 30, 200, 900]))
        seen = []
        for uuid in chance.choices(uuids, k=chance.randrange(1, 14)):
            kind, noise, vip = chance.randrange(len(sent)), chance.choice([0, 0, 0, 1, 7]), chance.random() < 0.1
            seen.append((Sent(uuid, int(now.timestamp()), known[kind], noise, vip), sent[kind]))
        enqueue(project, *itertools.starmap(event, seen), received_at=now)
        assert turn(project)
        model.come([one for one, _ in seen])
        ids = check(project, model)
        if model.status and chance.random() < 0.6:
            decide(project, model, ids, chance)
    assert {"stored", "duplicate", "suppressed/rule"} < model.outcomes.keys()

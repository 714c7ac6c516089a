"""The list of stages, and what holds for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from environments.models import Project
from environments.tenancy import sql
from errortracking.models import partitions
from errortracking.pipeline import process
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, frame, other, outcomes


@pytest.fixture(autouse=True)
def _today(db: None) -> None:
    """Make the partition, which the worker sees to before a batch."""
    partitions.ensure([NOON.date()])


def test_the_stages_are_in_the_order_in_which_they_depend_on_each_other() -> None:
    assert [stage.__name__ for stage in process.STAGES] == [
        "count_others",
        "drop_duplicates",
        "read_exceptions",
        "resolve_frames",
        "attach_release",
        "group",
        "suppress_by_rules",
        "link_to_issues",
        "limit_rates",
        "switch_off_failed",
        "remember_awaited",
        "store_events",
        "count_occurrences",
        "keep_searchable",
        "detect_spikes",
        "count_names",
        "count_traffic",
        "tally",
        "count_outcomes",
    ]


class Statements:
    """Counts the statements of raw cursors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        execute = sql.Cursor.execute

        def counted(cursor: sql.Cursor, query: str, *arguments: object, **options: object) -> object:
            self.texts.append(query)
            return execute(cursor, query, *arguments, **options)

        monkeypatch.setattr(sql.Cursor, "execute", counted)


@pytest.mark.parametrize("events", [1, 200])
def test_a_batch_takes_the_same_few_statements_however_many_events_it_has(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: CaptureQueriesContext, events: int
) -> None:
    entries = [
        entry(exception(f"Error{number}", frames=[frame(f"f{number}")]), distinct_id=f"user-{number}")
        for number in range(events)
    ]
    work = batch(project, *entries, *[other(f"name{number}") for number in range(events)])
    statements = Statements(monkeypatch)

    with django_assert_num_queries(0):  # type: ignore[operator]  # nothing goes through Django's own cursor
        process.process(work)

    # ledger 1, frames 4 (rows, contents found, contents made, rows made), rules 1, fingerprints 3 (known, issues,
    # made), rate limits 2 (buckets read, written), events 1, statistics 3, search 1, spikes 1, names 4 (known, how
    # many, versions, added), how they were sent 1, outcomes 1, who wants to be told of new issues 1
    assert len(statements.texts) == 24
    assert outcomes(project) == {"stored": events, "counted": events}


def test_a_batch_of_known_exceptions_takes_fewer_still(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        process.process(batch(project, entry()))
    statements = Statements(monkeypatch)
    process.process(batch(project, entry()))

    # ledger, frames, rules, fingerprints, rate limits 2, events, statistics 3, spikes, names 3, way sent, outcomes
    assert len(statements.texts) == 16


def test_a_batch_without_exceptions_asks_only_for_names_and_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.process(batch(project, other()))
    statements = Statements(monkeypatch)
    process.process(batch(project, other()))

    assert len(statements.texts) == 6  # names 3, hosts of page views 2, outcomes


def test_no_stage_imports_what_answers_requests() -> None:
    folder = Path(process.__file__).parent
    texts = [path.read_text() for path in folder.rglob("*.py")]
    assert not [text for text in texts if "errortracking.api" in text or "import errortracking.ingest" in text]

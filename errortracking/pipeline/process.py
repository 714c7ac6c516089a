"""What happens to a batch of accepted events, as a list of stages. Each stage is a file of this folder.

The whole list runs in one transaction, together with the deletion of the rows that the batch came from
(`lease.settle`), so its effect happens exactly once. A stage sees the events that are still on their way
(``batch.live``) and either adds to what is known about them or ends their way with an outcome.
"""

from __future__ import annotations

from collections.abc import Callable

from errortracking.pipeline.awaited import remember_awaited
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.count import count_names, count_others, count_outcomes
from errortracking.pipeline.event_release import attach_release
from errortracking.pipeline.group import group
from errortracking.pipeline.ledger import drop_duplicates
from errortracking.pipeline.limit import limit_rates
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.project_rules import switch_off_failed
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from errortracking.pipeline.search import keep_searchable
from errortracking.pipeline.spike import detect_spikes
from errortracking.pipeline.statistics import count_occurrences
from errortracking.pipeline.store import store_events
from errortracking.pipeline.suppress import suppress_by_rules
from errortracking.pipeline.traffic import count_traffic, tally

STAGES: tuple[Callable[[Batch], None], ...] = (
    count_others,
    drop_duplicates,
    read_exceptions,
    resolve_frames,
    attach_release,  # before rules are tried: they may ask for it
    group,
    suppress_by_rules,  # before an issue is made of what nobody wants
    link_to_issues,
    limit_rates,  # after linking, so that a dropped exception still makes or reopens its issue
    switch_off_failed,
    remember_awaited,  # of what is going to be stored, that is: an event that is there is what it refers to
    store_events,
    count_occurrences,
    keep_searchable,
    detect_spikes,
    count_names,
    count_traffic,
    tally,
    count_outcomes,
)


def process(batch: Batch) -> None:
    """Run all stages on ``batch``, inside the caller's transaction."""
    for stage in STAGES:
        stage(batch)

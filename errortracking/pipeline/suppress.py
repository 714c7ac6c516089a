"""Stage: exceptions that the project's suppression rules match are dropped, before an issue is made of them."""

from __future__ import annotations

from errortracking.models import Outcome
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.group import choose
from errortracking.pipeline.loaded_rules import Kind
from errortracking.pipeline.project_rules import matching
from errortracking.rules.sampling import drawn

# The reason counted; the id of the rule would make a counter of its own for each rule and day.
SUPPRESSED_BY_RULE = "rule"


def suppress_by_rules(batch: Batch) -> None:
    """Drop the live exceptions that a suppression rule matches and draws.

    A rule that matches an exception but does not draw it leaves it to the next.
    """
    dropped = [event for event in batch.live if _is_dropped(batch, event)]
    if dropped:
        batch.end(dropped, Outcome.SUPPRESSED, SUPPRESSED_BY_RULE)
        choose(batch)  # anew: those that are left must not go by a fingerprint that only a dropped one would have made


def _is_dropped(batch: Batch, event: Accepted) -> bool:
    return any(drawn(event.uuid, rule.sampling_rate) for rule in matching(batch, Kind.SUPPRESSION, event))

"""The rules of a batch's project: read once for the batch, tried on its exceptions, switched off where they fail.

Nothing is kept beyond the batch but what filters compile to, and that is found by the filters' own text: a rule that
somebody changes counts from the next batch on, whoever changed it and at whatever time its row says.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

import orjson
import structlog

from environments.tenancy import sql
from errortracking.pipeline import derive, metrics
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.clean import cut
from errortracking.pipeline.loaded_rules import Assignee, FailedRule, Kind, LoadedRule, ProjectRules
from errortracking.rules.errors import FilterError, OutOfSteps, RuleError
from errortracking.rules.filters import Predicate, compile_filters
from errortracking.rules.subject import Json, Subject

log = structlog.get_logger(__name__)

COMPILED = 512  # rules whose predicates a process keeps; a few kilobytes each
SHOWN_VALUE = 1_000  # bytes of a property in `disabled_data`: enough to see what the rule could not take


def rules_of(batch: Batch) -> ProjectRules:
    """Return the rules of the batch's project, read at the first call."""
    if batch.rules is None:
        batch.rules = _read(batch.environment_id)
    return batch.rules


# One statement for all kinds: most projects have no rules, and learn so by four look-ups in an index.
_READ = """
    SELECT 'grouping' AS kind, order_key, id, filters::text, user_id, role_id, 1.0::float8
    FROM errortracking_groupingrule WHERE environment_id = %(environment)s AND disabled_data IS NULL
    UNION ALL
    SELECT 'suppression', order_key, id, filters::text, NULL, NULL, sampling_rate
    FROM errortracking_suppressionrule WHERE environment_id = %(environment)s AND disabled_data IS NULL
    UNION ALL
    SELECT 'assignment', order_key, id, filters::text, user_id, role_id, 1.0::float8
    FROM errortracking_assignmentrule WHERE environment_id = %(environment)s AND disabled_data IS NULL
    UNION ALL
    SELECT 'bypass', order_key, id, filters::text, NULL, NULL, 1.0::float8
    FROM errortracking_bypassrule WHERE environment_id = %(environment)s AND disabled_data IS NULL
    ORDER BY order_key, id
"""


def _read(environment_id: int) -> ProjectRules:
    rules = ProjectRules()
    with sql.cursor() as cursor:
        rows = cursor.execute(_READ, {"environment": environment_id}).fetchall()
    for kind_, _, id_, filters, user_id, role_id, sampling_rate in rows:
        kind = Kind(kind_)
        try:
            predicate = _compiled(filters, kind is Kind.ASSIGNMENT)
        except FilterError as error:  # the API refuses such filters; a release may have become stricter
            place = ".".join(map(str, error.path))
            message = f"{error.message} (at {place})" if place else error.message
            rules.failed.append(FailedRule(kind, id_, filters, {"message": message, "props": {}}))
            continue
        assignee = _assignee(user_id, role_id)
        rules.by_kind.setdefault(kind, []).append(LoadedRule(kind, id_, filters, predicate, assignee, sampling_rate))
    return rules


def _assignee(user_id: UUID | None, role_id: UUID | None) -> Assignee | None:
    """Return whom a rule's columns name. An issue belongs to a person or a role; of a rule with both, the person."""
    if user_id is not None:
        return Assignee(user_id, None)
    return None if role_id is None else Assignee(None, role_id)


@lru_cache(COMPILED)
def _compiled(filters: str, issue: bool) -> Predicate:
    try:
        decoded = orjson.loads(filters)
    except orjson.JSONDecodeError as error:  # nested deeper, or numbers larger, than it reads
        raise FilterError(f"These filters cannot be read: {error}.") from None
    return compile_filters(decoded, issue=issue)


def subject_of(event: Accepted) -> Subject:
    """Return what rules see of ``event``. One for all kinds: they share its steps."""
    if event.subject is None:
        exceptions = event.parsed.exceptions
        event.subject = Subject(event.parsed.properties, lambda: derive.outputs(exceptions))
    return event.subject


def matching(batch: Batch, kind: Kind, event: Accepted, issue: dict[str, Json] | None = None) -> Iterator[LoadedRule]:
    """Yield the rules of ``kind`` that match ``event``, in their order; ``issue`` is what assignment rules see of it.

    A rule that fails is not tried again in this batch, and switched off by `switch_off_failed`. One that would take too
    many steps is skipped for this event. An exception whose list could not be read matches no rule: too little is known
    of it, and all that is not known would match "is not".
    """
    if not event.parsed.exceptions:
        return
    rules = rules_of(batch)
    if not rules.of(kind):
        return
    subject = subject_of(event)
    subject.issue = issue
    for rule in list(rules.of(kind)):
        try:
            matched = rule.predicate(subject)
        except OutOfSteps:
            rules.skipped[kind, rule.id] += 1
            continue
        except RuleError as error:
            _fail(rules, rule, error, subject)
            continue
        if matched:
            yield rule


def _fail(rules: ProjectRules, rule: LoadedRule, error: RuleError, subject: Subject) -> None:
    """Take ``rule`` out of the batch's rules, with what will tell its author why."""
    rules.by_kind[rule.kind].remove(rule)
    shown: dict[str, dict[str, Json]] = {}
    for key in rule.predicate.keys:  # and not all properties: whoever reads rules need not see what users sent
        shown.setdefault(key.type, {})[key.name] = _shown(subject.get(key))
    data: dict[str, Json] = {"message": str(error), "props": shown.get("event", {})}
    if subject.issue is not None:
        data["issue"] = {key: _shown(value) for key, value in subject.issue.items()}
    rules.failed.append(FailedRule(rule.kind, rule.id, rule.filters, data))


def _shown(value: Json) -> Json:
    if isinstance(value, str):
        return cut(value, SHOWN_VALUE)
    if isinstance(value, list | dict):
        written = orjson.dumps(value)
        return value if len(written) <= SHOWN_VALUE else cut(written.decode(), SHOWN_VALUE)
    return value


_TABLES = {
    Kind.GROUPING: "errortracking_groupingrule",
    Kind.SUPPRESSION: "errortracking_suppressionrule",
    Kind.ASSIGNMENT: "errortracking_assignmentrule",
    Kind.BYPASS: "errortracking_bypassrule",
}
# Not where somebody has repaired the rule meanwhile.
_SWITCH_OFF = """
    UPDATE {table} r SET disabled_data = new.data::jsonb, updated_at = %(now)s
    FROM unnest(%(ids)b::uuid[], %(filters)b::text[], %(data)b::text[]) AS new(id, filters, data)
    WHERE r.environment_id = %(environment)s AND r.id = new.id AND r.filters = new.filters::jsonb
        AND r.disabled_data IS NULL
    RETURNING r.id
"""


def switch_off_failed(batch: Batch) -> None:
    """Stage: switch off the rules that failed on this batch, in its transaction, with what they failed on.

    The last stage that has to do with rules; also reports which of them were skipped for how many events.
    """
    if batch.rules is None:
        return
    for (kind, id_), events in batch.rules.skipped.items():
        metrics.RULES_SKIPPED.labels(kind.value).inc(events)
        log.warning("rule skipped", environment_id=batch.environment_id, kind=kind.value, rule=str(id_), events=events)
    for kind in Kind:
        ours = sorted((one for one in batch.rules.failed if one.kind is kind), key=lambda one: one.id)
        if ours:
            _switch_off(batch, kind, ours)


def _switch_off(batch: Batch, kind: Kind, ours: list[FailedRule]) -> None:
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "ids": [one.id for one in ours],
        "filters": [one.filters for one in ours],
        "data": [orjson.dumps(one.data).decode() for one in ours],
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_SWITCH_OFF.format(table=_TABLES[kind]), parameters).fetchall()
    reasons = {one.id: one.data["message"] for one in ours}
    for (id_,) in rows:
        metrics.RULES_SWITCHED_OFF.labels(kind.value).inc()
        log.warning(
            "rule switched off",
            environment_id=batch.environment_id,
            kind=kind.value,
            rule=str(id_),
            reason=reasons[id_],
        )

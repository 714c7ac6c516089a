"""The filters and orders of issues."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, F, OrderBy, OuterRef, Q, QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from environments.api import inputs
from environments.api.exceptions import FieldError
from errortracking.api.issue_search import Matches, words_of
from errortracking.api.issue_search_common import REACH, among_the_first, are_common
from errortracking.api.spike_event_filters import WRONG_MOMENT, moment
from errortracking.models import (
    Fingerprint,
    FingerprintRelease,
    FingerprintSDK,
    Issue,
    IssueAssignment,
    IssueStatistics,
    IssueStatus,
    Release,
)

STATISTICS: Final = ("last_seen", "first_seen", "occurrences", "users")
"""What is counted of an issue, and can be sorted by along an index of its own."""
NEWEST_FIRST: Final = ("-id",)


def _by_statistics(order: str) -> tuple[str | OrderBy, ...]:
    column = F(f"statistics__{order.removeprefix('-')}")
    if order.startswith("-"):
        return (column.desc(nulls_last=True), "-id")
    return (column.asc(nulls_last=True), "id")


ORDERS: Final[dict[str, tuple[str | OrderBy, ...]]] = {
    **{order: _by_statistics(order) for field in STATISTICS for order in ("-" + field, field)},
    "-created_at": ("-created_at", "-id"),
    "created_at": ("created_at", "id"),
}
"""What `order_by` may be, and what it means. Issues of which nothing is stored come last, whichever way it goes."""


def order_of(parameters: QueryDict) -> str:
    """Return what the query string sorts by, "" for the newest first. Raises a 400."""
    order = parameters.get("order_by", "").strip()
    if order and order not in ORDERS:
        raise FieldError("order_by", f'"{order}" is not a valid choice.', "invalid_choice")
    return order


def common_search(issues: QuerySet[Issue], environment_id: int, order: str, parameters: QueryDict) -> list[UUID]:
    """Return what a search for common words finds among the first issues of the list, in its order.

    Nothing where all issues are to be searched: the words are rare, or none of the first has them. To be called where
    `filtered` has raised nothing, and `in_time`.
    """
    words = words_of(parameters.get("search", ""))
    if not words or not are_common(environment_id, words):
        return []
    others = filtered(issues, environment_id, parameters, without="search")
    listed = ids_by(order, environment_id) if others is None else None
    if listed is None:
        listed = (issues if others is None else others).order_by(*ORDERS.get(order, NEWEST_FIRST)).values("pk")
    (column,) = listed.query.values_select
    return among_the_first(
        issues if others is None else others, environment_id, words, listed.values_list(column, flat=True)
    )


def ids_by(order: str, environment_id: int) -> QuerySet[Any, Any] | None:
    """Return the query for the ids of a project's issues in an order that their statistics have an index for."""
    if order.removeprefix("-") not in STATISTICS:
        return None
    sign = "-" if order.startswith("-") else ""
    rows = IssueStatistics.objects.filter(environment_id=environment_id)
    return rows.order_by(order, sign + "issue_id").values("issue_id")


def filtered(
    issues: QuerySet[Issue], environment_id: int, parameters: QueryDict, without: str = ""
) -> QuerySet[Issue] | None:
    """Return those of a project's issues that the query string asks for, ``None`` for all. Raises the first 400.

    Blank parameters mean nothing, and of a repeated one the last counts. ``without``: a filter that is left out.
    """
    given = {name: text for name in FILTERS if name != without and (text := parameters.get(name, "").strip())}
    for name, text in given.items():
        if problem := inputs.text_problem(text):
            raise FieldError(name, *problem)
        issues = FILTERS[name](issues, environment_id, name, text)
    return issues if given else None


def _status(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    wanted = [item for item in map(str.strip, text.split(",")) if item]
    for item in wanted:
        if item not in IssueStatus.values:
            raise FieldError(name, f'"{item}" is not a valid choice.', "invalid_choice")
    return issues.filter(status__in=wanted)


def _assignee(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    assignments = IssueAssignment.objects.filter(environment_id=environment_id)
    if text == "none":
        return issues.filter(~Exists(assignments.filter(issue_id=OuterRef("pk"))))
    kind, _, key = text.partition(":")
    if kind not in {"user", "role"}:
        raise FieldError(name, "Must be `user:<id>`, `role:<id>` or `none`.")
    found = assignments.filter(**{f"{kind}_id": inputs.uuid_field(name, key)})
    return issues.filter(pk__in=found.values("issue_id"))


def _seen(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    column, _, end = name.rpartition("_")
    lookup = {"from": "gte", "to": "lte"}[end]
    return issues.filter(**{f"statistics__{column}__{lookup}": _moment(name, text)})


def _moment(name: str, text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise FieldError(name, WRONG_MOMENT) from error


def _release(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    named = Q(version=text)
    with suppress(FieldError):  # a version may be anything
        named |= Q(pk=inputs.uuid_field(name, text))
    releases = Release.objects.filter(named, environment_id=environment_id)
    rows = FingerprintRelease.objects.filter(environment_id=environment_id, release_id__in=releases.values("pk"))
    return issues.filter(pk__in=_issues_of(rows, environment_id))


def _sdk(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    rows = FingerprintSDK.objects.filter(environment_id=environment_id, sdk=text)
    return issues.filter(pk__in=_issues_of(rows, environment_id))


def _issues_of(rows: QuerySet[Any], environment_id: int) -> QuerySet[Any, Any]:
    fingerprints = Fingerprint.objects.filter(environment_id=environment_id, pk__in=rows.values("fingerprint_id"))
    return fingerprints.values("issue_id")


def _search(issues: QuerySet[Issue], environment_id: int, name: str, text: str) -> QuerySet[Issue]:
    words = words_of(text)
    return issues.filter(Matches(environment_id, words)) if words else issues


FILTERS: Final = {
    "status": _status,
    "assignee": _assignee,
    "first_seen_from": _seen,
    "first_seen_to": _seen,
    "last_seen_from": _seen,
    "last_seen_to": _seen,
    "release": _release,
    "sdk": _sdk,
    "search": _search,
}

_DATES: Final = "ISO 8601; UTC unless it has an offset; a date without time is its midnight. Blank: no bound."


def _constant(order: str) -> str:
    """Return the name of an order in programs, which has no sign."""
    return order.removeprefix("-").upper() + ("_DESCENDING" if order.startswith("-") else "")


PARAMETERS: Final = [
    OpenApiParameter(
        "status",
        str,
        description=f"Only issues with one of these, by commas: {', '.join(IssueStatus.values)}.",
    ),
    OpenApiParameter(
        "assignee", str, description="Only issues that `user:<id>` or `role:<id>` takes care of; `none`: nobody does."
    ),
    *(
        OpenApiParameter(
            f"{column}_{end}",
            OpenApiTypes.DATETIME,
            description=f"Only issues whose {which} exception happened then or {how}. {_DATES}",
        )
        for column, which in (("first_seen", "first"), ("last_seen", "last"))
        for end, how in (("from", "later"), ("to", "earlier"))
    ),
    OpenApiParameter("release", str, description="Only issues seen in a release: its id, or the version of some."),
    OpenApiParameter("sdk", str, description="Only issues seen by an SDK: its `$lib`, such as `posthog-python`."),
    OpenApiParameter(
        "search",
        str,
        description="Only issues that have all of these words in name or description, or in the types, messages, files "
        "and functions of their exceptions; upper and lower case are the same, quotes keep words together. One word "
        "needs 3 letters or digits in a row. Where very many issues have the words (some 30000), they are looked for "
        f"among the first {REACH} of the list only: `count` says how many of these have them, and the answer has the "
        f"header `X-Searched-Issues: {REACH}`.",
    ),
    OpenApiParameter(
        "order_by",
        {
            "title": "IssueOrderEnum",
            "description": "What issues are sorted by, and which way.",
            "type": "string",
            "enum": list(ORDERS),
            "x-enum-varnames": [_constant(name) for name in ORDERS],
        },
        description="What to sort by, with `-` in descending order. By default the newest issue first.",
    ),
]

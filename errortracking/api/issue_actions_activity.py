"""What happened to issues, newest first: made and opened again by exceptions, changed by people (contract 10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from psycopg.types.json import JsonbLoader
from rest_framework.decorators import action

from environments.api import inputs
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import ProjectViewSet
from environments.tenancy import sql
from errortracking.api.issue_actions_activity_fields import FURTHEST, SCOPE, ActivityLogPageSerializer
from errortracking.api.issue_moved import MOVED, successor
from errortracking.models import Issue

ACTIVITY_SCOPES: Final[Mapping[str, str]] = dict.fromkeys(("activity", "all_activity"), "activity_log:read")
DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100


PARAMETERS: Final = [
    OpenApiParameter(
        "limit", int, description=f"How many to return: {DEFAULT_LIMIT} unless told otherwise, at most {MAX_LIMIT}."
    ),
    OpenApiParameter("page", int, description="Which page, from 1. A wrong one is the first."),
]


class IssueActivity(ProjectViewSet):
    """Adds what happened, of one issue and of all. The viewset's ``scopes`` take in `ACTIVITY_SCOPES`."""

    operation_words: Mapping[str, tuple[str, str]] = {"all_activity": ("_activity_", "_all_activity_")}

    @extend_schema(parameters=PARAMETERS, responses={200: ActivityLogPageSerializer, 308: MOVED})
    @action(detail=True)
    def activity(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return what happened to an issue."""
        key = inputs.uuid_in_path(id)
        if not Issue.objects.filter(**self.own(pk=key)).exists():
            return successor(request, self.project.pk, id)
        return self._happened(request, key)

    @extend_schema(parameters=PARAMETERS, responses={200: ActivityLogPageSerializer})
    @action(detail=False, url_path="activity", url_name="all-activity")
    def all_activity(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return what happened to the project's issues."""
        return self._happened(request, None)

    def _happened(self, request: APIRequest, issue: UUID | None) -> HttpResponse:
        limit = min(_number(request.query_params, "limit", DEFAULT_LIMIT), MAX_LIMIT)
        page = _number(request.query_params, "page", 1)
        first = (page - 1) * limit
        total = _total(self.project.pk, issue)
        rows = _read(self.project.pk, issue, first, limit) if first < total else []
        return json_response(
            {
                "results": [_shown(row) for row in rows],
                "next": _link(request, page + 1, limit) if first + limit < total else None,
                "previous": _link(request, page - 1, limit) if page > 1 else None,
                "total_count": total,
            }
        )


def _number(parameters: QueryDict, name: str, default: int) -> int:
    """Return a number from 1 on; anything else means the default."""
    text = parameters.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0 else default


def _link(request: APIRequest, page: int, limit: int) -> str:
    parameters = request.query_params.copy()
    parameters["page"], parameters["limit"] = str(page), str(limit)
    query = "&".join(sorted(parameters.urlencode().split("&")))
    return request.build_absolute_uri(f"{request.path}?{query}")


class _Row(NamedTuple):
    id: UUID
    created_at: datetime
    action: str
    issue_id: str
    email: str | None
    first_name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    name: str | None


class _Part(NamedTuple):
    """One of the tables that tell what happened: what is read of it, and which rows are of one issue alone."""

    columns: str
    table: str
    joined: str
    condition: str
    of_issue: str


# Changes that made an issue (a split) are told by its making, with who made it.
_PARTS: Final = (
    _Part(
        "r.id, r.created_at, r.action::text AS action, r.object_id::text AS issue_id, r.user_id,"
        " r.user_email::text AS email, r.before, r.after",
        "environments_auditentry",
        "",
        "r.resource = 'issues' AND r.before IS NOT NULL",
        "r.object_id = %(issue)s::text",
    ),
    _Part(
        "r.id, r.created_at, 'created', r.id::text, made.user_id, made.user_email, NULL::jsonb, made.after",
        "errortracking_issue",
        """LEFT JOIN LATERAL (
            SELECT a.user_id, a.user_email, a.after FROM environments_auditentry a
            WHERE a.environment_id = %(environment)s AND a.object_id = r.id::text AND a.resource = 'issues'
                AND a.before IS NULL
            LIMIT 1
        ) AS made ON true""",
        "true",
        "r.id = %(issue)s",
    ),
    _Part(
        "r.id, r.created_at, 'reopened', r.issue_id::text, NULL::uuid, NULL, NULL::jsonb, r.record",
        "errortracking_issueoperation",
        "",
        "r.kind = 'reopen'",
        "r.issue_id = %(issue)s",
    ),
)


def _newest(issue: UUID | None, *, counted: bool) -> str:
    """Return the query for the newest of each table: all of them, or as many as a page's end needs."""
    parts = []
    for part in _PARTS:
        condition = part.condition if issue is None else f"{part.condition} AND {part.of_issue}"
        columns, joined = ("", "") if counted else (part.columns, part.joined)
        order = "" if counted else "ORDER BY r.created_at DESC, r.id DESC"
        parts.append(
            f"(SELECT {columns} FROM {part.table} r {joined}"  # noqa: S608  # constants
            f" WHERE r.environment_id = %(environment)s AND {condition} {order} LIMIT %(until)s)"
        )
    return " UNION ALL ".join(parts)


def _read(environment_id: int, issue: UUID | None, first: int, limit: int) -> list[_Row]:
    parameters = {"environment": environment_id, "issue": issue, "until": first + limit, "first": first, "limit": limit}
    statement = f"""
        WITH page AS (
            SELECT * FROM ({_newest(issue, counted=False)}) AS happened
            ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(first)s
        )
        SELECT page.id, page.created_at, page.action, page.issue_id, page.email, u.first_name, page.before, page.after,
               i.name
        FROM page LEFT JOIN environments_user u ON u.id = page.user_id
        LEFT JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = page.issue_id::uuid
        ORDER BY page.created_at DESC, page.id DESC
    """  # noqa: S608  # constants
    with sql.cursor() as cursor:
        cursor.adapters.register_loader("jsonb", JsonbLoader)  # on Django's connections it is text
        return [_Row(*row) for row in cursor.execute(statement, parameters).fetchall()]


def _total(environment_id: int, issue: UUID | None) -> int:
    """Return how many entries there are, up to `FURTHEST`."""
    parameters = {"environment": environment_id, "issue": issue, "until": FURTHEST}
    happened = _newest(issue, counted=True)
    with sql.cursor() as cursor:
        row = cursor.execute(f"SELECT count(*) FROM ({happened}) AS happened", parameters).fetchone()  # noqa: S608
    return min(int(row[0]), FURTHEST) if row else 0


def _shown(row: _Row) -> dict[str, Any]:
    before, after = row.before or {}, row.after or {}
    system = {"first_name": "System", "email": None, "is_system": True}
    user = system if row.email is None else {"first_name": row.first_name or "", "email": row.email}
    activity, changes, merge = _told(row, before, after)
    named = after.get("operation")
    detail = {
        "id": named,
        "name": row.name,
        "short_id": None,
        "type": None,
        "changes": changes,
        "merge": merge,
    }
    return {
        "id": row.id,
        "user": user,
        "activity": activity,
        "scope": SCOPE,
        "item_id": row.issue_id,
        "detail": detail,
        "created_at": row.created_at,
    }


def _told(
    row: _Row, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[str, list[dict[str, Any]], dict[str, Any] | None]:
    """Return how an entry is called, what it changed, and what it merged."""
    match row.action:
        case "created":
            made = [_change("split", "split_from", None, after["split_from"])] if "split_from" in after else []
            return "created", made, None
        case "reopened":
            return "reopened", [_change("changed", "status", after.get("status"), "active")], None
        case "merge":
            target = {"id": row.issue_id, "name": row.name}
            return "merged", [], {"type": SCOPE, "source": after.get("merged", []), "target": target}
        case "split":
            return "split", [_change("split", "split_into", None, after.get("split_into"))], None
        case "undo":
            undone = [name for name in ("merged", "split_into") if name in before]
            return "undone", [_change("undone", name, before[name], None) for name in undone], None
    changes = [_change("changed", name, before.get(name), after.get(name)) for name in sorted({*before, *after})]
    return "assigned" if [change["field"] for change in changes] == ["assignee"] else "updated", changes, None


def _change(action: str, field: str, before: Any, after: Any) -> dict[str, Any]:
    return {"type": SCOPE, "action": action, "field": field, "before": before, "after": after}

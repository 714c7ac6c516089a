"""Side (c) of `benchmarks/read.py`: the same lists by one WSGI function, without any framework.

It parses the header, hashes the key, looks key, user, project and membership up, counts, reads the page, makes objects
of the rows and JSON of these by orjson, and sends count and links: three statements with the texts that the product's
own have. psycopg with its C loaders, a connection per thread that commits each statement by itself, statements
prepared as psycopg does it unasked; JSON columns and ids pass as text. No shorter way to the same answer was left out
for the sake of the comparison; what is missing is what a product needs beside it: limits, scopes by action, errors,
logs, metrics, sessions, other parameters than these two.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.types.string import TextLoader

KEY: Final = """
    SELECT key.id, key.scopes, key.scoped_teams, key.scoped_organizations, person.id, person.email,
           project.id, project.organization_id, project.name, membership.id IS NOT NULL
    FROM environments_personalapikey key
    JOIN environments_user person ON person.id = key.user_id
    LEFT JOIN environments_project project ON project.id = %s
    LEFT JOIN environments_membership membership
      ON membership.organization_id = project.organization_id AND membership.user_id = person.id
    WHERE key.secure_value = %s AND person.is_active AND (key.expires_at IS NULL OR key.expires_at > %s)
"""
RELEASE: Final = ("id", "hash_id", "team_id", "created_at", "metadata", "version", "project")
RELEASE_COLUMNS: Final = "r.id, r.hash_id, r.environment_id, r.created_at, r.metadata, r.version, r.project"


class Resource:
    """What is listed below one path."""

    keys: tuple[str, ...]
    count: str
    page: str

    def __init__(self, keys: str, columns: str, tables: str, order: str, *, counted: bool = False) -> None:
        self.keys = tuple(keys.split())
        table = tables.split(" ", 1)[0]
        if counted:  # by triggers, as the product has it
            self.count = (
                "SELECT coalesce(sum(count), 0)::bigint FROM environments_rowcount"
                f" WHERE environment_id = %s AND counted = '{table}'"
            )
        else:
            self.count = f"SELECT count(*) FROM {table} t WHERE t.environment_id = %s"
        self.page = f"""
            SELECT {columns} FROM {tables} WHERE t.environment_id = %s ORDER BY {order} LIMIT %s OFFSET %s"""

    def objects(self, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        keys = self.keys
        return [dict(zip(keys, row, strict=True)) for row in rows]


class Frames(Resource):
    def objects(self, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        keys, width = self.keys, len(self.keys)
        found = []
        for row in rows:
            item = dict(zip(keys, row, strict=False))
            item["release"] = dict(zip(RELEASE, row[width:], strict=True)) if row[width] is not None else None
            found.append(item)
        return found


RESOURCES: Final = {
    "health_issues": Resource(
        "id kind severity status dismissed payload created_at updated_at resolved_at",
        "id, kind, severity, status, dismissed, payload, created_at, updated_at, resolved_at",
        "healthtrack_healthissue t",
        "severity_rank, created_at DESC, id",
    ),
    "releases": Resource(
        " ".join(RELEASE),
        RELEASE_COLUMNS.replace("r.", "t."),
        "errortracking_release t",
        "t.created_at DESC, t.id DESC",
        counted=True,
    ),
    "stack_frames": Frames(
        "id raw_id created_at contents resolved context symbol_set_ref",
        f"""t.id, t.raw_id || '/' || t.part, t.created_at, c.contents, c.resolved, c.context, s.ref,
            {RELEASE_COLUMNS}""",
        """errortracking_stackframe t
            LEFT JOIN errortracking_symbolset s ON s.id = t.symbol_set_id AND s.environment_id = t.environment_id
            LEFT JOIN errortracking_release r ON r.id = s.release_id AND r.environment_id = s.environment_id
            JOIN errortracking_framecontent c ON c.id = t.content_id AND c.environment_id = t.environment_id""",
        "t.id",
        counted=True,
    ),
}


class Fragment(Loader):
    """Passes JSON of the database on unparsed."""

    def load(self, data: Buffer) -> orjson.Fragment:
        return orjson.Fragment(bytes(data))


_local = threading.local()


def cursor() -> psycopg.Cursor[Any]:
    """Return this thread's cursor."""
    found: psycopg.Cursor[Any] | None = getattr(_local, "cursor", None)
    if found is None:
        name = os.environ["HEALTHTRACK_ROLE"]
        connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, application_name=name)
        connection.adapters.register_loader("jsonb", Fragment)
        connection.adapters.register_loader("uuid", TextLoader)
        found = _local.cursor = connection.cursor()
    return found


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer ``GET /api/projects/<id>/…/<resource>/?limit=…&offset=…``."""
    parts = environ["PATH_INFO"].split("/")
    scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Bearer" or len(parts) < 6 or parts[-2] not in RESOURCES:
        return refuse(start_response, "401 Unauthorized" if scheme != "Bearer" else "404 Not Found")
    project, resource = int(parts[3]), RESOURCES[parts[-2]]
    hashed = "sha256$" + sha256(key.encode()).hexdigest()
    run = cursor().execute
    known = run(KEY, (project, hashed, datetime.now(UTC))).fetchone()
    if known is None or known[6] is None or not known[9]:
        return refuse(start_response, "401 Unauthorized" if known is None else "403 Forbidden")
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    limit, offset = int(query.get("limit", 100)), int(query.get("offset", 0))
    [count] = run(resource.count, (project,)).fetchone() or (0,)
    rows = run(resource.page, (project, limit, offset)).fetchall()
    address = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}{environ['PATH_INFO']}?"
    following = {**query, "limit": limit, "offset": offset + limit}
    previous = {**query, "limit": limit, "offset": max(0, offset - limit)}
    answer = {
        "count": count,
        "next": address + urlencode(following) if offset + limit < count else None,
        "previous": address + urlencode(previous) if offset > 0 else None,
        "results": resource.objects(rows),
    }
    body = orjson.dumps(answer, option=orjson.OPT_UTC_Z)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def refuse(start_response: Callable[..., Any], status: str) -> Iterable[bytes]:
    """Answer a request that gets nothing."""
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]

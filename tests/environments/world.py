"""A small world for the API's tests: an organization, its project, its people, their keys, and a client that uses them.

Fixtures: `world` (a project of its own and a key with every scope) and `stranger` (the same in another organization).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from django.db import connection
from django.test import Client
from psycopg.pq import Trace

from environments import clock
from environments.models import Membership, Organization, PersonalAPIKey, Project, User

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

# What Django's test client makes of a response, with ``json`` and ``context``: a class of the type stubs alone.
ClientResponse: TypeAlias = "_MonkeyPatchedWSGIResponse"
_numbers = count(1)
NOT_FOUND = {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None}


class Api:
    """Requests of one caller, relative to a project's ``/api/environments/<id>/``."""

    def __init__(self, project: Project, key: str | None, prefix: str = "environments", below: str = "") -> None:
        self.root = f"/api/{prefix}/{project.pk}/{below}"
        self.key = key
        self.client = Client(raise_request_exception=True)

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> ClientResponse:
        """Send ``body`` as JSON, or as it is where it is bytes. A path that begins with ``/`` is taken as it is."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key is not None else {}
        headers |= options.pop("headers", {})
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        options.setdefault("content_type", "application/json")
        address = path if path.startswith("/") else self.root + path
        return self.client.generic(method, address, content, headers=headers, **options)

    def get(self, path: str, **options: Any) -> ClientResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> ClientResponse:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> ClientResponse:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> ClientResponse:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> ClientResponse:
        return self.request("DELETE", path, **options)


@dataclass
class World:
    """One organization with one project and one member, who owns keys."""

    organization: Organization
    project: Project
    user: User
    keys: dict[str, PersonalAPIKey] = field(default_factory=dict)

    def key(self, *scopes: str, **fields: Any) -> str:
        """Make a key with these scopes and return its value; it was used just now, unless ``fields`` says otherwise."""
        fields.setdefault("last_used_at", clock.now())
        row, value = PersonalAPIKey.objects.issue(self.user, f"key {next(_numbers)}", list(scopes), **fields)
        self.keys[value] = row
        return value

    def api(self, *scopes: str, **fields: Any) -> Api:
        """Return a client with a new key (with every scope, if none is named)."""
        return Api(self.project, self.key(*(scopes or ("*",)), **fields))

    def anonymous(self) -> Api:
        """Return a client that sends no credentials."""
        return Api(self.project, None)

    def browser(self) -> Api:
        """Return a client that is logged in with a session and, as Django's test client does, skips CSRF."""
        api = self.anonymous()
        api.client.force_login(self.user)
        return api


def make_world() -> World:
    """Make a world that shares nothing with any other."""
    number = next(_numbers)
    organization = Organization.objects.create(name=f"Organization {number}")
    project = Project.objects.create(organization=organization, name="Shop")
    user = User.objects.create_user(f"person{number}@example.com", current_project=project)
    Membership.objects.create(organization=organization, user=user)
    return World(organization, project, user)


def administrator(world: World) -> Client:
    """Make the world's user a superuser; return a client of theirs, who may open the whole admin."""
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    client = Client()
    client.force_login(world.user)
    return client


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def stranger(db: None) -> World:
    return make_world()


@contextmanager
def statements(*, leases: bool = False) -> Iterator[list[str]]:
    """Collect the SQL that leaves this process while the block runs, as libpq sends it, whatever made it.

    The statement with which some requests lease tokens of their key's limit is left out, unless ``leases``: how rare
    it is, and what a list takes on average, is pinned in ``test_throttles``.
    """
    sent: list[str] = []
    connection.ensure_connection()
    protocol = connection.connection.pgconn
    known = {name.decode(): text.decode() for (text, _), name in connection.connection._prepared._names.items()}
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        with open(log.name, "wb", buffering=0) as file:
            protocol.trace(file.fileno())
            protocol.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
            try:
                yield sent
            finally:
                protocol.untrace()
        found = list(_run(log.read(), known))
        sent.extend(statement for statement in found if leases or "environments_ratelimit" not in statement)


def _run(trace: str, known: dict[str, str]) -> Iterator[str]:
    """Yield the statements that were run, by libpq's trace; ``known`` are the prepared ones, by their names."""
    for message, rest in re.findall(
        r"^F\t\d+\t(Query|Parse|Bind)\t(.*?)(?=^[FB]\t\d+\t)", trace, re.DOTALL | re.MULTILINE
    ):
        named = re.match(r' "" "(\w+)"' if message == "Bind" else r' "(\w+)"', rest)
        if message == "Bind" and named:
            yield known[named[1]]
        elif message == "Parse" and named:
            known[named[1]] = rest  # prepared, and run by a message of its own
        elif message != "Bind":
            yield rest


def error(status: int, kind: str, code: str, detail: str, attr: str | None = None) -> tuple[int, dict[str, Any]]:
    """Return what `answer` gives for an error."""
    return status, {"type": kind, "code": code, "detail": detail, "attr": attr}


def answer(response: ClientResponse) -> tuple[int, Any]:
    """Return status and body of a response."""
    return response.status_code, json.loads(response.content) if response.content else None

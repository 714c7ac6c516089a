"""The live server from behind: people and exceptions put in, rows of its database looked up.

Rows are asked for through psycopg: Django's ORM refuses to work in a thread with playwright's event loop.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

from tests.live import LiveServer

PASSWORD = "correct horse 1"
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and their project."""

    id: int
    email: str
    password: str
    project: int
    token: str
    key: str


class Site:
    """One live server."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.url = server.url

    def person(self, *, superuser: bool = False, staff: bool = False, active: bool = True) -> Person:
        """Make a person who has a project."""
        email = f"browser-{next(_numbers)}-{uuid.uuid4().hex[:8]}@example.com"
        made = self.server.bootstrap(email=email, password=PASSWORD, project=email.partition("@")[0])
        [row] = self.rows(
            "UPDATE environments_user SET is_superuser = %s, is_staff = %s, is_active = %s"
            " WHERE email = %s RETURNING id",
            *(superuser, superuser or staff, active, email),
        )
        return Person(
            row["id"], email, PASSWORD, made["environment_id"], made["project_token"], made["personal_api_key"]
        )

    def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        with psycopg.connect(self.server.database_url or "", row_factory=dict_row) as connection:
            return connection.execute(statement, parameters).fetchall()

    def report(self, person: Person, *exceptions: dict[str, Any], **properties: Any) -> str:
        """Send one event with these exceptions, outermost first; return the id of its issue."""
        event = str(uuid.uuid4())
        sent = {"$lib": "posthog-python", "$lib_version": "7.91.1", "$exception_list": list(exceptions), **properties}
        body = {"event": "$exception", "uuid": event, "distinct_id": "ann", "properties": sent}
        answer = requests.post(f"{self.url}/i/v0/e/", json={"api_key": person.token, **body}, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(self.server.until(lambda: self._issue_of(person, event))["issue_id"])

    def _issue_of(self, person: Person, event: str) -> dict[str, Any] | None:
        found = self.rows(
            """
            SELECT f.issue_id FROM errortracking_event e
            JOIN errortracking_fingerprint f ON f.environment_id = e.environment_id AND f.id = e.fingerprint_id
            WHERE e.environment_id = %s AND e.id = %s
            """,
            *(person.project, event),
        )
        return found[0] if found else None

    def issue(self, person: Person, issue: str) -> dict[str, Any]:
        """Return an issue's row."""
        [row] = self.rows(
            "SELECT * FROM errortracking_issue WHERE environment_id = %s AND id = %s", person.project, issue
        )
        return row

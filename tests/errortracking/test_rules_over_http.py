"""Rules of all kinds, made by the API of a running server, tried by its worker on what comes in by HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import requests

from environments.ids import uuid7
from tests.live import LiveServer


def where(key: str, value: Any, operator: str = "exact") -> dict[str, Any]:
    return {
        "type": "AND",
        "values": [{"key": key, "value": value, "operator": operator, "type": "event"}],
    }


class Shop:
    """A project of the server, with a key that may write."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        made = server.bootstrap(email="rules@example.com", project="shop")
        self.token, self.id = made["project_token"], made["environment_id"]
        self._key = made["personal_api_key"]

    def api(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.server.url}/api/environments/{self.id}/error_tracking/{path}"
        done = requests.request(method, url, json=body, headers={"Authorization": f"Bearer {self._key}"}, timeout=30)
        assert done.ok, done.text
        return done.json() if done.content else None

    def send(self, type_: str, **properties: Any) -> UUID:
        """Send one exception and return its uuid."""
        uuid = uuid7()
        event = {
            "event": "$exception",
            "uuid": str(uuid),
            "distinct_id": "user",
            "properties": {"$exception_list": [{"type": type_, "value": "failed"}], **properties},
        }
        body = {"api_key": self.token, "batch": [event]}
        assert requests.post(f"{self.server.url}/batch/", json=body, timeout=30).status_code == 200
        return uuid

    def query(self, statement: str) -> list[Any]:
        assert self.server.database_url
        with psycopg.connect(self.server.database_url) as database:
            return database.execute(statement, [self.id]).fetchall()

    def outcomes(self, events: int) -> dict[str, int]:
        """Wait until so many events have ended, and return how."""
        rows = self.server.until(lambda: self._ended(events))
        return {f"{outcome}/{reason}".rstrip("/"): count for outcome, reason, count in rows}

    def _ended(self, events: int) -> list[Any] | None:
        rows = self.query(
            "SELECT outcome, reason, sum(count)::int FROM errortracking_outcomecount"
            " WHERE environment_id = %s GROUP BY 1, 2"
        )
        return rows if sum(count for *_, count in rows) == events else None


def test_rules_take_effect_with_the_next_event_and_tell_why_they_were_switched_off(server: LiveServer) -> None:
    shop = Shop(server)
    me = shop.query("SELECT user_id FROM environments_personalapikey WHERE %s > 0 ORDER BY created_at DESC LIMIT 1")
    assignee = {"type": "user", "id": str(me[0][0])}
    group = shop.api("POST", "grouping_rules/", {"filters": where("area", "checkout"), "description": "Checkout"})
    shop.api("POST", "assignment_rules/", {"filters": where("area", "checkout"), "assignee": assignee})
    shop.api("POST", "suppression_rules/", {"filters": where("$exception_types", "Noise", "icontains")})
    shop.api("POST", "bypass_rules/", {"filters": where("area", "checkout")})
    fails = shop.api("POST", "suppression_rules/", {"filters": where("size", 5, "gt")})
    shop.api("PATCH", "settings/update_settings/", {"project_rate_limit_value": 1})

    shop.send("KeyError", area="checkout")
    shop.send("ValueError", area="checkout")  # the same issue, by the rule
    shop.send("BackgroundNoise")
    shop.send("OSError", size="XL")  # takes the project's one token, and the rule's reason to live
    shop.send("OSError", size=7)

    assert shop.outcomes(5) == {"stored": 3, "suppressed/rule": 1, "rate_limited/project": 1}
    issues = shop.query(
        "SELECT i.name, f.fingerprint LIKE 'custom-rule:%%', a.user_id::text FROM errortracking_issue i"
        " JOIN errortracking_fingerprint f ON f.environment_id = i.environment_id AND f.issue_id = i.id"
        " LEFT JOIN errortracking_issueassignment a ON a.environment_id = i.environment_id AND a.issue_id = i.id"
        " WHERE i.environment_id = %s ORDER BY 1"
    )
    assert issues == [("KeyError", True, assignee["id"]), ("OSError", False, None)]
    assert shop.api("GET", f"grouping_rules/{group['id']}/")["disabled_data"] is None
    assert shop.api("GET", f"suppression_rules/{fails['id']}/")["disabled_data"] == {
        "message": "`gt` compares numbers, but the value is a text that is none",
        "props": {"size": "XL"},
    }

"""Where the shop's people are told: a team's webhook, and a pager that speaks Slack's language."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from tests.outbound.web import Asked, Web, ok


class Receiver:
    """Takes messages, or refuses them while it is ``down``."""

    def __init__(self, web: Web) -> None:
        self.down = False
        self.secret = ""
        self._told: list[str] = []
        self._taken: set[str] = set()
        web.pages = {"/team": self._team, "/pager": self._pager}
        self.team, self.pager = f"{web.url}/team", f"{web.url}/pager"

    def told(self) -> list[str]:
        """Return what came since the last look."""
        told, self._told = self._told, []
        return told

    def _team(self, asked: Asked) -> Iterable[bytes]:
        message: dict[str, Any] = json.loads(asked.body)
        text = f"{message['event']} {message['title']}: {message['summary']}"
        if message["severity"]:
            text += f" ({message['severity']})"
        if self.down:
            self._told.append(f"team refuses {text}")
            return [ok(b"", status="503 Service Unavailable")]
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if not self._is_signed(headers, asked.body):
            text += " WITH A WRONG SIGNATURE"
        if message["id"] in self._taken or {message["id"]} != {headers["webhook-id"], headers["idempotency-key"]}:
            text += " WITH A WRONG ID"
        self._taken.add(message["id"])
        self._told.append(f"team hears {text}")
        return [ok(b"")]

    def _pager(self, asked: Asked) -> Iterable[bytes]:
        head, _, _ = json.loads(asked.body)["text"].partition("\n")  # *<address|subject>*
        self._told.append(f"pager hears {head.partition('|')[2].removesuffix('>*')}")
        return [ok(b"ok")]

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        """Check a signature as a receiver does that knows nothing of this server but docs/alerts.md."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        return (
            headers["webhook-signature"]
            == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        )

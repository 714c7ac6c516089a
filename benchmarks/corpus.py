"""A seeded corpus of exceptions as posthog-python sends them: the same number always gives the same bytes.

The program that «crashes» has modules with functions, each with its source lines. It raises exceptions of 20 types, an
outer one with the inner that caused it; together they have nine frames with context. So frames repeat between events as
they do in life; messages, uuids and variables (4 KB of them) do not. An event takes about 14 KB.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

TYPES = 20
ISSUES = 200
FUNCTIONS = 400
USERS = 2_000
OUTER, INNER = 4, 5  # frames of the two exceptions of a chain
VARIABLES = 4_100  # bytes of one event's variables
START = datetime(2026, 11, 22, tzinfo=UTC)  # of the client's clock, which the server corrects by `sent_at`
_WORDS = (
    *("order", "user", "cart", "price", "stock", "total", "query", "cache"),
    *("batch", "index", "value", "result", "buffer", "report", "handler", "invoice"),
)


class Corpus:
    """Events of one program. ``seed`` decides everything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._types = [f"shop.errors.{word.title()}Error" for word in _WORDS] + ["ValueError", "KeyError", "OSError"]
        self._types = [*self._types, "RuntimeError"][:TYPES]
        self._frames = [self._frame(number) for number in range(FUNCTIONS)]
        self._issues = [
            (self._random.choice(self._types), [self._random.randrange(FUNCTIONS) for _ in range(OUTER + INNER)])
            for _ in range(ISSUES)
        ]

    def _line(self) -> str:
        words = [self._random.choice(_WORDS) for _ in range(6)]
        return "        {}_{} = self.{}.{}({}, {}=1)".format(*words)

    def _frame(self, number: int) -> dict[str, Any]:
        name = f"{self._random.choice(_WORDS)}_{self._random.choice(_WORDS)}"
        in_app = number % 3 == 0
        folder = "/srv/shop" if in_app else "/usr/lib/python3.11/site-packages/framework"
        module = f"{'shop' if in_app else 'framework'}.{name}_{number}"
        path = module.replace(".", "/") + ".py"
        return {
            "platform": "python",
            "filename": path,
            "abs_path": f"{folder}/{path}",
            "function": f"handle_{name}",
            "module": module,
            "lineno": self._random.randrange(10, 900),
            "pre_context": [self._line() for _ in range(5)],
            "context_line": self._line(),
            "post_context": [self._line() for _ in range(5)],
            "in_app": in_app,
        }

    def _variables(self) -> dict[str, str]:
        """Return the variables of one frame as the SDK prints them: a ninth of an event's `VARIABLES`."""
        pick, variables, size = self._random, dict[str, str](), 0
        while size < VARIABLES / (OUTER + INNER):
            name = f"{pick.choice(_WORDS)}_{pick.randrange(100)}"
            text = f"<{pick.choice(_WORDS).title()} id={pick.getrandbits(40)} ref='{pick.getrandbits(64):x}'>"
            variables[name] = text
            size += len(name) + len(text)
        return variables

    def _exception(self, kind: str, number: int, path: Iterable[int]) -> dict[str, Any]:
        chained = {"type": "chained", "source": "cause", "parent_id": number - 1} if number else {"type": "generic"}
        return {
            "mechanism": {"exception_id": number, "handled": True, "synthetic": False, **chained},
            "module": None,
            "type": kind,
            "value": f"request failed for order {self._random.randrange(10**6)} of {self._random.choice(_WORDS)}",
            "stacktrace": {
                "type": "raw",
                "frames": [{**self._frames[frame], "code_variables": self._variables()} for frame in path],
            },
        }

    def event(self, at: datetime) -> dict[str, Any]:
        """Return the next event, that happened ``at`` by its client's clock, as it stands in a request."""
        pick = self._random
        kind, path = self._issues[min(int(pick.expovariate(8 / ISSUES)), ISSUES - 1)]
        return {
            "properties": {
                "$exception_list": [
                    self._exception(kind, 0, path[:OUTER]),
                    self._exception(pick.choice(self._types[:4]), 1, path[OUTER:]),
                ],
                "$exception_level": "error",
                "order_id": pick.randrange(10**6),
                "url": f"https://shop.example/{pick.choice(_WORDS)}/{pick.randrange(10**4)}",
                "$python_runtime": "CPython",
                "$python_version": "3.11.7",
                "$os": "Linux",
                "$os_version": "12",
                "$lib": "posthog-python",
                "$lib_version": "7.91.1",
                "$geoip_disable": True,
                "$is_server": True,
            },
            "timestamp": at.isoformat(),
            "distinct_id": f"user-{pick.randrange(USERS)}",
            "event": "$exception",
            "uuid": str(UUID(int=pick.getrandbits(128), version=4)),
        }

    def requests(self, token: str, events: int, per_request: int, *, compress: bool = False) -> Iterator[bytes]:
        """Yield the bodies of requests to ``/batch/`` that hold ``events`` events together, ``per_request`` each."""
        for first in range(0, events, per_request):
            at = START + timedelta(milliseconds=first)
            batch = [self.event(at) for _ in range(min(per_request, events - first))]
            body = {"batch": batch, "historical_migration": False, "sent_at": at.isoformat(), "api_key": token}
            text = json.dumps(body).encode()
            yield gzip.compress(text, mtime=0) if compress else text


def digest(bodies: Iterable[bytes]) -> str:
    """Return the first 16 hex digits of the SHA-256 over all bodies: whether two runs sent the same."""
    total = hashlib.sha256()
    for body in bodies:
        total.update(body)
    return total.hexdigest()[:16]

"""A seeded corpus of exception events as posthog-python sends them: the same number always gives the same events.

The program that «crashes» has modules with functions, each with its source lines; an issue is a path through them.
So frames repeat between events as they do in life, messages and variables do not, and an event of 15 frames takes
about 14 KB.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

FRAMES = 15
ISSUES = 200
FUNCTIONS = 400
USERS = 2_000
_WORDS = [
    "order",
    "user",
    "cart",
    "price",
    "stock",
    "total",
    "query",
    "cache",
    "token",
    "batch",
    "index",
    "value",
    "result",
    "buffer",
    "session",
    "handler",
]
_KINDS = ["ValueError", "KeyError", "RuntimeError", "ConnectionError", "TypeError", "shop.errors.PaymentRefused"]


class Corpus:
    """Events of one program. ``seed`` decides everything."""

    def __init__(self, seed: int, *, issues: int = ISSUES, frames: int = FRAMES) -> None:
        self._random = random.Random(seed)
        self._frames = [self._frame(number) for number in range(FUNCTIONS)]
        self._issues = [
            (self._random.choice(_KINDS), [self._random.randrange(FUNCTIONS) for _ in range(frames)])
            for _ in range(issues)
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

    def event(self, at: datetime) -> dict[str, Any]:
        """Return the next event, that happened ``at``, as an entry of a queue payload."""
        pick = self._random
        kind, path = self._issues[min(int(pick.expovariate(8 / len(self._issues))), len(self._issues) - 1)]
        return {
            "event": "$exception",
            "uuid": str(UUID(int=pick.getrandbits(128), version=4)),
            "distinct_id": f"user-{pick.randrange(USERS)}",
            "timestamp": at.isoformat(),
            "offset": None,
            "properties": {
                "$exception_list": [
                    {
                        "mechanism": {"exception_id": 0, "type": "generic", "handled": True, "synthetic": False},
                        "module": None,
                        "type": kind,
                        "value": f"request failed for order {pick.randrange(10**6)} of {pick.choice(_WORDS)}",
                        "stacktrace": {"type": "raw", "frames": [self._frames[number] for number in path]},
                    }
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
        }

    def payloads(self, events: int, per_request: int, received_at: datetime) -> Iterator[dict[str, Any]]:
        """Yield queue payloads that hold ``events`` events together, ``per_request`` each."""
        for first in range(0, events, per_request):
            at = received_at + timedelta(milliseconds=first)
            yield {
                "v": 1,
                "events": [self.event(at) for _ in range(min(per_request, events - first))],
                "sent_at": at.isoformat(),
                "received_at": at.astimezone(UTC).isoformat(),
                "ip": "192.0.2.1",
                "user_agent": "posthog-python/7.91.1",
            }

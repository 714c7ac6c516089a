"""What `docs/alerts.md` shows works as it stands there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from notifications import bodies, pacing, signing
from notifications.events import NoticeEvent
from notifications.models import HOURLY_LIMIT
from runtime.bootstrap.places import CHECKOUT
from tests.notifications.making import SECRET

TEXT = (CHECKOUT / "docs" / "alerts.md").read_text(encoding="utf-8")


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    """The function that receivers are shown."""
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["is_genuine"]  # type: ignore[no-any-return]


def test_a_receiver_accepts_what_is_signed_here_and_nothing_else(is_genuine: Callable[..., bool]) -> None:
    now, body = int(time.time()), b'{"event": "test"}'
    headers = signing.headers(SECRET, "0190f5a0", now, body)
    assert is_genuine(SECRET, headers, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    assert not is_genuine(signing.new_secret(), headers, body)
    assert not is_genuine(SECRET, headers | {"webhook-id": "another"}, body)
    assert not is_genuine(SECRET, headers | {"webhook-timestamp": str(now - 1)}, body)
    assert not is_genuine(SECRET, signing.headers(SECRET, "0190f5a0", now - 301, body), body)


def test_the_numbers_are_the_codes() -> None:
    minutes = [str(delay.total_seconds() / 60).removesuffix(".0") for delay in pacing.RETRIES]
    assert f"after {', '.join(minutes[:-1])} and {minutes[-1]} minutes" in TEXT
    assert f"({HOURLY_LIMIT} by default, 1 to 1000)" in TEXT


def test_every_event_is_in_the_table_and_has_words() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)[:5] == NoticeEvent.values
    assert set(NoticeEvent.values) <= set(bodies._SAID)

"""The pure parts: which notice is for whom, what is shown of a target, how long until the next attempt, signatures."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from notifications import pacing, signing, targets
from notifications.events import NoticeEvent
from notifications.matching import Listener
from tests.notifications.making import NOON, notice

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("severities", "kinds", "severity", "kind", "wanted"),
    [
        ([], [], None, None, True),
        ([], [], "low", "web_vitals", True),
        (["critical"], [], "critical", None, True),
        (["critical"], [], "low", None, False),
        (["critical"], [], None, None, True),
        ([], ["web_vitals"], None, "web_vitals", True),
        ([], ["web_vitals"], "critical", "sdk_outdated", False),
        ([], ["web_vitals"], "low", None, True),
        (["critical"], ["web_vitals"], "warning", "web_vitals", False),
        (["critical"], ["web_vitals"], "critical", "web_vitals", True),
    ],
)
def test_lists_leave_out_notices_with_another_value(
    severities: list[str], kinds: list[str], severity: str | None, kind: str | None, wanted: bool
) -> None:
    listener = Listener(1, UUID(int=1), ["issue_created"], severities, kinds, 60)
    assert listener.wants(notice(severity=severity, kind=kind)) is wanted


def test_other_events_are_for_nobody() -> None:
    listener = Listener(1, UUID(int=1), ["issue_created"], [], [], 60)
    assert not listener.wants(notice(NoticeEvent.ISSUE_REOPENED))


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("https://hooks.slack.com/services/T0/B0/abcdefgh", "https://hooks.slack.com/…efgh"),
        ("https://example.com:8443/hook?token=abcdefgh", "https://example.com:8443/…efgh"),
        ("https://example.com/hook", "https://example.com/hook"),
        ("https://example.com", "https://example.com"),
        ("team@example.com", "team@example.com"),
    ],
)
def test_of_a_target_host_and_end_are_shown(target: str, shown: str) -> None:
    assert targets.shown(target) == shown


@pytest.mark.parametrize(
    ("kind", "target", "right"),
    [
        ("webhook", "https://example.com/hook", True),
        ("slack", "http://chat.internal:8065/hooks/x", True),
        ("discord", "discord.com/api/webhooks/1/x", False),
        ("webhook", "javascript:alert(1)", False),
        ("webhook", "https://", False),
        ("webhook", "https://exam\nple.com/hook", False),
        ("slack", "https://example.com/\thook", False),
        ("email", "team@example.com", True),
        ("email", "team@example.com, all@example.com", False),
        ("email", "https://example.com/", False),
    ],
)
def test_which_targets_are_taken(kind: str, target: str, right: bool) -> None:
    assert (targets.problem(kind, target) is None) is right


def test_attempts_are_spread_over_a_day() -> None:
    day = NOON + timedelta(days=1)
    delays = [pacing.next_attempt(attempts, NOON, day) for attempts in range(1, 12)]
    minutes = [delay and (delay - NOON) // MINUTE for delay in delays]
    assert minutes == [1, 2, 5, 10, 20, 40, 80, 160, 320, 640, None]


def test_there_is_no_attempt_after_the_end() -> None:
    assert pacing.next_attempt(10, NOON, NOON + 640 * MINUTE) == NOON + 640 * MINUTE
    assert pacing.next_attempt(10, NOON, NOON + 639 * MINUTE) is None


def test_rests_double_up_to_an_hour() -> None:
    rests = [pacing.pause(failures, NOON) for failures in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1000)]
    assert [rest and (rest - NOON) // MINUTE for rest in rests] == [None, None, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_signature_of_the_specifications_own_example() -> None:
    """Standard Webhooks 1.0.0: the example that its libraries test."""
    signature = signing.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

"""What is left of access that has ended is deleted every day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session

from environments import clock, housekeeping

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_sessions_that_have_ended_are_deleted() -> None:
    """Nobody else does: Django leaves that to a command."""
    for name, ends in {"ended": NOON, "ends": NOON + timedelta(seconds=1)}.items():
        Session.objects.create(session_key=name, session_data="", expire_date=ends)
    with clock.stopped_at(NOON):
        housekeeping.daily()
    assert [session.session_key for session in Session.objects.all()] == ["ends"]

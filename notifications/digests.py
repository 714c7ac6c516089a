"""What was too much to be sent one by one becomes one message, some minutes after it began."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from environments import clock
from environments.tenancy import guard, sql
from notifications import outbox
from notifications.events import DIGEST
from notifications.models import Delivery, Destination, Surplus

COLLECTED_FOR: Final = timedelta(minutes=10)
"""A storm is six messages an hour beyond the limit, and nobody hears of it later than that."""
SAMPLES: Final = 20

_DUE: Final = """
    SELECT s.environment_id, s.destination_id FROM notifications_surplus s
    JOIN environments_project p ON p.id = s.environment_id AND p.deleted_at IS NULL
    GROUP BY s.environment_id, s.destination_id HAVING min(s.created_at) <= %s
    ORDER BY s.environment_id, s.destination_id
"""


def send_due() -> int:
    """Write the messages whose time has come, and let them be sent; return how many they are."""
    now = clock.now()
    with guard.maintenance("the destinations of all projects"), sql.cursor() as cursor:
        due = cursor.execute(_DUE, [now - COLLECTED_FOR]).fetchall()
    return sum(_write(environment_id, destination_id, now) for environment_id, destination_id in due)


def _write(environment_id: int, destination_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        own = Destination.objects.select_for_update(no_key=True, skip_locked=True)
        if not own.filter(environment_id=environment_id, pk=destination_id).exists():
            return False  # somebody is deleting it, or it is being sent to: the next minute will do
        rows = Surplus.objects.filter(environment_id=environment_id, destination_id=destination_id)
        taken = list(rows.select_for_update(skip_locked=True).order_by("created_at", "id"))
        if not taken:
            return False
        counts: Counter[str] = Counter()
        samples: list[dict[str, Any]] = []
        for row in taken:
            counts.update(row.counts)
            samples += row.samples
        Delivery.objects.create(
            environment_id=environment_id,
            destination_id=destination_id,
            event=DIGEST,
            title=f"{counts.total()} more alerts in the last {_minutes(taken[0].created_at, now)} minutes",
            message=_message(counts, samples, now),
            created_at=now,
            next_attempt_at=now,
            expires_at=now + outbox.LASTS,
        )
        rows.filter(pk__in=[row.pk for row in taken]).delete()
        outbox.defer({(environment_id, destination_id)})
    return True


def _minutes(first: datetime, now: datetime) -> int:
    return max(1, round((now - first) / timedelta(minutes=1)))


def _message(counts: Counter[str], samples: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    parts = [f"{number} {event.replace('_', ' ')}" for event, number in sorted(counts.items())]
    return {
        "summary": ", ".join(parts),
        "link": "/admin/errortracking/issue/",
        "severity": None,
        "kind": None,
        "properties": {"counts": dict(sorted(counts.items())), "samples": samples[:SAMPLES]},
        "happened_at": clock.iso(now),
    }

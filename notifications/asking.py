"""What a person asks for: a test, and a message once more. Both are sent by a task, as everything else."""

from __future__ import annotations

from uuid import UUID

from environments import clock
from notifications import outbox
from notifications.events import TEST
from notifications.models import Delivery, DeliveryStatus, Destination


def test(destination: Destination) -> Delivery:
    """Return the test that will be sent to ``destination``: a new one, or the one that waits already.

    In the caller's transaction, which has locked the destination. It goes out although the destination is off or
    rests, is tried once, and counts as any other attempt: if it is taken, a rest is over.
    """
    waiting = Delivery.objects.filter(
        environment_id=destination.environment_id, destination_id=destination.pk, event=TEST, status="pending"
    ).first()
    if waiting is not None:
        return waiting
    now = clock.now()
    made = Delivery.objects.create(
        environment_id=destination.environment_id,
        destination_id=destination.pk,
        event=TEST,
        title="Alerts reach you here",
        message={
            "summary": f"Somebody has tested the destination {destination.name}.",
            "link": f"/admin/notifications/destination/{destination.pk}/change/",
            "severity": None,
            "kind": None,
            "properties": {},
            "happened_at": clock.iso(now),
        },
        created_at=now,
        next_attempt_at=now,
        expires_at=now + outbox.LASTS,
    )
    outbox.defer({(destination.environment_id, destination.pk)})
    return made


def replay(environment_id: int, delivery_id: UUID) -> bool:
    """Have a message sent once more, with the id that it has; return whether there is one.

    In the caller's transaction. Its retries begin anew. One that waits for its next attempt is tried at once; if its
    destination is off or rests, it waits for the end of that.
    """
    now = clock.now()
    row = Delivery.objects.select_for_update().filter(environment_id=environment_id, pk=delivery_id).first()
    if row is None:
        return False
    row.status, row.attempts, row.finished_at = DeliveryStatus.PENDING, 0, None
    row.next_attempt_at, row.expires_at = now, now + outbox.LASTS
    row.save(update_fields=["status", "attempts", "finished_at", "next_attempt_at", "expires_at"])
    outbox.defer({(environment_id, row.destination_id)})
    return True

"""The queue between accepting a request and processing it, and the events that could not be processed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from environments import clock
from environments.tenancy.models import ProjectModel
from errortracking.models import slots


class QueuedRequest(ProjectModel):
    """One accepted request. It is written with one INSERT and deleted in the transaction that has its effect.

    Without a reference to the project: checking one would lock the project's row in every accepting transaction.
    Rows of a project that is gone are dropped by the worker. No column that a lease changes is indexed, so the
    changes stay in the page. Partitioned by ``slot`` (`errortracking.models.slots`).
    """

    received_at = models.DateTimeField()
    slot = models.SmallIntegerField(default=slots.current)
    events = models.IntegerField(help_text="How many events the request holds.")
    bytes = models.IntegerField(help_text="Length of the payload.")
    payload = models.BinaryField(help_text="See `errortracking.models.payload`.")
    attempts = models.SmallIntegerField(default=0, help_text="How often a worker has taken it.")
    lease = models.UUIDField(
        null=True, blank=True, help_text="Who is working on it; an old lease loses to a newer one."
    )
    leased_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="Parked until then.")
    waits_until = models.DateTimeField(
        null=True, blank=True, help_text="For source maps that are being fetched; it is set once, at the first parking."
    )
    waits_for = ArrayField(
        models.TextField(), null=True, blank=True, help_text="The scripts whose source maps are being fetched."
    )
    isolated = models.BooleanField(default=False, help_text="Its batch failed: process it alone, event by event.")
    poison = ArrayField(
        models.IntegerField(),
        default=list,
        blank=True,
        help_text="Places of the events at which the process that handled them ended, one for each time.",
    )

    class Meta:
        verbose_name = "queued request"

    def __str__(self) -> str:
        return f"{self.events} events, {self.bytes} bytes"


class SetAsideEvent(ProjectModel):
    """An accepted event that could not be processed, kept with its reason until an operator replays or deletes it."""

    event_uuid = models.UUIDField()
    received_at = models.DateTimeField()
    reason = models.TextField()
    payload = models.BinaryField(help_text="A payload as in the queue, of this one event.")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["environment", "created_at"], name="set_aside_created_at")]

    def __str__(self) -> str:
        return f"{self.event_uuid}: {self.reason[:80]}"

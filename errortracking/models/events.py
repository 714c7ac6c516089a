"""Exception events, and the ledger that keeps an event from being stored twice."""

from __future__ import annotations

from django.db import models

from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectRow
from errortracking.models.fingerprints import Fingerprint

LEDGER_PARTITIONS = 8
LEDGER_HORIZON_DAYS = 30  # an SDK's retries end after minutes; replays by hand after days


class Event(ProjectModel):
    """One exception event: its id is the uuid that the SDK gave it.

    Partitioned by the UTC day it was received; in the database the key is (environment_id, id, received_at).
    ``payload`` is zstd-compressed JSON (`errortracking.models.payload`): the frames and contents it had, by id, and
    what is its own. jsonb was measured to cost most of the database's time (parse, pglz, WAL), and no query looks
    into it.
    """

    received_at = models.DateTimeField()
    timestamp = models.DateTimeField(help_text="When it happened, corrected for the client's clock.")
    fingerprint = ProjectForeignKey(Fingerprint, null=True, help_text="Null: the exception list could not be read.")
    distinct_id = models.TextField()
    sdk = models.TextField(default="")
    sdk_version = models.TextField(default="")
    # Not a reference: to delete a release would be to look for it in all events.
    release_id = models.UUIDField(null=True, help_text="The release that it came from, where one was known.")
    payload = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["environment", "fingerprint", "-timestamp", "-id"], name="event_of_fingerprint"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class EventLedger(ProjectRow):
    """Each exception's uuid that was accepted in the last `LEDGER_HORIZON_DAYS`; hash-partitioned by uuid."""

    pk = models.CompositePrimaryKey("environment_id", "uuid")
    uuid = models.UUIDField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.uuid)

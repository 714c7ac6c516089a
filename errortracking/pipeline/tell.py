"""What a batch did to issues, as notices to whoever wants to be told (docs/alerts.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from errortracking.models.issues import UNTITLED
from errortracking.pipeline.assign import Opened
from errortracking.pipeline.batch import Batch
from notifications.outbox import Notice, NoticeEvent, tell


class Spiking(NamedTuple):
    """An issue that spikes, with what it is called."""

    issue_id: UUID
    at: datetime
    baseline: float
    value: int
    name: str | None
    description: str | None
    severity: str | None


def tell_opened(batch: Batch, made: Mapping[UUID, Opened], reopened: Mapping[UUID, Opened]) -> None:
    """Tell of the issues (by id) that the batch has made and opened again."""
    notices = [_opened(NoticeEvent.ISSUE_CREATED, id_, opened) for id_, opened in made.items()]
    notices += [_opened(NoticeEvent.ISSUE_REOPENED, id_, opened) for id_, opened in reopened.items()]
    tell(batch.environment_id, notices)


def tell_spiking(batch: Batch, spikes: Iterable[Spiking]) -> None:
    """Tell of the spikes that were stored."""
    tell(batch.environment_id, [_spiking(spike) for spike in spikes])


def link_to(issue_id: UUID) -> str:
    """Return where one sees an issue: a path of this server."""
    return f"/admin/errortracking/issue/{issue_id}/change/"


def _opened(event: NoticeEvent, issue_id: UUID, opened: Opened) -> Notice:
    return Notice(
        event,
        issue_id,
        title=opened.name or UNTITLED,
        summary=opened.description or "",
        link=link_to(issue_id),
        happened_at=opened.event.received_at,
        severity=opened.severity,
        properties={"fingerprint": opened.event.fingerprint.value} if opened.event.fingerprint else {},
    )


def _spiking(spike: Spiking) -> Notice:
    return Notice(
        NoticeEvent.ISSUE_SPIKING,
        spike.issue_id,
        title=spike.name or UNTITLED,
        summary=f"{spike.value} exceptions in five minutes, where {spike.baseline:.1f} are usual.",
        link=link_to(spike.issue_id),
        happened_at=spike.at,
        severity=spike.severity,
        properties={
            "description": spike.description,
            "computed_baseline": spike.baseline,
            "current_bucket_value": spike.value,
        },
    )

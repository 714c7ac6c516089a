"""What there is to tell, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import models

TITLE_LENGTH: Final = 255  # characters: as long as the name of an issue, and a subject that mail programs show
SUMMARY_LENGTH: Final = 1_000  # characters: a paragraph; Discord takes 2000 for the whole message
SEVERITIES: Final = ("critical", "high", "medium", "low", "warning", "info")
"""All that a notice may have: those of issues (critical, high, medium, low) and of health issues (critical, warning,
info)."""


class NoticeEvent(models.TextChoices):
    """What has happened. The values are what webhooks carry and destinations list."""

    ISSUE_CREATED = "issue_created"
    ISSUE_REOPENED = "issue_reopened"
    ISSUE_SPIKING = "issue_spiking"
    HEALTH_ISSUE_FIRING = "health_issue_firing"
    HEALTH_ISSUE_RESOLVED = "health_issue_resolved"


TEST: Final = "test"
"""The event of a message that somebody has asked for, to see whether it comes."""
DIGEST: Final = "digest"
"""The event of a message about many notices, see `notifications.digests`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that has happened to one subject. Texts and properties may quote events: untrusted everywhere."""

    event: NoticeEvent
    subject_id: UUID
    """The issue, or the health issue."""
    title: str
    """What people call it; one line, cut to `TITLE_LENGTH` characters where it is longer."""
    summary: str
    """A sentence or two, cut to `SUMMARY_LENGTH` characters."""
    link: str
    """Where one sees more: a path of this server, which begins with a slash."""
    happened_at: datetime
    severity: str | None = None
    """One of `SEVERITIES`; ``None`` where nobody has said how bad it is."""
    kind: str | None = None
    """The kind of health issue; ``None`` of issues."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What else there is to tell: a small JSON object, which webhooks carry as it is."""

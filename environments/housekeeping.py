"""What of access and its records is deleted every day."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from environments import clock
from environments.models import AuditEntry, RateLimit
from environments.tenancy.guard import maintenance

log = structlog.get_logger(__name__)

IDLE_LIMITS = timedelta(days=1)  # nothing in the row matters after an hour, the longest window
STEP = 10_000  # rows of one statement: well below a second


def daily() -> None:
    """Delete audit entries older than ``HEALTHTRACK_AUDIT_DAYS``, limits of keys that are not used, ended sessions."""
    entries, now = delete_old_entries(), clock.now()
    idle, _ = RateLimit.objects.filter(asked_at__lt=now - IDLE_LIMITS).delete()
    sessions, _ = Session.objects.filter(expire_date__lte=now).delete()
    log.info("daily clean-up of access", audit_entries=entries, rate_limits=idle, sessions=sessions)


def delete_old_entries() -> int:
    """Delete the entries, in steps that each commit; return how many there were."""
    before = clock.now() - timedelta(days=settings.AUDIT_DAYS)
    deleted = 0
    with maintenance("they are kept equally long in all projects"), connection.cursor() as cursor:
        while True:
            cursor.execute(_DELETE, [before, STEP])
            deleted += int(cursor.rowcount)
            if cursor.rowcount < STEP:
                return deleted


_DELETE = f"""
    DELETE FROM {AuditEntry._meta.db_table} WHERE (environment_id, id) IN (
        SELECT environment_id, id FROM {AuditEntry._meta.db_table} WHERE created_at < %s LIMIT %s
    )
"""  # noqa: S608 - the table's name

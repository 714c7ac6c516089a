"""Events of projects that keep them for a shorter time than the installation, deleted in steps."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from environments import clock, deletion
from environments.models import Project
from errortracking.models import partitions
from errortracking.models.partitions import utc_day


def delete_old_events() -> int:
    """Delete the events that are older than their project's ``max_event_age_days``; return how many there were.

    An event is kept for that many days at least, and at most one day longer: whole partitions are gone through, and of
    each only the project's part of the primary key. Statistics of issues stay as they are: they tell what happened,
    and not of what is kept.
    """
    today = utc_day(clock.now())
    shorter = Project.objects.filter(max_event_age_days__lt=settings.MAX_EVENT_AGE_DAYS).order_by("id")
    return sum(
        deletion.delete_in_steps(partitions.name(day), environment_id)
        for environment_id, days in shorter.values_list("id", "max_event_age_days")
        for day in partitions.existing()
        if day < today - timedelta(days=days or 0)
    )

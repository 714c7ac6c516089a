"""The admin of events that could not be processed: to be looked at, tried again or deleted."""

from __future__ import annotations

from collections import defaultdict
from typing import cast
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from environments.api import audit
from environments.models import User
from errortracking.admin.pipeline import PipelineAdmin
from errortracking.models import SetAsideEvent
from errortracking.pipeline import replay


@admin.register(SetAsideEvent)
class SetAsideEventAdmin(PipelineAdmin):
    """Events that could not be processed, with the reason; ``manage.py replay`` does the same for all of them."""

    list_display = ("event_uuid", "environment", "received_at", "reason")
    search_fields = ("reason",)
    search_uuid = "event_uuid"
    search_help_text = "An event's uuid, or a part of the reason."
    exclude = ("payload",)
    actions = ("try_again", "delete_for_good")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may try events again and delete them."""
        return bool(request.user.has_perm("errortracking.delete_setasideevent"))

    @admin.action(description="Try the selected events again", permissions=["decide"])
    def try_again(self, request: HttpRequest, rows: QuerySet[SetAsideEvent]) -> None:
        """Put them back into the queue."""
        replayed = unreadable = 0
        for environment_id, chosen in _by_project(rows):
            with transaction.atomic():
                done, left = replay.replay(environment_id, list(chosen))
                _record(request, environment_id, "replay", chosen)
            replayed, unreadable = replayed + done, unreadable + left
        self.message_user(request, f"Put back into the queue: {replayed}.")
        if unreadable:
            self.message_user(request, f"Cannot be read, and stay: {unreadable}.", messages.WARNING)

    @admin.action(description="Delete the selected events for good", permissions=["decide"])
    def delete_for_good(self, request: HttpRequest, rows: QuerySet[SetAsideEvent]) -> None:
        """Delete them; they stay counted as set aside."""
        deleted = 0
        for environment_id, chosen in _by_project(rows):
            with transaction.atomic():
                deleted += replay.delete(environment_id, list(chosen))
                _record(request, environment_id, "destroy", chosen)
        self.message_user(request, f"Deleted: {deleted}.")


_Chosen = dict[UUID, dict[str, str]]  # by the row's id, what the audit keeps of it


def _by_project(rows: QuerySet[SetAsideEvent]) -> list[tuple[int, _Chosen]]:
    found: defaultdict[int, _Chosen] = defaultdict(dict)
    for environment_id, id_, event_uuid, reason in rows.values_list("environment_id", "id", "event_uuid", "reason"):
        found[environment_id][id_] = {"event_uuid": str(event_uuid), "reason": reason}
    return sorted(found.items())


def _record(request: HttpRequest, environment_id: int, action: str, chosen: _Chosen) -> None:
    actor = audit.Actor.person(cast(User, request.user))
    for id_, before in chosen.items():
        audit.record(audit.Change(actor, environment_id, action, "set_aside_events", str(id_), before, None))

"""The admin of tasks that wait, run or have ended: procrastinate's own page with bounds, and only for who may.

procrastinate's page counts the table twice, reads every lock, queue and task name for its filters, fails for a status
that there is not, and lets anybody who may look at jobs start and stop them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from procrastinate.contrib.django import app
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from procrastinate.exceptions import UniqueViolation
from unfold.admin import TabularInline
from unfold.paginator import InfinitePaginator

from environments.api import audit
from environments.api.organizations_access import NO_PROJECT
from environments.models import User
from environments.tenancy.admin import InOneOrder, OneOf, ReadOnlyAdmin

_MOST_DIGITS: Final = 18  # of an id, which is a 64-bit integer
_CHANGED: Final = ("status", "abort_requested")


class ByStatus(OneOf):
    """By how far a job has come."""

    title = "status"
    parameter_name = "status"

    def known(self) -> list[str]:
        """Return procrastinate's words."""
        return list(ProcrastinateJob.STATUSES)


class ByTask(OneOf):
    """By what a job does."""

    title = "task"
    parameter_name = "task_name"

    def known(self) -> list[str]:
        """Return the names of the tasks that there are."""
        return sorted(app.tasks)


class EventInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """What has become of a job, and when."""

    model = ProcrastinateEvent
    extra = 0
    ordering = ("at", "id")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


admin.site.unregister(ProcrastinateJob)


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin, ProcrastinateJobAdmin):
    """Jobs, the newest first. Those that have ended are kept for three days."""

    list_display: Any = ("id", "task_name", "pretty_args", "pretty_status", "summary")
    fields: ClassVar[Any] = (
        *("id", "task_name", "pretty_args", "pretty_status", "queue_name", "lock", "queueing_lock", "priority"),
        *("scheduled_at", "attempts"),
    )
    list_filter: ClassVar[Any] = (ByStatus, ByTask)  # type: ignore[misc] # one parent says so, the other does not
    ordering = ("-id",)
    sortable_by = ()
    paginator = InfinitePaginator
    search_fields = ("task_name",)  # that there is something to search in; `get_search_results` says in what
    search_help_text = "An id, or a task's name or a lock as a whole."
    inlines: ClassVar[Any] = (EventInline,)
    actions: Any = ("retry", "cancel", "abort")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[InOneOrder]:
        """Return the kind of list."""
        return InOneOrder

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may start and stop jobs."""
        return bool(request.user.has_perm("procrastinate.change_procrastinatejob"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what is searched for, nothing left out where nothing is."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isdecimal() and len(term) <= _MOST_DIGITS:
            return queryset.filter(pk=int(term)), False
        return queryset.filter(Q(task_name=term) | Q(lock=term) | Q(queueing_lock=term)), False

    @admin.action(description="Run the selected jobs again", permissions=["decide"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Put jobs that failed, or seem to run forever, back into the queue."""
        self._each(request, queryset, super().retry, "retry")

    @admin.action(description="Cancel the selected jobs that wait", permissions=["decide"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Take jobs that wait out of the queue."""
        self._each(request, queryset, super().cancel, "cancel")

    @admin.action(description="Stop the selected jobs that wait or run", permissions=["decide"])
    def abort(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Take jobs that wait out of the queue, and ask running ones to stop."""
        self._each(request, queryset, super().abort, "abort")

    def _each(self, request: HttpRequest, queryset: QuerySet[Any], act: Any, action: str) -> None:
        """Do it to one job after the other, so that one that cannot be run again keeps no other from it."""
        actor, waiting = audit.Actor.person(cast(User, request.user)), 0
        for key in list(queryset.values_list("pk", flat=True)):
            job = queryset.model.objects.filter(pk=key)
            try:
                with transaction.atomic():
                    before = job.values(*_CHANGED).get()
                    act(request, job)
                    after = job.values(*_CHANGED).get()
                    if after != before:
                        audit.record(audit.Change(actor, NO_PROJECT, action, "jobs", str(key), before, after))
            except UniqueViolation:
                waiting += 1
        if waiting:
            text = f"Left alone, since the same waits in the queue already: {waiting}."
            self.message_user(request, text, messages.WARNING)

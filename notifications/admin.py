"""The admin of alerts: where they go, a test, and the log with a way to send a message again."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.paginator import InfinitePaginator

from environments.api import audit
from environments.models import Project, User
from environments.tenancy.admin import AcrossProjects, InOneOrder, OneOf, ReadOnlyAdmin
from environments.tenancy.guard import maintenance
from notifications import asking
from notifications.changing import audited, change, secret_for
from notifications.events import DIGEST, TEST, NoticeEvent
from notifications.forms import DestinationForm
from notifications.models import Delivery, Destination

_TARGETS_STATE = ("failures", "paused_until")


class _ById:
    """A mixin that finds a row by the index that begins with the project."""

    model: Any

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row with this id, ``None`` where there is none."""
        try:
            key = self.model._meta.pk.to_python(object_id)
        except ValidationError:
            return None
        living = Project.objects.values("pk")
        return self.model.objects.filter(environment_id__in=living, pk=key).select_related("environment").first()


@admin.register(Destination)
class DestinationAdmin(_ById, AcrossProjects, ModelAdmin):  # type: ignore[misc] # unfold has no types
    """Where alerts go."""

    form = DestinationForm
    list_display = ("name", "environment", "kind", "target_shown", "enabled", "failures", "paused_until")
    list_filter = ("environment", "kind", "enabled")
    list_select_related = ("environment",)
    search_fields = ("name",)
    ordering = ("-environment_id", "-id")
    actions = None
    actions_detail = ("send_test",)

    def get_fields(self, request: HttpRequest, obj: Destination | None = None) -> tuple[str, ...]:
        """Return the fields; a new destination has no history."""
        fields: tuple[str, ...] = DestinationForm.Meta.fields
        if obj is None:
            return fields
        if self.has_change_permission(request, obj):
            return (*fields, "secret", *_TARGETS_STATE, "log")
        return (*("target_shown" if name == "target" else name for name in fields), *_TARGETS_STATE, "log")

    def get_readonly_fields(self, request: HttpRequest, obj: Destination | None = None) -> tuple[str, ...]:
        """Return what is not changed. Who may only look sees neither the secret nor the whole target."""
        return () if obj is None else ("environment", "kind", "target_shown", "secret", *_TARGETS_STATE, "log")

    def get_exclude(self, request: HttpRequest, obj: Destination | None = None) -> tuple[str, ...]:
        """Return nothing: `get_fields` says all."""
        return ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether this person may change destinations."""
        return bool(request.user.has_perm("notifications.change_destination"))

    @admin.display(description="Log")
    def log(self, destination: Destination) -> str:
        """Return a link to the messages that were sent there."""
        address = reverse("admin:notifications_delivery_changelist") + f"?destination__id__exact={destination.pk}"
        return format_html('<a href="{}" class="text-primary-600 underline">Messages</a>', address)

    def save_model(self, request: HttpRequest, obj: Destination, form: Any, change: bool) -> None:
        """Save the destination, with a secret if it is new, and record who did it."""
        with transaction.atomic():
            if not change:
                obj.secret = secret_for(obj.kind)
                obj.save(force_insert=True)
                _record(request, "create", obj, None, audited(obj))
                return
            self._change(request, obj, {name: form.cleaned_data[name] for name in form.changed_data})

    def _change(self, request: HttpRequest, obj: Destination, fields: dict[str, Any]) -> None:
        rows = Destination.objects.select_for_update(no_key=True)
        row = rows.get(environment_id=obj.environment_id, pk=obj.pk)
        before = audited(row)
        changed = change(row, fields)
        if changed:
            row.save(update_fields=changed)
            _record(request, "update", row, before, audited(row))

    def delete_model(self, request: HttpRequest, obj: Destination) -> None:
        """Delete the destination with its log, and record who did it."""
        with transaction.atomic():
            obj.delete()
            _record(request, "destroy", obj, audited(obj), None)

    @action(description="Test", url_path="test", permissions=["change"])  # type: ignore[untyped-decorator]
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether to send a test, and do so."""
        with maintenance("the address names no project"):
            found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"Test {found}",
                "original": found,
            }
            return TemplateResponse(
                request, "admin/notifications/destination/test.html", {**context, "destination": found}
            )
        with transaction.atomic():
            rows = Destination.objects.select_for_update(no_key=True)
            row = rows.filter(environment_id=found.environment_id, pk=found.pk).first()
            if row is None:
                raise Http404
            delivery = asking.test(row)
            _record(request, "test", row, None, {"delivery": str(delivery.pk)})
        return HttpResponseRedirect(reverse("admin:notifications_delivery_change", args=[delivery.pk]))


class ByEvent(OneOf):
    """By what a message tells about."""

    title = "event"
    parameter_name = "event"

    def known(self) -> list[str]:
        """Return what destinations list, and what is sent besides."""
        return [*NoticeEvent.values, DIGEST, TEST]


@admin.register(Delivery)
class DeliveryAdmin(_ById, ReadOnlyAdmin):
    """What was sent where, and how it went."""

    list_display = (
        *("title", "event", "environment", "destination", "status", "attempts", "http_status", "created_at"),
    )
    list_filter = ("environment", "status", ByEvent)
    list_select_related = ("environment", "destination")
    search_fields = ("destination__name",)
    search_help_text = "A part of the destination's name, or an id: of a message, or of what it tells about."
    ordering = ("-environment_id", "-id")
    sortable_by = ()
    paginator = InfinitePaginator
    actions = ("send_again",)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[InOneOrder]:
        """Return the kind of list."""
        return InOneOrder

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Return what is searched for."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            found: tuple[QuerySet[Delivery], bool] = super().get_search_results(request, queryset, search_term)
            return found
        return queryset.filter(Q(pk=wanted) | Q(subject_id=wanted)), False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may have messages sent again."""
        return bool(request.user.has_perm("notifications.change_destination"))

    @admin.action(description="Send the selected messages again", permissions=["replay"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        """Have them sent once more, each with the id that it has."""
        chosen = list(rows.values_list("environment_id", "pk", "status"))
        for environment_id, key, status in chosen:
            with transaction.atomic():
                if asking.replay(environment_id, key):
                    self._replayed(request, environment_id, key, status)
        self.message_user(request, f"Sent again: {len(chosen)}.")

    def _replayed(self, request: HttpRequest, environment_id: int, key: Any, status: str) -> None:
        actor = audit.Actor.person(cast(User, request.user))
        before, after = {"status": status}, {"status": "pending"}
        audit.record(audit.Change(actor, environment_id, "replay", "alert_deliveries", str(key), before, after))


def _record(request: HttpRequest, action: str, destination: Destination, before: Any, after: Any) -> None:
    actor = audit.Actor.person(cast(User, request.user))
    audit.record(audit.Change(actor, destination.environment_id, action, "alerts", str(destination.pk), before, after))

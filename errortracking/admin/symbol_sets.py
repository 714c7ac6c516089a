"""The admin of symbol sets: what there is, how large it is, and a way to have it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from environments.tenancy.guard import maintenance
from errortracking.admin.pipeline import PipelineAdmin
from errortracking.models import SymbolSet
from errortracking.symbols.failures import from_reason
from errortracking.symbols.storage import Unavailable, storage


@admin.register(SymbolSet)
class SymbolSetAdmin(PipelineAdmin):
    """Symbol sets, with the reason where one could not be had. Where the data lies is the server's own affair."""

    list_display = ("ref", "environment", "failure", "last_used", "created_at")
    search_fields = ("ref",)
    search_help_text = "A part of the ref, or an id."
    exclude = ("storage_ptr", "begun_hash", "failure_reason")
    readonly_fields = ("failure", "data")

    def failure(self, symbol_set: SymbolSet) -> str | None:
        """Return why it could not be had or read, as frames tell it."""
        told = from_reason(symbol_set.failure_reason or "")
        return told.text if told else symbol_set.failure_reason

    def data(self, symbol_set: SymbolSet) -> str:
        """Return how large the data is, as a link by which it is downloaded."""
        key = symbol_set.storage_ptr
        try:
            size = storage().size(symbol_set.environment_id, key) if key else None
        except Unavailable:
            return "The object store cannot be reached."
        if size is None:
            return "None: it is still awaited." if key else "None."
        address = reverse("admin:errortracking_symbolset_download", args=[symbol_set.pk])
        text = f"Download {filesizeformat(size)}"
        return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', address, text)

    def get_urls(self) -> list[URLPattern]:
        """Return the admin's addresses and the one that leads to the data."""
        view = self.admin_site.admin_view(self.download)
        name = "errortracking_symbolset_download"
        return [path("<uuid:symbol_set_id>/download/", view, name=name), *super().get_urls()]

    @method_decorator(require_safe)
    def download(self, request: HttpRequest, symbol_set_id: UUID) -> HttpResponse:
        """Lead to an address where the data is for some minutes: one on the page would grow old with it."""
        with maintenance("the address names no project"):
            found: Any = self.get_object(request, str(symbol_set_id))
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        if found is None or not found.storage_ptr:
            raise Http404
        base_url = request.build_absolute_uri("/").rstrip("/")
        return HttpResponseRedirect(storage().download_url(found.environment_id, found.storage_ptr, base_url))

"""The admin of tokens that no project has: which SDK reports to nobody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from environments.tenancy.admin import ReadOnlyAdmin
from errortracking.models import UnknownToken


@admin.register(UnknownToken)
class UnknownTokenAdmin(ReadOnlyAdmin):
    """The last tokens with which requests were refused, the latest first."""

    list_display = ("prefix", "requests", "first_seen", "last_seen", "digest")
    list_filter: Any = ()
    ordering: Any = ("-last_seen", "digest")
    search_fields = ("prefix", "digest")
    search_help_text = "The beginning of a token, or its digest as the log has it."

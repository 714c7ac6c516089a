"""The admin of issues: a list, and a page that shows the exception."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from unfold.decorators import display

from environments.tenancy.guard import maintenance
from errortracking.admin import occurrence
from errortracking.admin.deciding import DECISIONS, decide, open_decisions
from errortracking.admin.dropped import dropped
from errortracking.admin.pipeline import PipelineAdmin
from errortracking.issues.successors import successor_of
from errortracking.models import Issue, IssueRedirect, IssueStatistics, IssueStatus

COLOURS = {IssueStatus.ACTIVE: "danger", IssueStatus.RESOLVED: "success", IssueStatus.SUPPRESSED: "warning"}


@admin.register(Issue)
class IssueAdmin(PipelineAdmin):
    """Issues. A page shows the latest exception, or the one that ``?event=`` names."""

    list_display = (
        *("shown_name", "shown_status", "severity", "occurrences", "users", "last_seen", "environment", "created_at"),
    )
    list_filter = ("environment", "status", "severity", "created_at")
    search_fields = ("name", "description")
    search_help_text = "A part of the name or the description, or an id."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        """Return the issues with their numbers, which are read for the rows of a page only."""
        statistics = IssueStatistics.objects.filter(environment_id=OuterRef("environment_id"), pk=OuterRef("pk"))
        numbers = {name: Subquery(statistics.values(name)) for name in ("occurrences", "users", "last_seen")}
        issues: QuerySet[Issue] = super().get_queryset(request)
        return issues.annotate(**{f"shown_{name}": number for name, number in numbers.items()})

    @display(description="Issue", header=True)  # type: ignore[untyped-decorator]
    def shown_name(self, issue: Issue) -> list[str]:
        """Return name and description, one below the other."""
        return [str(issue), issue.description or ""]

    @display(description="Status", label={status.value: colour for status, colour in COLOURS.items()})  # type: ignore[untyped-decorator]
    def shown_status(self, issue: Issue) -> str:
        """Return the status, with a colour."""
        return issue.status

    @admin.display(empty_value="0")
    def occurrences(self, issue: Issue) -> int | None:
        """Return how often it came."""
        return issue.shown_occurrences  # type: ignore[attr-defined, no-any-return] # annotated

    @admin.display(empty_value="0")
    def users(self, issue: Issue) -> int | None:
        """Return how many users it came to."""
        return issue.shown_users  # type: ignore[attr-defined, no-any-return] # annotated

    def last_seen(self, issue: Issue) -> Any:
        """Return when it came last."""
        return issue.shown_last_seen  # type: ignore[attr-defined] # annotated

    def get_urls(self) -> list[URLPattern]:
        """Return the admin's addresses and the one that takes decisions."""
        view = self.admin_site.admin_view(self.decide)
        return [path("<uuid:issue_id>/decide/", view, name="errortracking_issue_decide"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show an issue."""
        if object_id is None or request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        issue = self._find(request, object_id)
        if not self.has_view_permission(request, issue):
            raise PermissionDenied
        if issue is None and (successor := _successor(object_id)):
            return HttpResponseRedirect(reverse("admin:errortracking_issue_change", args=[successor]))
        if issue is None:
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return missing
        context = {**self.admin_site.each_context(request), **self._context(request, issue), **(extra_context or {})}
        return TemplateResponse(request, "admin/errortracking/issue/page.html", context)

    @method_decorator(require_POST)
    def decide(self, request: HttpRequest, issue_id: UUID) -> HttpResponse:
        """Resolve, suppress or reopen an issue, if it still is as the person saw it."""
        if not self._may_decide(request):
            raise PermissionDenied
        decision, seen = request.POST.get("decision", ""), request.POST.get("seen", "")
        if decision not in DECISIONS or seen not in IssueStatus.values:
            return HttpResponseBadRequest("Unknown decision or status.")
        issue = self._find(request, str(issue_id))
        if issue is None:
            raise Http404
        if decide(issue, decision, seen, request.user):  # type: ignore[arg-type] # the admin's users are logged in
            messages.success(request, f"The issue is {DECISIONS[decision].value} now.")
        else:
            messages.warning(request, "Nothing was done: the issue has changed meanwhile, see its status.")
        return HttpResponseRedirect(reverse("admin:errortracking_issue_change", args=[issue.pk]))

    def _find(self, request: HttpRequest, object_id: str) -> Issue | None:
        with maintenance("the address names no project"):
            issue: Issue | None = self.get_object(request, object_id)
        return issue

    def _may_decide(self, request: HttpRequest) -> bool:
        # Not has_change_permission: the fields of an issue are changed by nobody.
        return request.user.has_perm(f"errortracking.{get_permission_codename('change', self.opts)}")

    def _context(self, request: HttpRequest, issue: Issue) -> dict[str, Any]:
        statistics = IssueStatistics.objects.filter(environment_id=issue.environment_id, pk=issue.pk).first()
        events = occurrence.latest(issue)
        wanted = _uuid(request.GET.get("event", "")) or (events[0].id if events else None)
        return {
            "opts": self.opts,
            "title": str(issue),
            "original": issue,  # unfold's line of links
            "issue": issue,
            "colour": COLOURS.get(IssueStatus(issue.status), "info"),
            "statistics": statistics,
            "dropped": dropped(issue),
            "events": events,
            "wanted": wanted,
            "occurrence": wanted and occurrence.read(issue, wanted),
            "decisions": open_decisions(issue.status) if self._may_decide(request) else [],
        }


def _successor(object_id: str) -> UUID | None:
    """Return the issue that the one with this id has become part of by merges."""
    id_ = _uuid(object_id)
    if id_ is None:
        return None
    with maintenance("the address names no project"):
        gone = IssueRedirect.objects.filter(pk=id_).first()
    return successor_of(gone.environment_id, gone.pk) if gone else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

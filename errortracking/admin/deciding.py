"""What a person decides about an issue in the admin."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from environments import clock
from environments.api import audit
from environments.models import User
from errortracking.models import Issue, IssueStatus

DECISIONS: Final = {
    "resolve": IssueStatus.RESOLVED,
    "suppress": IssueStatus.SUPPRESSED,
    "reopen": IssueStatus.ACTIVE,
}
"""What can be decided, and the status that the issue has then."""


def open_decisions(status: str) -> list[str]:
    """Return what can be decided about an issue that has ``status``."""
    return [decision for decision, wanted in DECISIONS.items() if wanted != status]


def decide(issue: Issue, decision: str, seen: str, user: User) -> bool:
    """Give ``issue`` the decided status if it still has the status ``seen``; return whether it had.

    The condition stands in the UPDATE: others decide, and exceptions reopen, at the same time. Nothing is recorded
    where nothing changed.
    """
    wanted = DECISIONS[decision].value
    if wanted == seen:
        return False
    with transaction.atomic():
        mine = Issue.objects.filter(environment_id=issue.environment_id, pk=issue.pk, status=seen)
        changed = mine.update(status=wanted, state_updated_at=clock.now())
        if changed:
            actor = audit.Actor(str(user.pk), None, None, user.email)
            before, after = {"status": seen}, {"status": wanted}
            audit.record(audit.Change(actor, issue.environment_id, decision, "issues", str(issue.pk), before, after))
    return bool(changed)

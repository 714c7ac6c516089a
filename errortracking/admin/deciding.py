"""What a person decides about an issue in the admin."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from environments.api import audit
from environments.models import User
from errortracking.issues.changing import change
from errortracking.issues.errors import IssueGone
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
    """Give ``issue`` the decided status if it still has the status ``seen``; return whether anything has changed.

    Others decide, merge, and exceptions reopen, at the same time. Nothing is recorded where nothing changed.
    """
    actor = audit.Actor.person(user)
    with transaction.atomic():
        try:
            effects = change(issue.environment_id, issue.pk, {"status": DECISIONS[decision].value}, seen=seen)
        except IssueGone:
            return False
        for id_, before, after in effects:
            audit.record(audit.Change(actor, issue.environment_id, decision, "issues", str(id_), before, after))
    return bool(effects)

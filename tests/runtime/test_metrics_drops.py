"""What /metrics tells of today's drops: by project and by issue, and of no more than a few of these."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from environments import clock
from environments.models import Organization, Project
from errortracking.models import Fingerprint, Issue, OutcomeCount, RateLimitedCount
from runtime import metrics_drops
from tests.runtime.test_metrics import scrape

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
TODAY = NOW.date()
PROJECT, ISSUE = "healthtrack_project_drops_today", "healthtrack_issue_drops_today"


def project(name: str = "shop") -> Project:
    return Project.objects.create(organization=Organization.objects.create(name="Acme"), name=name)


def count(of: Project, outcome: str, reason: str, number: int, days_ago: int = 0) -> None:
    day = TODAY - timedelta(days=days_ago)
    OutcomeCount.objects.create(environment=of, day=day, outcome=outcome, reason=reason, count=number)


def limited(issue: Issue, reason: str, number: int, days_ago: int = 0) -> None:
    text = f"{issue.pk} {Fingerprint.objects.filter(environment_id=issue.environment_id).count()}"
    fingerprint = Fingerprint.objects.create(
        environment_id=issue.environment_id, issue=issue, fingerprint=text, kind="v2", first_seen=NOW
    )
    RateLimitedCount.objects.create(
        environment_id=issue.environment_id,
        fingerprint=fingerprint,
        day=TODAY - timedelta(days=days_ago),
        reason=reason,
        count=number,
    )


def told(client: Client, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by its labels, in the order of their names."""
    with clock.stopped_at(NOW):
        seen = scrape(client)
    return {tuple(value for _, value in labels): number for (known, labels), number in seen.items() if known == name}


def test_todays_drops_are_told_by_project_outcome_and_reason(client: Client) -> None:
    shop, other = project(), project()
    count(shop, "rate_limited", "issue", 7)
    count(shop, "rate_limited", "project", 5)
    count(shop, "suppressed", "rule", 3)
    count(shop, "rate_limited", "issue", 100, days_ago=1)
    count(shop, "stored", "", 1000)
    count(other, "suppressed", "issue", 2)
    assert told(client, PROJECT) == {
        ("rate_limited", str(shop.pk), "issue"): 7,
        ("rate_limited", str(shop.pk), "project"): 5,
        ("suppressed", str(shop.pk), "rule"): 3,
        ("suppressed", str(other.pk), "issue"): 2,
    }


def test_todays_drops_of_an_issue_are_those_of_its_fingerprints(client: Client) -> None:
    shop = project()
    cart, login = (Issue.objects.create(environment=shop) for _ in range(2))
    limited(cart, "issue", 4)
    limited(cart, "issue", 3)
    limited(cart, "project", 2)
    limited(cart, "issue", 100, days_ago=1)
    limited(login, "project", 1)
    assert told(client, ISSUE) == {
        (str(cart.pk), str(shop.pk), "issue"): 7,
        (str(cart.pk), str(shop.pk), "project"): 2,
        (str(login.pk), str(shop.pk), "project"): 1,
    }


def test_only_the_projects_and_issues_with_most_drops_are_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (metrics_drops.PROJECTS, metrics_drops.ISSUES) == (100, 20)
    monkeypatch.setattr(metrics_drops, "PROJECTS", 2)
    monkeypatch.setattr(metrics_drops, "ISSUES", 2)
    shops = [project() for _ in range(4)]
    issues = [Issue.objects.create(environment=shop) for shop in shops]
    for number, (shop, issue) in enumerate(zip(shops, issues, strict=True)):
        count(shop, "rate_limited", "issue", 10 + number)
        limited(issue, "issue", 10 - number)
    assert told(client, PROJECT) == {("rate_limited", str(shops[n].pk), "issue"): 10 + n for n in (2, 3)}
    assert told(client, ISSUE) == {(str(issues[n].pk), str(shops[n].pk), "issue"): 10 - n for n in (0, 1)}


def test_without_them_the_rest_of_a_scrape_stays(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = project()
    count(shop, "rate_limited", "issue", 7)

    monkeypatch.setattr(metrics_drops, "_BY_PROJECT", "SELECT pg_sleep(10)")
    monkeypatch.setattr("runtime.metrics.QUERY_SECONDS", 0.4)
    with clock.stopped_at(NOW):
        seen = scrape(client)
    assert seen["healthtrack_database_up", ()] == 1
    assert seen["healthtrack_outcomes_total", (("outcome", "rate_limited"),)] == 7
    assert not [name for name, _ in seen if name == PROJECT]

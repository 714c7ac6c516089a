"""Deleting an organization with its projects.

As with a project (`environments.deletion`), whoever deletes it only marks it and all its projects: from then on nobody
belongs to it, and API, edge and admin know nothing of either. A task deletes the projects one after another, each in
its steps, and then what is left of the organization, a few rows.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction
from procrastinate.contrib.django import app

from environments import clock, deletion
from environments.models import Invitation, Membership, Organization, Project, Role
from environments.tenancy import guard

log = structlog.get_logger(__name__)


def request(organization: Organization) -> None:
    """Mark the organization as deleted and let a task do the rest. To be called in the transaction of whoever asks."""
    Organization.every.filter(pk=organization.pk, deleted_at__isnull=True).update(deleted_at=clock.now())
    for project in Project.objects.filter(organization_id=organization.pk):
        deletion.mark(project)
    Invitation.objects.filter(organization_id=organization.pk).delete()  # waits for whoever is accepting one
    Membership.objects.filter(organization_id=organization.pk).delete()
    delete_organization.defer(organization_id=str(organization.pk))


@app.task(name="environments.delete_organization", retry=deletion.RETRY)
def delete_organization(organization_id: str) -> None:
    """Delete the projects of an organization that is marked, and then its own row; nothing where it lives."""
    if Organization.objects.filter(pk=organization_id).exists():
        return
    projects = 0
    while True:
        # Not by a task for each: two that delete the same project, one of them from here, would be in each other's way.
        for project in Project.every.filter(organization_id=organization_id).order_by("id"):
            deletion.mark(project)  # it may have been made just before the organization was marked
            deletion.delete_project(project.pk)
            projects += 1
        if _delete_own(UUID(organization_id)):
            break
    log.info("organization deleted", organization=organization_id, projects=projects)


def _delete_own(organization_id: UUID) -> bool:
    """Delete what is left of the organization, unless a project has just been made in it; return whether it did."""
    with transaction.atomic():
        list(Organization.every.select_for_update().filter(pk=organization_id))  # from here on no project can be made
        if Project.every.filter(organization_id=organization_id).exists():
            return False
        with guard.maintenance("what could name the organization's roles was deleted with its projects"):
            for model in (Role, Membership, Invitation):
                model._default_manager.filter(organization_id=organization_id).delete()
            Organization.every.filter(pk=organization_id).delete()
    return True


def finish() -> int:
    """Delete what is marked and still there, because its task failed too often; return how many organizations."""
    marked = list(Organization.every.filter(deleted_at__isnull=False).order_by("id").values_list("id", flat=True))
    for organization_id in marked:
        delete_organization(str(organization_id))
    return len(marked)

"""Joining an organization by the link of an invitation."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from environments.api import audit
from environments.api.organizations_access import NO_PROJECT
from environments.models import Invitation, Membership, Project, User


class InvitationGone(Exception):
    """The link is spent, taken back, too old, or was never ours."""


def find(secret: str) -> Invitation:
    """Return the invitation of a link; raises `InvitationGone`."""
    found = Invitation.objects.by_secret(secret).first()
    if found is None:
        raise InvitationGone
    return found


def invited(invitation: Invitation) -> User | None:
    """Return the user who has the invited address already."""
    return User.objects.filter(email__iexact=invitation.target_email).first()


def accept(secret: str, password: str, first_name: str = "") -> User:
    """Make the invited person a member, spend the link, and return the user.

    Who has an account proves it with its password; for anybody else one is made, with ``password``. Raises
    `InvitationGone`, and Django's ``ValidationError`` for a wrong or weak password.
    """
    with transaction.atomic():
        found = Invitation.objects.by_secret(secret).select_for_update(of=("self",)).first()
        if found is None:
            raise InvitationGone
        user = _user(found, password, first_name)
        Membership.objects.get_or_create(organization=found.organization, user=user, defaults={"level": found.level})
        if user.current_project_id is None:
            user.current_project = Project.objects.filter(organization=found.organization).order_by("id").first()
            user.save(update_fields=["current_project"])
        actor = audit.Actor.person(user)
        joined = {"organization": str(found.organization_id), "level": found.level, "invitation": str(found.pk)}
        audit.record(audit.Change(actor, NO_PROJECT, "join", "members", str(user.pk), None, joined))
        found.delete()
        return user


def _user(invitation: Invitation, password: str, first_name: str) -> User:
    user = invited(invitation)
    if user is not None:
        if not user.is_active or not user.check_password(password):
            raise ValidationError("This is not the password of the account.")
        return user
    made = User(email=invitation.target_email, first_name=first_name)
    validate_password(password, made)
    return User.objects.create_user(invitation.target_email, password, first_name=first_name)

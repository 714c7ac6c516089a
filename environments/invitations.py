"""Joining an organization by the link of an invitation, and the mail with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app

from environments import clock
from environments.api import audit
from environments.api.organizations_access import NO_PROJECT
from environments.models import Invitation, Membership, Project, User

STEP: Final = timedelta(minutes=5)
"""An address gets no second mail from an organization within it."""

_TEXT: Final = """\
{who} invites you to {organization} at {site}.

Join here, within three days:

{link}

If you do not know what this is about, ignore this mail.
"""


class InvitationGone(Exception):
    """The link is spent, taken back, too old, or was never ours."""


def link(secret: str) -> str:
    """Return the address at which whoever opens it may join. The secret stands in the query, which is not logged."""
    return f"{settings.SITE_URL}/account/join/?link={secret}"


def is_mailed_now(earlier: Invitation | None) -> bool:
    """Return whether an address is sent a mail that had this invitation before.

    A mail that was asked for and has not gone out goes with the earlier invitation: it is asked for again.
    """
    if not settings.EMAIL_AVAILABLE:
        return False
    if earlier is None or earlier.mailed_at is None or earlier.mailed_secure_value is None:
        return True
    return earlier.mailed_at < clock.now() - STEP


def mailing(earlier: Invitation | None, mailed: bool) -> dict[str, Any]:
    """Return what a new invitation holds of mails: where none is asked for now, the link that was mailed stays good."""
    if mailed or earlier is None:
        return {"emailing_attempt_made": mailed, "mailed_at": clock.now() if mailed else None}
    kept = {"mailed_at": earlier.mailed_at, "mailed_secure_value": earlier.mailed_secure_value}
    return {"emailing_attempt_made": False, **kept}


@app.task(name="environments.mail_invitation", retry=3)
def mail_invitation(invitation_id: str) -> None:
    """Mail the invitation with a link of its own, unless it was used or taken back."""
    found = Invitation.objects.filter(pk=invitation_id).select_related("organization", "created_by").first()
    if found is None or found.is_expired:
        return
    who = found.created_by.email if found.created_by else "An administrator"
    text = _TEXT.format(
        who=who, organization=found.organization.name, site=settings.SITE_URL, link=link(found.renew_mailed())
    )
    # The name is anybody's choice, and a line end in a header an error.
    subject = " ".join(f"You are invited to {found.organization.name}".split())
    send_mail(subject, text, None, [found.target_email])


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
    try:
        with transaction.atomic():
            return User.objects.create_user(invitation.target_email, password, first_name=first_name)
    except IntegrityError:  # the same person is joining another organization at this moment
        return _user(invitation, password, first_name)

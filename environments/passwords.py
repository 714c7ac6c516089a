"""Links by which a person sets a password: made by a command, or mailed to who asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from procrastinate.contrib.django import app

from environments import clock
from environments.models import PasswordLink, User

STEP: Final = timedelta(minutes=5)
"""A user gets no second mail within it: anybody may ask for one, as often as they like."""

_TEXT: Final = """\
Somebody, probably you, asked for a new password for {email} at {site}.

Set one here, within three days:

{link}

If it was not you, ignore this mail: nothing has changed.
"""


def link(user: User) -> str:
    """Return the address at which whoever opens it may set the user's password, once. An earlier one is refused.

    The secret stands in the query: paths are logged, queries are not.
    """
    return f"{settings.SITE_URL}/account/password/?link={PasswordLink.objects.issue(user)}"


def set_by_link(secret: str, password: str) -> User | None:
    """Set the password of the link's user and return the user; ``None`` where the link is spent or too old."""
    with transaction.atomic():
        found = PasswordLink.objects.by_secret(secret).select_for_update(of=("self",)).first()
        if found is None:
            return None
        user: User = found.user
        user.set_password(password)
        user.save(update_fields=["password"])
        found.delete()
        return user


def request_reset(email: str) -> None:
    """Let a task mail the link to the active user with this address, if there is one and it got none just now."""
    now = clock.now()
    due = Q(requested_password_reset_at__isnull=True) | Q(requested_password_reset_at__lt=now - STEP)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(due, email__iexact=email, is_active=True).first()
        if user is not None:
            User.objects.filter(pk=user.pk).update(requested_password_reset_at=now)
            mail_link.defer(user_id=str(user.pk))


@app.task(name="environments.mail_password_link", retry=3)
def mail_link(user_id: str) -> None:
    """Mail the link. It is made here and not by the request, so that the database never holds it."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        text = _TEXT.format(email=user.email, site=settings.SITE_URL, link=link(user))
        send_mail("Set a new password", text, None, [user.email])

"""Making or finding a user, an organization, a project and a key: for ``up`` at first, and for ``bootstrap``.

Everything happens in one transaction under one lock of the database: two commands that start together, on one
machine or two, find each other's rows instead of colliding, and one that fails has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction

from environments import scopes as known_scopes
from environments.models import Membership, Organization, PersonalAPIKey, Project, User
from environments.models.keys import MAX_KEYS_PER_USER

DEFAULT_EMAIL = "admin@healthtrack.local"
DEFAULT_PROJECT = "Default project"
BOOTSTRAP_LABEL = "bootstrap"
# Any number of our own will do for an advisory lock; this one is "provision" in ASCII, cut to 63 bits.
_LOCK = int.from_bytes(b"provisio", "big") >> 1


class ProvisioningError(Exception):
    """What was asked for cannot be done; the text says why, for the person at the terminal."""


@dataclass(frozen=True)
class Provisioned:
    """What a program needs to send events to a project and to read them back."""

    environment_id: int
    project_token: str
    personal_api_key: str
    email: str


def provision(
    *,
    email: str | None = None,
    password: str | None = None,
    project: str | None = None,
    scopes: Sequence[str] = (known_scopes.EVERYTHING,),
    label: str = BOOTSTRAP_LABEL,
) -> Provisioned:
    """Make or find the user ``email``, an organization and ``project`` of that user, and add a key.

    Without ``email`` the installation's first user is meant, or ``DEFAULT_EMAIL`` where there is none;
    without ``project`` that user's first project. A new user gets an organization of its own, and may open
    the admin if it is the first of all. ``password`` is set on a new and on a found user alike; without one
    a new user cannot log in.

    Raises ``ProvisioningError`` for an unknown scope, an address or name that cannot be stored, a deactivated
    user, and a user with ``MAX_KEYS_PER_USER`` keys none of which carries ``BOOTSTRAP_LABEL`` (the oldest of
    those gives way).
    """
    try:
        wanted = known_scopes.validate(scopes)
    except ValueError as error:
        raise ProvisioningError(str(error)) from error
    _check_text("The project's name", project, 200)
    _check_text("The password", password, 128)
    with _alone():
        user = _user(email, password)
        found = _project(user, project)
        if user.current_project_id is None:
            user.current_project = found
            user.save(update_fields=["current_project"])
        value = _key(user, label, wanted)
    return Provisioned(found.pk, found.api_token, value, user.email)


def provision_first(password: str) -> Provisioned | None:
    """Make the first user, with ``password``, a project and a key; ``None`` where this installation has users."""
    with _alone():
        return None if User.objects.exists() else provision(password=password)


def is_unused() -> bool:
    """Return whether no key was ever used and no user ever logged in: the first credentials may be lost."""
    used = PersonalAPIKey.objects.filter(last_used_at__isnull=False)
    return not used.exists() and not User.objects.filter(last_login__isnull=False).exists()


@contextmanager
def _alone() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def _check_text(what: str, text: str | None, longest: int) -> None:
    if text is None:
        return
    if not text.strip() or len(text) > longest or not text.isprintable():
        raise ProvisioningError(f"{what} must be 1 to {longest} printable characters.")


def _user(email: str | None, password: str | None) -> User:
    first = User.objects.order_by("date_joined", "id").first()
    if email is None and first is not None:
        user: User | None = first
    else:
        email = _address(DEFAULT_EMAIL if email is None else email)
        user = User.objects.filter(email__iexact=email).first()
    if user is None:
        make = User.objects.create_superuser if first is None else User.objects.create_user
        return make(email or DEFAULT_EMAIL, password)
    if not user.is_active:
        raise ProvisioningError(f"The user {user.email} is deactivated.")
    if password is not None:
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _address(text: str) -> str:
    address = text.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise ProvisioningError(f"{address!r} is not an e-mail address.") from error
    if len(address) > 254:  # RFC 5321's longest, and the column's width
        raise ProvisioningError(f"{address!r} is not an e-mail address that mail could reach: it is too long.")
    return address


def _organization(user: User) -> Organization:
    membership = user.memberships.order_by("joined_at", "id").select_related("organization").first()
    if membership is not None:
        return membership.organization
    organization = Organization.objects.create(name=user.email[:64])
    Membership.objects.create(organization=organization, user=user, level=Membership.Level.OWNER)
    return organization


def _project(user: User, name: str | None) -> Project:
    organization = _organization(user)
    projects = Project.objects.filter(organization=organization)
    found = projects.filter(name=name).first() if name is not None else projects.order_by("id").first()
    return found or Project.objects.create(organization=organization, name=name or DEFAULT_PROJECT)


def _key(user: User, label: str, scopes: list[str]) -> str:
    keys = PersonalAPIKey.objects.held_by(user)
    surplus = keys.count() - MAX_KEYS_PER_USER + 1
    if surplus > 0:
        oldest = list(keys.filter(label=BOOTSTRAP_LABEL).order_by("created_at", "id")[:surplus])
        if len(oldest) < surplus:
            raise ProvisioningError(
                f"The user {user.email} has {MAX_KEYS_PER_USER} personal API keys, the most a user may have, "
                f"and none of them is labelled {BOOTSTRAP_LABEL!r}. Delete one, or use another --email."
            )
        PersonalAPIKey.objects.filter(pk__in=[key.pk for key in oldest]).delete()
    _, value = PersonalAPIKey.objects.issue(user, label, scopes)
    return value

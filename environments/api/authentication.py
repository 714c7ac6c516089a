"""Personal API keys first, then the session (contract 1.2)."""

from __future__ import annotations

from django.db.models import Q
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed

from environments import clock
from environments.api import access, credentials
from environments.api.access import KeyGrant
from environments.api.errors import challenge
from environments.api.requests import APIRequest
from environments.models import PersonalAPIKey, User
from environments.models.keys import LAST_USED_STEP
from environments.secrets import hash_key


class PersonalAPIKeyAuthentication(authentication.BaseAuthentication):
    """Authenticates whoever sends a key in the header, the body or the query string.

    A key that is found and not valid is a 401: the request does not fall through to a session that the browser also
    sent. PostHog's oldest keys (PBKDF2) are not known here, since this server never made any.
    """

    def authenticate(self, request: APIRequest) -> tuple[User, KeyGrant] | None:  # type: ignore[override]
        """Return the key's user and its grant, ``None`` where the request holds no key."""
        token = credentials.bearer(request)
        if token is not None and credentials.looks_like_jwt(token):
            raise AuthenticationFailed("Token invalid.")
        key = credentials.find_key(request)
        if key is None:
            return None
        path = (request.parser_context or {}).get("kwargs", {})
        found = access.by_key(hash_key(key.value), access.readable_reference(request, path))
        if found is None:
            raise AuthenticationFailed(f"Personal API key found in request {key.source} is invalid.")
        _note_use(found[1])
        return found

    def authenticate_header(self, request: object) -> str:
        """Return the challenge; that there is one makes a refusal a 401 and not a 403."""
        return challenge()


def _note_use(grant: KeyGrant) -> None:
    """Write ``last_used_at`` where it is null or older than an hour; requests at the same moment write it once."""
    now = clock.now()
    due = now - LAST_USED_STEP
    if grant.last_used_at is None or grant.last_used_at < due:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=due)
        PersonalAPIKey.objects.filter(stale, pk=grant.id).update(last_used_at=now)


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with CSRF; asked only after no key was found, so CSRF is skipped only where a key is valid."""

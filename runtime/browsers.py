"""The middleware that only people with a browser need: sessions, CSRF, log-in and messages.

Programs send a key or a project token, and no cookie. For them these four would read nothing and write nothing, and
take a tenth of the time of a request all the same. They are subclasses and not one wrapper around all, because
Django's checks look for each in ``MIDDLEWARE``.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

PAGES = ("/admin/", "/account/")
"""Below these a session may begin; everywhere else one is only used, which takes its cookie."""


def may_be_browser(request: HttpRequest) -> bool:
    """Return whether a session may matter to ``request``."""
    return bool(request.META.get("HTTP_COOKIE")) or request.path_info.startswith(PAGES)


class _ForBrowsers:
    """Steps aside for a request that cannot have to do with a session."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if may_be_browser(request):
            return super().__call__(request)  # type: ignore[misc,no-any-return]
        return self.get_response(request)  # type: ignore[no-any-return]


class Sessions(_ForBrowsers, SessionMiddleware):
    """Django's sessions. The outermost of the four: every cookie passes here on its way out."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; cookies that go out over TLS are not to come back without it.

        Not by Django's settings: with these nobody could log in to a server that is also reached without TLS.
        """
        response = super().__call__(request)
        if response.cookies and request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


class Csrf(_ForBrowsers, CsrfViewMiddleware):
    """Django's protection against forged forms. What it skips it would refuse, not let pass: views still ask it."""


class Authentication(_ForBrowsers, AuthenticationMiddleware):
    """Who a session belongs to; elsewhere a request has no ``user`` until a key has been found."""


class Messages(_ForBrowsers, MessageMiddleware):
    """The messages of the admin."""

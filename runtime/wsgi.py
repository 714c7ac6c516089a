"""Django's WSGI application, with a request that no header can break, and routes that are looked up once.

Where a view can do without Django's request it is asked directly (`runtime.direct`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, get_resolver

from runtime import direct

KEPT_ROUTES: Final = 2_000
LONGEST_KEPT: Final = 200
"""Characters of a path whose route is kept: with the number of them, 2 MB. Longer ones lead nowhere."""


class Request(WSGIRequest):
    """A request whose ``Content-Type`` may say anything.

    Django decodes the query string with the charset of that header while it makes the request, outside of every
    middleware. Python takes ``zlib`` and ``idna`` for charsets too; decoding then fails, and the client would see the
    web server's own 500. Here such a request has no content type, as if it had sent none.
    """

    def _set_content_type_params(self, meta: Any) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (LookupError, ValueError, SuspiciousOperation):
            self._encoding = None
            self.content_type, self.content_params = "", {}


class Application(WSGIHandler):
    """The application that makes such requests.

    Django tries a path on one pattern after the other at each request. Clients ask for the same lists and post to the
    same addresses again and again, so what a path led to is kept; a path that led nowhere is not.
    """

    request_class = Request

    def __call__(  # type: ignore[override]  # Django's stubs promise more than WSGI does
        self, environ: dict[str, Any], start_response: direct.StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        match = _direct_match(environ)
        answered = direct.serve(match, environ, start_response) if match else None
        if answered is not None:
            return answered
        return super().__call__(environ, start_response)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Return the view of the request's path and what the path holds, also as ``request.resolver_match``."""
        resolve = _known if len(request.path_info) <= LONGEST_KEPT else _known.__wrapped__
        request.resolver_match = match = resolve(settings.ROOT_URLCONF, request.path_info)
        return match


@lru_cache(KEPT_ROUTES)
def _known(routes: str, path: str) -> ResolverMatch:
    return get_resolver(routes).resolve(path)


def _direct_match(environ: dict[str, Any]) -> ResolverMatch | None:
    """Return what the request's path leads to, where that is a view that can be asked directly."""
    path = environ.get("PATH_INFO", "")
    if len(path) > LONGEST_KEPT or not path.isascii() or not direct.is_plain(environ):
        return None
    try:
        match = _known(settings.ROOT_URLCONF, path)
    except Resolver404:
        return None
    return match if hasattr(match.func, "direct") else None

"""Django's WSGI application, with a request that no header can break."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


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
    """The application that makes such requests."""

    request_class = Request

"""The API's description, and the pages that show it: Swagger UI and Redoc, from files that came with the packages."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

# Both packages ask other hosts unless told not to: Redoc for its maker's logo, which no option takes away, and Swagger
# UI for a validator's verdict, with this server's address. The browser holds them to it, also after an update.
_OWN_FILES: Final = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'"
SWAGGER_POLICY: Final = f"{_OWN_FILES}; script-src 'self' 'unsafe-inline'"
REDOC_POLICY: Final = f"{_OWN_FILES}; worker-src blob:"


class SchemaView(SpectacularAPIView):
    """The description. There is one version of it, whichever a visitor names."""

    def _get_version_parameter(self, request: Request) -> None:
        """Return none: it would stand in the description, which is made once for all, and in a header as it is."""


class SwaggerView(SpectacularSwaggerView):
    """The description, to read and to try."""

    schema = None  # the page is not part of the API

    @extend_schema(exclude=True)
    def get(self, request: Request, *arguments: Any, **options: Any) -> Response:
        """Return the page."""
        return _held_to(SWAGGER_POLICY, super().get(request, *arguments, **options))  # type: ignore[no-untyped-call]


class RedocView(SpectacularRedocView):
    """The description, to read."""

    schema = None
    template_name = "docs/redoc.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *arguments: Any, **options: Any) -> Response:
        """Return the page."""
        return _held_to(REDOC_POLICY, super().get(request, *arguments, **options))  # type: ignore[no-untyped-call]


def _held_to(policy: str, response: Response) -> Response:
    response["Content-Security-Policy"] = policy
    return response

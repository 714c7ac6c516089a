"""What every view of the API has in common, whether it belongs to a project or not."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.views import APIView

from environments.api.metadata import Metadata
from environments.api.negotiation import Negotiation
from environments.api.requests import APIRequest
from environments.api.throttles import KeyThrottle


class View(APIView):
    """DRF's view with our request, negotiation, limits and answer to OPTIONS. A subclass says who may use it."""

    throttle_classes = (KeyThrottle,)
    content_negotiation_class = Negotiation
    metadata_class = Metadata
    request: APIRequest

    def initialize_request(self, request: HttpRequest, *arguments: Any, **options: Any) -> Request:
        """Return the request with a body that can be looked at; see `APIRequest`."""
        return APIRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

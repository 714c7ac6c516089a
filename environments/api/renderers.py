"""JSON out: compact, dates with ``Z``, NaN as null (contract 1.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_default = JSONEncoder().default


def dumps(data: Any) -> bytes:
    """Return ``data`` as compact JSON. ``orjson.Fragment`` passes as it is."""
    try:
        return orjson.dumps(data, default=_default, option=OPTIONS)
    except TypeError:
        # orjson refuses integers above 64 bits and lone surrogates, which an error may quote from the request.
        return json.dumps(data, default=_default, separators=(",", ":")).encode("ascii")


class OrjsonRenderer(BaseRenderer):
    """The one renderer: browsers get JSON as well, so that no client depends on what it says it accepts."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return ``data`` as JSON, nothing for ``None``."""
        return b"" if data is None else dumps(data)


def json_response(data: Any, status: int = 200) -> HttpResponse:
    """Return ``data`` as an answer that needs no further rendering: the way out of the fast read path."""
    return HttpResponse(dumps(data), status=status, content_type="application/json")

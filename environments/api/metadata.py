"""The answer to OPTIONS."""

from __future__ import annotations

from typing import Any

from rest_framework.metadata import SimpleMetadata


class Metadata(SimpleMetadata):
    """What an endpoint is and which media types it speaks; its fields are described by ``/api/schema/``."""

    def determine_actions(self, request: Any, view: Any) -> dict[str, Any]:
        """Return nothing: DRF would look the object up here, with whatever id the path holds."""
        return {}

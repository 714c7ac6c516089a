"""Why a frame could not be resolved: a text for readers of the frame, and JSON for the symbol set's row.

Texts and names are PostHog's (pipeline 2.4 and 2.6), so that what was stored there means the same here.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure. ``group`` and ``name`` are its place in the JSON, ``values`` what the text is made of."""

    group: str
    name: str
    values: tuple[str | int, ...] = ()

    @property
    def text(self) -> str:
        """What the frame shows as ``resolve_failure``."""
        return _TEXTS[self.group][self.name].format(*self.values)

    @property
    def reason(self) -> str:
        """What the symbol set's row keeps as ``failure_reason``: ``{"JavaScript":{"NoSourcemap":"<url>"}}``."""
        if not self.values:
            return orjson.dumps({self.group: self.name}).decode()
        values = self.values[0] if len(self.values) == 1 else list(self.values)
        return orjson.dumps({self.group: {self.name: values}}).decode()


_TEXTS = {
    "JavaScript": {
        "NoUrlOrChunkId": "This frame had no source url or chunk id",
        "NoSourceUrl": "No source url found",
        "InvalidSourceMap": "Invalid source map: {}",
        "TokenNotFound": "Token not found for frame: {}:{}:{}",
        "InvalidSourceUrl": "Invalid source url: {}",
        "NoSourcemap": "Could not find sourcemap for source url: {}",
        "InvalidSourceMapUrl": "Invalid source url: {}",
        "InvalidSourceMapHeader": "Could not parse source-map header from url {}",
        "Timeout": "Request timed out while fetching: {}",
        "HttpStatus": "HTTP error {} while fetching: {}",
        "NetworkError": "Network error while fetching: {}",
        "RedirectError": "Redirect error while fetching: {}",
        "JSDataError": "JSDataError: {}",
        "InvalidSourceAndMap": "Invalid Source and Map",
        "InvalidDataUrl": "Invalid data url found at {}. {}",
        "NoSourcemapUploaded": "No sourcemap uploaded for chunk id: {}",
    },
    "Hermes": {
        "NoChunkId": "No chunk id sent with frame",
        "NoSourcemapUploaded": "No sourcemap uploaded for chunk id: {}",
        "NoTokenForColumn": "No token for column {} on chunk {}",
        "InvalidMap": "Invalid source map: {}",
    },
    "Proguard": {
        "NoMapId": "No map ID sent with frame",
        "MissingMap": "No proguard map uploaded for id: {}",
        "NoOriginalFrames": "No original frames could be derived from this raw frame",
        "InvalidMapping": "Invalid mapping: {}",
    },
}


def from_reason(reason: str) -> Failure | None:
    """Return the failure that a row's ``failure_reason`` tells; None where it is not one of ours."""
    try:
        [(group, told)] = orjson.loads(reason).items()
        name, values = (told, ()) if isinstance(told, str) else next(iter(told.items()))
        failure = Failure(group, name, tuple(values) if isinstance(values, list | tuple) else (values,))
        return failure if failure.text else None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, StopIteration):
        return None

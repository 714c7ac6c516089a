"""Which operations of upstream's description a program has called, by the requests that it reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

UPSTREAM: Final[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "upstream-openapi.yaml").read_text(encoding="utf-8")
)


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Return method and path → operation, those with the most literal paths first."""
    found = {
        (method.upper(), path): operation
        for path, item in UPSTREAM["paths"].items()
        for method, operation in item.items()
    }
    return dict(sorted(found.items(), key=lambda entry: entry[0][1].count("{")))


def not_called(requests: Iterable[Sequence[Any]]) -> list[str]:
    """Return the ids of the operations that no request has brought to an answer that upstream describes.

    A request is its method, its path without the query string, and the status of the answer.
    """
    left = {operation["operationId"] for operation in operations().values()}
    for method, path, status in requests:
        operation = _operation(method, path)
        if operation and str(status) in operation["responses"]:
            left.discard(operation["operationId"])
    return sorted(left)


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for (known, template), operation in operations().items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if known == method and re.fullmatch(pattern, path):
            return operation
    return None

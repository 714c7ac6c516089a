"""The filters and orders of symbol sets (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from environments.api import inputs
from environments.api.exceptions import FieldError
from errortracking.api.symbol_set_fields import HAS_FILE
from errortracking.models import Release, SymbolSet

NEWEST_FIRST: Final = "-created_at"
ORDERS: Final[dict[str, tuple[str, ...]]] = {
    NEWEST_FIRST: (NEWEST_FIRST, "-id"),
    "created_at": ("created_at", "id"),
    "-last_used": ("-last_used", "-id"),
    "last_used": ("last_used", "id"),
    "-ref": ("-ref",),  # no two sets of a project have the same
    "ref": ("ref",),
}
"""What `order_by` may be, and the columns that it means."""
STATUSES: Final = ("all", "valid", "invalid")
MAX_SEARCH: Final = 200


def order_of(parameters: QueryDict) -> str:
    """Return what the query string sorts by; raise a 400."""
    return _choice(parameters, "order_by", tuple(ORDERS)) or NEWEST_FIRST


def filtered(rows: QuerySet[SymbolSet], environment_id: int, parameters: QueryDict) -> QuerySet[SymbolSet] | None:
    """Return those of a project's sets that the query string asks for, ``None`` for all. Raises the first 400.

    Blank parameters mean nothing, and of a repeated one the last counts.
    """
    ref, search = _text(parameters, "ref"), _text(parameters, "search").strip()
    status = _choice(parameters, "status", STATUSES)
    if len(search) > MAX_SEARCH:
        raise FieldError("search", f"Ensure this field has no more than {MAX_SEARCH} characters.", "max_length")
    if not ref and not search and status in ("", "all"):
        return None
    if ref:
        rows = rows.filter(ref=ref)
    if search:
        rows = rows.filter(_matches(environment_id, search))
    return rows.filter(_STATUS[status])


_STATUS: Final[dict[str, Q]] = {"": Q(), "all": Q(), "valid": HAS_FILE, "invalid": ~HAS_FILE}


def _matches(environment_id: int, search: str) -> Q:
    """Return the condition that the ref has ``search`` in it, or the release: its version, project or commit."""
    named: dict[str, Any] = {"environment_id": environment_id}
    releases = Release.objects.filter(
        Q(version__icontains=search) | Q(project__icontains=search) | Q(metadata__git__commit_id__icontains=search),
        **named,
    )
    return Q(ref__icontains=search) | Q(release_id__in=releases.values("pk"))


def _text(parameters: QueryDict, name: str) -> str:
    text: Any = parameters.get(name, "")
    return inputs.text_field(name, text)


def _choice(parameters: QueryDict, name: str, choices: tuple[str, ...]) -> str:
    choice = parameters.get(name, "").strip()
    if choice and choice not in choices:
        raise FieldError(name, f'"{choice}" is not a valid choice.', "invalid_choice")
    return choice


PARAMETERS: Final = [
    OpenApiParameter("ref", str, description="Only the set with this reference, as it is."),
    OpenApiParameter(
        "search",
        str,
        description="Only sets with this text in their reference, or in their release's version, project or commit id; "
        f"in any case, at most {MAX_SEARCH} characters.",
    ),
    OpenApiParameter(
        "status",
        {"title": "SymbolSetStatusEnum", "type": "string", "enum": list(STATUSES), "default": "all"},
        description="`valid`: only sets with data, `invalid`: only those without, also while an upload is under way.",
    ),
    OpenApiParameter(
        "order_by",
        {
            "title": "SymbolSetOrderEnum",
            "description": "What symbol sets are sorted by, and which way.",
            "type": "string",
            "enum": list(ORDERS),
            "x-enum-varnames": [
                order.removeprefix("-").upper() + ("_DESCENDING" if order.startswith("-") else "") for order in ORDERS
            ],
            "default": NEWEST_FIRST,
        },
        description="What to sort by, with `-` in descending order.",
    ),
]

"""Pages by limit and offset (contract 1.5)."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MAX_LIMIT = 10_000  # the real system has no maximum; this many rows are still one answer


class Pagination(LimitOffsetPagination):
    """DRF's arithmetic and links, without its way of reading: 100 at a time unless told otherwise.

    A wrong ``limit`` means the default and a wrong ``offset`` 0. An offset is any integer, because it never reaches
    the database beyond the number of rows.
    """

    default_limit = 100
    max_limit = MAX_LIMIT

    def begin(self, request: Request, count: int) -> slice | None:
        """Return the slice of ``count`` rows that ``request`` asks for, ``None`` where that is empty."""
        self.request = request
        self.count = count
        self.limit = self.get_limit(request) or self.default_limit
        self.offset = self.get_offset(request)
        return slice(self.offset, self.offset + self.limit) if self.offset < count else None

    def envelope(self, results: list[Any]) -> dict[str, Any]:
        """Return the answer around one page."""
        return {
            "count": self.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "results": results,
        }


class HealthPagination(Pagination):
    """The pages of health issues: 50 at a time, at most 250."""

    default_limit = 50
    max_limit = 250

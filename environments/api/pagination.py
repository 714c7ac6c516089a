"""Pages by limit and offset (contract 1.5)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MAX_LIMIT = 10_000  # the real system has no maximum; this many rows are still one answer


_EXAMPLE: Final = "https://errors.example.com/api/projects/1/error_tracking/releases/"
_PAGE: Final = {
    "count": "How many there are on all pages together.",
    "next": "The address of the next page, with all parameters of this one; null on the last.",
    "previous": "The address of the page before; null on the first.",
    "results": "What is on this page.",
}


class Pagination(LimitOffsetPagination):
    """DRF's arithmetic and links, without its way of reading: 100 at a time unless told otherwise.

    A wrong ``limit`` means the default and a wrong ``offset`` 0. An offset is any integer, because it never reaches
    the database beyond the number of rows.
    """

    default_limit = 100
    max_limit = MAX_LIMIT
    described_as = "Paginated{}List"
    offset_query_description = "How many to skip. A wrong one is 0; beyond the end the page is empty."

    request: Request  # these four are set by `wanted`, the count by whoever has counted
    limit: int
    offset: int
    count: int

    def wanted(self, request: Request) -> slice:
        """Return which rows ``request`` asks for, whether there are so many or not."""
        self.request = request
        self.limit = self.get_limit(request) or self.default_limit
        self.offset = self.get_offset(request)
        return slice(self.offset, self.offset + self.limit)

    def get_next_link(self) -> str | None:
        """Return the address of the next page, ``None`` on the last."""
        following = self.offset + self.limit
        return self._link(following) if following < self.count else None

    def get_previous_link(self) -> str | None:
        """Return the address of the page before, ``None`` on the first."""
        return self._link(self.offset - self.limit) if self.offset > 0 else None

    def _link(self, offset: int) -> str:
        """Return the request's own address with other parameters; DRF takes it apart for each of them."""
        scheme, host, path, query, fragment = urlsplit(self.request.build_absolute_uri())
        fields = parse_qs(query, keep_blank_values=True)
        fields[self.limit_query_param] = [str(self.limit)]
        fields.pop(self.offset_query_param, None)
        if offset > 0:
            fields[self.offset_query_param] = [str(offset)]
        return urlunsplit((scheme, host, path, urlencode(sorted(fields.items()), doseq=True), fragment))

    def envelope(self, results: list[Any]) -> dict[str, Any]:
        """Return the answer around one page of the ``count`` rows that were found."""
        return {
            "count": self.count,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "results": results,
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the description of ``limit`` and ``offset``."""
        self.limit_query_description = (
            f"How many to return: {self.default_limit} unless told otherwise, and at most {self.max_limit}. "
            "A larger one is the most, a wrong one the default."
        )
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the description of a page, whose links are always there and may be null."""
        described: dict[str, Any] = super().get_paginated_response_schema(schema)
        for name, text in _PAGE.items():
            described["properties"][name] = {**described["properties"][name], "description": text}
        for name, offset in (("next", 400), ("previous", 200)):
            described["properties"][name]["example"] = f"{_EXAMPLE}?limit=100&offset={offset}"
        return {**described, "required": list(_PAGE)}


class HealthPagination(Pagination):
    """The pages of health issues: 50 at a time, at most 250."""

    default_limit = 50
    max_limit = 250

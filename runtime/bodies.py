"""How large a request the web server reads: a whole symbol set only at an address that was signed for it."""

from __future__ import annotations

import copy
from typing import Any, Final

from waitress.parser import HTTPRequestParser

from errortracking.symbols.storage import LARGEST_BYTES, signing

# Above every limit of the application, whose own answer says more; below what would fill a disk.
LARGEST_BODY_BYTES: Final = 32 * 1024 * 1024
LARGEST_UPLOAD_BYTES: Final = LARGEST_BYTES + 1024 * 1024  # with the form's own lines and fields


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request; takes a large body only of one that was allowed to send it.

    The signature is checked as soon as the head of the request is there: a stranger can fill no disk with bodies that
    are refused when they have come.
    """

    adj: Any

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, and with it whether the larger limit holds."""
        super().parse_header(header_plus)
        if signing.may_upload(self.path, self.query):
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = LARGEST_UPLOAD_BYTES

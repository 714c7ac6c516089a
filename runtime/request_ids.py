"""The id of a request: the caller's own, or a new one."""

from __future__ import annotations

import re
from uuid import uuid4

HEADER = "X-Request-ID"
META_NAME = "HTTP_X_REQUEST_ID"  # the same in WSGI: `request.headers` would copy every header for the sake of one
# A caller's own id is kept when it is short and plain: it goes into a header and a log.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")


def choose(sent: str) -> str:
    """Return ``sent`` where it is acceptable, else a new id."""
    return sent if _ACCEPTABLE.match(sent) else uuid4().hex

"""What web and node frames share: their failures, as texts that a reader of the frame sees in ``resolve_failure``."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

LANG = "javascript"
MAX_URL_REF = 2048  # bytes; longer URLs are cut where they serve as the key of a symbol set

NO_URL_OR_CHUNK_ID = "This frame had no source url or chunk id"
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._^|[]"  # that a browser leaves as they are in a URL's path
_POSITION = re.compile(r"(?::\d+){1,2}$")


def no_sourcemap(url: str) -> str:
    """Return the failure for a script without a source map."""
    return f"Could not find sourcemap for source url: {url}"


def not_uploaded(chunk_id: str) -> str:
    """Return the failure for a chunk id for which nothing was uploaded."""
    return f"No sourcemap uploaded for chunk id: {chunk_id}"


def reference(url: str) -> str:
    """Return a URL as the key of a symbol set: cut hard at 2048 bytes, for an ellipsis would belong to no URL."""
    return url if len(url) * 4 <= MAX_URL_REF else url.encode()[:MAX_URL_REF].decode("utf-8", "ignore")


def script_url(filename: str | None) -> tuple[str, str] | None:
    """Return the URL that a script was loaded from, and its path; None if it cannot have been fetched over http(s).

    Stacks write ``:line:column`` behind the URL, and some SDKs leave it there; it is cut, a port is not.
    """
    if filename is None or not filename.startswith(("http://", "https://")):
        return None
    scheme, _, rest = filename.partition("://")
    host, slash, path = rest.partition("/")
    url = f"{scheme}://{host}{slash}{_POSITION.sub('', path)}"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (reads it: raises where it is none)
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return url, quote(parts.path, safe=_PATH_CHARACTERS) or "/"

"""What frames of JavaScript share: where a script came from, why it has no map, what a map makes of a frame."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames import symbolic
from errortracking.pipeline.frames.base import MAX_TEXT, contents, junk
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Original

LANG = "javascript"
ANONYMOUS = "<anonymous>"  # a function that has no name, and the file of code that has none

NO_URL_OR_CHUNK_ID = Failure("JavaScript", "NoUrlOrChunkId")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._^|[]"  # that a browser leaves as they are in a URL's path
_POSITION = re.compile(r"(?::\d+){1,2}$")


def no_sourcemap(url: str) -> Failure:
    """Return the failure for a script without a source map."""
    return Failure("JavaScript", "NoSourcemap", (url,))


def not_uploaded(chunk_id: str) -> Failure:
    """Return the failure for a chunk id for which nothing was uploaded."""
    return Failure("JavaScript", "NoSourcemapUploaded", (chunk_id,))


def script_url(filename: str | None) -> tuple[str, str] | None:
    """Return the URL that a script was loaded from, and its path; None if it cannot have been fetched over http(s).

    Stacks write ``:line:column`` behind the URL, and some SDKs leave it there; it is cut, a port is not. Of what is
    longer than a name may be the beginning counts, which is all that a symbol set is known by: `urlsplit` remembers
    what it has taken apart.
    """
    if filename is None or not filename.startswith(("http://", "https://")):
        return None
    scheme, _, rest = filename[:MAX_TEXT].partition("://")
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


def original(raw: RawFrame, id_: str, part: int, place: Original, *, in_app: bool) -> Frame:
    """Return the frame at the place that a source map knows; ``in_app`` is what counts where that names no file."""
    shown = contents(raw, id_, LANG, raw["function"], part=part)
    symbolic.show(shown, place)
    shown["in_app"] = in_app if place.source is None else "node_modules" not in place.source
    shown["junk_drawer"] = junk(raw)
    return Frame(id_, part, shown, symbolic.context(place), True)

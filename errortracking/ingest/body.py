"""From the bytes of a request to JSON text: the steps of decoding, in the order in which SDKs may have nested them.

SDKs say what they did in a header, a form field or a query parameter, or not at all (posthog-js sends gzip as
``text/plain`` without a word), and what they say is not always true. So the names only decide what the bytes cannot:
``Content-Encoding`` is undone first, and then each layer is recognised by what it looks like, until JSON is left.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from errortracking.ingest import encodings, limits
from errortracking.ingest.refusal import Refused, no_event, too_large

_FORM: Final = "application/x-www-form-urlencoded"
_JSON_BEGINS: Final = (b"{", b"[")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def json_text(
    method: str, query: bytes, content_type: str, content_encoding: str, body: bytes, limit: int = limits.EXPANDED
) -> bytes:
    """Return the JSON text in a request: of its ``data`` parameter for GET, else of its body.

    ``query`` is the raw query string, the two headers are ``""`` where absent, ``limit`` bounds every step of the
    decoding. Whether the result is JSON is for the parser to say. Raises ``Refused``.
    """
    parameters = fields(query) if query else {}
    hint = parameters.get(b"compression", b"")
    if method == "GET":
        data = parameters.get(b"data", b"")
    else:
        data = encodings.expand_content(body, content_encoding, limit) if content_encoding else body
        if _is_form(content_type, data):
            if len(data) > limits.FORM_BODY:
                raise too_large("a form", limits.FORM_BODY)
            form = fields(data)
            data, hint = form.get(b"data", b""), form.get(b"compression", hint)
    if not data or data.isspace():
        raise no_event()
    # Of the hints only LZ-string is needed: its text cannot be told from plain base64.
    is_lz = (hint.decode("latin-1") or content_encoding).strip().lower() in ("lz64", "lz-string")
    return _unwrap(data, is_lz, limit)


def fields(form: bytes) -> dict[bytes, bytes]:
    """Return the fields of a query string or form; the first of a name wins, and after 64 nothing is read.

    Not ``urllib.parse.parse_qsl``: it works on text, but a value may be the bytes of a gzip stream.
    """
    found: dict[bytes, bytes] = {}
    for field in form.split(b"&", 64)[:64]:
        name, _, value = field.partition(b"=")
        found.setdefault(unquote_to_bytes(name), unquote_to_bytes(value.replace(b"+", b" ")))
    return found


def _is_form(content_type: str, data: bytes) -> bool:
    """Return whether ``data`` is a form with a ``data`` field.

    The header alone decides nothing: curl sends JSON under the form's type when it isn't told otherwise, and some old
    clients send the form under another.
    """
    if data.startswith(b"data="):
        return True
    if not content_type.lower().startswith(_FORM):
        return False
    return b"&data=" in data and not data.lstrip().startswith(_JSON_BEGINS)


def _unwrap(data: bytes, is_lz: bool, limit: int) -> bytes:
    """Undo gzip, LZ-string and base64, in whatever order they were laid around the JSON."""
    for _ in range(limits.LAYERS):
        data = data.removeprefix(_BYTE_ORDER_MARK)
        if data.startswith(encodings.GZIP_MAGIC):
            data = encodings.expand_gzip(data, limit)
        elif data.startswith(_JSON_BEGINS) or data.lstrip().startswith(_JSON_BEGINS):
            break
        elif is_lz:
            data, is_lz = encodings.expand_lz_string(data, limit), False
        elif encodings.looks_like_base64(data):
            try:
                data = encodings.decode_base64(data, limit)
            except Refused as refused:
                if refused.status == 413:
                    raise
                break  # it only looked so: the parser will say what is wrong with it
        else:
            break
    if len(data) > limit:
        raise too_large("the body", limit)
    return data

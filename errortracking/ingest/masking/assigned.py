"""What a text itself calls a secret: parameters, ``password=…`` in a log line, printed objects, headers of a request.

Texts of an event are log lines, and messages quote code as well (a frame's own source lines are left alone, see
``texts``). In code a secret's name stands before an expression (``password=settings.PASSWORD``), which is no secret and
is what one wants to read. So a value without quotes has to be one that no expression could be, or that nobody would
call a secret's variable.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final

import re2

from errortracking.ingest.masking.mark import MASK
from errortracking.ingest.masking.names import is_secret

# Returns what takes the place of a match; None: it stays.
Mark = Callable[[Any], str | None]

_SHORTEST_LITERAL: Final = 4  # characters; below it are pieces of syntax
_LONGEST_REFERENCE: Final = 60  # characters; longer dotted names are JSON web tokens
_NOTHING: Final = frozenset({"None", "True", "False", "null", "nil", "undefined", "true", "false", "NULL", "self"})

_parameter: Final = re2.compile(r"([?&#;]([^=&?#;\s\"']{1,100})=)([^&#;\s\"'<>]+)")
_assigned: Final = re2.compile(r"(([\w.$%\[\]-]+)=)([^\s&;,\"'<>(){}\[\]=][^\s&;,\"'<>(){}\[\]]*)([(\[{\"']?)")
# Quotes and what may stand between two: also where the text is JSON within JSON, whose quotes have backslashes.
_QUOTES: Final = (
    ('"', r"(?:[^\"\\]|\\.)+"),
    ("'", r"(?:[^'\\]|\\.)+"),
    ('\\"', r"(?:[^\"\\]|\\\\\\?.)+"),
)


def _between(quote: str, inside: str) -> tuple[str, Any, Any]:
    """Return the quote, the pattern of a name in quotes with its value, and that of a name without."""
    mark = re.escape(quote)
    return (
        quote,
        re2.compile(rf"({mark}([\w .-]{{1,100}}){mark}\s*(?:=>|[:=])\s*{mark})({inside})"),
        re2.compile(rf"(([\w.-]+)(\s*(?:=>|[:=])\s*)[rbfuRBFU]?{mark})({inside})"),
    )


_quoted: Final = tuple(_between(*quote) for quote in _QUOTES)
_reference: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)*")
_letter: Final = re.compile(r"\w")
_parameter_mark: Final = re.compile(r"[$:%]\w+")  # of a shell, of SQL, of a format

_authorization: Final = re2.compile(
    r"(?i)(\bauthorization[\"'\\]*\s*[:=]\s*[\"'\\]*"
    r"(?:(?:basic|bearer|negotiate|ntlm|token|apikey)\s+|(?:digest|aws4-hmac-sha256|hmac)(\s+)))([^\r\n\"'<>\\]+)"
)
_cookies: Final = re2.compile(r"(?i)(\b(?:set-)?cookie:\s*)([^\s=;:\"']+=[^\r\n\"']+)")
_own_header: Final = re2.compile(r"(?i)(\b(x-[\w-]+):\s*)([\w.~+/=-]+)")
_bearer: Final = re2.compile(r"(?i)(\bbearer\s+)([\w.~+/-]{16,}=*)")
_basic: Final = re2.compile(r"(?i)(\bbasic\s+)([0-9a-z+/]{8,}={0,2})")
_first_token: Final = re.compile(r"[^\s,;]+")


def _named(match: Any) -> str | None:
    return match[1] + MASK if is_secret(match[2]) and match[3] != MASK else None


def _assignment(match: Any) -> str | None:
    if not is_secret(match[2]):  # asked first: to take a group out of a match costs more than this answer
        return None
    value = match[3]
    return None if match[4] or value.startswith(MASK) or _is_expression(value) else f"{match[1]}{MASK}"


def _is_expression(value: str) -> bool:
    """Return whether a value without quotes is code, or the place of a value that is not there."""
    if value in _NOTHING or _is_place(value):
        return True
    if len(value) > _LONGEST_REFERENCE or not _reference.fullmatch(value):
        return False
    last = re.split(r"\W+", value)[-1]
    return is_secret(last) or ("." in value and not any(map(str.isdigit, value)))


def _is_place(value: str) -> bool:
    """Return whether a value is the place of one: signs with one letter among them at most, or a parameter.

    In two searches, where a pattern for the signs on both sides of a letter would try each place for it.
    """
    first = _letter.search(value)
    if first is None or _letter.search(value, first.end()) is None:
        return True
    return _parameter_mark.fullmatch(value) is not None


def _named_literal(match: Any) -> str | None:
    name = match[2]
    if not is_secret(name):
        return None
    sign, value = match[3], match[4]
    if value == MASK or len(value) < _SHORTEST_LITERAL:
        return None
    # "Unexpected token: 'function'" is a parser's message
    return None if name.lower() == "token" and ":" in sign else f"{match[1]}{MASK}"


def _credentials(match: Any) -> str | None:
    rest: str = match[3]
    first = _first_token.match(rest)
    if rest.startswith(MASK) or first is None:
        return None
    return f"{match[1]}{MASK}{'' if match[2] else rest[first.end() :]}"


def _whole(match: Any) -> str | None:
    return match[1] + MASK if match[2] != MASK else None


def _named_header(match: Any) -> str | None:
    return match[1] + MASK if is_secret(match[2]) and _is_random(match[3]) else None


def _bearer_token(match: Any) -> str | None:
    token = match[2].rstrip(".")
    return match[1] + MASK + match[2][len(token) :] if _is_random(token) else None


def _is_random(value: str) -> bool:
    """Return whether a value can be a secret, where words are as likely."""
    return len(value) >= 8 and any(map(str.isdigit, value))


def _user_and_password(match: Any) -> str | None:
    try:
        decoded = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        return None
    return match[1] + MASK if b":" in decoded and decoded.isascii() and decoded.decode().isprintable() else None


RULES: Final[tuple[tuple[str, str, Any, Mark], ...]] = (
    ("header", "authorization", _authorization, _credentials),
    ("header", "cookie:", _cookies, _whole),
    ("header", "x-", _own_header, _named_header),
    ("header", "bearer", _bearer, _bearer_token),
    ("header", "basic", _basic, _user_and_password),
    ("name", "=", _parameter, _named),
    *(("name", quote, pattern, _named) for quote, pattern, _ in _quoted),
    *(("name", quote, pattern, _named_literal) for quote, _, pattern in _quoted),
    ("name", "=", _assigned, _assignment),
)
"""What to look for in a text, in this order: the kind it is counted as, what a text without it (in lower case) need not
be looked through for, the pattern, and what to put in its place."""

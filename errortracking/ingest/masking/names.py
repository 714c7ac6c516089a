"""Whether a key, by its name, holds a secret.

A name is taken apart into its words first (``dbPassword``, ``DB_PASSWORD`` and ``db-password`` are ``db password``),
and words are compared as a whole: ``author`` holds no ``auth``, ``tokenizer`` no ``token``. Looking for parts of words,
as many maskers do, hides half of an event and tells nobody why. Words that people write as one (``dbpassword``,
``authtoken``) are known as such.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that make a name a secret's.
_SECRET: Final = _words(
    """
    password passwords passwort passwd pwd passphrase passcode secret secrets token jwt credential credentials
    authorization auth cookie cookies csrf csrfmiddlewaretoken sessionid phpsessid jsessionid cvv cvc ssn iban otp
    """
)
# Words that do before `key`, where neither alone would.
_KEYS: Final = _words("api access private signing encryption session master ssh")
# … and before `pass` and `pw`, which stand for many things.
_LOGINS: Final = _words(
    """
    db database pg postgres mysql sql mongo redis ldap smtp imap mail email ftp sftp ssh http proxy vpn wifi user admin
    root system login account key keystore new old
    """
)
_PASS: Final = frozenset({"pass", "pw"})
# Names that are a secret's as a whole: cookies' and forms' own.
_WHOLE: Final = _words(
    "pass pw sid connect.sid express.sid koa.sid asp.net_sessionid aiohttp_session laravel_session user_session"
)
# Words written as one. What ends in one of the first is a secret whatever stands before it, since no English word ends
# so; the short ones need a word before them that is known.
_ENDINGS: Final = (
    *("password", "passwords", "passwd", "passphrase", "secret", "secrets", "secretkey"),
    *(f"{word}key" for word in sorted(_KEYS)),
)
_JOINED: Final = re.compile(
    rf"(?:{'|'.join(sorted(_LOGINS))}|my)(?:pass|pw|pwd)"
    r"|(?:auth|oauth|access|refresh|bearer|csrf|xsrf|id|session|user|api|app|bot|client|login|sso|security|personal"
    r"|private|service|deploy|device|reset|invite|verification|push|jwt|slack|github|gitlab|npm|pypi|stripe|vault)token"
    r"|(?:basic|http|proxy|user|db|smtp|api)auth|(?:auth|session|login)cookies?"
    r"|(?:db|user|auth|login|api|client|service|aws)(?:credentials?|creds)"
    r"|password(?:hash|digest|salt|confirm|confirmation|again|repeat|new|old|plain)|aspsessionid[a-z]*"
)
# A last word that turns a secret's name into one about it: `password_length`, `token_type`, `auth_method`.
_ABOUT: Final = _words(
    """
    length count size type kind name names url uri path policy strength enabled disabled required changed expired
    expires expiry expiration at age min max limit limits used usage total status state field label hint method
    provider mode scheme error errors attempts domain id ids index verified valid present endpoint budget banner release
    version
    """
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST_FOLDER: Final = "OLDPWD"  # the shell's; `PWD` is its, too, but also that of ODBC's connection strings
# Under it SDKs write which variant of a feature flag a person has, on each event; people name flags after features.
_FLAG: Final = "$feature/"
_LONGEST: Final = 100  # characters; a longer key is data, not a name
# A part of each of these words, as a pattern: what an event's text is searched for first (`walk`).
HINTS: Final = (
    r"pass|pw|secret|token|jwt|credential|creds|auth|cookie|csrf|sessid|sessionid|\bsid\b|[._]session"
    r"|cvv|cvc|ssn|iban|otp|(?:api|access|private|signing|encryption|session|master|ssh)[ _.-]?key"
)


def is_secret(name: str) -> bool:
    """Return whether the value under ``name`` is to be masked."""
    return len(name) <= _LONGEST and _is_secret(name)


@lru_cache(maxsize=10_000)  # asked for none that is longer: what is asked is kept
def _is_secret(name: str) -> bool:
    if name == _LAST_FOLDER or name.startswith(_FLAG):
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():  # password2
        words.pop()
    if name.lower() in _WHOLE:
        return True
    if not words or words[-1] in _ABOUT:
        return False
    if not _SECRET.isdisjoint(words) or any(map(_is_joined, words)):
        return True
    return any(_make_one(first, second) for first, second in pairwise(words))


def _make_one(first: str, second: str) -> bool:
    """Return whether two words in a row are a secret's: ``api key``, ``db pass``."""
    return (second in {"key", "keys"} and first in _KEYS) or (second in _PASS and first in _LOGINS)


def _is_joined(word: str) -> bool:
    """Return whether a word is several that were written as one: ``dbpassword``, ``authtoken``."""
    return word.endswith(_ENDINGS) or _JOINED.fullmatch(word) is not None

"""Whether a key, by its name, holds a secret.

A name is taken apart into its words first (``dbPassword``, ``DB_PASSWORD`` and ``db-password`` are ``db password``),
and words are compared as a whole: ``author`` holds no ``auth``, ``tokenizer`` no ``token``. Looking for parts of words,
as many maskers do, hides half of an event and tells nobody why.
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
    authorization auth cookie cookies apikey accesskey secretkey privatekey accesstoken authtoken csrftoken
    csrfmiddlewaretoken sessionid phpsessid jsessionid cvv cvc ssn iban otp
    """
)
# Words that do before `key`, where neither alone would.
_KEYS: Final = _words("api access private signing encryption session master")
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
_LONGEST: Final = 100  # characters; a longer key is data, not a name
# A part of each of these words, as a pattern: what an event's text is searched for first (`walk`).
HINTS: Final = (
    r"passw|pwd|passphrase|passcode|secret|token|jwt|credential|auth|cookie|sessid|sessionid|cvv|cvc|ssn|iban|otp"
    r"|(?:api|access|private|signing|encryption|session|master)[ _.-]?key"
)


@lru_cache(maxsize=10_000)
def is_secret(name: str) -> bool:
    """Return whether the value under ``name`` is to be masked."""
    if len(name) > _LONGEST:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():  # password2
        words.pop()
    if not words or words[-1] in _ABOUT:
        return False
    if not _SECRET.isdisjoint(words):
        return True
    return any(second == "key" and first in _KEYS for first, second in pairwise(words))

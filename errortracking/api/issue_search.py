"""Searching issues: all words must be in an issue's name and description, or in the text of one of its fingerprints.

The text is what the pipeline keeps (``models/search.py``); the type and the message that a new issue is called by are
in it, too. Words are found by trigrams, three letters in a row, so a search needs one word that has them; shorter ones
are looked for in what that word has found.

Each word for itself, in any of the texts, was measured to take seconds where one of them is common: then a set of
issues is made for each, where here the index itself takes what all of them have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import OperationalError, transaction
from django.db.models import BooleanField, F, Func
from psycopg import errors

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.tenancy import sql

MAX_LENGTH: Final = 200
MAX_WORDS: Final = 8
SECONDS: Final = 10
"""For a search. Words that nearly all of a million issues have take some seconds, since each text is looked at."""

_WORD: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_THREE: Final = re.compile(r"[^\W_]{3}")

TITLE: Final = "(coalesce({name}, '') || ' ' || coalesce({description}, ''))"
"""The expression of the index; another spelling of it would not use the index."""
_TITLE: Final = TITLE.format(name="i.name", description="i.description")
# The union of two sets and not a join with OR: each half has its index. Without ALL, since then the planner knows that
# there may be many different ones.
_FOUND: Final = """
    {id} IN (
        SELECT i.id FROM errortracking_issue i WHERE i.environment_id = %s AND {titles}
        UNION
        SELECT f.issue_id FROM errortracking_fingerprinttext t
        JOIN errortracking_fingerprint f ON f.environment_id = t.environment_id AND f.id = t.fingerprint_id
        WHERE t.environment_id = %s AND {texts}
    )
"""


class Matches(Func):
    """The condition that an issue of a project has all of some words."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, environment_id: int, words: list[str]) -> None:
        super().__init__(F("id"))
        self.environment_id = environment_id
        self.words = words

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the condition."""
        id_, _ = compiler.compile(self.source_expressions[0])
        titles, texts = (" AND ".join([f"{text} ILIKE %s"] * len(self.words)) for text in (_TITLE, "t.text"))
        values = [self.environment_id, *map(like, self.words)]
        return _FOUND.format(id=id_, titles=titles, texts=texts), values * 2


# With less memory for their ids, hundreds of thousands of texts are looked at twice.
_SETTINGS: Final = "SET LOCAL statement_timeout = '{seconds}s'; SET LOCAL work_mem = '32MB'; SET LOCAL jit = off"


@contextmanager
def in_time() -> Iterator[None]:
    """Give a search `SECONDS`; raise the 400 of ``search`` where it takes longer."""
    try:
        with transaction.atomic(), sql.cursor() as cursor:
            cursor.execute(_SETTINGS.format(seconds=SECONDS))
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        raise FieldError("search", "Too many issues have these words. Add one that fewer have.") from error


def like(text: str) -> str:
    """Return the pattern of LIKE for what has ``text`` in it."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


def words_of(text: str) -> list[str]:
    """Return the words of a search, each once; what stands in quotes is one. Raises the 400 of ``search``."""
    if problem := inputs.text_problem(text):
        raise FieldError("search", *problem)
    if len(text) > MAX_LENGTH:
        raise FieldError("search", f"Ensure this field has no more than {MAX_LENGTH} characters.", "max_length")
    found = [(quoted or plain).strip() for quoted, plain in _WORD.findall(text)]
    words = list(dict.fromkeys(word for word in found if word))
    if len(words) > MAX_WORDS:
        raise FieldError("search", f"Ensure this field has no more than {MAX_WORDS} words.", "max_length")
    if words and not any(_THREE.search(word) for word in words):
        raise FieldError("search", "Ensure one word has at least 3 letters or digits in a row.", "min_length")
    return words

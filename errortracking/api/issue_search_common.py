"""Searches for words that very many issues have: over the first issues of the list, and not over all.

The trigrams' index gives all texts that have a word at once, in no order, and each is looked at: some 7 µs, so that a
word of nearly all of a million issues took six seconds. Whether a word is like that a sample of the texts tells. If so,
the list is walked along in its order as far as `REACH`, and each issue on the way is looked at.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import BooleanField, F, Func, QuerySet

from environments.tenancy import sql
from errortracking.api.issue_search import TITLE, like
from errortracking.models import FingerprintText, Issue

REACH: Final = 10_000
"""How many issues of the list are looked at: as far as its pages are meant to be turned. A tenth of a second or two."""
COMMON: Final = 30_000
"""So many texts with the words are looked at by the index in two tenths of a second; beyond, the list is walked."""
SAMPLED_PAGES: Final = 200
"""Of 8 KB: some 4,000 texts of usual stacks, 15 ms. Of a million they tell 30,000 within a tenth or so."""

# By whole pages of the table (SYSTEM), with the same seed each time, so that all pages of a list are found in one way.
_SAMPLE: Final = """
    SELECT count(*) FROM errortracking_fingerprinttext t TABLESAMPLE SYSTEM (%s) REPEATABLE (1)
    WHERE t.environment_id = %s AND {texts}
"""
# OFFSET 0 keeps PostgreSQL from finding all that match first, once for all issues, which is what is to be avoided.
_EACH: Final = """
    {id} = ANY(%s) AND (
        ({titles}) OR EXISTS (
            SELECT 1 FROM errortracking_fingerprint f
            JOIN errortracking_fingerprinttext t ON t.environment_id = f.environment_id AND t.fingerprint_id = f.id
            WHERE f.environment_id = %s AND f.issue_id = {id} AND {texts} OFFSET 0
        )
    )
"""


class MatchesAmong(Func):
    """The condition that an issue is one of some, and has all of some words."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, environment_id: int, words: list[str], ids: list[UUID]) -> None:
        super().__init__(F("id"), F("name"), F("description"))
        self.environment_id, self.words, self.ids = environment_id, words, ids

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the condition."""
        id_, name, description = (compiler.compile(source)[0] for source in self.source_expressions)
        patterns = [like(word) for word in self.words]
        titles = _all(TITLE.format(name=name, description=description), patterns)
        condition = _EACH.format(id=id_, titles=titles, texts=_all("t.text", patterns))
        return condition, [self.ids, *patterns, self.environment_id, *patterns]


class Among(Func):
    """The condition that an issue is one of some. Django's own ``in`` takes a parameter for each."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, ids: list[UUID]) -> None:
        super().__init__(F("id"))
        self.ids = ids

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the condition."""
        return f"{compiler.compile(self.source_expressions[0])[0]} = ANY(%s)", [self.ids]


def are_common(environment_id: int, words: list[str]) -> bool:
    """Return whether more than `COMMON` of a project's texts have all of the words, by a sample."""
    with sql.cursor() as cursor:
        size = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint"
        (pages,) = cursor.execute(size, [FingerprintText._meta.db_table]).fetchone() or (0,)
        if pages <= SAMPLED_PAGES:
            return False
        share = SAMPLED_PAGES / pages
        patterns = [like(word) for word in words]
        statement = _SAMPLE.format(texts=_all("t.text", patterns))
        (count,) = cursor.execute(statement, [share * 100, environment_id, *patterns]).fetchone() or (0,)
    return bool(count > COMMON * share)


def among_the_first(
    issues: QuerySet[Issue], environment_id: int, words: list[str], listed: QuerySet[Any, Any]
) -> list[UUID]:
    """Return those of ``issues`` that have the words, of the first `REACH` that are ``listed``, in its order.

    ``listed`` is a query for ids.
    """
    ids = list(listed[:REACH])
    found = set(issues.filter(MatchesAmong(environment_id, words, ids)).order_by().values_list("pk", flat=True))
    return [id_ for id_ in ids if id_ in found]


def _all(text: str, patterns: list[str]) -> str:
    return " AND ".join([f"{text} ILIKE %s"] * len(patterns))

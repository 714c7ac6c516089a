"""Whether the text of a statement names environment_id for every project table that it mentions.

The statement is cut into scopes: each sub-select and each half of a UNION is one. In its own scope each mention of a
project table needs a condition on its environment_id, ``alias.environment_id = …``; the name without an alias will do
where the table is alone in its scope or joined with USING. A table written to (INSERT, COPY) needs it in its list of
columns. Conditions that compare the tables with one another only tie nothing to a project: one of all the conditions
must name a value.

Text can deceive such a check (OR, NOT); it is there for the query that somebody forgot to scope. Parsing SQL properly
(sqlglot) was left out: slower by three orders of magnitude.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from django.apps import apps

_IGNORED: Final = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|TRUNCATE|COMMENT|SET|SAVEPOINT|RELEASE|ROLLBACK|EXPLAIN|ANALYZE|VACUUM)\b", re.I
)
_NOISE: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.S)
# What an UPDATE sets is no condition.
_SET: Final = re.compile(r"\bSET\b.*?(?=\b(?:WHERE|FROM|RETURNING)\b|$)", re.I | re.S)
_PARENTHESIS: Final = re.compile(r"\(\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b|[()]", re.I)
_SIDE_BY_SIDE: Final = re.compile(r"\b(?:UNION|EXCEPT|INTERSECT)\b|;", re.I)
_NO_ALIAS: Final = (
    r"AS|WHERE|SET|ON|USING|JOIN|INNER|LEFT|RIGHT|FULL|CROSS|NATURAL|ORDER|GROUP|HAVING|LIMIT|OFFSET|FETCH|FOR|WINDOW"
    r"|RETURNING|VALUES|SELECT|DEFAULT|OVERRIDING|FROM|TO|TABLESAMPLE|DO|NOWAIT|SKIP|AND|OR"
)
_NAMED: Final = r'(?:"?(?P<name>\w+)"?\.)?"?environment_id\b"?'
_COLUMN: Final = re.compile(r'(?<![\w".])' + _NAMED, re.I)
# What makes a condition of it: `= x` or `IN (…)` behind it, or behind the row that it begins; or `x =` before it.
_BEHIND: Final = re.compile(rf"\s*(?:=|IN\b)\s*(?P<other>{_NAMED})?", re.I)
_ROW_BEHIND: Final = re.compile(rf"[^()]*\)\s*(?:=|IN\b)\s*\(?\s*(?P<other>{_NAMED})?", re.I)
_BEFORE: Final = re.compile(rf"(?P<other>{_NAMED})?\s*=\s*\(?\s*$", re.I)
_FURTHEST: Final = 160  # characters looked at before a column: two quoted names of 63 bytes, and what joins them
_JOINED_BY_NAME: Final = re.compile(r"\bUSING\s*\([^()]*\benvironment_id\b", re.I)
_JOIN: Final = re.compile(r"\bJOIN\b", re.I)
_COLUMNS: Final = re.compile(r'\s*(?:AS\s+"?\w+"?\s*)?\([^()]*\benvironment_id\b', re.I)


@dataclass(frozen=True)
class _Mention:
    """A project table in the text, and the name by which its columns are called."""

    name: str
    written: bool
    """Whether rows are put into it by INSERT or COPY."""
    rest: str
    """What follows it in its scope."""


@dataclass(frozen=True)
class _Condition:
    """An environment_id that is compared: the name before it, and whether with that of another column, and whose."""

    name: str | None
    with_column: bool
    of: str | None


@cache
def _mention() -> re.Pattern[str]:
    """Return a pattern that finds a project table or one of its partitions, and its alias; not a column's prefix."""
    from environments.tenancy.models import ProjectRow

    names = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, ProjectRow))
    return re.compile(
        r'(?P<before>\b(?:INTO|COPY|CONSTRAINT)\s+)?(?<![\w.])"?'
        rf'(?P<table>\b(?:{"|".join(map(re.escape, names))})(?:_\w+)?\b)"?(?!"?\s*\.)'
        rf'(?:\s+(?:AS\s+)?(?!(?:{_NO_ALIAS})\b)"?(?P<alias>\w+)"?)?',
        re.I,
    )


@lru_cache(maxsize=1024)
def violates(statement: str) -> bool:
    """Return whether ``statement`` mentions a project table without naming environment_id for it."""
    if "environments_" not in statement and "errortracking_" not in statement and "healthtrack_" not in statement:
        return False
    if _IGNORED.match(statement):
        return False
    scopes = [(text, list(_mentions(text))) for text in _scopes(_NOISE.sub("''", statement))]
    names = {mention.name for _, mentions in scopes for mention in mentions if not mention.written}
    if any(not _is_scoped(mention, text, mentions) for text, mentions in scopes for mention in mentions):
        return True
    return bool(names) and not any(_names_a_value(text, mentions, names) for text, mentions in scopes)


def _scopes(statement: str) -> Iterator[str]:
    """Yield the statement without its sub-selects, then each of these, UNIONs cut at that word."""
    finished: list[list[str]] = []
    unfinished: list[list[str]] = [[]]
    nested: list[bool] = []  # of each open parenthesis, whether it began a scope
    place = 0
    for found in _PARENTHESIS.finditer(statement):
        unfinished[-1].append(statement[place : found.start()])
        place = found.end()
        if found[0] == ")":
            if nested and nested.pop():
                finished.append(unfinished.pop())
            unfinished[-1].append(")")
        else:
            unfinished[-1].append("(")
            nested.append(found[0] != "(")
            if nested[-1]:
                unfinished.append([found[0][1:]])
    unfinished[-1].append(statement[place:])
    for parts in (*finished, *unfinished):
        yield from _SIDE_BY_SIDE.split(_SET.sub("", "".join(parts)))


def _mentions(text: str) -> Iterator[_Mention]:
    for found in _mention().finditer(text):
        before = (found["before"] or "").strip().upper()
        if before != "CONSTRAINT":
            written = before in {"INTO", "COPY"}
            # The list of columns follows the table's own name or its alias.
            yield _Mention((found["alias"] or found["table"]).lower(), written, text[found.end() :])


def _is_scoped(mention: _Mention, text: str, beside: list[_Mention]) -> bool:
    if mention.written:
        return _COLUMNS.match(mention.rest) is not None
    read = [other for other in beside if not other.written]
    # The first table is joined by any USING, each further one by its own.
    if _JOINED_BY_NAME.search(text if mention is read[0] else _JOIN.split(mention.rest, maxsplit=1)[0]):
        return True
    return any(
        len(read) == 1 if condition.name is None else condition.name == mention.name for condition in _conditions(text)
    )


def _names_a_value(text: str, mentions: list[_Mention], names: set[str]) -> bool:
    if len(mentions) == 1 and _JOINED_BY_NAME.search(text):
        return True  # joined with a list of values, or with what another scope has read
    return any(
        not condition.with_column or (condition.of is not None and condition.of not in names)
        for condition in _conditions(text)
    )


def _conditions(text: str) -> Iterator[_Condition]:
    for found in _COLUMN.finditer(text):
        before = text[max(0, found.start() - _FURTHEST) : found.start()]
        condition = _BEHIND.match(text, found.end()) or _BEFORE.search(before)
        if condition is None and before.rstrip().endswith("("):
            condition = _ROW_BEHIND.match(text, found.end())
        if condition is not None:
            yield _Condition(_lower(found["name"]), condition["other"] is not None, _lower(condition["name"]))


def _lower(name: str | None) -> str | None:
    return name and name.lower()

"""The fast read path: a serializer's fields as columns, rows straight to JSON.

A plain ``ModelViewSet`` spends nine tenths of a list in making model instances, and in serializer fields that mostly
pass a value on. Here the serializer stays the one description of an object (the schema shows it, and a property test
holds both equal), and `Shape` turns it into the columns of one statement once, when the code is loaded. PostgreSQL's
values then pass through psycopg's C loaders to orjson; JSON columns are not even parsed.

What a serializer may consist of: fields whose JSON is what the database gives (`PLAIN`), serializers of a related row,
which are null where the row is absent, and computed fields with an SQL expression in ``expressions``. Anything else
is refused when the code is loaded, not when somebody notices a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Expression, Func, IntegerField, Model, OrderBy, QuerySet, Subquery
from psycopg.types.json import JsonbLoader
from psycopg.types.string import TextLoader
from rest_framework import serializers

from environments.tenancy import counters, sql

PLAIN: Final = (
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateTimeField,
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.UUIDField,
)

DEEP_OFFSET: Final = 1_000
"""From this offset on, a page's ids are found first, and only its own rows are fetched and joined: PostgreSQL would
otherwise do that for every row that it skips."""

Row = tuple[Any, ...]
Column = str | Expression


@dataclass(frozen=True)
class Shape:
    """How rows become objects: the columns to read, and the keys that they get."""

    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    """The first ``len(keys)`` are this object's own; at the place of a nested object stands what tells its presence."""
    nested: tuple[tuple[str, Shape, slice], ...]
    """Key, shape and columns of each nested object."""

    @classmethod
    def of(cls, serializer: type[serializers.Serializer[Any]], path: str = "", key: str = "id") -> Shape:
        """Return the shape of the objects that ``serializer`` describes, read at ``path`` (``a__b__``) of a row.

        ``key`` is the column that is never null in a row that exists. Raises ``TypeError`` for a field whose
        JSON cannot be taken from a column as it is.
        """
        expressions: Mapping[str, Expression] = getattr(serializer, "expressions", {})
        own: list[Column] = []
        below: list[tuple[str, Shape]] = []
        fields = serializer().fields
        for name, field in fields.items():
            source = path + (field.source or name).replace(".", "__")
            if name in expressions and not path:
                own.append(expressions[name])
            elif isinstance(field, serializers.Serializer):
                below.append((name, cls.of(type(field), source + "__", key)))
                own.append(f"{source}__{key}")
            elif isinstance(field, PLAIN):
                own.append(source)
            else:
                raise TypeError(f"{serializer.__name__}.{name}: {type(field).__name__} cannot be read from rows")
        columns, nested = list(own), []
        for name, shape in below:
            nested.append((name, shape, slice(len(columns), len(columns) + len(shape.columns))))
            columns.extend(shape.columns)
        return cls(tuple(fields), tuple(columns), tuple(nested))

    def objects(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return the objects that ``rows`` hold."""
        keys = self.keys
        found = [dict(zip(keys, row, strict=False)) for row in rows]
        for name, shape, columns in self.nested:
            present = [(item, row[columns]) for item, row in zip(found, rows, strict=True) if item[name] is not None]
            for (item, _), below in zip(present, shape.objects([cells for _, cells in present]), strict=True):
                item[name] = below
        return found


Condition = Mapping[str, Any] | QuerySet[Any]
"""Which rows: columns and the values that they equal (the fast way), or any queryset of the model."""


Statement = tuple[str, list[Any]]
"""A text and the values that it takes."""


class Statements(NamedTuple):
    """What is asked about the rows of one condition."""

    counting: Statement
    listing: Statement
    paging: Statement
    """``listing`` with one more column: how many rows there are on all pages together."""


class Reader:
    """Reads the rows of one model in one shape and one order.

    JSON columns come as ``orjson.Fragment``; with ``parse_json`` as values, for whoever looks into them.

    Most requests ask for the rows that equal some values, and differ in the values alone. Django takes longer to put
    such a statement together than PostgreSQL to run it, so its text is kept for each set of columns.
    """

    def __init__(
        self,
        model: type[Model],
        serializer: type[serializers.Serializer[Any]],
        ordering: tuple[str | OrderBy, ...],
        parse_json: bool = False,
        counted: bool = False,
        deep_offset: int | None = None,
    ) -> None:
        """``counted``: the database keeps the number of a project's rows (`environments.tenancy.counters`).

        ``deep_offset`` is given where what is computed for each row is worth to find the ids first, from there on.
        """
        self.shape = Shape.of(serializer)
        self._parse_json = parse_json
        self._counted = counted
        self._deep_offset = deep_offset
        self._rows = model._default_manager
        self._ordering = ordering
        self._texts: dict[tuple[str | tuple[str, bool], ...], tuple[str, str, str]] = {}

    def page(
        self, condition: Condition, wanted: slice, ids: QuerySet[Any, Any] | None = None
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return how many rows ``condition`` names, and the objects of those that are ``wanted``.

        Both come of one statement, and so of one moment, unless the page is deep or beyond the end. ``ids`` is a query
        for the ids of the rows in this reader's order, where another table has an index for it. Rows that it does not
        know come last, and a page with any of them is found without it.
        """
        try:
            counting, _, (paging, values) = self._statements(condition)
        except EmptyResultSet:
            return 0, []
        with self._cursor(prepared=isinstance(condition, Mapping)) as cursor:
            if ids is None and wanted.start < self._deep_from():
                paging += f" LIMIT {wanted.stop - wanted.start:d} OFFSET {wanted.start:d}"
                rows = cursor.execute(paging, values).fetchall()
                if rows:
                    return rows[0][-1], self.shape.objects(rows)
                if not wanted.start:
                    return 0, []
            counted = cursor.execute(*counting).fetchone()
            count = counted[0] if counted else 0
            if wanted.start >= count:
                return count, []
            rows = cursor.execute(*self._deep(self._queryset(condition), wanted, ids)).fetchall()
            if ids is not None and len(rows) < min(wanted.stop, count) - wanted.start:
                rows = cursor.execute(*self._deep(self._queryset(condition), wanted, None)).fetchall()
            return count, self.shape.objects(rows)

    def found(
        self, queryset: QuerySet[Any], wanted: slice, within: Mapping[str, Any]
    ) -> tuple[int, list[dict[str, Any]]]:
        """Do as `page` for rows that are dear to find: that is done once, for the ids and how many there are.

        The objects are read by their ids then, among the rows whose columns equal ``within``.
        """
        start = min(wanted.start, _FURTHEST)
        page = slice(start, start + wanted.stop - wanted.start)
        try:
            ids = _compile(queryset.order_by(*self._ordering).values_list("pk", _COUNT_FOUND)[page])
        except EmptyResultSet:
            return 0, []
        with self._cursor(prepared=False) as cursor:
            rows = cursor.execute(*ids).fetchall()
            if not rows:
                beyond = start and cursor.execute(*_compile(queryset.order_by().values_list(_COUNT))).fetchone()
                return (beyond[0] if beyond else 0), []
            named = self._rows.filter(**within, pk__in=[UUID(id_) for id_, _ in rows]).order_by(*self._ordering)
            objects = cursor.execute(*_compile(named.values_list(*self.shape.columns))).fetchall()
            return rows[0][1], self.shape.objects(objects)

    def all(self, condition: Condition, limit: int) -> list[dict[str, Any]]:
        """Return the first ``limit`` objects that ``condition`` names."""
        try:
            _, (listing, values), _ = self._statements(condition)
        except EmptyResultSet:
            return []
        with self._cursor() as cursor:
            return self.shape.objects(cursor.execute(f"{listing} LIMIT {limit:d}", values).fetchall())

    @contextmanager
    def _cursor(self, prepared: bool = True) -> Iterator[sql.Cursor]:
        """``prepared`` is for look-ups by values: the best plan for other conditions hangs on what they compare."""
        with sql.cursor(json_as_fragments=not self._parse_json, prepared=prepared) as cursor:
            cursor.adapters.register_loader("uuid", TextLoader)  # its text is what JSON shows
            if self._parse_json:
                cursor.adapters.register_loader("jsonb", JsonbLoader)  # on Django's connections it is text
            yield cursor

    def _deep_from(self) -> int:
        return DEEP_OFFSET if self._deep_offset is None else self._deep_offset

    def _queryset(self, condition: Condition) -> QuerySet[Any]:
        return condition if isinstance(condition, QuerySet) else self._rows.filter(**condition)

    def _statements(self, condition: Condition) -> Statements:
        """Return what is asked about the rows that ``condition`` names.

        Raises ``EmptyResultSet`` where Django knows already that nothing matches.
        """
        names: tuple[str | tuple[str, bool], ...] | None = None
        compared: list[Any] = []
        if isinstance(condition, Mapping) and all(type(value) in _COMPARED_AS_IS for value in condition.values()):
            pairs = sorted(condition.items())  # the order in which Django writes them
            names = tuple((name, value) if type(value) is bool else name for name, value in pairs)
            compared = [value for _, value in pairs if type(value) is not bool]
            if names in self._texts:
                counting, listing, paging = self._texts[names]
                return Statements((counting, compared), (listing, compared), (paging, compared * 2))
        found = self._compiled(self._queryset(condition), self._counted_project(condition))
        if names is not None and [values for _, values in found] == [compared, compared, compared * 2]:
            self._texts[names] = found.counting[0], found.listing[0], found.paging[0]
        return found

    def _counted_project(self, condition: Condition) -> int | None:
        """Return the project all of whose rows are meant, where the database has counted them."""
        if self._counted and isinstance(condition, Mapping) and condition.keys() == {"environment_id"}:
            return int(condition["environment_id"])
        return None

    def _compiled(self, queryset: QuerySet[Any], environment_id: int | None) -> Statements:
        """``environment_id`` is the project whose kept count is taken, ``None`` where rows are to be counted."""
        ordered = queryset.order_by(*self._ordering)
        if environment_id is None:
            counted = queryset.order_by().values_list(_COUNT)
        else:
            counted = counters.counted(queryset.model, environment_id)
        return Statements(
            _compile(counted),
            _compile(ordered.values_list(*self.shape.columns)),
            _compile(ordered.values_list(*self.shape.columns, Subquery(counted))),
        )

    def _deep(self, queryset: QuerySet[Any], page: slice, ids: QuerySet[Any, Any] | None) -> Statement:
        found = (queryset.order_by(*self._ordering).values("pk") if ids is None else ids)[page]
        return _compile(queryset.filter(pk__in=found).order_by(*self._ordering).values_list(*self.shape.columns))


# Values that Django passes on to PostgreSQL as they are, and booleans, which become part of the text. Not None.
_COMPARED_AS_IS: Final = frozenset({bool, int, str, UUID})
_FURTHEST: Final = 2**53
"""An offset beyond any table; PostgreSQL has no number for all that a client may ask for."""
# Not Django's Count: that one would group by every column.
_COUNT: Final = Func(template="COUNT(*)", output_field=IntegerField())
_COUNT_FOUND: Final = Func(template="COUNT(*) OVER ()", output_field=IntegerField())


def _compile(queryset: QuerySet[Any]) -> Statement:
    statement, parameters = queryset.query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statement, list(parameters)

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

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Expression, Func, IntegerField, Model, QuerySet
from psycopg.types.json import JsonbLoader
from psycopg.types.string import TextLoader
from rest_framework import serializers

from environments.tenancy import sql

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
            if isinstance(field, serializers.Serializer):
                below.append((name, cls.of(type(field), source + "__", key)))
                own.append(f"{source}__{key}")
            elif name in expressions and not path:
                own.append(expressions[name])
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

Begin = Callable[[int], slice | None]
"""Is told how many rows there are, and says which of them to read."""


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
        ordering: tuple[str, ...],
        parse_json: bool = False,
    ) -> None:
        self.shape = Shape.of(serializer)
        self._parse_json = parse_json
        self._rows = model._default_manager
        self._ordering = ordering
        self._texts: dict[tuple[str | tuple[str, bool], ...], tuple[str, str]] = {}

    def page(self, condition: Condition, begin: Begin) -> list[dict[str, Any]]:
        """Return one page of the rows that ``condition`` names."""
        try:
            counting, listing, values = self._statements(condition)
        except EmptyResultSet:
            begin(0)
            return []
        with self._cursor() as cursor:
            counted = cursor.execute(counting, values).fetchone()
            page = begin(counted[0] if counted else 0)
            if page is None:
                return []
            if page.start >= DEEP_OFFSET:
                listing, values = self._deep(self._queryset(condition), page)
            else:
                listing = f"{listing} LIMIT {page.stop - page.start:d} OFFSET {page.start:d}"
            return self.shape.objects(cursor.execute(listing, values).fetchall())

    def all(self, condition: Condition, limit: int) -> list[dict[str, Any]]:
        """Return the first ``limit`` objects that ``condition`` names."""
        try:
            _, listing, values = self._statements(condition)
        except EmptyResultSet:
            return []
        with self._cursor() as cursor:
            return self.shape.objects(cursor.execute(f"{listing} LIMIT {limit:d}", values).fetchall())

    @contextmanager
    def _cursor(self) -> Iterator[sql.Cursor]:
        with sql.cursor(json_as_fragments=not self._parse_json) as cursor:
            cursor.adapters.register_loader("uuid", TextLoader)  # its text is what JSON shows
            if self._parse_json:
                cursor.adapters.register_loader("jsonb", JsonbLoader)  # on Django's connections it is text
            yield cursor

    def _queryset(self, condition: Condition) -> QuerySet[Any]:
        return condition if isinstance(condition, QuerySet) else self._rows.filter(**condition)

    def _statements(self, condition: Condition) -> tuple[str, str, list[Any]]:
        """Return the statements that count and that list, and the values that both take.

        Raises ``EmptyResultSet`` where Django knows already that nothing matches.
        """
        names: tuple[str | tuple[str, bool], ...] | None = None
        compared: list[Any] = []
        if isinstance(condition, Mapping) and all(type(value) in _COMPARED_AS_IS for value in condition.values()):
            pairs = sorted(condition.items())  # the order in which Django writes them
            names = tuple((name, value) if type(value) is bool else name for name, value in pairs)
            compared = [value for _, value in pairs if type(value) is not bool]
            if names in self._texts:
                return *self._texts[names], compared
        queryset = self._queryset(condition)
        counting, _ = _compile(queryset.order_by().values_list(_COUNT))
        listing, values = _compile(queryset.order_by(*self._ordering).values_list(*self.shape.columns))
        if names is not None and values == compared:
            self._texts[names] = counting, listing
        return counting, listing, values

    def _deep(self, queryset: QuerySet[Any], page: slice) -> tuple[str, list[Any]]:
        ids = queryset.order_by(*self._ordering).values("pk")[page]
        return _compile(queryset.filter(pk__in=ids).order_by(*self._ordering).values_list(*self.shape.columns))


# Values that Django passes on to PostgreSQL as they are, and booleans, which become part of the text. Not None.
_COMPARED_AS_IS: Final = frozenset({bool, int, str, UUID})
# Not Django's Count: that one would group by every column.
_COUNT: Final = Func(template="COUNT(*)", output_field=IntegerField())


def _compile(queryset: QuerySet[Any]) -> tuple[str, list[Any]]:
    statement, parameters = queryset.query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statement, list(parameters)

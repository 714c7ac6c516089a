"""The extensions that indexes need: made by a migration, or a text that says who can make them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection, transaction

from environments.tenancy.extensions import Extension

pytestmark = pytest.mark.django_db


class Editor:
    """As much of a schema editor as the operation uses."""

    connection = connection


def make(name: str) -> None:
    state: Any = None
    with transaction.atomic():
        Extension(name).database_forwards("errortracking", Editor(), state, state)


def there(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_extension WHERE extname = %s", [name])
        return bool(cursor.rowcount)


@pytest.fixture
def limited() -> None:
    """Go on as a role that may use the database, and may not make anything in it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE healthtrack_test_limited")
        cursor.execute("SET LOCAL ROLE healthtrack_test_limited")


@pytest.mark.parametrize("name", ["pg_trgm", "btree_gin"])
def test_the_migrations_have_made_them(name: str) -> None:
    assert there(name)


def test_an_extension_is_made_once() -> None:
    for _ in range(2):
        make("hstore")
        assert there("hstore")


def test_a_role_that_may_not_make_it_may_use_what_is_there(limited: None) -> None:
    make("pg_trgm")


def test_a_role_that_may_not_make_it_is_told_what_to_do(limited: None) -> None:
    with pytest.raises(CommandError) as refused:
        make("hstore")
    text = str(refused.value)
    assert text.startswith(
        "PostgreSQL's extension hstore is needed in this database and cannot be made: permission denied"
    )
    assert "\n    CREATE EXTENSION hstore;\n" in text
    assert not there("hstore")


def test_a_server_without_its_files_is_told_where_they_are() -> None:
    with pytest.raises(CommandError, match=r"postgresql-contrib"):
        make("no_such_extension")

"""The admin against addresses and forms that nobody should send: no page of it is a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.db.models import CharField, Model, TextField
from django.http import HttpRequest
from django.test import Client

from environments.models import PersonalAPIKey, Project, Role, User
from runtime.requests import RequestMiddleware
from tests.environments.world import administrator, make_world

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
every_table = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)


@pytest.fixture
def client() -> Client:
    """A client of a person who may do everything; whatever a page raises is raised here."""
    world = make_world()
    return administrator(world)


def address(model: type[Model], *more: Any) -> str:
    return "/".join(["/admin", model._meta.app_label, str(model._meta.model_name), *map(str, more), ""])


def status(client: Client, path: str, form: dict[str, str] | None = None) -> int:
    """Return the answer's status; what the request has done is undone, so that its statements may fail."""
    point = transaction.savepoint()
    found = client.get(path) if form is None else client.post(path, form)
    transaction.savepoint_rollback(point)
    transaction.set_rollback(False)
    return found.status_code


@every_table
def test_a_filter_by_what_cannot_be_stored_is_no_defect(client: Client, model: type[Model]) -> None:
    """PostgreSQL takes no NUL, and of an enumeration only the values that it has."""
    texts = [field.name for field in model._meta.get_fields() if isinstance(field, CharField | TextField)]
    for name in texts:
        for value in ("%00", "nobody-s-status", ""):
            for lookup in (name, f"{name}__exact"):
                found = status(client, f"{address(model)}?{lookup}={value}")
                assert found in {200, 302, 400}, (lookup, value)


@every_table
@pytest.mark.parametrize("key", ["%00", "x", "9" * 30, "_00"])
def test_a_row_that_cannot_be_is_no_defect(client: Client, model: type[Model], key: str) -> None:
    for page in ("change", "history", "delete"):
        assert status(client, address(model, key, page)) in {302, 400, 403, 404}, page


@every_table
@pytest.mark.parametrize("key", ["\0", "x", "9" * 30])
def test_an_action_on_a_row_that_cannot_be_is_no_defect(client: Client, model: type[Model], key: str) -> None:
    actions = admin.site._registry[model].actions or ()
    names = ["delete_selected", *(name if isinstance(name, str) else name.__name__ for name in actions)]
    for name in names:
        form = {"action": name, "_selected_action": key, "post": "yes"}
        assert status(client, address(model), form) in {200, 302, 400}, name
    assert Project.objects.exists()


@pytest.mark.parametrize(
    ("model", "field"),
    [
        *((PersonalAPIKey, "user"), (Project, "organization"), (Role, "organization"), (Role, "members")),
        *((User, "current_project"), (User, "groups"), (Group, "permissions")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.parametrize("key", ["\0", "x", "-1", "9" * 30, " "])
def test_a_form_that_names_a_row_that_cannot_be_is_no_defect(
    client: Client, model: type[Model], field: str, key: str
) -> None:
    """The form is shown again with what was chosen, and looks up how that is called."""
    user = User.objects.get()
    path = address(User, user.pk, "change") if model is User else address(model, "add")
    form = {"name": "A name", "label": "A key", "scopes": "*", "email": user.email, "timezone": "UTC", field: key}
    assert status(client, path, form) in {200, 302, 400}


def test_completing_what_cannot_be_stored_is_no_defect(client: Client) -> None:
    query = "/admin/autocomplete/?app_label=environments&model_name=personalapikey&field_name=user&term="
    assert status(client, query + "a%00") == 400
    assert status(client, query + "a") == 200


NUMBER = "Field 'id' expected a number but got 'x'."


@pytest.mark.parametrize("defect", [DataError("NUL"), ValidationError("no UUID"), ValueError(NUMBER)])
@pytest.mark.parametrize(("path", "expected"), [("/admin/auth/group/", 400), ("/batch/", None), ("/administer", None)])
def test_elsewhere_it_stays_a_defect(path: str, expected: int | None, defect: Exception) -> None:
    """An SDK whose events cannot be written comes again after a 500, and not after a 400."""
    assert handled(path, defect) == expected


def test_another_defect_of_the_admin_stays_one() -> None:
    assert handled("/admin/auth/group/", ValueError("too many values to unpack")) is None
    assert handled("/admin/auth/group/", KeyError("id")) is None


def handled(path: str, defect: Exception) -> int | None:
    """Return the status that the middleware makes of what a view has raised."""
    request = HttpRequest()
    request.path = path
    answer = RequestMiddleware(lambda _: None).process_exception(request, defect)  # type: ignore[arg-type,return-value]
    return None if answer is None else answer.status_code

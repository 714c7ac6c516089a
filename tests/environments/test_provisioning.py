"""Making or finding a user, an organization, a project and a key."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection

from environments import clock, secrets
from environments.models import Membership, Organization, PersonalAPIKey, Project, User
from environments.provisioning import Provisioned, ProvisioningError, is_unused, provision, provision_first

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def stored(made: Provisioned) -> PersonalAPIKey:
    return PersonalAPIKey.objects.get(secure_value=secrets.hash_key(made.personal_api_key))


def labels(user: User) -> list[str]:
    return list(PersonalAPIKey.objects.filter(user=user).order_by("created_at").values_list("label", flat=True))


def test_an_empty_installation_gets_a_first_user_who_may_open_the_admin() -> None:
    made = provision()
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("admin@healthtrack.local", True, True)
    assert not user.has_usable_password()
    project = Project.objects.get()
    assert (made.environment_id, made.project_token, made.email) == (project.pk, project.api_token, user.email)
    assert project.name == "Default project"
    membership = Membership.objects.get()
    assert (membership.user, membership.organization) == (user, project.organization)
    assert membership.level == Membership.Level.OWNER
    assert user.current_project == project


def test_it_is_unused_until_a_key_was_used_or_somebody_logged_in() -> None:
    provision_first("secret")
    assert is_unused()
    PersonalAPIKey.objects.update(last_used_at=MOMENT)
    assert not is_unused()
    PersonalAPIKey.objects.update(last_used_at=None)
    User.objects.update(last_login=MOMENT)
    assert not is_unused()


def test_the_key_is_stored_as_its_hash_with_its_scopes_and_label() -> None:
    key = stored(made := provision(scopes=["error_tracking:read", "health_issue:write", "error_tracking:read"]))
    assert key.label == "bootstrap"
    assert key.scopes == ["error_tracking:read", "health_issue:write"]
    assert key.mask_value == f"phx_...{made.personal_api_key[-4:]}"
    assert made.personal_api_key not in str(PersonalAPIKey.objects.values_list().get())


def test_again_finds_everything_and_adds_a_key() -> None:
    first, second = provision(), provision()
    assert (first.environment_id, first.project_token, first.email) == (
        second.environment_id,
        second.project_token,
        second.email,
    )
    assert first.personal_api_key != second.personal_api_key
    assert (User.objects.count(), Organization.objects.count(), Project.objects.count()) == (1, 1, 1)
    assert PersonalAPIKey.objects.count() == 2


def test_without_an_address_the_first_user_is_meant_whatever_the_address_is() -> None:
    provision(email="ann@example.com")
    provision(email="bob@example.com")
    assert provision().email == "ann@example.com"


def test_another_address_is_another_organization_and_no_administrator() -> None:
    ann, bob = provision(email="ann@example.com"), provision(email="bob@example.com")
    assert ann.environment_id != bob.environment_id
    organizations = [Project.objects.get(pk=made.environment_id).organization for made in (ann, bob)]
    assert organizations[0] != organizations[1]
    assert not User.objects.get(email="bob@example.com").is_staff
    assert organizations[1].memberships.count() == 1


def test_an_address_is_found_in_any_case() -> None:
    provision(email="Ann@Example.com")
    assert provision(email="aNN@exaMple.COM").email == "Ann@example.com"
    assert User.objects.count() == 1


def test_a_project_is_found_by_name_within_the_users_organization() -> None:
    ann = provision(email="ann@example.com", project="shop")
    bob = provision(email="bob@example.com", project="shop")
    assert ann.environment_id != bob.environment_id
    assert provision(email="ann@example.com", project="shop").environment_id == ann.environment_id
    blog = provision(email="ann@example.com", project="blog")
    assert blog.environment_id not in (ann.environment_id, bob.environment_id)
    assert provision(email="ann@example.com").environment_id == ann.environment_id


def test_the_users_current_project_stays_the_one_it_was() -> None:
    first = provision(project="shop")
    provision(project="blog")
    assert User.objects.get().current_project_id == first.environment_id


def test_a_password_is_set_on_a_new_and_on_a_found_user_and_otherwise_left() -> None:
    provision(password="one two three")
    provision()
    assert User.objects.get().check_password("one two three")
    provision(password="four five six")
    assert User.objects.get().check_password("four five six")


def test_at_the_limit_the_oldest_bootstrap_key_gives_way_and_no_other() -> None:
    for day in range(9):
        with clock.stopped_at(MOMENT + timedelta(days=day)):
            made = provision()
            if day == 3:
                third = made
            elif day == 0:
                oldest = made
    user = User.objects.get()
    with clock.stopped_at(MOMENT - timedelta(days=9)):
        PersonalAPIKey.objects.issue(user, "my own", ["*"])  # older than all of them
    assert len(labels(user)) == 10
    with clock.stopped_at(MOMENT + timedelta(days=20)):
        newest = provision()
    assert labels(user) == ["my own"] + ["bootstrap"] * 9
    assert not PersonalAPIKey.objects.filter(secure_value=secrets.hash_key(oldest.personal_api_key)).exists()
    assert stored(third)
    assert stored(newest)


def test_ten_keys_of_the_users_own_are_left_and_nothing_is_changed() -> None:
    provision(email="ann@example.com")
    user = User.objects.get()
    PersonalAPIKey.objects.all().delete()
    for number in range(10):
        PersonalAPIKey.objects.issue(user, f"own {number}", ["*"])
    with pytest.raises(ProvisioningError, match=r"The user ann@example\.com has 10 personal API keys, .*'bootstrap'"):
        provision(email="ann@example.com", project="a new one", password="changed it")
    assert labels(user) == [f"own {number}" for number in range(10)]
    assert Project.objects.count() == 1
    assert not User.objects.get().check_password("changed it")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"scopes": ["error_tracking:read", "everything"]}, "Invalid scope: everything"),
        ({"scopes": []}, "A key needs at least one scope."),
        ({"email": "nobody"}, "'nobody' is not an e-mail address."),
        ({"email": ""}, "'' is not an e-mail address."),
        ({"email": "a" * 250 + "@example.com"}, "it is too long."),
        ({"password": ""}, "The password must be 1 to 128 printable characters."),
        ({"password": "a\ud800"}, "The password must be 1 to 128 printable characters."),
        ({"project": ""}, "The project's name must be 1 to 200 printable characters."),
        ({"project": "x" * 201}, "The project's name must be 1 to 200 printable characters."),
        ({"project": "a\x00b"}, "The project's name must be 1 to 200 printable characters."),
        ({"project": "a\ud800"}, "The project's name must be 1 to 200 printable characters."),
    ],
)
def test_what_cannot_be_stored_is_refused_and_nothing_is_made(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ProvisioningError) as caught:
        provision(**options)
    assert text in str(caught.value)
    assert not User.objects.exists()


def test_a_deactivated_user_gets_no_key() -> None:
    provision(email="ann@example.com")
    User.objects.update(is_active=False)
    with pytest.raises(ProvisioningError, match="is deactivated"):
        provision(email="ann@example.com")
    assert PersonalAPIKey.objects.count() == 1


def test_the_first_provision_happens_once() -> None:
    assert provision_first("one two three") is not None
    assert User.objects.get().check_password("one two three")
    assert provision_first("another") is None
    assert PersonalAPIKey.objects.count() == 1
    assert User.objects.get().check_password("one two three")


Made = TypeVar("Made")


def in_threads(times: int, work: Callable[[], Made]) -> list[Made]:
    def one(_: int) -> Made:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.django_db(transaction=True)
def test_many_at_once_find_each_others_rows() -> None:
    made = in_threads(8, provision)
    assert len({each.environment_id for each in made}) == 1
    assert (User.objects.count(), Organization.objects.count(), Project.objects.count()) == (1, 1, 1)
    assert len({each.personal_api_key for each in made}) == PersonalAPIKey.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_many_first_starts_at_once_make_one_user() -> None:
    made = in_threads(6, lambda: provision_first("one two three"))
    assert len([each for each in made if each is not None]) == 1
    assert User.objects.count() == PersonalAPIKey.objects.count() == 1

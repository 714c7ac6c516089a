"""The pages for people who need not be staff: log in, join by an invitation, set a password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import clock, invitations, passwords
from environments.models import AuditEntry, Invitation, Membership, Organization, PasswordLink, User
from tests.environments.world import World, answer, error, stranger, world

__all__ = ["stranger", "world"]
GOOD = "correct horse battery"
SPENT = "This link is not valid"
ADDRESS = "ann@example.com"


def join_link(world: World, email: str = ADDRESS, **fields: Any) -> str:
    _, secret = Invitation.objects.issue(world.organization, email, **fields)
    return f"/account/join/?link={secret}"


def twice(password: str = GOOD, **fields: str) -> dict[str, str]:
    return {"password": password, "again": password, **fields}


def text(response: Any) -> str:
    return str(response.content.decode())


# ---- joining


def test_an_invited_person_makes_an_account_joins_and_is_logged_in(world: World) -> None:
    link, client = join_link(world, level=8, first_name="Ann"), Client()
    page = text(client.get(link))
    assert world.organization.name in page
    assert ADDRESS in page
    assert 'value="Ann"' in page
    assert not User.objects.filter(email=ADDRESS).exists()
    response = client.post(link, twice(first_name="Anna"))
    assert (response.status_code, response["Location"]) == (302, "/account/")
    user = User.objects.get(email=ADDRESS)
    assert (user.first_name, user.is_staff, user.check_password(GOOD)) == ("Anna", False, True)
    assert Membership.objects.get(user=user).level == 8
    assert user.current_project_id == world.project.pk
    assert client.get("/api/users/@me/").json()["email"] == ADDRESS
    entry = AuditEntry.objects.get(environment_id=0)
    assert (entry.action, entry.resource, entry.object_id) == ("join", "members", str(user.pk))


def test_the_link_is_answered_once(world: World) -> None:
    link = join_link(world)
    assert Client().post(link, twice()).status_code == 302
    for response in (Client().get(link), Client().post(link, twice())):
        assert (response.status_code, SPENT in text(response)) == (404, True)
    assert User.objects.filter(email=ADDRESS).count() == 1


@pytest.mark.parametrize("age", [timedelta(days=3), timedelta(days=9)])
def test_the_link_expires_after_three_days(world: World, age: timedelta) -> None:
    link = join_link(world)
    Invitation.objects.update(created_at=clock.now() - age)
    assert Client().get(link).status_code == 404
    assert Client().post(link, twice()).status_code == 404
    assert not User.objects.filter(email=ADDRESS).exists()


@pytest.mark.parametrize("link", ["", "?link=", "?link=x", "?link=%00", "?link=%ED%A0%80"])
def test_other_links_are_not_valid(world: World, link: str) -> None:
    for page in ("join", "password"):
        assert Client().get(f"/account/{page}/{link}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (twice("short"), "too short"),
        (twice("password123"), "too common"),
        ({"password": GOOD, "again": GOOD + "!"}, "not the same"),
        (twice("x" * 129), "at most 128"),
        ({}, "required"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_stays_good(
    world: World, fields: dict[str, str], complaint: str
) -> None:
    link = join_link(world)
    assert complaint in text(Client().post(link, fields))
    assert not User.objects.filter(email=ADDRESS).exists()
    assert Client().post(link, twice()).status_code == 302


def test_who_has_an_account_joins_with_its_password(world: World, stranger: World) -> None:
    stranger.user.set_password(GOOD)
    stranger.user.save()
    link = join_link(world, stranger.user.email.upper())
    wrong = Client().post(link, {"password": "wrong"})
    assert "not the password of the account" in text(wrong)
    assert Client().post(link, {"password": GOOD}).status_code == 302
    assert {row.organization_id for row in Membership.objects.filter(user=stranger.user)} == {
        stranger.organization.pk,
        world.organization.pk,
    }
    assert User.objects.get(pk=stranger.user.pk).current_project_id == stranger.project.pk


def test_a_long_password_of_an_account_that_is_there_is_taken(world: World, stranger: World) -> None:
    """The admin and `manage.py changepassword` take what the form for new ones does not."""
    stranger.user.set_password("long and " * 100)
    stranger.user.save()
    link = join_link(world, stranger.user.email)
    assert Client().post(link, {"password": "long and " * 100}).status_code == 302


@pytest.mark.parametrize(("password", "status"), [(GOOD, 302), ("another good one", 200)])
def test_who_joins_two_organizations_at_the_same_moment_has_one_account(
    world: World, monkeypatch: pytest.MonkeyPatch, password: str, status: int
) -> None:
    """The second finds no account, and cannot make one either."""
    link, real, seen = join_link(world), invitations.invited, []

    def too_early(invitation: Invitation) -> User | None:
        seen.append(1)
        if len(seen) == 2:  # the first is for the form
            User.objects.create_user(ADDRESS, GOOD)
            return None
        return real(invitation)

    monkeypatch.setattr(invitations, "invited", too_early)
    response = Client().post(link, twice(password))
    assert response.status_code == status
    assert ("not the password of the account" in text(response)) == (status == 200)
    assert Membership.objects.filter(user__email=ADDRESS).count() == (status == 302)


def test_a_deactivated_person_does_not_come_back_by_an_invitation(world: World, stranger: World) -> None:
    stranger.user.set_password(GOOD)
    stranger.user.is_active = False
    stranger.user.save()
    assert Client().post(join_link(world, stranger.user.email), {"password": GOOD}).status_code == 200
    assert Membership.objects.filter(user=stranger.user).count() == 1


def test_the_name_of_an_organization_is_escaped(world: World) -> None:
    Organization.objects.filter(pk=world.organization.pk).update(name="<script>alert(1)</script>")
    assert "<script>" not in text(Client().get(join_link(world)))


def test_forms_need_their_csrf_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(join_link(world), twice()).status_code == 403
    assert not User.objects.filter(email=ADDRESS).exists()


# ---- logging in


def test_who_is_no_staff_logs_in_and_out(world: World) -> None:
    world.user.set_password(GOOD)
    world.user.save()
    client = Client()
    assert client.get("/account/")["Location"] == "/account/login/?next=/account/"
    assert "correct" in text(client.post("/account/login/", {"username": world.user.email, "password": "wrong"}))
    response = client.post("/account/login/", {"username": world.user.email.upper(), "password": GOOD})
    assert (response.status_code, response["Location"]) == (302, "/account/")
    home = text(client.get("/account/"))
    assert world.user.email in home
    assert "/admin/" not in home
    assert client.get("/api/users/@me/").status_code == 200
    assert client.post("/account/logout/")["Location"] == "/account/login/"
    assert client.get("/api/users/@me/").status_code == 401


# ---- setting a password


@pytest.fixture
def with_mail(settings: Any) -> None:
    settings.EMAIL_AVAILABLE = True


def path_of(link: str) -> str:
    assert link.startswith("http://127.0.0.1:8000/account/password/?link=")
    return link.removeprefix("http://127.0.0.1:8000")


def test_a_link_sets_the_password_once_and_ends_other_sessions(world: World) -> None:
    elsewhere = world.browser()
    assert elsewhere.get("/api/users/@me/").status_code == 200
    link, client = path_of(passwords.link(world.user)), Client()
    assert world.user.email in text(client.get(link))
    assert client.post(link, twice()).status_code == 302
    assert User.objects.get(pk=world.user.pk).check_password(GOOD)
    assert client.get("/api/users/@me/").json()["email"] == world.user.email
    assert elsewhere.get("/api/users/@me/").status_code == 401
    assert (client.get(link).status_code, client.post(link, twice("another good one")).status_code) == (404, 404)


def test_a_later_link_replaces_an_earlier_one_and_both_expire(world: World) -> None:
    first, second = (path_of(passwords.link(world.user)) for _ in range(2))
    assert (Client().get(first).status_code, Client().get(second).status_code) == (404, 200)
    PasswordLink.objects.update(created_at=clock.now() - timedelta(days=3))
    assert Client().get(second).status_code == 404


def test_a_password_that_was_set_in_another_way_spends_the_link(world: World) -> None:
    """Whoever can read the user's mail has the link, too."""
    link = path_of(passwords.link(world.user))
    world.user.first_name = "Ann"
    world.user.save()
    assert Client().get(link).status_code == 200
    world.user.set_password(GOOD)
    world.user.save(update_fields=["password"])
    assert Client().get(link).status_code == 404


def test_a_deactivated_users_link_is_not_valid(world: World) -> None:
    link = path_of(passwords.link(world.user))
    User.objects.filter(pk=world.user.pk).update(is_active=False)
    assert Client().post(link, twice()).status_code == 404


def test_a_password_like_ones_address_or_weak_is_refused(world: World) -> None:
    link = path_of(passwords.link(world.user))
    assert "too common" in text(Client().post(link, twice("password123")))
    assert not User.objects.get(pk=world.user.pk).has_usable_password()


def test_the_command_prints_a_link_that_works(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("passwordlink", world.user.email.upper())
    assert Client().get(path_of(capsys.readouterr().out.strip())).status_code == 200
    with pytest.raises(CommandError, match=r"There is no user nobody@example.com\."):
        call_command("passwordlink", "nobody@example.com")
    User.objects.filter(pk=world.user.pk).update(is_active=False)
    with pytest.raises(CommandError, match="is deactivated"):
        call_command("passwordlink", world.user.email)


def jobs() -> list[dict[str, Any]]:
    return [job.args for job in ProcrastinateJob.objects.filter(task_name="environments.mail_password_link")]


def ask(world: World, email: str) -> tuple[int, Any]:
    return answer(world.anonymous().post("/api/reset_password/", {"email": email}))


@pytest.mark.usefixtures("with_mail")
def test_who_asks_gets_a_mail_with_a_link(world: World) -> None:
    assert ask(world, world.user.email.upper()) == (204, None)
    [arguments] = jobs()
    assert arguments == {"user_id": str(world.user.pk)}
    passwords.mail_link(**arguments)
    [sent] = mail.outbox
    assert sent.to == [world.user.email]
    [link] = [line for line in sent.body.splitlines() if line.startswith("http")]
    assert Client().post(path_of(link), twice()).status_code == 302


@pytest.mark.usefixtures("with_mail")
def test_unknown_and_inactive_addresses_get_the_same_answer_and_no_mail(world: World, stranger: World) -> None:
    User.objects.filter(pk=stranger.user.pk).update(is_active=False)
    for email in ("nobody@example.com", stranger.user.email):
        assert ask(world, email) == (204, None)
    assert jobs() == []


@pytest.mark.usefixtures("with_mail")
def test_nobody_gets_two_mails_within_five_minutes(world: World) -> None:
    for _ in range(3):
        assert ask(world, world.user.email) == (204, None)
    assert len(jobs()) == 1
    User.objects.update(requested_password_reset_at=clock.now() - timedelta(minutes=5, seconds=1))
    ask(world, world.user.email)
    assert len(jobs()) == 2


@pytest.mark.usefixtures("with_mail")
def test_a_wrong_address_is_a_400(world: World) -> None:
    status, body = ask(world, "ann")
    assert (status, body["code"], body["attr"]) == (400, "invalid_input", "email")
    status, body = answer(world.anonymous().post("/api/reset_password", {}))
    assert (status, body["code"], body["attr"]) == (400, "required", "email")


def test_without_a_mail_server_asking_says_so(world: World) -> None:
    detail = (
        "Cannot reset passwords because email is not configured for your instance. Please contact your administrator."
    )
    assert ask(world, world.user.email) == error(400, "validation_error", "email_not_available", detail)
    assert "manage.py passwordlink" in text(Client().get("/account/forgotten/"))
    assert jobs() == []


@pytest.mark.usefixtures("with_mail")
def test_the_page_for_forgotten_passwords_asks_and_does_not_tell_who_exists(world: World) -> None:
    pages = [Client().post("/account/forgotten/", {"email": email}) for email in (world.user.email, "no@example.com")]
    assert text(pages[0]) == text(pages[1])
    assert jobs() == [{"user_id": str(world.user.pk)}]


def test_the_admins_log_in_leads_there(db: None) -> None:
    assert "/account/forgotten/" in text(Client().get("/admin/login/"))

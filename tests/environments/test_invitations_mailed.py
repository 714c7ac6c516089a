"""Invitations by mail: a task sends a second link, and the request neither waits for it nor fails by it."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from environments import clock, invitations
from environments.models import Invitation, Membership, Organization
from tests.environments.world import World, answer, world

__all__ = ["world"]

pytestmark = pytest.mark.django_db
ADDRESS = "ann@example.com"


@pytest.fixture(autouse=True)
def _with_mail(settings: Any) -> None:
    settings.EMAIL_AVAILABLE = True


def invite(world: World, email: str = ADDRESS) -> dict[str, Any]:
    Membership.objects.filter(user=world.user).update(level=Membership.Level.ADMIN)
    address = f"/api/organizations/{world.organization.pk}/invites/"
    status, made = answer(world.browser().post(address, {"target_email": email}))
    assert status == 201
    return dict(made)


def jobs() -> list[dict[str, Any]]:
    return [
        job.args for job in ProcrastinateJob.objects.filter(task_name="environments.mail_invitation").order_by("id")
    ]


def mailed_link() -> str:
    [link] = re.findall(r"^http\S+$", str(mail.outbox[-1].body), re.MULTILINE)
    return str(link)


def path_of(link: str) -> str:
    return link.removeprefix("http://127.0.0.1:8000")


def test_the_invited_person_gets_a_mail_with_a_link_of_its_own(world: World) -> None:
    made = invite(world)
    assert made["emailing_attempt_made"] is True
    assert jobs() == [{"invitation_id": made["id"]}]
    assert mail.outbox == []
    invitations.mail_invitation(**jobs()[0])
    [sent] = mail.outbox
    assert sent.to == [ADDRESS]
    assert sent.subject == f"You are invited to {world.organization.name}"
    assert world.user.email in sent.body
    assert mailed_link() != made["link"]
    for link in (made["link"], mailed_link()):
        assert Client().get(path_of(link)).status_code == 200


def test_either_link_makes_a_member_and_then_both_are_spent(world: World) -> None:
    made = invite(world)
    invitations.mail_invitation(**jobs()[0])
    form = {"first_name": "Ann", "password": "a long and good one", "password_again": "a long and good one"}
    secret = mailed_link().rpartition("=")[2]
    joined = invitations.accept(secret, form["password"], "Ann")
    assert Membership.objects.filter(organization=world.organization, user=joined).count() == 1
    for link in (made["link"], mailed_link()):
        with pytest.raises(invitations.InvitationGone):
            invitations.find(link.rpartition("=")[2])


def test_the_database_holds_neither_secret(world: World) -> None:
    made = invite(world)
    invitations.mail_invitation(**jobs()[0])
    kept = str(Invitation.objects.values_list()) + str(jobs())
    for link in (made["link"], mailed_link()):
        assert link.rpartition("=")[2] not in kept


def test_without_a_mail_server_nothing_is_asked_for(world: World, settings: Any) -> None:
    settings.EMAIL_AVAILABLE = False
    made = invite(world)
    assert (made["emailing_attempt_made"], jobs()) == (False, [])
    assert made["link"]


def test_a_mail_server_that_fails_fails_the_task_alone_and_the_next_try_sends_a_link_that_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = invite(world)

    def gone(*arguments: Any, **options: Any) -> None:
        raise SMTPServerDisconnected("gone")

    with monkeypatch.context() as broken:
        broken.setattr(invitations, "send_mail", gone)
        with pytest.raises(SMTPServerDisconnected):
            invitations.mail_invitation(**jobs()[0])
    invitations.mail_invitation(**jobs()[0])
    for link in (made["link"], mailed_link()):
        assert invitations.find(link.rpartition("=")[2]).pk == Invitation.objects.get().pk


def test_an_invitation_that_was_taken_back_or_is_too_old_is_not_mailed(world: World) -> None:
    invite(world)
    with clock.stopped_at(clock.now() + timedelta(days=4)):
        invitations.mail_invitation(**jobs()[0])
    Invitation.objects.all().delete()
    invitations.mail_invitation(**jobs()[0])
    assert mail.outbox == []


def test_an_address_gets_no_second_mail_within_five_minutes(world: World) -> None:
    now = clock.now()
    with clock.stopped_at(now):
        assert invite(world)["emailing_attempt_made"] is True
        assert invite(world, "bob@example.com")["emailing_attempt_made"] is True
        invitations.mail_invitation(**jobs()[0])
    for seconds in (1, 2, 300):
        with clock.stopped_at(now + timedelta(seconds=seconds)):
            assert invite(world, ADDRESS.upper())["emailing_attempt_made"] is False
            assert invitations.find(mailed_link().rpartition("=")[2])  # the link that was mailed stays good
    with clock.stopped_at(now + timedelta(minutes=5, seconds=1)):
        assert invite(world)["emailing_attempt_made"] is True
    assert len(jobs()) == 3


def test_a_mail_that_has_not_gone_out_is_asked_for_again(world: World) -> None:
    invite(world)
    assert invite(world)["emailing_attempt_made"] is True
    for job in jobs():
        invitations.mail_invitation(**job)
    assert len(mail.outbox) == 1


def test_a_name_with_a_line_end_makes_no_header(world: World) -> None:
    Organization.objects.filter(pk=world.organization.pk).update(name="Acme\nBcc: eve@example.com")
    invite(world)
    invitations.mail_invitation(**jobs()[0])
    assert mail.outbox[0].subject == "You are invited to Acme Bcc: eve@example.com"
    assert mail.outbox[0].recipients() == [ADDRESS]

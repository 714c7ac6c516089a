"""The admin of tasks: what it reads is bounded, and only who may decide starts and stops them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from environments.models import AuditEntry, User
from environments.tasks import daily
from tests.environments.world import make_world, statements

pytestmark = pytest.mark.django_db
LIST = "/admin/procrastinate/procrastinatejob/"


@pytest.fixture
def person() -> User:
    """A superuser."""
    user = make_world().user
    user.is_staff = user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def queued(**fields: Any) -> int:
    return int(app.configure_task("environments.mail_invitation", **fields).defer(invitation_id="none"))


def next_of(task: Any) -> int:
    """Queue a periodic task, as when it is due."""
    return int(task.defer(timestamp=1))


def failed(job: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', attempts = 1 WHERE id = %s", [job])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [job])


def status(job: int) -> str:
    return str(ProcrastinateJob.objects.values_list("status", flat=True).get(pk=job))


def shown(client: Client, query: str) -> set[int]:
    return {job.pk for job in client.get(LIST + query).context["cl"].result_list}


def do(client: Client, action: str, *jobs: int) -> str:
    answer = client.post(LIST, {"action": action, "_selected_action": list(map(str, jobs))}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_reads_a_page_of_jobs_and_nothing_of_the_others(client: Client) -> None:
    for number in range(60):
        queued(lock=f"lock-{number}")
    with statements() as sent:
        page = client.get(LIST + "?o=2")
    about_jobs = [text for text in sent if 'FROM "procrastinate_jobs"' in text]
    assert len(about_jobs) == 1
    assert ' ORDER BY "procrastinate_jobs"."id" DESC LIMIT 50' in about_jobs[0]
    assert len(page.context["cl"].result_list) == 50


def test_jobs_are_found_by_id_task_and_lock_and_filtered_by_status_and_task(client: Client) -> None:
    one, other = queued(lock="one-lock"), queued(queueing_lock="other-lock")
    failed(other)
    assert shown(client, "") == {one, other}
    assert shown(client, f"?q={one}") == {one}
    assert shown(client, "?q=one-lock") == {one}
    assert shown(client, "?q=other-lock") == {other}
    assert shown(client, "?q=environments.mail_invitation") == {one, other}
    assert shown(client, "?q=lock") == shown(client, "?q=" + "9" * 30) == set()
    assert shown(client, "?status=failed") == {other}
    assert shown(client, "?status=succeeded") == set()
    assert shown(client, "?task_name=environments.daily") == set()
    assert shown(client, "?task_name=environments.mail_invitation") == {one, other}
    assert shown(client, "?status=nothing&task_name=%00") == {one, other}


def test_a_job_is_shown_with_what_became_of_it_and_not_changed(client: Client) -> None:
    job = queued(lock="one-lock")
    failed(job)
    page = client.get(f"{LIST}{job}/change/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "one-lock" in text
    assert "environments.mail_invitation" in text
    assert "invitation_id" in text
    assert "Failed" in text
    assert 'name="_save"' not in text
    assert client.post(f"{LIST}{job}/change/", {}).status_code == 403
    assert client.post(f"{LIST}{job}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_jobs_are_run_again_cancelled_and_stopped_which_is_recorded(client: Client, person: User) -> None:
    again, waiting, untouched = queued(), queued(), queued()
    failed(again)
    do(client, "retry", again)
    do(client, "cancel", waiting)
    do(client, "abort", untouched, again)
    do(client, "cancel", waiting)  # is cancelled already
    assert {job: status(job) for job in (again, waiting, untouched)} == dict.fromkeys(
        (again, waiting, untouched), "cancelled"
    )
    stopped = {"status": "todo", "abort_requested": False}, {"status": "cancelled", "abort_requested": True}
    found = AuditEntry.objects.filter(environment_id=0, resource="jobs").order_by("created_at", "id")
    assert [(entry.action, entry.object_id, entry.before, entry.after) for entry in found] == [
        ("retry", str(again), {"status": "failed"}, {"status": "todo"}),
        ("cancel", str(waiting), {"status": "todo"}, {"status": "cancelled"}),
        ("abort", str(untouched), *stopped),
        ("abort", str(again), *stopped),
    ]
    assert {entry.user_email for entry in found} == {person.email}


def test_a_job_of_which_the_next_waits_already_is_left_alone(client: Client) -> None:
    """Of a queueing lock one job may wait: to run it again would break that."""
    old = next_of(daily)
    failed(old)
    new, other = next_of(daily), queued()
    failed(other)
    page = do(client, "retry", old, other)
    assert "Left alone, since the same waits in the queue already: 1." in page
    assert [status(job) for job in (old, new, other)] == ["failed", "todo", "todo"]


def test_who_may_only_look_starts_and_stops_nothing() -> None:
    user = make_world().user
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_procrastinatejob"))
    client, job = Client(), queued()
    client.force_login(user)
    page = client.get(LIST)
    assert page.status_code == 200
    assert [name for name in ("retry", "cancel", "abort") if f'value="{name}"' in page.content.decode()] == []
    for action in ("retry", "cancel", "abort"):
        client.post(LIST, {"action": action, "_selected_action": str(job)})
    assert status(job) == "todo"

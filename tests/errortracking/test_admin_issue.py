"""An issue's page in the admin: the exception as a person reads it, and what a person decides."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from environments import clock
from environments.models import AuditEntry
from errortracking.models import Event, FrameContent, Issue, Release, StackFrame
from tests.environments.world import World, make_world, statements
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, send

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('x')</script>"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World) -> Client:
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    client = Client()
    client.force_login(world.user)
    return client


def sent(world: World, *exceptions: dict[str, Any], **changes: Any) -> tuple[Issue, str]:
    """Let one event be processed; return its issue and its id."""
    event = entry(*exceptions, **changes)
    send(world.project, event)
    stored = Event.objects.select_related("fingerprint__issue").get(environment_id=world.project.pk, pk=event["uuid"])
    assert stored.fingerprint is not None
    return stored.fingerprint.issue, str(event["uuid"])


def address(issue: Issue) -> str:
    return f"/admin/errortracking/issue/{issue.pk}/change/"


def page(client: Client, issue: Issue, query: str = "") -> str:
    response = client.get(address(issue) + query)
    assert response.status_code == 200
    return response.content.decode()


def words(markup: str) -> str:
    """Return the text of a page without its marks, words apart by one space."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", markup, flags=re.S)).split())


def decide(client: Client, issue: Issue, decision: str, seen: str) -> HttpResponse:
    response = client.post(
        f"/admin/errortracking/issue/{issue.pk}/decide/", {"decision": decision, "seen": seen}, follow=True
    )
    issue.refresh_from_db()
    return response


def test_the_chain_is_shown_with_the_outermost_first_and_frames_from_the_crash_on(world: World, client: Client) -> None:
    outer = exception("RuntimeError", "checkout failed", [frame("main", lineno=3), frame("checkout", lineno=9)])
    cause = exception("KeyError", "'coffee'", [frame("price_of", lineno=5)], mechanism={"handled": False})
    issue, _ = sent(world, outer, cause)
    shown = words(page(client, issue))
    places = [
        shown.index(text)
        for text in (
            "RuntimeError checkout failed",
            "checkout shop/cart.py:9",
            "main shop/cart.py:3",
            "caused by KeyError",
            "price_of shop/cart.py:5",
        )
    ]
    assert places == sorted(places)
    assert "KeyError unhandled 'coffee'" in shown


def test_source_lines_have_their_numbers_and_the_variables_of_the_occurrence(world: World, client: Client) -> None:
    """An SDK's lines before the frame's own are stored nearest first, and shown as they stand in the file."""
    sent_frame = frame(
        lineno=7,
        pre_context=["five", "six"],
        context_line="seven",
        post_context=["eight"],
        code_variables={"cart": "[1, 2]", "nested": {"a": 1}, "password": "hunter2"},
    )
    issue, _ = sent(world, exception(frames=[sent_frame]))
    markup = page(client, issue)
    assert "5 five 6 six 7 seven 8 eight cart [1, 2]" in words(markup)
    assert 'nested {"a": 1}' in words(markup)
    assert re.findall(r'<tr class="hit"><td>(\d+)</td><td>(\w+)</td>', markup) == [("7", "seven")]
    assert "hunter2" not in markup
    assert "password (hidden)" in words(markup)


def test_frames_of_the_program_are_open_and_those_of_libraries_are_not(world: World, client: Client) -> None:
    issue, _ = sent(world, exception(frames=[frame("ours"), frame("theirs", in_app=False)]))
    found = re.findall(r"<details( open)?>\s*<summary[^>]*><b>(\w+)</b>", page(client, issue))
    assert found == [("", "theirs"), (" open", "ours")]


def test_what_events_contain_is_escaped(world: World, client: Client) -> None:
    evil = frame(
        EVIL,
        filename=EVIL,
        context_line=EVIL,
        pre_context=[EVIL],
        code_variables={EVIL: EVIL, "deep": {EVIL: [EVIL]}},
    )
    properties = {"$lib": EVIL, "$lib_version": EVIL}
    issue, _ = sent(world, exception(EVIL, EVIL, [evil]), properties=properties, distinct_id=EVIL)
    for markup in (page(client, issue), client.get("/admin/errortracking/issue/").content.decode()):
        assert "<script>alert" not in markup
        assert "&lt;script&gt;alert(&#x27;x&#x27;)" in markup
    # message and type, function and file, two lines, a name and a value, and in the one that is JSON
    assert words(page(client, issue)).count(EVIL) >= 10


def test_a_frame_is_shown_as_it_was_or_as_it_is_now_where_that_was_unresolved(world: World, client: Client) -> None:
    issue, _ = sent(world, exception(frames=[frame("then")]))
    stack_frame = StackFrame.objects.select_related("content").get(environment_id=world.project.pk)
    now = FrameContent.objects.create(
        environment=world.project,
        hash=b"n" * 32,
        contents={"mangled_name": "now", "in_app": True, "line": 1, "source": "a.py"},
        resolved=True,
    )
    then = stack_frame.content
    stack_frame.content = now
    stack_frame.save()
    assert ("then shop/cart.py:7" in words(page(client, issue)), "now a.py:1" in words(page(client, issue))) == (
        True,
        False,
    )
    then.resolved = False
    then.save()
    assert ("then shop/cart.py:7" in words(page(client, issue)), "now a.py:1" in words(page(client, issue))) == (
        False,
        True,
    )


def test_the_latest_twenty_events_are_listed_and_one_is_selected(world: World, client: Client) -> None:
    events = [
        entry(
            timestamp=(NOON - timedelta(minutes=minutes)).isoformat(),
            distinct_id=f"user-{minutes}",
            properties={"$exception_list": [exception(value=f"value {minutes}")]},
        )
        for minutes in range(22)
    ]
    send(world.project, *events)
    issue = Issue.objects.get(environment_id=world.project.pk)
    markup = page(client, issue)
    assert re.findall(r'href="\?event=([0-9a-f-]+)"', markup) == [event["uuid"] for event in events[:20]]
    assert "Occurrences 22 Users 22 First seen 2026-11-22 11:39:00 Last seen 2026-11-22 12:00:00" in words(markup)
    assert '<p class="code message">value 0</p>' in markup
    assert '<p class="code message">value 5</p>' in page(client, issue, f"?event={events[5]['uuid']}")
    assert '<p class="code message">value 21</p>' in page(client, issue, f"?event={events[21]['uuid']}")
    assert '<p class="code message">value 0</p>' in page(client, issue, "?event=nonsense")


def test_an_event_of_another_issue_or_project_is_not_shown(world: World, client: Client) -> None:
    issue, _ = sent(world, exception("ValueError", "mine"))
    _, beside = sent(world, exception("KeyError", "other issue", [frame("other")]))
    _, far = sent(make_world(), exception("KeyError", "other project"))
    for event, text in ((beside, "other issue"), (far, "other project")):
        markup = page(client, issue, f"?event={event}")
        assert "This event is not there, or cannot be read." in markup
        assert text not in markup


def test_an_issue_without_events_and_one_with_an_unreadable_event_still_open(world: World, client: Client) -> None:
    empty = Issue.objects.create(environment=world.project, name="Empty")
    assert "No event of this issue is stored any more." in page(client, empty)
    issue, _ = sent(world)
    Event.objects.filter(environment_id=world.project.pk).update(payload=b"broken")
    assert "This event is not there, or cannot be read." in page(client, issue)


def test_the_release_is_named(world: World, client: Client) -> None:
    issue, _ = sent(world)
    assert "Release –" in words(page(client, issue))
    release = Release.objects.create(
        environment=world.project,
        hash_id="abc",
        project="shop",
        version="3.1",
        metadata={"git": {"commit_id": "0123456789abcdef"}},
    )
    properties = {"$exception_list": [exception("KeyError")], "$release_id": str(release.pk)}
    issue, _ = sent(world, properties=properties)
    assert "Release shop 3.1 0123456789ab" in words(page(client, issue))


def test_more_frames_than_a_person_reads_are_counted(world: World, client: Client) -> None:
    issue, _ = sent(world, exception(frames=[frame(f"call_{number}", lineno=number) for number in range(130)]))
    markup = page(client, issue)
    assert markup.count("<details") == 100
    assert "call_129" in markup
    assert "call_29<" not in markup
    assert "30 more frames towards the entry." in markup


def test_a_page_takes_as_many_queries_however_long_the_chain_is(world: World, client: Client) -> None:
    short, _ = sent(world, exception("A", frames=[frame("a")]))
    long, _ = sent(world, *(exception(f"B{n}", frames=[frame(f"b{n}_{m}") for m in range(20)]) for n in range(10)))
    for issue in (short, long):
        with statements() as seen:
            page(client, issue)
        selects = [text for text in seen if "SELECT" in text]
        # session, user; issue with its project, statistics, latest events, the event, its contents
        assert len(selects) == 7, selects


@pytest.mark.parametrize(
    ("before", "decision", "after"),
    [
        ("active", "resolve", "resolved"),
        ("active", "suppress", "suppressed"),
        ("resolved", "reopen", "active"),
        ("suppressed", "reopen", "active"),
        ("archived", "resolve", "resolved"),
    ],
)
def test_a_person_decides_and_it_is_recorded(
    world: World, client: Client, before: str, decision: str, after: str
) -> None:
    issue = Issue.objects.create(environment=world.project, status=before)
    with clock.stopped_at(NOON):
        client.force_login(world.user)
        response = decide(client, issue, decision, before)
    assert f"The issue is {after} now." in response.content.decode()
    assert (issue.status, issue.state_updated_at) == (after, NOON)
    recorded = AuditEntry.objects.get(environment_id=world.project.pk)
    assert (recorded.user_id, recorded.user_email, recorded.key_id) == (world.user.pk, world.user.email, "")
    assert (recorded.action, recorded.resource, recorded.object_id) == (decision, "issues", str(issue.pk))
    assert (recorded.before, recorded.after) == ({"status": before}, {"status": after})


def test_who_saw_another_status_changes_nothing(world: World, client: Client) -> None:
    """Somebody else suppressed it meanwhile; to resolve it would let it come back."""
    issue = Issue.objects.create(environment=world.project, status="suppressed")
    changed_at = issue.state_updated_at
    response = decide(client, issue, "resolve", "active")
    assert "Nothing was done" in response.content.decode()
    assert (issue.status, issue.state_updated_at) == ("suppressed", changed_at)
    decide(client, issue, "suppress", "suppressed")
    assert issue.state_updated_at == changed_at
    assert not AuditEntry.objects.filter(environment_id=world.project.pk).exists()


def test_only_the_decisions_that_change_something_are_offered(world: World, client: Client) -> None:
    offered = {}
    for status in ("active", "resolved", "suppressed"):
        issue = Issue.objects.create(environment=world.project, status=status)
        offered[status] = re.findall(r'name="decision" value="(\w+)"', page(client, issue))
    assert offered == {
        "active": ["resolve", "suppress"],
        "resolved": ["suppress", "reopen"],
        "suppressed": ["resolve", "reopen"],
    }


def test_decisions_need_a_post_a_csrf_token_and_known_words(world: World, client: Client) -> None:
    issue = Issue.objects.create(environment=world.project)
    path = f"/admin/errortracking/issue/{issue.pk}/decide/"
    form = {"decision": "resolve", "seen": "active"}
    assert client.get(path).status_code == 405
    assert client.post(path, {**form, "decision": "delete"}).status_code == 400
    assert client.post(path, {**form, "seen": "nonsense"}).status_code == 400
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.user)
    assert strict.post(path, form).status_code == 403
    gone = path.replace(str(issue.pk), "01a201fd-0000-7000-8000-000000000000")
    assert client.post(gone, form).status_code == 404
    issue.refresh_from_db()
    assert issue.status == "active"


def test_who_may_only_look_is_offered_nothing_and_may_not_decide(world: World) -> None:
    world.user.is_staff = True
    world.user.save()
    client = Client()
    client.force_login(world.user)
    issue = Issue.objects.create(environment=world.project)
    assert client.get(address(issue)).status_code == 403
    world.user.user_permissions.add(Permission.objects.get(codename="view_issue"))
    assert 'name="decision"' not in page(client, issue)
    assert decide(client, issue, "resolve", "active").status_code == 403
    assert issue.status == "active"
    world.user.user_permissions.add(Permission.objects.get(codename="change_issue"))
    assert decide(client, issue, "resolve", "active").status_code == 200
    assert issue.status == "resolved"

"""An issue's page in the admin: the exception as a person reads it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from errortracking.models import ErrorTrackingSettings, Event, FrameContent, Issue, Release, StackFrame
from tests.environments.world import World, make_world, statements
from tests.errortracking.admin_page import client, page, sent, words, world
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, send

__all__ = ["client", "world"]

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('x')</script>"


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
        # session, user; issue with its project, statistics, drops, latest events, the event, its contents
        assert len(selects) == 8, selects


def test_what_the_rate_limits_dropped_is_shown_by_whose_limit_it_was(world: World, client: Client) -> None:
    issue, _ = sent(world)
    assert "Dropped by rate limits" not in page(client, issue)
    ErrorTrackingSettings.objects.create(
        environment=world.project, per_issue_rate_limit_value=3, project_rate_limit_value=2
    )
    send(world.project, *[entry() for _ in range(7)])  # 3 of them pass the issue's limit, 2 of these the project's
    assert "Occurrences 3 Users 1 Dropped by rate limits 5 (4 by the issue's, 1 by the project's)" in words(
        page(client, issue)
    )

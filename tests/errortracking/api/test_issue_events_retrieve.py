"""GET …/issues/{id}/events/{uuid}/: one occurrence, with everything that is stored of it."""

from __future__ import annotations

import pytest

from environments.api.renderers import dumps
from errortracking.api import issue_event_rows
from errortracking.models import Event, Fingerprint, FrameContent, Release, StackFrame, event_payload
from tests.environments.world import NOT_FOUND, Api, World, answer, error, statements
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN
from tests.errortracking.api.occurring import NOON, issues, make_events, make_fingerprint, sent, uuid
from tests.errortracking.pipeline.making import entry, exception, frame, queue, request, turn

__all__ = ["issues"]

EVIL = "<script>alert(1)</script> \u2028 '\"\\ 💥"


def event(issues: Api, ids: tuple[str, str]) -> dict:  # type: ignore[type-arg]
    status, body = answer(issues.get(f"{ids[0]}/events/{ids[1]}/"))
    assert status == 200, body
    return body  # type: ignore[no-any-return]


def test_an_event_shows_everything_that_is_stored_of_it(world: World, issues: Api) -> None:
    release = Release.objects.create(
        environment=world.project, hash_id="h", version="2.1", project="shop", metadata={"git": {"commit_id": "abc"}}
    )
    pay = frame(code_variables={"cart": "[1, 2]"})
    chain = [
        exception("RuntimeError", "checkout failed", [frame("main", lineno=3), pay], mechanism={"handled": False}),
        exception("KeyError", "'coffee'", [], module="shop.stock", thread_id=7),
    ]
    ids = sent(world.project, *chain, properties={"$release_id": str(release.id), "plan": "pro"}, distinct_id="ann")
    main, stacked = StackFrame.objects.filter(environment=world.project).order_by("content__contents__line")
    fingerprint = Fingerprint.objects.get(environment=world.project)
    shown = event(issues, ids)
    exceptions = shown.pop("exceptions")
    outer, cause = exceptions
    assert [{key: value for key, value in one.items() if key not in {"id", "frames"}} for one in exceptions] == [
        {
            "type": "RuntimeError",
            "value": "checkout failed",
            "module": None,
            "thread_id": None,
            "mechanism": {"handled": False},
        },
        {"type": "KeyError", "value": "'coffee'", "module": "shop.stock", "thread_id": 7, "mechanism": None},
    ]
    assert cause["frames"] == []
    assert outer["frames"][1] == {
        "id": str(stacked.id),
        "raw_id": f"{stacked.raw_id}/0",
        "resolved": True,
        "resolved_later": False,
        "contents": stacked.content.contents,
        "context": {
            "before": [{"number": 6, "line": "def pay(cart):"}],
            "line": {"number": 7, "line": "    charge(cart)"},
            "after": [{"number": 8, "line": "    return"}],
        },
        "code_variables": {"cart": "[1, 2]"},
    }
    assert (outer["frames"][0]["id"], outer["frames"][0]["code_variables"]) == (str(main.id), None)
    assert outer["frames"][0]["contents"]["resolved_name"] == "main"
    properties = shown.pop("properties")
    assert (properties["plan"], properties["$exception_types"]) == ("pro", ["RuntimeError", "KeyError"])
    assert shown == {
        "uuid": ids[1],
        "timestamp": "2026-11-22T12:00:00Z",
        "received_at": "2026-11-22T12:00:00Z",
        "distinct_id": "ann",
        "sdk": "posthog-python",
        "sdk_version": "7.91.1",
        "ip": None,
        "user_agent": None,
        "release": {
            "project": "shop",
            "version": "2.1",
            "timestamp": release.created_at.isoformat().replace("+00:00", "Z"),
            "metadata": {"git": {"commit_id": "abc"}},
        },
        "grouping": {
            "fingerprint_id": str(fingerprint.id),
            "fingerprint": fingerprint.fingerprint,
            "kind": "v2",
            "record": [
                part("exception", 0, None, ["Exception Type"], id=outer["id"]),
                part("frame", 0, 0, PIECES, raw_id=f"{main.raw_id}/0"),
                part("frame", 0, 1, PIECES, raw_id=f"{stacked.raw_id}/0"),
                part("exception", 1, None, ["Exception Type", "Exception Message"], id=cause["id"]),
            ],
        },
        "truncated": False,
    }


PIECES = ["Source file name", "Module name", "Resolved function name"]


def part(type_: str, exception: int | None, frame: int | None, pieces: list[str], **more: str) -> dict[str, object]:
    """Return one part of a grouping record as it is shown."""
    ids: dict[str, object] = {"id": None, "raw_id": None, "rule_id": None, **more}
    return {"type": type_, "exception": exception, "frame": frame, "pieces": pieces, **ids}


def test_the_address_and_the_program_that_sent_it_are_shown_where_they_are_kept(world: World, issues: Api) -> None:
    from errortracking.models import payload

    one = entry()
    packed = payload.pack(request(one, ip="192.0.2.7", user_agent="posthog-python/7.91.1"))
    queue(world.project, one, payload=packed)
    assert turn(world.project)
    issue = Fingerprint.objects.get(environment=world.project).issue_id
    shown = event(issues, (str(issue), str(one["uuid"])))
    assert (shown["ip"], shown["user_agent"]) == ("192.0.2.7", "posthog-python/7.91.1")


def test_a_frame_is_shown_as_it_was_or_as_it_is_now_where_that_was_unresolved(world: World, issues: Api) -> None:
    """design.md, what is stored: the content of that time, or the frame's current one where that was unresolved."""
    ids = sent(world.project, exception(frames=[frame("then")]))
    row = StackFrame.objects.select_related("content").get(environment=world.project)
    now = FrameContent.objects.create(
        environment=world.project, hash=b"n" * 32, contents={"resolved_name": "now"}, context=None, resolved=True
    )
    then, row.content = row.content, now
    row.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"]["resolved_name"], shown["resolved"], shown["resolved_later"]) == ("then", True, False)
    then.resolved = False
    then.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"], shown["context"]) == ({"resolved_name": "now"}, None)
    assert (shown["resolved"], shown["resolved_later"]) == (True, True)
    now.resolved = False
    now.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"], shown["resolved"], shown["resolved_later"]) == ({"resolved_name": "now"}, False, False)


def test_a_frame_that_failed_but_looked_readable_is_shown_as_it_was_resolved_since(world: World, issues: Api) -> None:
    ids = sent(world.project, exception(frames=[frame("then")]))
    row = StackFrame.objects.select_related("content").get(environment=world.project)
    then = row.content
    then.contents["resolve_failure"] = "No sourcemap uploaded for chunk id: c1"
    then.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"]["resolved_name"], shown["resolved"], shown["resolved_later"]) == ("then", True, False)
    row.content = now = FrameContent.objects.create(
        environment=world.project, hash=b"n" * 32, contents={"resolved_name": "now"}, context=None, resolved=True
    )
    row.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"], shown["resolved"], shown["resolved_later"]) == ({"resolved_name": "now"}, True, True)
    now.contents["resolve_failure"] = "Token not found for frame: a:1:2"
    now.save()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["contents"]["resolved_name"], shown["resolved"], shown["resolved_later"]) == ("now", True, False)


def test_a_frame_whose_row_is_gone_is_shown_by_its_content(world: World, issues: Api) -> None:
    ids = sent(world.project, exception(frames=[frame("then")]))
    raw_id = event(issues, ids)["exceptions"][0]["frames"][0]["raw_id"]
    StackFrame.objects.filter(environment=world.project).delete()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["raw_id"], shown["contents"]["resolved_name"]) == (raw_id, "then")
    FrameContent.objects.filter(environment=world.project).delete()
    shown = event(issues, ids)["exceptions"][0]["frames"][0]
    assert (shown["raw_id"], shown["contents"], shown["context"], shown["resolved"]) == (None, {}, None, False)


def test_texts_and_large_values_come_as_they_are_stored(world: World, issues: Api) -> None:
    ids = sent(
        world.project,
        exception(EVIL, EVIL, [frame(EVIL, code_variables={EVIL: [EVIL]})]),
        properties={"large": "x" * 1_000_000, EVIL: EVIL},
        distinct_id=EVIL,
    )
    shown = event(issues, ids)
    assert (shown["properties"]["large"], shown["properties"][EVIL]) == ("x" * 1_000_000, EVIL)
    assert (shown["distinct_id"], shown["exceptions"][0]["type"]) == (EVIL, EVIL)
    assert shown["exceptions"][0]["frames"][0]["code_variables"] == {EVIL: [EVIL]}
    stored = event_payload.unpack(Event.objects.get(environment=world.project, pk=ids[1]).payload)
    assert shown["properties"] == stored["properties"]


def test_an_event_that_this_version_cannot_read_still_answers(world: World, issues: Api) -> None:
    fingerprint = make_fingerprint(world.project)
    make_events(fingerprint, {uuid(900_001): NOON}, payload=b"of the future")
    shown = event(issues, (str(fingerprint.issue_id), uuid(900_001)))
    assert (shown["exceptions"], shown["truncated"]) == ([], False)
    assert shown["properties"] == {
        "$cymbal_errors": ["This version of the server cannot read what is stored of the event."]
    }


def test_an_event_beyond_what_an_answer_may_hold_is_shown_without_its_content(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same frame a thousand times is a few bytes in the event and a thousand contents in the answer."""
    deep = [frame("loop")] * 200
    ids = sent(world.project, exception(frames=deep))
    whole = event(issues, ids)
    assert (len(whole["exceptions"][0]["frames"]), whole["truncated"]) == (200, False)
    stored = event_payload.unpacked_size(Event.objects.get(environment=world.project, pk=ids[1]).payload)
    monkeypatch.setattr("errortracking.api.issue_events.BUDGET_OF_ONE", stored + 20_000)
    assert len(dumps(whole)) > stored + 20_000
    cut = event(issues, ids)
    assert (cut["exceptions"], cut["properties"], cut["truncated"]) == ([], {}, True)
    assert (cut["uuid"], cut["distinct_id"], cut["grouping"]["kind"]) == (ids[1], "user-1", "v2")
    assert issue_event_rows.BUDGET_OF_ONE == 64 * 1024 * 1024


# ---- what is not there


@pytest.mark.parametrize("id_", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_a_404(world: World, issues: Api, id_: str) -> None:
    issue, one = sent(world.project)
    for path in (f"{issue}/events/{id_}/", f"{id_}/events/{one}/", f"{id_}/events/{id_}/"):
        assert answer(issues.get(path)) == (404, NOT_FOUND)


def test_an_event_of_another_issue_is_a_404(world: World, issues: Api) -> None:
    first, _ = sent(world.project, exception("KeyError"))
    second, one = sent(world.project, exception("TypeError"))
    assert first != second
    assert answer(issues.get(f"{first}/events/{one}/")) == (404, NOT_FOUND)
    assert issues.get(f"{second}/events/{one}/").status_code == 200


def test_an_event_follows_its_fingerprint_to_another_issue(world: World, issues: Api) -> None:
    """Merge and split move fingerprints, and never events."""
    first, one = sent(world.project, exception("KeyError"))
    second, _ = sent(world.project, exception("TypeError"))
    Fingerprint.objects.filter(environment=world.project, issue_id=first).update(issue_id=second)
    assert event(issues, (second, one))["uuid"] == one
    assert answer(issues.get(f"{first}/events/{one}/")) == (404, NOT_FOUND)


def test_the_events_of_a_merged_issue_are_at_its_successor(world: World, issues: Api) -> None:
    gone, first = sent(world.project, exception("KeyError"))
    issue, second = sent(world.project, exception("TypeError"))
    assert issues.post(f"{issue}/merge/", {"ids": [gone]}).status_code == 200
    for path in ("events/", "events", f"events/{first}/", "events/?date_from=2026-01-01&limit=1"):
        response = issues.get(f"{gone}/{path}")
        assert answer(response) == (308, {"issue_id": issue})
        assert response["Location"] == f"http://testserver{issues.root}{issue}/{path}"
    assert event(issues, (issue, first))["uuid"] == first
    assert issues.get(f"{issue}/events/{second}/").status_code == 200


def test_it_needs_the_read_scope(world: World) -> None:
    issue, one = sent(world.project)
    text = "API key missing required scope 'error_tracking:read'"
    missing = error(403, "authentication_error", "permission_denied", text)
    path = f"error_tracking/issues/{issue}/events/{one}/"
    assert answer(world.api("health_issue:write").get(path)) == missing
    assert world.browser().get(path).status_code == 200


def test_an_event_is_three_statements_however_many_frames_it_has(world: World, issues: Api) -> None:
    """One for the key, one for the event with its fingerprint, one for its frames."""
    few = sent(world.project, exception("A"))
    many = sent(world.project, *[exception(f"B{n}", frames=[frame(f"f{n}-{m}") for m in range(20)]) for n in range(5)])
    event(issues, few)
    for ids in (few, many):
        with statements() as seen:
            event(issues, ids)
        assert len(seen) == 3

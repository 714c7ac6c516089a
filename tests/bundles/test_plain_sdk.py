"""posthog-js without its extensions fetches from this server the one that reports what nobody catches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from tests.bundles.project import ShopProject, own_frames
from tests.bundles.shop import ESBUILD, places
from tests.bundles.website import Website, served

OURS: Final = Path(__file__).parents[2] / "errortracking" / "ingest" / "exception_autocapture.js"
LOADED: Final = "() => window.__PosthogExtensions__ && window.__PosthogExtensions__.errorWrappingFunctions"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.close()


@pytest.mark.parametrize(("versioned", "address"), [(True, "static/1.449.2/"), (False, "static/")])
def test_what_nobody_catches_is_reported_by_the_plain_script(
    page: Page, packages: Path, project: ShopProject, versioned: bool, address: str
) -> None:
    """Which is what ``import posthog from 'posthog-js'`` holds as well; it asks at once and then runs the shop."""
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(f"{answer.status} {answer.url.removeprefix(project.url)}"))
    site = Website(ESBUILD.folder("injected"), packages / "node_modules" / "posthog-js" / "dist" / "array.js")
    site.report_to(project.url, project.token, modules=ESBUILD.modules, strict_script_versioning=versioned)
    project.upload(ESBUILD)
    with served(site):
        main = site.files.pop("/main.js")
        page.goto(f"{site.url}/")
        page.wait_for_function(LOADED)
        site.files["/main.js"] = main
        with page.expect_response(lambda answer: "/e/" in answer.url and answer.request.method == "POST") as answered:
            page.evaluate("() => document.body.appendChild(document.createElement('script')).src = '/main.js'")
        assert answered.value.status == 200
        [event] = project.wait_for(1)
    scripts = [one.partition("?")[0] for one in asked if "autocapture" in one]
    assert scripts == [f"200 /{address}exception-autocapture.js"]
    assert places(event) == ESBUILD.written
    assert {frame["resolved_later"] for frame in own_frames(event)} == {False}


def test_a_rejected_promise_is_reported_by_the_plain_script(page: Page, packages: Path, project: ShopProject) -> None:
    site = Website(ESBUILD.folder("plain"), packages / "node_modules" / "posthog-js" / "dist" / "array.js")
    site.report_to(project.url, project.token, modules=ESBUILD.modules)
    del site.files["/main.js"]
    with served(site):
        page.goto(f"{site.url}/")
        page.wait_for_function(LOADED)
        page.evaluate("() => { setTimeout(() => Promise.reject(new RangeError('too far')), 0) }")
        [event] = project.wait_for(1)
    assert [(one["type"], one["value"]) for one in event["exceptions"]] == [("RangeError", "too far")]


# ---- the same as the SDK's own

CASES: Final = {
    "an error": "() => { throw new TypeError('no such thing') }",
    "with a cause": "() => { throw new Error('outer', { cause: new RangeError('inner') }) }",
    "with a cause that is a text": "() => { throw new Error('outer', { cause: 'TypeError: of old' }) }",
    "a circle of causes": "() => { const e = new Error('round'); e.cause = e; throw e }",
    "an aggregate": "() => { throw new AggregateError([new Error('a'), 'b', 3], 'all of them') }",
    "a class of one's own": "() => { class Lost extends Error {}; const e = new Lost('x'); e.name = 'Lost'; throw e }",
    "without a name": "() => { const e = new Error('x'); e.name = ''; throw e }",
    "without a stack": "() => { const e = new Error('x'); delete e.stack; e.stack = ''; throw e }",
    "an error in the message": "() => { const e = new Error(); e.message = { error: new Error('within') }; throw e }",
    "a DOM exception": "() => { document.createElement('<') }",
    "one made by hand": "() => { throw new DOMException('gone', 'AbortError') }",
    "a text": "() => { throw 'out of stock' }",
    "a text that names its type": "() => { throw 'RangeError: out of stock' }",
    "a number": "() => { throw 42 }",
    "null": "() => { throw null }",
    "undefined": "() => { throw undefined }",
    "an object": "() => { throw { code: 7, reason: 'x', anotherOne: 1, oneThatIsMuchTooLong: 2, z: 3 } }",
    "an empty object": "() => { throw {} }",
    "an object with a message": "() => { throw { message: 'said' } }",
    "an object with a name": "() => { throw { name: 'Named', message: 'said' } }",
    "an object around an error": "() => { throw { at: 1, error: new SyntaxError('inside') } }",
    "an object of a class": "() => { class Shop { constructor() { this.id = 1 } }; throw new Shop() }",
    "an object with a stack": (
        "() => { throw { message: 'm', stack: 'x\\n    at f (https://shop.example/a.js:1:2)' } }"
    ),
    "an event": "() => { throw new CustomEvent('nothing') }",
    "a recursion": "() => { const f = (n) => n ? f(n - 1) : g(); const g = () => { throw new Error('deep') }; f(200) }",
    "in an eval": "() => { eval('(function inner() { throw new Error(\"evaluated\") })()') }",
    "in a native": "() => { [1].forEach(function each() { throw new Error('each') }) }",
    "a constructor": "() => { new (function Shop() { throw new Error('made') })() }",
    "a long message of lines": "() => { throw new Error('one\\n  two\\nTypeError: three') }",
}
STACKS: Final = {
    "of Firefox": "pay@https://shop.example/app.js:10:15\n@https://shop.example/app.js:20:1\nf/<@https://a.b/c.js:1:2",
    "of an eval in Firefox": (
        "inner@https://a.b/c.js line 3 > eval:1:20\n@https://a.b/c.js line 7 > eval line 1 > eval:1:1"
    ),
    "of Safari": (
        "pay@https://shop.example/app.js:10:15\nglobal code@https://shop.example/app.js:30:4\n[native code]\neval code"
    ),
    "of Chromium": (
        "Error: x\n    at async pay (https://a.b/c.js:1:2)\n    at async https://a.b/c.js:3:4\n    at new A (b.js)"
    ),
    "of extensions": "Error: x\n    at f (chrome-extension://abc/content.js:1:2)\n    at g (https://a.b/c.js:1:2)",
    "of methods": "Error: x\n    at Shop.pay [as buy] (https://a.b/c.js:1:2)\n    at Object.<anonymous> (webpack:///./a.js?:5:6)",
    "of scoped packages": "Error: x\n    at f (https://a.b/@scope/c.js:1:2)\nf@https://a.b/@scope/c.js:1:2",
    "of a file": "Error: x\n    at f (file:///C:/shop/a b.js:1:2)\n    at /srv/app/index.js:1:2",
    "of one frame again and again": "Error: x\n"
    + "    at f (https://a.b/c.js:1:2)\n" * 300
    + "    at g (https://a.b/c.js:9:9)",
    "of two that call each other": "Error: x\n"
    + "    at f (https://a.b/c.js:1:2)\n    at g (https://a.b/c.js:3:4)\n" * 90,
    "of many frames": "Error: x\n" + "\n".join(f"    at f{n} (https://a.b/c.js:{n}:1)" for n in range(1, 80)),
    "of a long line": "Error: x\n    at f (https://a.b/" + "c" * 1_100 + ".js:1:2)\n    at g (https://a.b/c.js:1:2)",
    "of nothing": "Error: x\nnothing to see\n  here",
}
HEAR: Final = """(which) => {
    const found = [];
    const functions = window.__PosthogExtensions__.errorWrappingFunctions;
    window.heard = found;
    window.unheard = functions[which]((properties) => found.push(properties));
}"""


class Listener:
    """A page in which one of the two scripts listens."""

    def __init__(self, page: Page, script: Path) -> None:
        self.page = page
        page.goto("about:blank")
        page.add_script_tag(content=script.read_text())

    def heard(self, which: str, code: str) -> Any:
        """Return what the script told of what ``code`` did in a task of its own."""
        self.page.evaluate(HEAR, which)
        self.page.evaluate("(code) => new Promise((done) => { setTimeout(eval(code), 0); setTimeout(done, 30) })", code)
        return self.page.evaluate("() => { window.unheard(); return window.heard }")


@pytest.fixture(scope="module")
def listeners(browser: Browser, packages: Path) -> Iterator[list[Listener]]:
    theirs = packages / "node_modules" / "posthog-js" / "dist" / "exception-autocapture.js"
    pages = [browser.new_page(), browser.new_page()]
    yield [Listener(pages[0], OURS), Listener(pages[1], theirs)]
    for one in pages:
        one.close()


def without_details(told: Any) -> Any:
    """Leave out of what was told that JSON does not carry (``undefined``)."""
    if isinstance(told, dict):
        return {key: without_details(value) for key, value in told.items() if value is not None}
    return [without_details(value) for value in told] if isinstance(told, list) else told


def both(listeners: list[Listener], which: str, code: str) -> Any:
    """Return what both scripts told, which is the same."""
    ours, theirs = (without_details(one.heard(which, code)) for one in listeners)
    assert ours == theirs
    assert len(ours) == 1
    return ours[0]


@pytest.mark.parametrize("case", CASES)
def test_an_uncaught_exception_is_told_as_the_sdks_own_script_does(listeners: list[Listener], case: str) -> None:
    told = both(listeners, "wrapOnError", CASES[case])
    assert told["$exception_list"][0]["mechanism"]["handled"] is False


@pytest.mark.parametrize("case", CASES)
def test_a_rejected_promise_is_told_as_the_sdks_own_script_does(listeners: list[Listener], case: str) -> None:
    code = f"() => {{ new Promise((_, reject) => {{ try {{ ({CASES[case]})() }} catch (e) {{ reject(e) }} }}) }}"
    both(listeners, "wrapUnhandledRejection", code)


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_read_as_the_sdks_own_script_does(listeners: list[Listener], stack: str) -> None:
    code = f"() => {{ const e = new Error('x'); e.stack = {STACKS[stack]!r}; throw e }}"
    both(listeners, "wrapOnError", code)


@pytest.mark.parametrize("said", ["new TypeError('lost')", "'before', new Error('behind')"])
def test_an_error_on_the_console_is_told_as_the_sdks_own_script_does(listeners: list[Listener], said: str) -> None:
    told = both(listeners, "wrapConsoleError", f"() => {{ console.error({said}) }}")
    assert told["$exception_list"][0]["mechanism"]["type"] == "onconsole"


@pytest.mark.parametrize(
    ("said", "value"), [("'lost', 7", "lost 7"), ("{ a: 1 }", "Object captured as exception with keys: a")]
)
def test_something_else_on_the_console_is_told_with_the_place_of_the_call(
    listeners: list[Listener], said: str, value: str
) -> None:
    """Without the frames of the listener, of which the SDK's own script leaves some behind."""
    [told] = listeners[0].heard("wrapConsoleError", f"() => {{ (function shop() {{ console.error({said}) }})() }}")
    [exception] = told["$exception_list"]
    assert (exception["type"], exception["value"]) == ("Error", value)
    assert exception["mechanism"] == {"type": "onconsole", "handled": True, "synthetic": True, "exception_id": 0}
    assert exception["stacktrace"]["frames"][-1]["function"] == "shop"


def test_the_sdks_own_complaints_on_the_console_are_not_told(listeners: list[Listener]) -> None:
    assert [one.heard("wrapConsoleError", "() => { console.error('[PostHog.js]', 'x') }") for one in listeners] == [
        [],
        [],
    ]


def test_chunk_ids_are_found_as_the_sdks_own_script_does(listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.page.evaluate(
            "() => { window._posthogChunkIds = { 'Error\\n    at https://a.b/c.js:1:9': 'chunk-1' };"
            " window._debugIds = { 'Error\\n    at https://a.b/d.js:1:9': 'chunk-2' } }"
        )
    stack = (
        "Error: x\n    at f (https://a.b/c.js:1:2)\n    at g (https://a.b/d.js:1:2)\n    at h (https://a.b/e.js:1:2)"
    )
    told = both(listeners, "wrapOnError", f"() => {{ const e = new Error('x'); e.stack = {stack!r}; throw e }}")
    frames = told["$exception_list"][0]["stacktrace"]["frames"]
    assert [frame.get("chunk_id") for frame in frames] == [None, "chunk-2", "chunk-1"]


def test_who_stops_listening_hears_no_more_and_the_page_is_as_before(listeners: list[Listener]) -> None:
    page = listeners[0].page
    page.evaluate("() => { window.before = console.error }")
    for which in ("wrapOnError", "wrapUnhandledRejection", "wrapConsoleError"):
        page.evaluate(HEAR, which)
        page.evaluate("() => window.unheard()")
        page.evaluate(
            "() => new Promise((done) => { setTimeout(() => { throw new Error('x') }, 0); Promise.reject(1);"
            " console.error('y'); setTimeout(done, 30) })"
        )
        assert page.evaluate("() => window.heard") == []
    assert page.evaluate("() => console.error === window.before") is True


def test_one_that_fails_while_it_is_told_does_not_disturb_the_page(listeners: list[Listener]) -> None:
    page = listeners[0].page
    page.evaluate(
        "() => { window.unheard = window.__PosthogExtensions__.errorWrappingFunctions.wrapConsoleError("
        "() => { console.error('again'); throw new Error('of the SDK') }) }"
    )
    assert page.evaluate("() => { console.error('x'); window.unheard(); return 'went on' }") == "went on"

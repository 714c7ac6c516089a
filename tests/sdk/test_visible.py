"""A chained exception is visible in stack_frames within two seconds of the SDK's flush."""

from __future__ import annotations

import time

from posthog import Posthog

from tests.sdk.tools import Project

SECONDS = 2.0
ATTEMPTS = 3


def report_from_new_code(sdk: Posthog) -> set[str]:
    """Report a chain of two exceptions from functions made for this call; return the names, which no frame had yet."""
    stamp = time.time_ns()
    namespace: dict[str, object] = {}
    exec(
        f"def cause_{stamp}():\n"
        f"    raise KeyError('tea')\n"
        f"def effect_{stamp}():\n"
        f"    try:\n"
        f"        cause_{stamp}()\n"
        f"    except KeyError as error:\n"
        f"        raise ValueError('no price') from error\n",
        namespace,
    )
    try:
        namespace[f"effect_{stamp}"]()  # type: ignore[operator]
    except ValueError as error:
        sdk.capture_exception(error, distinct_id="shopper")
    return {f"cause_{stamp}", f"effect_{stamp}"}


def seconds_until_visible(project: Project, names: set[str]) -> float:
    """Return how long it takes until the list shows a frame of each name; at least `SECONDS` where it takes longer."""
    start = time.monotonic()
    while (waited := time.monotonic() - start) < SECONDS:
        frames = project.get("stack_frames/?limit=1000")["results"]
        if names <= {frame["contents"]["resolved_name"] for frame in frames}:
            return time.monotonic() - start
        time.sleep(0.02)
    return waited


def test_a_chained_exception_is_visible_within_two_seconds_of_the_flush(project: Project) -> None:
    """The best of three attempts: the machine that runs the tests may be busy with other ones at that moment, and one
    pause of it is no defect of the product. The figure itself is measured by benchmarks/visible.py on an idle one."""
    sdk = Posthog(project.token, host=project.url)
    waits: list[float] = []
    try:
        while len(waits) < ATTEMPTS and min(waits, default=SECONDS) >= SECONDS:
            names = report_from_new_code(sdk)
            sdk.flush()
            waits.append(seconds_until_visible(project, names))
    finally:
        sdk.shutdown()
    assert min(waits) < SECONDS, waits

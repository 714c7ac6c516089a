"""How long until an exception can be read back: from the end of the SDK's flush to the answer that shows its frame.

    .venv/bin/python -m benchmarks.visible [--rounds 30]

Method: an own server (``manage.py up``, embedded PostgreSQL with fsync, fresh data), the real posthog-python in this
process, one client that asks ``stack_frames`` every 10 ms. Each round raises an exception from code that no round has
raised from before, so that a new frame must appear. The server is idle otherwise: this is the wait that a developer
sees, not throughput.
"""

from __future__ import annotations

import argparse
import statistics
import time

import requests
from posthog import Posthog

from tests.live import live_server

PATIENCE = 30.0  # seconds


def raise_from_new_code(number: int) -> None:
    """Raise from a function that is made for this call: its name, and so its frame, is new."""
    name = f"step_{number}_{time.time_ns()}"
    namespace: dict[str, object] = {}
    exec(f"def {name}():\n    raise ValueError('round {number}')", namespace)
    namespace[name]()  # type: ignore[operator]


def main() -> None:
    """Measure and print the figures in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with live_server(embedded=True) as server:
        made = server.bootstrap()
        url = f"{server.url}/api/environments/{made['environment_id']}/error_tracking/stack_frames/?limit=1"
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {made['personal_api_key']}"
        sdk = Posthog(made["project_token"], host=server.url)
        waits = []
        for number in range(rounds):
            before = session.get(url, timeout=PATIENCE).json()["count"]
            try:
                raise_from_new_code(number)
            except ValueError as error:
                sdk.capture_exception(error, distinct_id="bench")
            sdk.flush()
            start = time.perf_counter()
            while session.get(url, timeout=PATIENCE).json()["count"] == before:
                if time.perf_counter() - start > PATIENCE:
                    raise SystemExit(f"round {number}: nothing came within {PATIENCE:g} s")
                time.sleep(0.01)
            waits.append((time.perf_counter() - start) * 1000)
        sdk.shutdown()
    print(f"{rounds} rounds, ms: min {min(waits):.0f}, median {statistics.median(waits):.0f}, max {max(waits):.0f}")


if __name__ == "__main__":
    main()

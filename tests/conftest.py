"""What every test may use. The database of the run comes from ``runtime.testing.plugin``."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

from tests.live import server

__all__ = ["server"]

# Property tests are not timed: a busy machine is not a defect of what they test. The examples are the same at each run:
# a red run can be repeated, and new examples are looked for on purpose (--hypothesis-profile=searching), not by CI.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("searching", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell starts what it runs behind with these ignored, and so would be the servers that the tests start and stop.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _usual)

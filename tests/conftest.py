"""What every test may use. The database of the run comes from ``runtime.testing.plugin``."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Property tests are not timed: a busy machine is not a defect of what they test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("untimed")

from tests.live import server  # noqa: F401 - a fixture

"""Which project has a token, remembered for a moment in each process.

Every request asks, projects change rarely, and one query each would double the database's share of a request. A token
that was taken from a project is accepted for at most ``SECONDS`` longer; a new project's is refused for at most that
long, and only where it was asked for before it existed.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Any, Final

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from environments.models import Project
from errortracking.ingest import unknown
from errortracking.ingest.refusal import unknown_token

SECONDS: Final = 5.0

# Wrong tokens are remembered too, or a misconfigured fleet would query for each of its requests. Someone who tries
# tokens must not fill the memory: at this size (2 MB) the oldest answers are forgotten.
SIZE: Final = 10_000

_known: dict[str, tuple[int | None, float]] = {}
_lock = Lock()


def environment_of(token: str) -> int:
    """Return the id of the project that has ``token``.

    Raises ``Refused`` (401) when no project has it, and ``django.db.Error`` when the database cannot be asked.
    """
    now = time.monotonic()
    known = _known.get(token)
    if known is None or known[1] < now:
        known = (_look_up(token), now + SECONDS)
        with _lock:
            _known.pop(token, None)  # so that it goes to the end: the first is always the oldest
            while len(_known) >= SIZE:
                del _known[next(iter(_known))]
            _known[token] = known
    if known[0] is None:
        unknown.note(token)
        raise unknown_token()
    return known[0]


def _look_up(token: str) -> int | None:
    return Project.objects.filter(api_token=token).values_list("id", flat=True).first()


@receiver([post_save, post_delete], sender=Project, dispatch_uid="forget-project-tokens")
def forget(**_: Any) -> None:
    """Forget everything, in this process; called when a project changes in it."""
    with _lock:
        _known.clear()

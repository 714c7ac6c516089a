"""How many database connections an installation needs, so that they never run out (and never as a surprise)."""

from __future__ import annotations

from config import env

WEB_THREADS = env.integer("HEALTHTRACK_WEB_THREADS", 8, minimum=1)
"""Threads of one web process; each keeps a connection. More than 8 would only wait for Python's one lock."""

TASK_CONCURRENCY = env.integer("HEALTHTRACK_TASK_CONCURRENCY", 2, minimum=1)
"""Tasks that one worker process runs at the same time; each has a connection."""

FETCH_CONCURRENCY = 3
"""Source maps that one worker process fetches at the same time, beside its tasks; each has a connection. They wait for
other machines, up to half a minute each, and hold up to 50 MB."""

ALERT_CONCURRENCY = 2
"""Destinations that one worker process sends alerts to at the same time, beside its tasks; each has a connection. They
wait for other machines, too: a few slow receivers must not keep checks, clean-up and everything else waiting."""

PIPELINE_CONNECTIONS = 3
"""Of one worker process: leases and effects, the session that holds the project's lock, a child for a bad batch."""

TASK_POOL = 2
"""Of one worker process's task runner: what it fetches jobs and reports their ends with."""

TASK_OVERHEAD = TASK_POOL + 4
"""The task runner also listens for new jobs, with a connection for each of the three queues, and defers periodic ones
with another."""

RESERVED = 10
"""For commands beside the server: bootstrap, migrations, psql, a backup, the look of a monitoring system."""


def per_worker() -> int:
    """Return the connections of one worker process."""
    return PIPELINE_CONNECTIONS + TASK_OVERHEAD + TASK_CONCURRENCY + FETCH_CONCURRENCY + ALERT_CONCURRENCY


def needed(web: int, workers: int) -> int:
    """Return the connections that ``web`` web and ``workers`` worker processes may have open together."""
    return web * WEB_THREADS + workers * per_worker() + RESERVED


def refusal(web: int, workers: int, available: int) -> str | None:
    """Return why so many processes do not fit a server with ``available`` connections, or ``None`` if they do."""
    if (wanted := needed(web, workers)) <= available:
        return None
    return (
        f"{web} web processes with {WEB_THREADS} threads and {workers} workers need up to {wanted} database "
        f"connections, and the server gives {available}.\nAsk for fewer (--web, --workers, "
        "HEALTHTRACK_WEB_THREADS), or raise max_connections of the server."
    )

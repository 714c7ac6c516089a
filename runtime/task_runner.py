"""procrastinate's worker in a thread of the worker process: everything that is not ingest."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Unpack

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.app import WorkerOptions
from procrastinate.contrib.django import app as declared
from procrastinate.contrib.django.db_cleanup import DjangoApp
from procrastinate.contrib.django.utils import connector_params
from procrastinate.worker import Worker

from config.connections import ALERT_CONCURRENCY, FETCH_CONCURRENCY, TASK_CONCURRENCY, TASK_POOL
from runtime.schedules import QUEUE, ScheduledWorker

log = structlog.get_logger("healthtrack.tasks")

POLL_SECONDS = 5.0  # new jobs are announced by NOTIFY; this is for the one that was missed
QUEUES = {QUEUE: TASK_CONCURRENCY, "fetch": FETCH_CONCURRENCY, "alerts": ALERT_CONCURRENCY}
"""And how many jobs of each run at a time."""
FINISH_SECONDS = 15.0  # a task that runs longer after a stop is asked to give up, and runs again later


class TaskRunner:
    """Runs tasks in a thread of its own until it is stopped; ``on_end`` is called however the thread ends."""

    def __init__(self, on_end: threading.Event) -> None:
        self._on_end = on_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._stopping = False
        self.failed = False
        self._thread = threading.Thread(target=self._run, name="tasks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let running tasks end, for ``FINISH_SECONDS`` at most, and wait for the thread."""
        with self._lock:
            self._stopping = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(FINISH_SECONDS + 5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            pass  # the stop that was asked for
        except Exception:
            log.exception("the task runner failed")
        finally:
            self.failed = not self._stopping
            self._on_end.set()

    async def _serve(self) -> None:
        with self._lock:
            if self._stopping:
                return
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        app = _worker_app()
        async with app.open_async(), asyncio.TaskGroup() as group:
            for queue, concurrency in QUEUES.items():
                group.create_task(_work(app, queue, concurrency))


async def _work(app: App, queue: str, concurrency: int) -> None:
    """Run the jobs of one queue until cancelled.

    A worker whose heartbeat or schedules fail returns. That of the other queue would go on, and nobody would notice.
    """
    await app.run_worker_async(
        queues=[queue],
        install_signal_handlers=False,  # they belong to the main thread
        concurrency=concurrency,
        fetch_job_polling_interval=POLL_SECONDS,
        shutdown_graceful_timeout=FINISH_SECONDS,
    )
    raise RuntimeError(f"the worker of the queue {queue} ended")


class _App(DjangoApp):
    """An app whose workers have schedules that follow the one clock."""

    def _worker(self, **options: Unpack[WorkerOptions]) -> Worker:
        given: WorkerOptions = {**self.worker_defaults, **options}
        return ScheduledWorker(app=self, **given)


def _worker_app() -> App:
    """Return an app with the declared tasks and a connector for a worker.

    Replacing the connector of the declared app, as procrastinate's own command does, would do it for the whole process,
    and a task deferred by the pipeline would no longer be part of the pipeline's transaction.
    """
    parameters: dict[str, Any] = connector_params()
    connector = PsycopgConnector(kwargs=parameters, min_size=1, max_size=TASK_POOL)
    app = _App(connector=connector, import_paths=declared.import_paths, worker_defaults=declared.worker_defaults)
    app.perform_import_paths()  # type: ignore[no-untyped-call]
    app.tasks = declared.tasks
    app.periodic_registry = declared.periodic_registry
    return app

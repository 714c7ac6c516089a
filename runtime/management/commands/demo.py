"""``manage.py demo``: a project with something to look at, made by the real ingest, pipeline and computations."""

from __future__ import annotations

import os
import shlex
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from config import env, logs
from environments.provisioning import Provisioned
from errortracking.models import Issue
from runtime import entry, schema
from runtime.bootstrap import places
from runtime.demo import client as clients
from runtime.demo import health, project
from runtime.demo.project import DemoFailed
from runtime.management.numbers import between

MOST_EVENTS = 100_000
_WIDTH = 24


class Command(BaseCommand):
    """Sends the events of a small shop, waits until they are processed, and says what to look at."""

    help = "Fill a project named Demo with exceptions of three SDKs. The same seed twice adds no exception twice."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which events, and how many."""
        parser.add_argument(
            "--seed", type=between(0, 2**31 - 1), default=1, metavar="N", help="Which events. Default: 1."
        )
        parser.add_argument(
            "--events",
            type=between(1, MOST_EVENTS),
            default=200,
            metavar="N",
            help="How many exceptions; two page views come with each. Default: 200.",
        )

    def handle(self, *_: Any, seed: int, events: int, **__: Any) -> None:
        """Do it through the server of the data folder if one runs, else within this process."""
        logs.configure(json=env.boolean("HEALTHTRACK_LOG_JSON", True), level="WARNING")
        try:
            schema.check()
            schema.migrate()
            with schema.explained("the demo was made"), ExitStack() as stack:
                self._run(seed, events, stack)
        except (DemoFailed, schema.DatabaseProblem) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The server does not answer: {error}. `manage.py ps` shows what runs.") from None

    def _run(self, seed: int, count: int, stack: ExitStack) -> None:
        address = clients.running(places.data_folder())
        client = clients.over_http(address) if address else clients.in_process()
        self.stdout.write(f"Through the server at {address.url}." if address else "No server runs: in this process.")
        made = project.provisioned()
        api = clients.Api(client, made.environment_id, made.personal_api_key)
        before = project.outcomes(made.environment_id)
        ids = project.releases(api, self._step("Releases"))
        sent, requests = project.send(client, made, seed, count, ids, self._step("Exceptions sent"))
        burst = project.burst(client, api, made, seed, ids)
        self._step("Exceptions of a spike")(burst, burst)
        if address is None:
            stack.enter_context(project.working())
        project.drain(made.environment_id, requests + bool(burst), self._step("Requests processed"))
        completed = project.recommendations(api, self._step("Recommendations"))
        checks = clients.Api(client, made.environment_id, made.personal_api_key, "health_issues/")
        found = health.check(checks, self._step("Health checks"))
        after = project.outcomes(made.environment_id)
        self._tell(made, seed, sent + burst, {name: after[name] - before.get(name, 0) for name in after}, completed)
        self.stdout.write(f"Spikes in the project: {project.spikes(api)}. Health issues: {_kinds(found)}.")
        self._guide(made, address.url if address else None)

    def _step(self, name: str) -> Callable[[int, int], None]:
        """Return what shows a step: a bar that is drawn over on a terminal, else one line at its end."""
        terminal, drawn = self.stdout.isatty(), [0.0]

        def report(done: int, total: int) -> None:
            last = done >= total
            if terminal and (last or time.monotonic() - drawn[0] > 0.1):
                drawn[0] = time.monotonic()
                bar = "#" * (_WIDTH * done // total if total else _WIDTH)
                self.stdout.write(f"\r{name:<18} [{bar:<{_WIDTH}}] {done}/{total}", ending="\n" if last else "")
                self.stdout.flush()
            elif last:
                self.stdout.write(f"{name}: {done}")

        return report

    def _tell(
        self, made: Provisioned, seed: int, sent: int, outcomes: dict[str, int], completed: dict[str, bool]
    ) -> None:
        issues = Issue.objects.filter(environment_id=made.environment_id).count()
        shown = ", ".join(f"{count} {name}" for name, count in outcomes.items() if count)
        open_ = ", ".join(name for name, done in completed.items() if not done) or "none"
        self.stdout.write(f"Events: {sent} sent; {shown}.")
        self.stdout.write(f"Issues in the project: {issues}. Recommendations to follow: {open_}.")
        if outcomes.get("duplicate"):
            self.stdout.write(f"Exceptions of seed {seed} that were there already were not added again.")

    def _guide(self, made: Provisioned, url: str | None) -> None:
        base = (os.environ.get("HEALTHTRACK_SITE_URL") or url or "http://127.0.0.1:8000").rstrip("/")
        header = shlex.quote(f"Authorization: Bearer {made.personal_api_key}")
        paths = f"{base}/api/environments/{made.environment_id}/error_tracking"
        issues = reverse("admin:errortracking_issue_changelist")
        spikes = reverse("admin:errortracking_spikeevent_changelist")
        checks = reverse("admin:healthtrack_healthissue_changelist")
        folder = entry.other_data_folder()
        option = f" --data-dir {shlex.quote(folder)}" if folder else ""
        start = "" if url else f" after `python3 manage.py up{option}`"
        self.stdout.write(
            f"\nLook at{start} (the key is labelled demo; the next run replaces it):\n\n"
            f"  Issues  {base}{issues}?environment__id__exact={made.environment_id}\n"
            f"  Spikes  {base}{spikes}?environment__id__exact={made.environment_id}\n"
            f"  Health  {base}{checks}?environment__id__exact={made.environment_id}\n"
            f"  curl -H {header} {paths}/stack_frames/\n"
            f"  curl -H {header} {paths}/recommendations/\n"
            f"  curl -H {header} {paths}/spike_events/\n"
            f"  curl -H {header} {paths.removesuffix('/error_tracking')}/health_issues/\n"
            f"  curl -H {header} -d threshold=20 {paths}/spike_detection_config/preview/"
        )


def _kinds(found: dict[str, Any]) -> str:
    """Return the kinds of health issues that there are, each with its number where that is not 1."""
    kinds = [kind if number == 1 else f"{number} {kind}" for kind, number in found["by_kind"].items()]
    return ", ".join(kinds) or "none"

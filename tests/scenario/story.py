"""The week: what the shop, its visitors and its people do, and the diary of what they are told of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.errortracking.symbols.cli import Chunk, Cli, Summary
from tests.live import LiveServer
from tests.scenario import bundle
from tests.scenario.receiving import Receiver
from tests.scenario.shop import Shop
from tests.scenario.simulating import Time
from tests.scenario.team import Team

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
START: Final = datetime(2030, 6, 3, 8, 20, tzinfo=UTC)
"""A Monday, after the checks of the morning. Far from today, whatever day that is: only the moved clock can tell it."""
OPEN_HOURS: Final = (2, 8, 14, 20)
"""In which something happens in the shop, at a quarter to."""

SDK_VERSIONS: Final[dict[str, Any]] = {
    "date": "2030-06-02",
    "sdks": {
        "web": [{"version": "1.449.2", "released": "2030-05-25"}],
        "posthog-node": [{"version": "5.70.0", "released": "2030-05-20"}],
        "posthog-python": [
            {"version": "7.91.1", "released": "2030-05-05"},
            {"version": "7.95.0", "released": "2030-06-01"},
        ],
    },
}


def at(text: str) -> datetime:
    """Return a moment of the week, such as ``Tue 15:00``; ``+1`` before it means a week later."""
    weeks, day, time = text.split() if text.startswith("+") else ("0", *text.split())
    hour, minute = map(int, time.split(":"))
    monday = START.replace(hour=hour, minute=minute)
    return monday + timedelta(weeks=int(weeks), days=DAYS.index(day))


class Story:
    """The shop's people and programs, and a diary: at which moment what was seen."""

    def __init__(self, time: Time, server: LiveServer, receiver: Receiver) -> None:
        self._time, self._server, self.receiver = time, server, receiver
        self._made = server.bootstrap(email="owner@shop.example", project="shop")
        self.team = Team(server.url, self._made)
        self.shop = Shop(server.url, self._made["project_token"], time.now)
        self.cli = Cli(server.url, self._made["environment_id"], self._made["personal_api_key"])
        self.is_open = True
        self._diary: list[tuple[datetime, str]] = []

    def until(self, text: str) -> None:
        """Let the time pass until a moment, with what usually happens; before that, what was done has its effect."""
        self.see()
        for moment in self._time.moments(at(text)):
            self._time.go(moment)
            if self.is_open and (moment.hour, moment.minute) in ((hour, 45) for hour in OPEN_HOURS):
                self.shop.a_usual_hour()
            self.see()

    def skip_to(self, moment: datetime) -> None:
        """Let the clock jump, as after a machine's sleep: what was due meanwhile is done once."""
        self.see()
        self._time.go(moment)
        self.see()

    def see(self) -> None:
        """Let everything end that is going on, and write down what there is to be heard and seen."""
        self._time.settle()
        moment = self._time.visited[-1]
        self._diary += [(moment, text) for text in self.receiver.told()]
        self._diary += [(moment, text) for text in self.team.changed_recommendations()]

    def set_up(self, folder: Path) -> None:
        """Do what a careful person does on the first day."""
        versions = folder / "sdk_versions.json"
        versions.write_text(json.dumps(SDK_VERSIONS))
        self._server.manage("refresh_sdk_versions", "--file", str(versions))
        self.shop.release = self.cli.release("shop-api", "2.4.0")
        events = ["issue_created", "issue_reopened", "issue_spiking", "health_issue_firing", "health_issue_resolved"]
        self.receiver.secret = self.team.subscribe("Team", "webhook", self.receiver.team, events=events)
        self.team.subscribe("Pager", "slack", self.receiver.pager, events=events[2:4], severities=["critical"])

    def upload_source_maps(self) -> None:
        """Do what the build should have done."""
        release = self.cli.release("shop-web", "1.0.0")
        assert self.cli.upload([Chunk(bundle.CHUNK, bundle.symbols(), release)]) == Summary(uploaded=1)

    def limit_rates(self, *, per_issue_and_day: int, per_hour: int) -> None:
        """Set the project's limits."""
        limits = {
            "per_issue_rate_limit_value": per_issue_and_day,
            "per_issue_rate_limit_bucket_size_minutes": 24 * 60,
            "project_rate_limit_value": per_hour,
        }
        self.team("PATCH", "error_tracking/settings/update_settings/", limits)

    def burst(self, hundreds: int) -> None:
        """Let the backend fail, in requests of a hundred, as posthog-python sends them, one processed at a time."""
        for _ in range(hundreds):
            self.shop.backend_errors(100)
            self._time.settle()

    def look_back(self) -> None:
        """Write down what is kept with its time: which health issues there were, and which spikes."""
        self.see()
        kept = set(self.team.health()) | set(self.team.spikes())
        self._diary += {(self._time.moment_of(moment), text) for moment, text in kept}.difference(self._diary)

    def diary(self) -> list[str]:
        """Return all that happened, in order; what happened at one moment in that of the alphabet."""
        return [f"{moment:%d %b %H:%M} {text}" for moment, text in sorted(self._diary)]

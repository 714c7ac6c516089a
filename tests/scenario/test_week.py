"""A week of a shop on a live server, and the silent month after it: all that its people are told, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from tests.outbound.web import web
from tests.scenario.receiving import Receiver
from tests.scenario.simulating import simulated
from tests.scenario.story import START, Story, at

MON = [
    # The shop has six errors; each is told when it happens first.
    "03 Jun 08:45 team hears issue_created CartError: out of order",
    "03 Jun 08:45 team hears issue_created CheckoutError: out of order",
    "03 Jun 08:45 team hears issue_created OrderError: request failed for order 1234",
    "03 Jun 08:45 team hears issue_created RuntimeError: request failed for order 1234",
    "03 Jun 08:45 team hears issue_created SearchError: out of order",
    "03 Jun 08:45 team hears issue_created TypeError: implicit context",
    # The hourly sweep, at 09:23, looks after those that need time. Nothing is older than an hour.
    "03 Jun 09:45 recommendation long_running_issues is done",
    "03 Jun 09:45 recommendation quiet_issues is done",
    # None of the 24 frames of the browsers has a map; the worker's 8 need none.
    "03 Jun 09:45 recommendation source_maps is open",
    # The other two are computed when somebody looks. The team's webhook hears everything; there is no limit yet.
    "03 Jun 10:00 recommendation alerts is done",
    "03 Jun 10:00 recommendation rate_limits is open",
]
TUE = [
    # The check follows the recommendation, each morning at 7.
    "04 Jun 07:00 health error_tracking_missing_source_maps fires",
    "04 Jun 07:00 team hears health_issue_firing Missing source maps: 24 of the 32 newest JavaScript frames of 24 "
    "hours could not be resolved (warning)",
    # Somebody resolved it at 11:00. It was not mended.
    "04 Jun 14:45 team hears issue_reopened TypeError: implicit context",
]
WED = [
    # Eight times something has happened in the shop; the browsers' three errors of six have no release. The day before
    # it had been four times: 12 are fewer than the 20 of which something is said.
    "05 Jun 07:10 health stale_release fires",
    "05 Jun 07:10 team hears health_issue_firing Exceptions without a release: 24 of 48 exceptions of the last 7 days "
    "have no release, although releases are used (warning)",
    # Released on 5 May. A version that is alone in use has thirty days. One SDK of three is not most: a warning.
    "05 Jun 08:00 health sdk_outdated fires",
    "05 Jun 08:00 team hears health_issue_firing posthog-python SDK is outdated: The newest version in use, 7.91.1, is "
    "31 days old, and 7.95.0 is out. (warning)",
    # The maps are uploaded, the old frames resolved again, and the recommendation is refreshed by hand. The errors that
    # come from now on belong to the issues of before: no issue is created at 14:45.
    "05 Jun 10:00 recommendation source_maps is done",
]
THU = [
    "06 Jun 07:00 health error_tracking_missing_source_maps is over",
    "06 Jun 07:00 team hears health_issue_resolved Missing source maps: 24 of the 32 newest JavaScript frames of 24 "
    "hours could not be resolved (warning)",
    # One at 14:45, then six hundred. The fifth hundred reaches the threshold of 500; of the sixth nothing is said
    # within the ten minutes of the snooze. Those of 15:20 are not ten times what was usual in the hour before.
    "06 Jun 15:05 pager hears [shop] Issue spiking: RuntimeError",
    "06 Jun 15:05 spike of RuntimeError: 500, usual 1.0",
    "06 Jun 15:05 team hears issue_spiking RuntimeError: 500 exceptions in five minutes, where 1.0 are usual.",
    # Both limits are set, and somebody looks.
    "06 Jun 16:00 recommendation rate_limits is done",
]
FRI = [
    # The browsers' errors have a release since Wednesday. 27 of before are few beside Thursday's 1,200: below a tenth.
    "07 Jun 07:10 health stale_release is over",
    "07 Jun 07:10 team hears health_issue_resolved Exceptions without a release: 27 of 72 exceptions of the last 7 "
    "days have no release, although releases are used (warning)",
    # Three hundred of one new error; its bucket holds 200, which is no spike.
    "07 Jun 09:30 team hears issue_created TypeError: unhandled rejection here",
    # Of Thursday 24 and 1,200, of Friday 2 times 6 and 300. The team's receiver is down for a while.
    "07 Jun 09:45 health rate_limited fires",
    "07 Jun 09:45 team refuses health_issue_firing Exceptions are dropped by an issue's rate limit: 100 of 1536 "
    "exceptions of yesterday and today were dropped by the rate limits of its issues (warning)",
    "07 Jun 10:45 team hears health_issue_firing Exceptions are dropped by an issue's rate limit: 100 of 1536 "
    "exceptions of yesterday and today were dropped by the rate limits of its issues (warning)",
    # At noon the backend gets the newest SDK. The old version has sent most of the week's events: nothing is over yet.
]
SAT: list[str] = []  # The shop closes at noon.
SUN = [
    # Nothing was dropped on Saturday or today. On Saturday it was said last: of Friday 24 and 300, of Saturday 12.
    "09 Jun 00:07 health rate_limited is over",
    "09 Jun 00:07 team hears health_issue_resolved Exceptions are dropped by an issue's rate limit: 100 of 336 "
    "exceptions of yesterday and today were dropped by the rate limits of its issues (warning)",
    # A day of silence is nothing to wake anybody for.
]
THE_MONTH_AFTER = [
    # All issues are older than a week now, and still active; the last exceptions are of this week.
    "11 Jun 08:20 recommendation long_running_issues is open",
    # The old version was used on Friday the 7th last; for seven days after it.
    "15 Jun 08:20 health sdk_outdated is over",
    "15 Jun 08:20 team hears health_issue_resolved posthog-python SDK is outdated: The newest version in use is "
    "7.95.0. Outdated, and yet 10% of its events or more each: 7.91.1. (warning)",
    # The last visit was on 8 June. The pager wants what is critical.
    "09 Jul 08:20 health no_live_events fires",
    "09 Jul 08:20 pager hears [shop] Health issue (critical): No live events",
    # Somebody looks after a month: nothing happens any more, so nothing is long running, and all is quiet.
    "09 Jul 08:20 recommendation long_running_issues is done",
    "09 Jul 08:20 recommendation quiet_issues is open",
    "09 Jul 08:20 team hears health_issue_firing No live events: No $pageview or $screen events in last 30 days "
    "(critical)",
]

# Something happens in the shop 21 times, with 6 errors and 9 events of pages; beside that 1,200 and 300 errors.
OUTCOMES = [("counted", "", 189), ("rate_limited", "issue", 100), ("stored", "", 126 + 1_200 + 200)]


def test_a_week_and_the_month_after_it(tmp_path: Path) -> None:
    with web() as served, simulated(START) as (time, server):
        story = Story(time, server, Receiver(served))
        story.set_up(tmp_path)
        the_week(story)
        story.look_back()
        the_month_after(story)
        story.look_back()
        assert story.diary() == MON + TUE + WED + THU + FRI + SAT + SUN + THE_MONTH_AFTER
        with psycopg.connect(server.database_url or "") as database:
            counted = "SELECT outcome, reason, sum(count)::int FROM errortracking_outcomecount GROUP BY 1, 2 ORDER BY 1"
            assert database.execute(counted).fetchall() == OUTCOMES
            ended = "SELECT DISTINCT status::text FROM procrastinate_jobs"
            assert database.execute(ended).fetchall() == [("succeeded",)]


def the_week(story: Story) -> None:
    story.until("Mon 10:00")
    story.team.look_at_recommendations()
    story.until("Tue 11:00")
    story.team.resolve_issue("TypeError")
    story.until("Wed 10:00")
    story.upload_source_maps()
    story.see()
    story.team.refresh_recommendation("source_maps")
    story.until("Thu 15:05")
    story.burst(6)
    story.until("Thu 15:20")
    story.burst(6)
    story.until("Thu 16:00")
    story.limit_rates(per_issue_and_day=200, per_hour=5_000)
    story.team.look_at_recommendations()
    story.until("Fri 09:30")
    story.shop.worker_errors("node-6", 300)
    story.see()
    story.receiver.down = True
    story.until("Fri 09:45")
    story.receiver.down = False
    story.until("Fri 12:00")
    story.shop.python_sdk = "7.95.0"
    story.until("Sat 12:00")
    story.is_open = False
    story.until("+1 Mon 08:20")


def the_month_after(story: Story) -> None:
    day = at("+1 Mon 08:20")
    while day < datetime(2030, 7, 9, tzinfo=UTC):
        day += timedelta(days=1)
        story.skip_to(day)
    story.team.look_at_recommendations()

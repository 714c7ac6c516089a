"""Stage: the daily counters that the health checks read. Nothing of them is needed for an exception itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.models.traffic import Tally
from errortracking.pipeline import timestamps
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.clean import cut
from errortracking.pipeline.count import first_come
from errortracking.pipeline.parse import MAX_LIB

WATCHED: Final = frozenset({"$pageview", "$pageleave", "$screen", "$web_vitals"})
MAX_HOSTS: Final = 50
"""Per project and day: the client writes them. A site has a handful."""
MAX_SDKS: Final = 20
"""Per project and day, as well written by the client. There are some fifteen."""
MAX_HOST: Final = 253  # characters of a name in DNS
MAX_URL: Final = 2_048  # characters that may hold the host; `urlsplit` remembers what it has taken apart
OTHER: Final = "other"
SKEW: Final = timedelta(minutes=5)
"""Between a client's clock at the moment of sending and ours at receipt: the network takes seconds."""


class _Key(NamedTuple):
    day: date
    event: str
    sdk: str
    host: str
    has_session: bool
    is_proxied: bool


def count_traffic(batch: Batch) -> None:
    """Count the page views and the like of a batch, by host, session and proxy."""
    sent = [event for event in batch.events if event.entry["event"] in WATCHED]
    if not sent:
        return
    counts = Counter(_key(event) for event in sent)
    hosts, sdks = _admitted(batch.environment_id, counts)
    admitted: Counter[_Key] = Counter()
    for key, count in counts.items():
        host = key.host if (key.day, key.host) in hosts else OTHER
        sdk = key.sdk if (key.day, key.sdk) in sdks else OTHER
        admitted[key._replace(host=host, sdk=sdk)] += count
    _add_traffic(batch.environment_id, admitted)


def _key(event: Accepted) -> _Key:
    properties = event.entry["properties"]
    sdk = properties.get("$lib")
    return _Key(
        event.day,
        event.entry["event"],
        cut(sdk, MAX_LIB).replace("\0", "") if isinstance(sdk, str) else "",
        host_of(properties),
        is_session(properties.get("$session_id")),
        bool(properties.get("$lib_custom_api_host")),
    )


def host_of(properties: dict[str, object]) -> str:
    """Return the host of the page that an event tells of, in small letters without its port; empty if it tells none."""
    host = properties.get("$host")
    if not isinstance(host, str):
        url = properties.get("$current_url")
        try:
            host = urlsplit(url[:MAX_URL]).netloc if isinstance(url, str) else ""
        except ValueError:
            host = ""
    name = host.rpartition("@")[2].strip().lower().replace("\0", "")
    if not name.startswith("["):
        name = name.partition(":")[0]
    return name if len(name) <= MAX_HOST else ""


def is_session(value: object) -> bool:
    """Return whether a ``$session_id`` is what SDKs send: a UUID."""
    if not isinstance(value, str) or len(value) != 36:
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True


_KNOWN: Final = """
    SELECT DISTINCT day, host, sdk FROM errortracking_trafficcount WHERE environment_id = %s AND day = ANY(%b)
"""
_Dated = set[tuple[date, str]]


def _admitted(environment_id: int, wanted: Iterable[_Key]) -> tuple[_Dated, _Dated]:
    """Return the hosts and the SDKs that have counters of their own on their day; the first come have them."""
    keys = list(wanted)
    with sql.cursor() as cursor:
        known = cursor.execute(_KNOWN, [environment_id, list({key.day for key in keys})]).fetchall()
    hosts = first_come([(key.day, key.host) for key in keys], {(day, host) for day, host, _ in known}, MAX_HOSTS)
    sdks = first_come([(key.day, key.sdk) for key in keys], {(day, sdk) for day, _, sdk in known}, MAX_SDKS)
    return hosts, sdks


_ADD_TRAFFIC: Final = """
    INSERT INTO errortracking_trafficcount AS c (environment_id, day, event, sdk, host, has_session, is_proxied, count)
    SELECT %(environment)s, new.*
    FROM unnest(%(days)b::date[], %(events)b::text[], %(sdks)b::text[], %(hosts)b::text[], %(sessions)b::bool[],
                %(proxied)b::bool[], %(counts)b::bigint[])
        AS new(day, event, sdk, host, has_session, is_proxied, count)
    ON CONFLICT (environment_id, day, event, sdk, host, has_session, is_proxied)
    DO UPDATE SET count = c.count + excluded.count
"""


def _add_traffic(environment_id: int, counts: Counter[_Key]) -> None:
    keys = sorted(counts)
    parameters = {
        "environment": environment_id,
        "days": [key.day for key in keys],
        "events": [key.event for key in keys],
        "sdks": [key.sdk for key in keys],
        "hosts": [key.host for key in keys],
        "sessions": [key.has_session for key in keys],
        "proxied": [key.is_proxied for key in keys],
        "counts": [counts[key] for key in keys],
    }
    with sql.cursor() as cursor:
        cursor.execute(_ADD_TRAFFIC, parameters)


def tally(batch: Batch) -> None:
    """Count how the stored exceptions were sent: with a release or without, by a wrong clock, unreadable."""
    counts: Counter[tuple[date, str]] = Counter()
    last: dict[tuple[date, str], datetime] = {}
    for event in batch.events:
        if event.outcome is Outcome.STORED:
            for what in _told(event):
                key = (event.day, what.value)
                counts[key] += 1
                last[key] = max(last.get(key, event.received_at), event.received_at)
    if counts:
        _add_tallies(batch.environment_id, counts, last)


def _told(event: Accepted) -> Iterable[Tally]:
    yield Tally.WITHOUT_RELEASE if event.release_id is None else Tally.WITH_RELEASE
    if not event.parsed.exceptions:
        yield Tally.UNREADABLE
    if is_skewed(event.request["sent_at"], event.received_at):
        yield Tally.CLOCK_SKEW


def is_skewed(sent_at: object, received_at: datetime) -> bool:
    """Return whether the client's clock, at the moment of sending, was far from ours. Not knowing counts as no."""
    sent = timestamps.read(sent_at)
    return sent is not None and abs(received_at - sent) > SKEW


_ADD_TALLIES: Final = """
    INSERT INTO errortracking_dailytally AS t (environment_id, day, what, count, last_received_at)
    SELECT %(environment)s, new.*
    FROM unnest(%(days)b::date[], %(whats)b::text[], %(counts)b::bigint[], %(last)b::timestamptz[])
        AS new(day, what, count, last_received_at)
    ON CONFLICT (environment_id, day, what) DO UPDATE
    SET count = t.count + excluded.count, last_received_at = greatest(t.last_received_at, excluded.last_received_at)
"""


def _add_tallies(
    environment_id: int, counts: Counter[tuple[date, str]], last: dict[tuple[date, str], datetime]
) -> None:
    keys = sorted(counts)
    parameters = {
        "environment": environment_id,
        "days": [day for day, _ in keys],
        "whats": [what for _, what in keys],
        "counts": [counts[key] for key in keys],
        "last": [last[key] for key in keys],
    }
    with sql.cursor() as cursor:
        cursor.execute(_ADD_TALLIES, parameters)

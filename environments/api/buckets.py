"""The arithmetic of the rate limits: pure functions over plain data. Times are microseconds, all windows slide.

**The problem.** No window of 60 s and none of 3600 s may see more requests of a key than its limit, over all processes
and machines; no request may be refused while its windows hold at most 90 % of it; and few requests may write.

**The data.** One row per key holds what was *used*, as runs (end, size): ``size`` requests, the last one at ``end``;
and what is *leased*: ``size`` tokens that one process may use between ``granted`` and ``expires``, 2 s later. A
process that has no valid token asks: it says how many tokens of its last lease it used and when the last of them was
(`Report`), and gets one token for the request at hand, recorded as used, and perhaps some more as a new lease. All
askers change the row one after the other. A lease that is never reported (its process died or idles) counts as used in
full at ``expires``.

**Never above the limit.** A row's count at time t is the sum of its runs and leases that end after t - length. A
grant raises it to the limit at most. Take any window (t - length, t] and g, the last moment at which a token that was
used in it was granted; g <= t. Each of these requests was granted by g and used after t - length, so at g it is in the
count, as part of a lease (``expires`` is not before its use) or of a run (neither is ``end``). So there are at most as
many as the limit. Runs are merged only towards the later end, which keeps this.

**Never refused up to 90 %.** Let ``slack`` be a thirtieth of the limit. The count exceeds what was truly used by:

1. tokens of others' leases that are not used: at most ``slack``, because no grant lets the leases exceed it. Where they
   are used up, an asker gets the one token that it needs and no lease, so nobody is refused for others' idle tokens;
2. requests reported under one later ``end``: those whose run straddles the window's edge x. Such a lease was out at x,
   and the leases out at one moment are ``slack`` at most;
3. requests merged into a run that straddles x: merging joins neighbours, in the order of their ends, up to ``slack``
   together. Only one merged run can hold ends on both sides of x, at least one of them right of it: ``slack`` - 1. (A
   late report could fall between the ends of a run and spoil the order, so nothing is merged across the time of a
   lease that is still out.)

Together less than a tenth of the limit. A refusal therefore means that more than nine tenths are used, and it stays
right, without another look at the row, until a run or lease of the state that it was made from leaves the window.

**Clocks.** All this holds where the processes share a clock. Between machines the windows are off by what their clocks
differ; `settled` keeps a clock that was wrong, and was corrected, from blocking a key for longer than one window.
"""

from __future__ import annotations

import struct
from bisect import insort
from dataclasses import dataclass
from typing import Final, NamedTuple

SECOND: Final = 1_000_000
LEASE: Final = 2 * SECOND
"""How long a process may use what it has leased: short, because idle tokens and late reports cost precision."""

_SLACK_PARTS: Final = 30  # three errors of a thirtieth of the limit are a tenth of it; see above


class Window(NamedTuple):
    """A limit: so many requests in any window of that length."""

    length: int
    limit: int

    @property
    def slack(self) -> int:
        """How many tokens may be leased at a moment, and how many requests make one run."""
        return self.limit // _SLACK_PARTS


class Run(NamedTuple):
    """Requests, the last one of them at ``end``."""

    end: int
    size: int


class Lease(NamedTuple):
    """Tokens that the process which knows ``id`` may use from ``granted`` until before ``expires``."""

    id: int
    granted: int
    expires: int
    size: int


class State(NamedTuple):
    """What a key's row says. Runs are in the order of their ends."""

    runs: tuple[Run, ...] = ()
    leases: tuple[Lease, ...] = ()


class Report(NamedTuple):
    """What became of a lease: how many of its tokens were used, the last one when."""

    lease: int
    used: int
    last: int


class Answer(NamedTuple):
    """The row's next state, and what the asker gets: a lease (of 0 tokens or more), or when to come again."""

    state: State
    lease: Lease | None
    again_at: int


def ask(state: State, now: int, report: Report | None, wanted: int, lease_id: int, windows: list[Window]) -> Answer:
    """Return the answer to a process that has a request at ``now``, and would like ``wanted`` tokens for later ones.

    ``windows`` are in the order of their lengths. A refused asker's report is part of the next state as well.
    """
    state = _reported(settled(state, now), report)
    state = _merged(_without_the_past(state, now - windows[-1].length), now, windows)
    room = min(window.limit - counted(state, now, window) for window in windows)
    if room < 1:
        return Answer(state, None, max(_room_at(state, now, window) for window in windows))
    spare = min(window.slack - leased(state, now, window) for window in windows)
    more = max(0, min(wanted, room - 1, spare))
    lease = Lease(lease_id, now, now + LEASE, more)
    leases = (*state.leases, lease) if more else state.leases
    return Answer(State((*state.runs, Run(now, 1)), leases), lease, now)


def counted(state: State, now: int, window: Window) -> int:
    """Return how many requests the window that ends at ``now`` holds at most, leased ones included."""
    edge = now - window.length
    return sum(run.size for run in state.runs if run.end > edge) + leased(state, now, window)


def leased(state: State, now: int, window: Window) -> int:
    """Return how many tokens are leased and not reported, as far as they matter to the window."""
    edge = now - window.length
    return sum(lease.size for lease in state.leases if lease.expires > edge)


def settled(state: State, now: int) -> State:
    """Return the state without times that cannot be: a run after ``now``, a lease that lasts longer than one may."""
    runs, leases = state
    if runs and runs[-1].end > now:
        runs = tuple(Run(min(run.end, now), run.size) for run in runs)
    if any(lease.granted > now for lease in leases):
        leases = tuple(
            lease._replace(granted=min(lease.granted, now), expires=min(lease.expires, now + LEASE)) for lease in leases
        )
    return State(runs, leases)


def _reported(state: State, report: Report | None) -> State:
    """Return the state after a report; one of a lease that is not there (any more) is old news."""
    lease = next((lease for lease in state.leases if report and lease.id == report.lease), None)
    if lease is None or report is None:
        return state
    leases = tuple(other for other in state.leases if other is not lease)
    if not report.used:
        return State(state.runs, leases)
    runs = list(state.runs)
    insort(runs, Run(min(max(report.last, lease.granted), lease.expires), report.used))
    return State(tuple(runs), leases)


def _without_the_past(state: State, edge: int) -> State:
    return State(
        tuple(run for run in state.runs if run.end > edge),
        tuple(lease for lease in state.leases if lease.expires > edge),
    )


def _merged(state: State, now: int, windows: list[Window]) -> State:
    """Return the state with neighbouring runs joined, where that is coarse enough for no window; see the proof."""
    runs: list[Run] = []
    for run in state.runs:
        most = next((window.slack for window in windows if run.end > now - window.length), 0)
        if runs and runs[-1].size + run.size <= most and not _is_leased(state, runs[-1].end, run.end):
            runs[-1] = Run(run.end, runs[-1].size + run.size)
        else:
            runs.append(run)
    return State(tuple(runs), state.leases)


def _is_leased(state: State, first: int, last: int) -> bool:
    return any(lease.granted <= last and lease.expires >= first for lease in state.leases)


def _room_at(state: State, now: int, window: Window) -> int:
    """Return when the window will have room for a request, if until then nothing happens."""
    surplus = counted(state, now, window) - window.limit + 1
    ends = sorted([*state.runs, *(Run(lease.expires, lease.size) for lease in state.leases)])
    for end, size in ends:
        if surplus <= 0:
            break
        if end + window.length > now:
            surplus -= size
            now = end + window.length
    return now


@dataclass(slots=True)
class Holder:
    """What one process knows of one key: its lease, and how long it was last refused. Not shared between threads."""

    lease: Lease | None = None
    is_open: bool = False
    """Whether tokens may be taken from the lease; no more once the row has been, or may have been, told of it."""
    used: int = 0
    last: int = 0
    refused_at: int = 0
    refused_until: int = 0
    again_at: int = 0

    def take(self, now: int) -> bool | None:
        """Return whether a request at ``now`` passes; ``None``: the row must be asked."""
        if self.refused_at <= now < self.refused_until:
            return False
        lease = self.lease
        if lease and self.is_open and self.used < lease.size and max(lease.granted, self.last) <= now < lease.expires:
            self.used += 1
            self.last = now
            return True
        self.is_open = False
        return None

    def report(self) -> Report | None:
        """Return what became of the lease, after `take` has said ``None``."""
        return Report(self.lease.id, self.used, self.last) if self.lease and self.lease.size else None

    def wanted(self, now: int) -> int:
        """Return how many tokens to lease: more if the last ones did not last, none for a key that is seldom used."""
        if self.lease is None:
            return 0
        if now < self.lease.expires:
            return 2 * self.lease.size + 1
        return self.used if now < self.lease.expires + LEASE else 0

    def learn(self, answer: Answer, now: int) -> bool:
        """Take over the row's answer; return whether the request passes."""
        self.lease, self.is_open, self.used, self.last = answer.lease, True, 0, now
        if answer.lease is not None:
            return True
        # Tokens may come back any moment, so a refusal is not believed for longer than a lease lasts.
        self.refused_at, self.refused_until, self.again_at = now, min(answer.again_at, now + LEASE), answer.again_at
        return False


_HEADER: Final = struct.Struct("<BHH")
_RUN: Final = struct.Struct("<qI")
_LEASE: Final = struct.Struct("<QqqI")
_FORMAT: Final = 1


def dump(state: State) -> bytes:
    """Return the state as bytes: usually below 1 kB, so that PostgreSQL keeps it in the row."""
    parts = [_HEADER.pack(_FORMAT, len(state.runs), len(state.leases))]
    parts += [_RUN.pack(*run) for run in state.runs]
    parts += [_LEASE.pack(*lease) for lease in state.leases]
    return b"".join(parts)


def load(data: bytes) -> State:
    """Return what `dump` was given; nothing for what another version of this program wrote."""
    if len(data) < _HEADER.size or data[0] != _FORMAT:
        return State()
    _, runs, leases = _HEADER.unpack_from(data)
    middle = _HEADER.size + runs * _RUN.size
    return State(
        tuple(Run(*fields) for fields in _RUN.iter_unpack(data[_HEADER.size : middle])),
        tuple(Lease(*fields) for fields in _LEASE.iter_unpack(data[middle : middle + leases * _LEASE.size])),
    )

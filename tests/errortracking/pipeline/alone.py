"""What the tests of rows that are processed alone share: events that harm their process, and a worker to take them."""

from __future__ import annotations

import threading

from environments.models import Project
from errortracking.models import Event, SetAsideEvent, payload
from errortracking.pipeline import lease
from errortracking.pipeline.alone import parent
from tests.errortracking.pipeline.making import entry, uuid

# What an event may do to the process that handles it, by the value of its property. The production code holds no such
# hook: the child is started through this program, which wraps one stage.
HOOK = """
import ctypes, os, sys, time
from errortracking.pipeline.alone import child
import django
set_up = django.setup

def set_up_and_wrap():
    set_up()
    from errortracking.pipeline import process
    def act(batch):
        for event in batch.events:
            what = event.entry["properties"].get("do")
            if what == "crash":
                ctypes.string_at(0)
            elif what == "exit":
                os._exit(7)
            elif what == "kill":
                os.kill(os.getpid(), 9)
            elif what == "sleep":
                time.sleep(600)
            elif what == "spin":
                while True: pass
            elif what == "eat":
                batch.hoard = [bytes(64 * 1024 * 1024) for _ in range(1000)]
            elif what == "raise":
                raise ZeroDivisionError("what a pity")
    process.STAGES = (act, *process.STAGES)

django.setup = set_up_and_wrap
child.main(sys.argv[1:])
"""


def doing(what: str, number: int) -> payload.EventEntry:
    return entry(properties={"do": what}, uuid=uuid(number))


def process(project: Project) -> None:
    """Take what waits and process it alone."""
    with lease.hold(project.id) as held:
        assert held
        parent.process_alone(lease.take(project.id), threading.Event())


def set_aside(project: Project) -> dict[str, str]:
    """Return the reasons of the project's set-aside events by uuid."""
    rows = SetAsideEvent.objects.filter(environment_id=project.id)
    return {str(one.event_uuid): one.reason for one in rows}


def ids(project: Project) -> list[str]:
    return sorted(map(str, Event.objects.filter(environment_id=project.id).values_list("id", flat=True)))

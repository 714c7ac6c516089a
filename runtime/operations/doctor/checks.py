"""All checks, in the order in which they are reported."""

from __future__ import annotations

from typing import Final

from runtime.operations.doctor import database, machine, site, work
from runtime.operations.doctor.report import Check

CHECKS: Final = (
    Check("data folder", machine.data_folder),
    Check("secret key", machine.secret_key),
    Check("disk of the data folder", machine.free_data_disk),
    Check("database", database.reach),
    Check("migrations", database.migrations, after="database"),
    Check("durability", database.durability, after="database"),
    Check("disk", machine.free_disk, after="database"),
    Check("clock", database.clocks, after="database"),
    Check("connections", database.room_for_connections, after="database"),
    Check("transactions", database.old_transactions, after="database"),
    Check("partitions", database.days_ahead, after="migrations"),
    Check("processes", work.processes, after="migrations"),
    Check("restarts", work.restarts),
    Check("backlog", work.waiting, after="migrations"),
    Check("set aside", work.set_aside, after="migrations"),
    Check("tasks", work.tasks, after="migrations"),
    Check("site", site.configuration),
    Check("certificate", site.certificate),
)

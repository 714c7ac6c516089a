"""Embedded PostgreSQL: one data folder, one server, several commands; nothing is left running when the last one ends.

How the supervisor shares it with its children, in two lines::

    cluster = runtime.entry.cluster()           # None where DATABASE_URL named a server
    subprocess.Popen(…, pass_fds=(cluster.lock_descriptor,))   # a child is a user too, even when the parent is killed

``DATABASE_URL`` is in the environment by then, so that children start nothing themselves. ``cluster.is_running()`` and
``cluster.ensure_running()`` bring a killed server back under the same URL; ``runtime.entry`` releases it at the end.
"""

from runtime.postgres.cluster import Cluster
from runtime.postgres.errors import PostgresError
from runtime.postgres.settings import MAX_CONNECTIONS

__all__ = ["MAX_CONNECTIONS", "Cluster", "PostgresError"]

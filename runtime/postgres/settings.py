"""What the embedded server is told at each start; the reason stands beside each value."""

from __future__ import annotations

from pathlib import Path

from runtime.postgres.sockets import PORT

MAX_CONNECTIONS = 100
"""Connections of the embedded server. Web threads, workers and tasks stay below it by the formula in the settings."""

COMMON = {
    "listen_addresses": "",  # no TCP at all
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "128MB",  # fits a machine with 1 GB; the kernel's cache does the rest
    # Segments in files instead of /dev/shm: a container has 64 MB of that, and systemd empties it when a user logs out.
    "dynamic_shared_memory_type": "mmap",
    "max_locks_per_transaction": "256",  # a statement over daily partitions locks each one and its indexes
    "timezone": "UTC",
    "log_timezone": "UTC",
}

DURABLE = {
    # One file per weekday, each overwritten after a week: the log cannot fill the disk.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}

# For tests: a crash of the machine may cost the cluster, which is then made anew. A crash of the server may not.
VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",  # one server for all test runs of an account, each with several servers of the product
}


def arguments(socket_folder: Path, *, durable: bool) -> list[str]:
    """Return the server's settings as ``name=value`` words."""
    chosen = {**COMMON, **(DURABLE if durable else VOLATILE), "unix_socket_directories": str(socket_folder)}
    return [f"{name}={value}" for name, value in chosen.items()]

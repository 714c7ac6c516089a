"""What the SQL guard refused in a run of the tests, in any of its processes.

The refusal is an exception, and a handler of any exception may have swallowed it; this list makes the run red then.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from environments.tenancy import guard


class Refusals:
    """A file that the environment names to all processes of this run; the guard writes a line for each refusal."""

    def __init__(self) -> None:
        descriptor, name = tempfile.mkstemp(prefix="healthtrack-refusals-")
        os.close(descriptor)
        self._path = Path(name)
        os.environ[guard.FILE] = name

    def read(self) -> list[str]:
        """Return a line for each statement, with the test or the process that sent it; each pair once."""
        rows = map(json.loads, self._path.read_text(encoding="utf-8").splitlines())
        return list(dict.fromkeys(f"{row['where']}: {row['statement']}" for row in rows))

    def close(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

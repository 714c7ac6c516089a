"""``manage.py test``: pytest in the checkout, with every option passed through; without any, on all processors."""

from __future__ import annotations

import importlib.util
import os
import sys

from runtime.bootstrap import places

EVERYTHING = ("-n", "logical")
"""The options for a run without options: all tests, one process per processor. Whoever picks tests wants them at once,
in one process and in order."""

# Where tools keep what they know from the last run. They write into the checkout, which is not always possible.
CACHES = {
    "HYPOTHESIS_STORAGE_DIRECTORY": "hypothesis",
    "MYPY_CACHE_DIR": "mypy",
    "RUFF_CACHE_DIR": "ruff",
}


def run(options: list[str]) -> int:
    """Become pytest, whose exit code and signals are ours then. Returns an exit code where there is no pytest."""
    if importlib.util.find_spec("pytest") is None or importlib.util.find_spec("pytest_django") is None:
        print(
            f"pytest is missing in the Python environment in use ({sys.prefix}).\n"
            "Leave it (`deactivate`), so that manage.py makes its own, or install requirements/dev.txt into it.",
            file=sys.stderr,
        )
        return 2
    os.chdir(places.CHECKOUT)
    words = [sys.executable, "-m", "pytest", *elsewhere(), *(options or EVERYTHING)]
    return os.execv(sys.executable, words)  # noqa: S606 - no shell


def elsewhere() -> list[str]:
    """Send the tools' caches elsewhere where the checkout is not writable; return the options for pytest."""
    if os.access(places.CHECKOUT, os.W_OK):
        return []
    folder = places.cache_folder() / places.checkout_key()
    for variable, name in CACHES.items():
        os.environ.setdefault(variable, str(folder / name))
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    return ["-o", f"cache_dir={folder / 'pytest'}"]

"""pip, found and run so that it installs into an environment that has none of its own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections import deque
from pathlib import Path

from runtime.bootstrap import places
from runtime.bootstrap.progress import Progress

KEPT_LINES = 15
"""How much of pip's output is shown when it fails."""

OPTIONS = (
    "--require-hashes",
    "--only-binary=:all:",  # no compiler on the machine, and no code of a package runs at installation
    "--no-compile",  # saves a quarter of the time; Python compiles what is imported at its first import
    "--no-input",
    "--disable-pip-version-check",
    "--no-warn-script-location",
    "--progress-bar=off",
)

UNREACHABLE = (
    "NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED"
    "|NameResolutionError|Temporary failure in name resolution|Connection refused|connection broken"
    "|Max retries exceeded|No matching distribution found|HTTP error 40[37]|HTTP error 5"
)


class InstallError(Exception):
    """The packages could not be installed. The message is for the person at the terminal."""


def runner() -> Path | None:
    """Return the file of this interpreter's pip (22.2 or newer) that another interpreter can run, ``None`` without one.

    It is what ``pip --python`` runs. Directly, because a process between would outlive us with the wrong locks.
    """
    spec = importlib.util.find_spec("pip")
    path = Path(spec.origin).parent / "__pip-runner__.py" if spec and spec.origin else None
    return path if path and path.is_file() else None


def install(python: Path, lock: Path, progress: Progress, keep_open: int) -> None:
    """Install what ``lock`` pins into the environment of ``python``. Raises :class:`InstallError`.

    pip holds the descriptor ``keep_open``: should we be killed, the next command waits until pip has ended as well.
    """
    source = runner()
    command = [str(python), str(source)] if source else [str(python), "-m", "pip"]
    total = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Za-z0-9]", line))
    progress.line(f"installing up to {total} packages ({lock.parent.name}/{lock.name})")
    process = subprocess.Popen(
        [*command, "install", *OPTIONS, "-r", str(lock)],
        cwd=lock.parent.parent,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(keep_open,),
    )
    try:
        last = _follow(process, progress, total)
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code:
        raise InstallError(_explain(last, code))


def _follow(process: subprocess.Popen[str], progress: Progress, total: int) -> list[str]:
    """Turn pip's output into a counter and return its last lines."""
    last: deque[str] = deque(maxlen=KEPT_LINES)
    done = 0
    for line in process.stdout or ():
        last.append(line.rstrip())
        if match := re.match(r"(Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
            done += 1
            progress.step(f"{done} of {total} found: {match[2]}")
        elif line.startswith("Installing collected packages"):
            progress.line("everything is fetched, unpacking")
    return list(last)


def _environment() -> dict[str, str]:
    """Return pip's environment: the caller's mirrors, proxies and certificates, without what leads elsewhere."""
    elsewhere = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN"}
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    home = places.home()
    # An empty HOME would make pip put its cache below "/".
    kept["HOME"] = str(home) if home else "/nonexistent"
    return {**kept, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}


def _explain(last: list[str], code: int) -> str:
    said = "\n".join(last)
    hint = f"pip failed (exit code {code}); the lines above say why. The command can simply be run again."
    if "DO NOT MATCH THE HASHES" in said:
        hint = "A downloaded file is not the one that was locked: something on the way to the package index changed it."
    elif "No space left" in said:
        hint = "The disk is full."
    elif re.search(UNREACHABLE, said):
        hint = (
            "pip could not get the packages from its index. Check the network; behind a proxy or a mirror set\n"
            "PIP_PROXY, PIP_INDEX_URL and PIP_CERT (or pip's configuration file). A Python too new for the locked\n"
            f"packages says the same; this is {sys.version.split()[0]}."
        )
    return f"{said}\n\n{hint}"

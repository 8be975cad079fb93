"""The generic webhook: a message as JSON, signed by the Standard Webhooks scheme.

It may not open a connection. The receiver checks the signature over id, time and body, refuses
what is older than five minutes, and takes each id once.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime

from budgetd.config.channels import Channel
from budgetd.core.moment import format_instant
from budgetd.core.telling import Message
from budgetd.notify.request import Request
from budgetd.report.harmless import harmless

FORMAT = "budgetd.message/1"
PREFIX = "whsec_"


def webhook_request(
    channel: Channel, enterprise: str, message: Message, now: datetime, delivery_id: str
) -> Request:
    """The POST that tells a webhook. A later try has the same id and body, and a new time."""
    said = {
        "format": FORMAT,
        "id": delivery_id,
        "enterprise": enterprise,
        "event": str(message.event),
        "severity": str(message.severity),
        "title": harmless(message.title),
        "lines": [harmless(line) for line in message.lines],
        "subject": harmless(message.subject),
        "at": format_instant(message.at),
    }
    body = json.dumps(said, sort_keys=True).encode()
    stamp = str(int(now.timestamp()))
    return Request(
        url=channel.url,
        body=body,
        headers={
            "content-type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(channel.secret, delivery_id, stamp, body),
        },
    )


def signature(secret: str, delivery_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.time.body`. A secret that begins with `whsec_`
    is base64 after it; any other is taken as it is."""
    key = secret.encode()
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = secret.encode()
    signed = hmac.digest(key, f"{delivery_id}.{stamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"

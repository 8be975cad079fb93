"""Four chats as rows of one table: whose address it is, how a text is sent, signed, answered.

It may not open a connection. Each row names the page its facts are from.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from budgetd.config.channels import Channel
from budgetd.config.notify import Kind
from budgetd.config.references import is_loopback
from budgetd.core.telling import Message
from budgetd.notify.request import DeliveryError, Reply, Request
from budgetd.notify.wording import text_of
from budgetd.provider.hiding import without_secrets
from budgetd.report.harmless import harmless

Json = dict[str, object]
LONGEST_REASON = 120


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature adds: to the address, and to the body."""

    query: str = ""
    members: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One chat. `live` is what acts in its texts, with what is written instead; `busy` are codes
    that ask for a later try; `code` is where its answer tells success (0), None where the answer
    is the word ok."""

    page: str
    hosts: tuple[str, ...]
    body: Callable[[str], Json]
    sign: Callable[[str, datetime], Signature]
    live: Mapping[str, str]
    largest_bytes: int
    per_minute: int
    code: str | None
    busy: frozenset[int] = frozenset()


def _unsigned(_secret: str, _at: datetime) -> Signature:
    return Signature()


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()


def _dingtalk(secret: str, at: datetime) -> Signature:
    """Key: the secret; text: milliseconds, a line, the secret. Both go into the address."""
    stamp = str(int(at.timestamp()) * 1000)
    signed = quote(_hmac(secret, f"{stamp}\n{secret}"), safe="")
    return Signature(query=f"timestamp={stamp}&sign={signed}")


def _feishu(secret: str, at: datetime) -> Signature:
    """Key: seconds, a line, the secret; text: nothing. Both go into the body."""
    stamp = str(int(at.timestamp()))
    return Signature(members={"timestamp": stamp, "sign": _hmac(f"{stamp}\n{secret}", "")})


CHATS: Mapping[Kind, Chat] = MappingProxyType(
    {
        Kind.DINGTALK: Chat(
            page="https://open.dingtalk.com/document/group/custom-robot-access",
            hosts=("oapi.dingtalk.com",),
            body=lambda text: {
                "msgtype": "text",
                "text": {"content": text},
                "at": {"isAtAll": False},
            },
            sign=_dingtalk,
            live={"@": "＠"},
            largest_bytes=15_000,
            per_minute=20,
            code="errcode",
            busy=frozenset({-1, 130101, 410100, 90030}),
        ),
        Kind.WECOM: Chat(
            page="https://developer.work.weixin.qq.com/document/path/91770",
            hosts=("qyapi.weixin.qq.com",),
            body=lambda text: {"msgtype": "text", "text": {"content": text}},
            sign=_unsigned,
            live={"@": "＠", "<": "＜", ">": "＞"},
            largest_bytes=2048,
            per_minute=20,
            code="errcode",
            busy=frozenset({-1, 45009, 45033}),
        ),
        Kind.FEISHU: Chat(
            page="https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot",
            hosts=("open.feishu.cn", "open.larksuite.com"),
            body=lambda text: {"msg_type": "text", "content": {"text": text}},
            sign=_feishu,
            live={"@": "＠", "<": "＜", ">": "＞"},
            largest_bytes=15_000,
            per_minute=100,
            code="code",
            busy=frozenset({11232}),
        ),
        Kind.SLACK: Chat(
            page="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
            hosts=("hooks.slack.com", "hooks.slack-gov.com"),
            body=lambda text: {
                "text": text,
                "mrkdwn": False,
                "link_names": False,
                "unfurl_links": False,
                "unfurl_media": False,
            },
            sign=_unsigned,
            live={"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "＠"},
            largest_bytes=3_900,
            per_minute=60,
            code=None,
        ),
    }
)


def problem_of_host(channel: Channel) -> str:
    """Why an address is not one of that chat, without the address; empty where it is."""
    hosts = CHATS[channel.kind].hosts if channel.kind in CHATS else ()
    found = urlsplit(channel.url).hostname or ""
    if not hosts or found in hosts or is_loopback(found):
        return ""
    return f"leads to no address of a {channel.kind}: expected {' or '.join(hosts)}"


def chat_request(channel: Channel, enterprise: str, message: Message, now: datetime) -> Request:
    """The POST that tells a chat; signed where the channel has a secret."""
    chat = CHATS[channel.kind]
    text = text_of(enterprise, message, chat.largest_bytes, chat.live)
    signature = chat.sign(channel.secret, now) if channel.secret else Signature()
    joint = "&" if "?" in channel.url else "?"
    return Request(
        url=f"{channel.url}{joint}{signature.query}" if signature.query else channel.url,
        body=json.dumps({**chat.body(text), **signature.members}, ensure_ascii=False).encode(),
        headers={"content-type": "application/json; charset=utf-8"},
    )


def judge_chat(channel: Channel, reply: Reply) -> None:
    """Raises `DeliveryError` unless the chat says that it has the message: 200 alone does not."""
    chat = CHATS[channel.kind]
    if chat.code is None:
        if reply.body.strip() != b"ok":
            raise DeliveryError(_said(channel, reply.body.decode(errors="replace")), may_pass=False)
        return
    try:
        answer = json.loads(reply.body)
        code = answer[chat.code]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DeliveryError("an answer that is none of this chat's", may_pass=False) from None
    if type(code) is not int or code != 0:
        words = answer.get("errmsg") or answer.get("msg") or ""
        raise DeliveryError(
            _said(channel, f"{chat.code} {code}: {words}"), may_pass=code in chat.busy
        )


def _said(channel: Channel, text: str) -> str:
    """What a receiver says, which may repeat what it was sent."""
    return harmless(without_secrets(text[:LONGEST_REASON], channel.secrets))

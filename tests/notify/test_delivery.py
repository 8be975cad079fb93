"""Every channel delivers over real sockets what its receiver can check, or says why not."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from budgetd import logs
from budgetd.config import InvalidCredentials
from budgetd.config.channels import Channel, Mailbox
from budgetd.config.notify import Kind
from budgetd.core.telling import Event, Message, Severity
from budgetd.notify.notifier import Notifier, Patience

from .messages import AT, channel_of, message_of
from .receivers import MailServer, Receiver, receiving

QUICK = Patience(
    timeout_s=0.5, mail_timeout_s=0.5, waits_s=(0.01, 0.02), said_lately_s=60, queue_length=5
)
OK_CODE = json.dumps({"errcode": 0, "errmsg": "ok", "code": 0}).encode()
HOSTILE = (
    '<!channel> @all <@U123> <at user_id="all"></at> [x](http://evil.example) **b**'
    "\r\nBcc: all@evil.example\x1b[31m\u202egnp.exe &"
)
SECRETS = ("planted-token-0123456789", "planted-secret")


@pytest.fixture
def log(tmp_path: Path) -> Any:
    """The log as JSON, read back."""
    path = tmp_path / "log"
    with path.open("w") as stream:
        logs.configure("info", "json", stream)
        yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
        logs.configure("error", "json")


async def deliver(channels: Sequence[Channel], *messages: Message, wait_s: float = 5) -> Notifier:
    notifier = Notifier("acme", channels, lambda: AT, QUICK)
    notifier.start()
    for message in messages:
        notifier.tell(message)
    await notifier.aclose(wait_s)
    return notifier


def signed(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


async def test_a_webhook_is_signed_over_id_time_and_body() -> None:
    async with receiving(Receiver(lambda _: (204, b""))) as receiver:
        channel = channel_of(Kind.WEBHOOK, receiver.url, secret="planted-secret")
        told = await deliver([channel], message_of())
    (got,) = receiver.got
    delivery, stamp = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    assert got.headers["webhook-signature"] == "v1," + signed(
        "planted-secret", f"{delivery}.{stamp}.{got.body.decode()}"
    )
    assert stamp == str(int(AT.timestamp()))
    assert got.json == {
        "format": "budgetd.message/1",
        "id": delivery,
        "enterprise": "acme",
        "event": "alert_raised",
        "severity": "warning",
        "title": "account low",
        "lines": ["R&D/prod-web 5.00"],
        "subject": "account low",
        "at": "2026-11-30T14:00:00Z",
    }
    assert (told.delivered, told.failed) == (1, 0)


async def test_each_chat_gets_its_body_and_its_signature() -> None:
    async with receiving(Receiver(lambda _: (200, OK_CODE))) as receiver:
        url = receiver.url + "?access_token=t"
        chats = [
            channel_of(Kind.DINGTALK, url, secret="planted-secret"),
            channel_of(Kind.FEISHU, receiver.url, secret="planted-secret"),
            channel_of(Kind.WECOM, url),
        ]
        told = [await deliver([chat], message_of()) for chat in chats]
    assert [one.delivered for one in told] == [1, 1, 1]
    dingtalk, feishu, wecom = receiver.got
    text = "[acme] WARNING: account low\nR&D/prod-web 5.00"
    stamp = str(int(AT.timestamp()))
    assert dingtalk.query == {
        "access_token": "t",
        "timestamp": f"{stamp}000",
        "sign": signed("planted-secret", f"{stamp}000\nplanted-secret"),
    }
    assert dingtalk.json == {
        "msgtype": "text",
        "text": {"content": text},
        "at": {"isAtAll": False},
    }
    assert feishu.json == {
        "msg_type": "text",
        "content": {"text": text},
        "timestamp": stamp,
        "sign": signed(f"{stamp}\nplanted-secret", ""),
    }
    assert wecom.json == {"msgtype": "text", "text": {"content": text}}


async def test_slack_takes_the_word_ok_and_escaped_text() -> None:
    async with receiving(Receiver()) as receiver:
        told = await deliver([channel_of(Kind.SLACK, receiver.url)], message_of())
    assert told.delivered == 1
    assert receiver.got[0].json["text"].endswith("R&amp;D/prod-web 5.00")


@pytest.mark.parametrize("kind", [Kind.DINGTALK, Kind.WECOM, Kind.FEISHU, Kind.SLACK])
async def test_a_hostile_name_neither_calls_anybody_nor_links_nor_hides(kind: Kind) -> None:
    answer = b"ok" if kind is Kind.SLACK else OK_CODE
    async with receiving(Receiver(lambda _: (200, answer))) as receiver:
        message = message_of(title=HOSTILE, lines=(HOSTILE,) * 500)
        told = await deliver([channel_of(kind, receiver.url)], message)
    assert told.delivered == 1
    said = receiver.got[0].json
    text = said.get("text") if kind is Kind.SLACK else (said.get("text") or said["content"])
    text = text if isinstance(text, str) else next(iter(text.values()))
    for live in ("@", "://", "](", "\x1b", "\u202e", "\r"):
        assert live not in text
    if kind is not Kind.DINGTALK:
        assert not {"<", ">"} & set(text)
    lines = text.split("\n")
    assert lines[-1].startswith("... and ")
    assert len(text.encode()) <= {Kind.WECOM: 2048, Kind.SLACK: 3900}.get(kind, 15_000)


async def test_a_hostile_name_hides_nothing_in_the_json_of_a_webhook() -> None:
    async with receiving(Receiver(lambda _: (204, b""))) as receiver:
        channel = channel_of(Kind.WEBHOOK, receiver.url, secret="s")
        await deliver([channel], message_of(title=HOSTILE, lines=(HOSTILE,)))
    said = receiver.got[0].json
    assert all(text.isprintable() for text in (said["title"], *said["lines"], said["subject"]))
    assert "\\u202e" in said["title"]


async def test_a_receiver_that_asks_to_be_left_alone_is_left_alone() -> None:
    loop = asyncio.get_running_loop()
    answers = {1: (429, b"")}
    async with receiving(Receiver(lambda number: answers.get(number, (200, b"ok")))) as receiver:
        receiver.headers = "retry-after: 1\r\n"
        begun = loop.time()
        told = await deliver([channel_of(Kind.SLACK, receiver.url)], message_of())
    assert told.delivered == 1
    assert loop.time() - begun >= 1


async def test_who_fails_at_first_is_tried_again_under_the_same_id() -> None:
    answers = {1: (503, b""), 2: (429, b"")}
    async with receiving(Receiver(lambda number: answers.get(number, (200, b"")))) as receiver:
        channel = channel_of(Kind.WEBHOOK, receiver.url, secret="planted-secret")
        told = await deliver([channel], message_of())
    assert (told.delivered, told.failed) == (1, 0)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 3


async def test_two_hundred_with_an_error_code_is_no_delivery_and_is_not_repeated(log: Any) -> None:
    said = json.dumps({"errcode": 310000, "errmsg": f"sign not match {SECRETS[0]} {SECRETS[1]}"})
    async with receiving(Receiver(lambda _: (200, said.encode()))) as receiver:
        channel = channel_of(Kind.DINGTALK, receiver.url, secret="planted-secret")
        told = await deliver([channel], message_of())
    assert (told.delivered, told.failed, len(receiver.got)) == (0, 1, 1)
    (line,) = log()
    assert line["event"] == "notification_failed"
    assert (line["channel"], line["tries"], line["kind"]) == ("dingtalk", 1, "dingtalk")
    assert "310000" in line["reason"]
    assert not [secret for secret in SECRETS if secret in json.dumps(line)]


async def test_a_chat_that_is_busy_is_asked_again() -> None:
    busy = json.dumps({"errcode": 45009}).encode()
    async with receiving(Receiver(lambda n: (200, OK_CODE if n > 1 else busy))) as receiver:
        told = await deliver([channel_of(Kind.WECOM, receiver.url)], message_of())
    assert (told.delivered, len(receiver.got)) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (None, "no answer in time", 3),
        ((302, b""), "HTTP 302", 1),
        ((404, b""), "HTTP 404", 1),
        ((500, b""), "HTTP 500", 3),
    ],
)
async def test_what_does_not_arrive_in_the_end_is_an_event_without_an_address(
    log: Any, answer: Any, reason: str, tries: int
) -> None:
    async with receiving(Receiver(lambda _: answer)) as receiver:
        channel = channel_of(Kind.WEBHOOK, receiver.url, secret="planted-secret")
        told = await deliver([channel], message_of())
    assert told.failed == 1
    (line,) = log()
    assert (line["event"], line["reason"], line["tries"]) == ("notification_failed", reason, tries)
    assert not [s for s in (*SECRETS, "127.0.0.1") if s in json.dumps(line)]


async def test_nobody_listening_is_a_failure_like_others(log: Any) -> None:
    url = "http://127.0.0.1:1/hook/planted-token-0123456789"
    told = await deliver([channel_of(Kind.SLACK, url), channel_of(Kind.FEISHU, url)], message_of())
    assert told.failed == 2
    assert "planted" not in json.dumps(log())


async def test_a_channel_that_hangs_holds_up_neither_others_nor_the_teller_nor_the_stop(
    log: Any,
) -> None:
    loop = asyncio.get_running_loop()
    async with receiving(Receiver(lambda _: None)) as slow, receiving(Receiver()) as fast:
        channels = [
            channel_of(Kind.WEBHOOK, slow.url, secret="s", name="slow"),
            channel_of(Kind.SLACK, fast.url, name="fast"),
        ]
        began = loop.time()
        messages = [message_of(f"title {number}") for number in range(8)]
        told = await deliver(channels, *messages, wait_s=0.3)
        assert loop.time() - began < 2
    assert (told.delivered, told.dropped) == (5, 6)
    events = [line["event"] for line in log()]
    assert events.count("notification_dropped") == 6
    left = next(line for line in log() if line["event"] == "notifications_left")
    assert (left["channel"], left["count"]) == ("slow", 5)
    assert not [line for line in log() if "title" in json.dumps(line)]


def test_what_is_critical_does_not_wait_behind_the_others() -> None:
    channel = channel_of(Kind.WEBHOOK, "https://any.example/x")
    notifier = Notifier("acme", [channel], lambda: AT)
    for title in ("a", "b", "C", "D", "e"):
        severity = Severity.CRITICAL if title.isupper() else Severity.WARNING
        notifier.tell(message_of(title, severity=severity))
    assert "".join(message.title for message in notifier.waiting) == "aCDbe"


async def test_the_same_is_told_once_within_a_time() -> None:
    async with receiving(Receiver()) as receiver:
        channel = channel_of(Kind.SLACK, receiver.url)
        over = message_of(event=Event.ALERT_OVER)
        told = await deliver([channel], message_of(), message_of(), over, message_of("other"))
    assert told.delivered == 3


async def test_quiet_messages_stay_away_from_a_channel_that_wants_loud_ones() -> None:
    async with receiving(Receiver()) as receiver:
        loud = channel_of(Kind.SLACK, receiver.url, severity=Severity.CRITICAL)
        told = await deliver([loud], message_of(), message_of("x", severity=Severity.CRITICAL))
    assert told.delivered == 1


def mail_channel(port: int, **changes: Any) -> Channel:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "user": "budgetd",
        "password": "planted-secret",
        "sender": "b@acme.example",
        "receivers": ("o@acme.example", "p@acme.example"),
    }
    return channel_of(Kind.EMAIL, mailbox=Mailbox(**given | changes))


async def test_a_letter_arrives_with_its_login_and_nothing_can_add_a_header() -> None:
    async with receiving(MailServer()) as server:
        told = await deliver(
            [mail_channel(server.port)], message_of(HOSTILE, lines=("用户 a", "b"))
        )
    assert told.delivered == 1
    assert base64.b64decode(server.logins[0]) == b"\0budgetd\0planted-secret"
    assert len([line for line in server.envelopes[0] if line.upper().startswith("RCPT")]) == 2
    letter = message_from_bytes(server.letters[0], policy=policy.default)
    assert letter["Bcc"] is None
    assert letter["To"] == "o@acme.example, p@acme.example"
    assert letter["Subject"].startswith("[acme] WARNING: <!channel> @all")
    assert "\\x0d\\x0aBcc" in letter["Subject"]
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().splitlines()[1:3] == ["用户 a", "b"]


@pytest.mark.parametrize(
    ("server", "tls", "reason", "tries"),
    [
        (MailServer(verdict=b"550 no planted-secret\r\n"), "none", "answered 550", 1),
        (MailServer(verdict=b"451 later\r\n"), "none", "answered 451", 3),
        (MailServer(greeting=b""), "none", "did not answer in time", 3),
        (MailServer(), "starttls", "offers no STARTTLS", 1),
    ],
)
async def test_a_letter_that_is_not_taken_is_an_event_without_secrets(
    log: Any, server: MailServer, tls: str, reason: str, tries: int
) -> None:
    async with receiving(server):
        told = await deliver([mail_channel(server.port, tls=tls)], message_of())
    assert (told.delivered, told.failed) == (0, 1)
    (line,) = log()
    assert reason in line["reason"]
    assert line["tries"] == tries
    assert "planted" not in json.dumps(line)
    assert tls == "none" or not server.logins


TLS = Path(__file__).parents[1] / "provider" / "tls"


def certified(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem", TLS / "server.key")
    return context


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_mail_goes_encrypted_to_a_server_that_proves_itself(
    tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "authority.pem"))
    server = MailServer(tls=certified("good"), is_tls=tls == "tls")
    async with receiving(server):
        told = await deliver([mail_channel(server.port, tls=tls)], message_of())
    assert (told.delivered, len(server.logins), len(server.letters)) == (1, 1, 1)


@pytest.mark.parametrize("tls", ["tls", "starttls"])
@pytest.mark.parametrize("certificate", ["self-signed", "expired", "other-host"])
async def test_no_login_reaches_a_mail_server_that_cannot_prove_itself(
    tls: str, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "authority.pem"))
    server = MailServer(tls=certified(certificate), is_tls=tls == "tls")
    async with receiving(server):
        told = await deliver([mail_channel(server.port, tls=tls)], message_of())
    assert (told.delivered, told.failed) == (0, 1)
    assert (server.logins, server.letters) == ([], [])


async def test_nothing_is_posted_to_a_server_that_cannot_prove_itself(log: Any) -> None:
    async with receiving(Receiver(tls=certified("self-signed"))) as receiver:
        told = await deliver([channel_of(Kind.SLACK, receiver.url)], message_of())
    assert (told.failed, receiver.got) == (1, [])
    assert log()[0]["reason"] == "no trusted TLS connection"


def test_the_address_of_a_chat_is_one_of_its_own() -> None:
    for kind in (Kind.DINGTALK, Kind.WECOM, Kind.FEISHU, Kind.SLACK):
        channel = channel_of(kind, "https://evil.example/planted-token-0123456789")
        with pytest.raises(InvalidCredentials) as refused:
            Notifier("acme", [channel], lambda: AT)
        assert "leads to no address of a" in str(refused.value)
        assert "planted" not in str(refused.value) + repr(channel)
    Notifier("acme", [channel_of(Kind.WEBHOOK, "https://any.example/x")], lambda: AT)


async def test_telling_without_a_channel_or_after_the_end_does_nothing() -> None:
    told = await deliver([], message_of())
    told.tell(message_of())
    assert (told.delivered, told.failed, told.dropped) == (0, 0, 0)

"""Channels are read from the config with their secrets by reference, or refused at their place."""

import re
from datetime import time
from pathlib import Path

import pytest

from budgetd.config import InvalidCredentials, InvalidDocuments, load_config, load_policies
from budgetd.config.channels import digest_times, read_channels
from budgetd.core.telling import Event, Message, Severity
from budgetd.notify.chats import CHATS

from .messages import AT

CONFIG = """\
enterprise: acme
provider: {credentials: {access_key: env:AK, secret_key: env:SK}}
notify:
  chat: {kind: dingtalk, url: env:CHAT, secret: env:SEC, severity: critical}
  mail: {kind: email, host: mx.acme.example, from: b@acme.example, to: [o@acme.example],
         events: [alert_raised], digest: "09:00"}
"""
CHAT = "https://oapi.dingtalk.com/robot/send?access_token=planted0123456789"
ENVIRONMENT = {"CHAT": CHAT, "SEC": "SECplanted"}
POLICY = """\
version: 1
policy: low
rules:
  - name: a
    accounts: all
    alert: {when: {below: 1.00}, notify: [chat, mial]}
"""


PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "policies").mkdir(mode=0o755)
    (tmp_path / "policies" / "low.yaml").write_text(POLICY)
    return tmp_path


def message(event: Event, severity: Severity, *channels: str) -> Message:
    return Message(event=event, severity=severity, title="t", at=AT, channels=channels)


def test_channels_are_read_with_what_they_refer_to_and_hide_it(home: Path) -> None:
    channels = read_channels(load_config(home / "config.yaml"), ENVIRONMENT)
    chat, mail = channels
    assert (chat.url, chat.secret) == (CHAT, "SECplanted")
    assert mail.mailbox is not None
    assert mail.mailbox.port == 587
    assert "planted" not in repr(channels) + str(chat) + repr(mail.mailbox)
    assert digest_times(channels) == {time(9, 0): ("mail",)}


def test_a_reference_that_leads_nowhere_or_to_no_address_is_told_without_it(home: Path) -> None:
    config = load_config(home / "config.yaml")
    with pytest.raises(InvalidCredentials, match=r"notify\.chat\.secret: env:SEC: the variable"):
        read_channels(config, {"CHAT": CHAT})
    for wrong in ("http://evil.example/planted", "planted", "https://u:planted@a.example/"):
        with pytest.raises(InvalidCredentials) as refused:
            read_channels(config, ENVIRONMENT | {"CHAT": wrong})
        assert "leads to no address" in str(refused.value)
        assert "planted" not in str(refused.value)


def test_an_alert_that_names_no_channel_is_refused_at_its_line(home: Path) -> None:
    config = load_config(home / "config.yaml")
    with pytest.raises(InvalidDocuments) as refused:
        load_policies(config.policies, config)
    (problem,) = refused.value.problems
    assert (problem.line, problem.where) == (6, "rules[0].alert.notify[1]")
    assert "did you mean 'mail'?" in problem.message
    (home / "policies" / "low.yaml").write_text(POLICY.replace(", mial", ""))
    assert load_policies(config.policies, config).policy_set


def test_a_channel_takes_what_names_it_and_what_is_loud_enough(home: Path) -> None:
    chat, mail = read_channels(load_config(home / "config.yaml"), ENVIRONMENT)
    raised = message(Event.ALERT_RAISED, Severity.WARNING)
    assert (chat.takes(raised), mail.takes(raised)) == (False, True)
    named = message(Event.ALERT_RAISED, Severity.INFO, "chat")
    assert (chat.takes(named), mail.takes(named)) == (True, False)
    stopped = message(Event.CYCLE_STOPPED, Severity.CRITICAL)
    assert (chat.takes(stopped), mail.takes(stopped)) == (True, False)
    digest = message(Event.DIGEST, Severity.CRITICAL)
    assert (chat.takes(digest), mail.takes(digest)) == (False, True)


def test_the_page_lists_every_event_once_and_every_chat_with_its_page() -> None:
    text = PAGE.read_text("utf-8")
    listed = re.findall(
        r"^\| `(\w+)` \| (?:info|warning|critical|the rule's) \|", text, re.MULTILINE
    )
    assert listed == [str(event) for event in Event]
    for kind, chat in CHATS.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{kind}` |")]
        assert chat.page in row
        assert all(host in row for host in chat.hosts[:1])
        assert f"{chat.largest_bytes:,} bytes, {chat.per_minute} a minute" in row


def test_the_examples_of_channels_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(notify:.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    example = (PAGE.parents[1] / "config.example.yaml").read_text("utf-8")
    _, _, commented = example.partition("# notify:")
    uncommented = "notify:" + "\n".join(line.removeprefix("# ") for line in commented.splitlines())
    for text in (block, uncommented):
        (tmp_path / "config.yaml").write_text(CONFIG.partition("notify:")[0] + text)
        assert set(load_config(tmp_path / "config.yaml").notify) == {"on-call", "ops", "hook"}

"""`budgetd run` tells a webhook what happened, once, across its lives, and hides its secrets."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .running import PATIENCE_S, Running
from .site import POLICY, Site

SECRET = "planted-webhook-secret-0123456789"
TOKEN = "planted-token-in-the-address-0123"
ALERTS = """\
version: 1
policy: watch
rules:
  - {name: low, accounts: {name: acme_prod_web}, alert: {when: {below: 1000000.00}, notify: [hook]}}
"""
NONE = """\
version: 1
policy: watch
rules:
  - {name: other, accounts: {name: acme_prod_web}, alert: {when: {below: 0.01}}}
"""
CHANNEL = """\
polling: {max_staleness: 2s, act_within: 1s}
notify: {hook: {kind: webhook, url: file:keys/url, secret: file:keys/hook, severity: info}}
"""


class Hook:
    """A receiver that checks every signature as the page says."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                stamp = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}."
                signed = hmac.digest(SECRET.encode(), stamp.encode() + body, hashlib.sha256)
                is_ours = self.headers["webhook-signature"] == (
                    f"v1,{base64.b64encode(signed).decode()}"
                )
                if is_ours and self.path == f"/{TOKEN}":
                    hook.told.append(json.loads(body))
                self.send_response(204 if is_ours else 401)
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.told]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first message about that, awaited."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for message in self.told:
                if message["event"] == event:
                    return message
            time.sleep(0.05)
        raise AssertionError(f"nobody told of {event}: {self.events}")


@pytest.fixture
def hook() -> Iterator[Hook]:
    receiver = Hook()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def write(site: Site, hook: Hook, alerts: str) -> Path:
    site.write(policy=f"{POLICY}    notice: 1h\n")
    config = Path(site.config)
    config.write_text(config.read_text() + CHANNEL)
    keys = site.home / "keys"
    (keys / "hook").write_text(SECRET)
    (keys / "url").write_text(f"http://127.0.0.1:{hook.server.server_address[1]}/{TOKEN}")
    (site.home / "policies" / "watch.yaml").write_text(alerts)
    return config


def test_people_hear_of_the_daemon_and_of_an_alert_once_across_its_lives(
    site: Site, hook: Hook
) -> None:
    config = write(site, hook, ALERTS)
    with Running(config) as daemon:
        raised = hook.wait_for("alert_raised")
        announced = hook.wait_for("reclaim_announced")
        daemon.wait_for("cycle_ended", count=2)
        assert daemon.stop() < 10
        log = json.dumps(daemon.log) + daemon.errors
    assert raised["title"] == "alert: watch/low, 1 account"
    assert raised["lines"][0].endswith("below its trigger")
    assert announced["title"].endswith(" from 1 account, p/home")
    assert hook.events.count("alert_raised") == 1
    assert (hook.events[0], hook.events[-1]) == ("daemon_started", "daemon_stopped")
    assert SECRET not in log
    assert TOKEN not in log

    hook.told.clear()
    with Running(config) as daemon:
        daemon.wait_for("cycle_ended")
        (site.home / "policies" / "watch.yaml").write_text(NONE)
        daemon.stop()
    with Running(config) as daemon:
        over = hook.wait_for("alert_over")
        daemon.stop()
    assert over["lines"][0].endswith("its rule is not in force any more")
    assert "alert_raised" not in hook.events

"""The page of a real daemon: there from the start, ready when it works, gone when it stops."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.web.conftest import free_port

from budgetd.sandbox.running import RunningSandbox
from budgetd.web.server import bind

from .running import Running
from .site import Site

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def port(site: Site) -> int:
    """Where the page of the site is to be."""
    found = free_port()
    path = Path(site.config)
    path.write_text(path.read_text() + f"web: {{listen: 127.0.0.1:{found}}}\n")
    return found


def metrics(page: httpx.Client) -> dict[str, float]:
    """The metrics without labels, and the sums of the others."""
    families = text_string_to_metric_families(page.get("/metrics").text)
    return {
        family.name: sum(sample.value for sample in family.samples)
        for family in families
        if family.samples
    }


def said(site: Site) -> dict[str, Any]:
    """What `status` says beside a daemon that works."""
    told = site.run("status", "--format", "json")
    assert told.exit_code == 0, told.stdout
    status: dict[str, Any] = json.loads(told.stdout)
    return status


def test_the_page_of_a_daemon_tells_what_it_did_and_so_does_status_beside_it(
    site: Site, port: int, running: RunningSandbox
) -> None:
    base = f"http://127.0.0.1:{port}"
    with (
        Running(Path(site.config)) as daemon,
        httpx.Client(base_url=base, trust_env=False) as page,
    ):
        daemon.wait_for("daemon_started")
        assert page.get("/healthz").text == "ok\n"
        daemon.wait_for("cycle_ended")
        assert page.get("/readyz").text == "ok\n"
        text = page.get("/").text
        for account in running.sandbox.book.accounts.values():
            assert account.name in text
        assert text.count("settled") >= 3
        found = metrics(page)
        assert found["budgetd_transfers"] == 3
        assert found["budgetd_last_cycle_accounts"] == len(running.sandbox.book.accounts)
        assert found["budgetd_provider_calls"] > 3
        assert found["budgetd_policies_reload_success"] == 1

        status = said(site)
        while not status["last_cycle"]:
            # The log may be quicker than the word it gives of itself.
            status = said(site)
        assert status["well"] is True
        assert [one["state"] for one in status["transfers"]] == ["settled"] * 3
        assert status["master"][0]["available"]
        assert daemon.stop() < 10
    bind("127.0.0.1", port).close()
    ended = site.run("status")
    assert ended.exit_code == 1
    assert "The daemon does not run: it was stopped." in ended.stdout


def test_a_port_in_use_is_said_and_nothing_is_moved(
    site: Site, port: int, running: RunningSandbox
) -> None:
    listener = bind("127.0.0.1", port)
    try:
        process = site.start("run")
        _, errors = process.communicate(timeout=30)
    finally:
        listener.close()
    assert process.returncode == 1
    assert f"error: web.listen 127.0.0.1:{port}: " in errors
    assert site.states() == []

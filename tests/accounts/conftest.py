"""A running sandbox, a config that points at it, and the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from budgetd.cli import main
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox

PASSWORD = "Tr0ub4dor-and-3"
POLICY = """\
version: 1
policy: production
rules:
  - name: keep-alive
    accounts: {name: "acme_prod_*"}
    top_up: {when: {below: 500.00}, to: 2000.00}
    caps: {account_per_day: 5000.00}
"""
Run = Callable[..., Result]


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """A sandbox of the fourteen fixed accounts, its quota off."""
    clock = MovableClock()
    book = seeded_fleet(seed=7, start=clock.now(), accounts=14)
    quota = Quota(QUOTAS, multiplier=0)
    with RunningSandbox(Sandbox(book=book, clock=clock, quota=quota)) as box:
        yield box


@pytest.fixture
def config(running: RunningSandbox, tmp_path: Path) -> Path:
    """A config under `enforce`, its policies and its secrets."""
    (tmp_path / "policies").mkdir(mode=0o755)
    (tmp_path / "policies" / "production.yaml").write_text(POLICY)
    (tmp_path / "ak").write_text(SANDBOX_AK)
    (tmp_path / "sk").write_text(SANDBOX_SK)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    path = tmp_path / "config.yaml"
    path.write_text(
        "enterprise: acme\n"
        "mode: enforce\n"
        "provider:\n"
        f"  endpoint: {running.url}\n"
        "  credentials: {access_key: file:ak, secret_key: file:sk}\n"
        "  requests_per_second: 1000\n"
        "  timeout: 5s\n"
        "limits: {reserve: 10.00}\n"
        f"state: sqlite:///{tmp_path}/budgetd.db\n"
    )
    return path


@pytest.fixture
def run(config: Path) -> Run:
    """Runs a command on that config."""

    def invoke(*words: str, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, ["--config", str(config), *words], env=env)

    return invoke

"""A place where budgetd is installed: a config, policies, keys, and a provider to talk to."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from budgetd.cli import main
from budgetd.ledger.store import Ledger
from budgetd.sandbox.auth import AccessKey
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import SMALLEST_FLEET, seeded_fleet
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota

AK = "PLANTEDAK" + "7" * 11
SK = "planted-secret-that-nobody-may-see-" + "9" * 8
CONFIG = """\
enterprise: acme
mode: {mode}
provider:
  endpoint: {endpoint}
  requests_per_second: 100
  resend: {resend}
  timeout: 1s
  credentials: {{access_key: file:{keys}/ak, secret_key: file:{keys}/sk}}
state: sqlite:///state/budgetd.db
timezone: UTC
limits: {{reserve: 10.00, {limits}}}
"""
POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {name: [acme_prod_web, acme_prod_db]}
    top_up: {when: {below: 500.00}, to: 2000.00}
  - name: home
    accounts: {name: acme_idle}
    reclaim: {when: {above: 1000.00}, keep: 200.00}
"""
BUDGETD = Path(sysconfig.get_path("scripts")) / "budgetd"


def small_sandbox() -> Sandbox:
    """The smallest seeded fleet, without a quota, that knows the keys of a site."""
    clock = MovableClock()
    book = seeded_fleet(seed=7, start=clock.now(), accounts=SMALLEST_FLEET)
    return Sandbox(
        book=book,
        clock=clock,
        quota=Quota(QUOTAS, multiplier=0),
        extra_keys={AK: AccessKey(ak=AK, sk=SK, account_id=book.master.id)},
    )


@dataclass(slots=True)
class Site:
    """The folder; commands are run in this process, or as processes of their own."""

    home: Path
    endpoint: str

    def write(
        self,
        *,
        mode: str = "enforce",
        limits: str = "",
        resend: str = "same_key",
        policy: str = POLICY,
        enterprise: str = "acme",
    ) -> None:
        """Writes config, policy and keys anew."""
        for folder in ("policies", "state", "keys"):
            (self.home / folder).mkdir(exist_ok=True)
        text = CONFIG.format(
            mode=mode,
            endpoint=self.endpoint,
            resend=resend,
            limits=limits,
            keys=self.home / "keys",
        )
        text = text.replace("enterprise: acme", f"enterprise: {enterprise}")
        (self.home / "config.yaml").write_text(text)
        (self.home / "policies" / "p.yaml").write_text(policy)
        for name, value in (("ak", AK), ("sk", SK)):
            path = self.home / "keys" / name
            path.write_text(value)
            path.chmod(0o600)

    @property
    def config(self) -> str:
        return str(self.home / "config.yaml")

    @property
    def state(self) -> Path:
        return self.home / "state" / "budgetd.db"

    def run(self, *arguments: str) -> Result:
        """One command in this process, without a terminal."""
        return CliRunner().invoke(main, ["--config", self.config, *arguments])

    def start(self, *arguments: str, **options: object) -> "subprocess.Popen[str]":
        """One command as a process of its own."""
        given: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "env": {**os.environ, "PYTHONUNBUFFERED": "1"},
        }
        command = [sys.executable, str(BUDGETD), "--config", self.config, *arguments]
        return subprocess.Popen(command, **{**given, **options})  # type: ignore[call-overload]  # options of Popen

    def saved(self, *options: str) -> Path:
        """A plan kept in a file."""
        path = self.home / "plan.json"
        result = self.run("plan", "--out", str(path), *options)
        assert result.exit_code in (0, 5), result.stderr
        return path

    def states(self) -> list[str]:
        """Where every transfer of the ledger stands."""
        ledger = Ledger(self.state, may_write=False)
        try:
            rows = ledger.connection.execute("SELECT state FROM intent ORDER BY state").fetchall()
            return [str(row[0]) for row in rows]
        finally:
            ledger.close()

"""Policies edited under a running daemon: broken, half-written, emptied and good files in turn.

The sandbox's book is the judge of cooldowns and caps; the log, of cycles and of what is in force.
"""

import os
import re
import signal
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from budgetd.ledger.standing import newest
from budgetd.ledger.store import Ledger
from budgetd.sandbox.running import RunningSandbox

from .running import Running
from .site import Site
from .test_plan_and_apply import BEFORE, cash

RELOADS = int(os.environ.get("RELOADS", "60"))
STALENESS_S = 4
GOOD = """\
version: 1
policy: p
description: edition {edition}
rules:
  - name: cooling
    accounts: {{name: acme_prod_web}}
    top_up: {{when: {{below: 500.00}}, to: 2000.00, max: 20.00}}
    cooldown: 12h
  - name: capped
    accounts: {{name: acme_prod_db}}
    top_up: {{when: {{below: 500.00}}, to: 2000.00, max: 20.00}}
    caps: {{account_per_day: 30.00}}
  - name: ticking
    accounts: {{name: acme_idle}}
    reclaim: {{when: {{above: 90000.00}}, keep: 80000.00}}
    schedule: {{every: 1h}}
  - name: by-day
    accounts: {{name: acme_idle}}
    reclaim: {{when: {{above: 90000.00}}, keep: 80000.00}}
    schedule: {{daily: {{at: "03:30"}}}}
    priority: 50
"""
RULES = {"p/ticking", "p/by-day"}
LIMITS = "reflected_after: 1s, per_cycle: {share_of_accounts: 100%}"


def broken(path: Path, edition: int) -> None:
    path.write_text(GOOD.format(edition=edition).replace("500.00", "5e2", 1))


def half_written(path: Path, edition: int) -> None:
    """Cut inside one of its braces: never a shorter policy that is whole by chance."""
    text = GOOD.format(edition=edition)
    braces = [found.end() for found in re.finditer("{", text)]
    path.write_text(text[: braces[edition % len(braces)]])


def emptied(path: Path, edition: int) -> None:
    path.write_text("")


def gone(path: Path, edition: int) -> None:
    path.unlink(missing_ok=True)


BAD: tuple[Callable[[Path, int], None], ...] = (broken, half_written, emptied, gone)


def drained(running: RunningSandbox) -> dict[str, int]:
    """The state of the book once the second account is as low as the first."""
    book = running.sandbox.book
    found = next(one for one in book.accounts.values() if one.display_name == "prod-db")
    book.spend(found.id, 489_99, running.sandbox.clock.now())
    assert cash(running) == BEFORE | {"prod-db": 10_00}
    return cash(running)


def test_no_edit_loses_a_rule_a_cycle_a_cooldown_or_a_cap(
    site: Site, running: RunningSandbox
) -> None:
    before, path = drained(running), site.home / "policies" / "p.yaml"
    site.write(limits=LIMITS, policy=GOOD.format(edition=0))
    with Path(site.config).open("a") as config:
        config.write(f"polling: {{max_staleness: {STALENESS_S}s, act_within: 2s}}\n")
    with Running(Path(site.config)) as daemon:
        daemon.wait_for("cycle_ended")
        digest = daemon.wait_for("policies_loaded")["policies"]
        for edition in range(1, RELOADS + 1):
            since = len(daemon.log)
            if edition % 2:
                BAD[edition // 2 % len(BAD)](path, edition)
                daemon.signal(signal.SIGHUP)
                said = daemon.wait_for("reload_refused", since=since)
                assert said["policies"] == digest
                assert said["problems"]
            else:
                path.write_text(GOOD.format(edition=edition))
                daemon.signal(signal.SIGHUP)
                digest = daemon.wait_for("policies_loaded", since=since)["policies"]
        daemon.wait_for("cycle_ended", since=len(daemon.log), count=2)
        past = Ledger(site.state, may_write=False)
        known = newest(past).standing
        past.close()
        assert daemon.stop() < 10
        assert daemon.process.returncode == 0, daemon.errors
    assert known is not None
    assert known.policies.digest == digest
    assert known.policies.rules == GOOD.count("- name:")
    assert {one.what for one in known.next} >= RULES
    # The last one may have been cut off by the stop.
    ended = daemon.events("cycle_ended")[:-1]
    assert not [event["stopped"] for event in ended if event["stopped"]]
    times = [datetime.fromisoformat(event["at"]) for event in ended]
    assert max((later - one).total_seconds() for one, later in pairwise(times)) <= STALENESS_S
    # One move under a cooldown of half a day, one and a half under a cap; whatever was edited.
    assert cash(running) == before | {
        "prod-web": before["prod-web"] + 20_00,
        "prod-db": before["prod-db"] + 30_00,
        "master": before["master"] - 50_00,
    }

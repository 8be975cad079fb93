"""Whole lives of alerts by seed: restarts, clock steps, what is unread, edits.

None is lost, none is told too often, each that is over was raised once.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from budgetd.core.observation import Account
from budgetd.core.policies.policy import PolicySet
from budgetd.ledger.alerts import known_alerts
from budgetd.ledger.store import Ledger

from .intents import AT, leading
from .test_alerts import ANNA, HIGH, LOW, RULES, UNREAD, policies, said

CYCLES, LIVES = 60, 6
COOLDOWN = timedelta(hours=24)
LETTERS = {"raised": "R", "repeated": "P", "over": "O"}
LAWFUL = re.compile(r"(RP*O)*(RP*)?")


class Chance(Random):
    """Draws what happens; a life follows from its number."""


@dataclass
class Life:
    """One state file, its clock, and what people heard of each alert."""

    rng: Chance
    path: Path
    ledger: Ledger
    now: datetime = AT
    heard: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    told_at: dict[str, datetime] = field(default_factory=dict)

    def cycle(self) -> None:
        """Something happens, then a cycle."""
        self._something()
        accounts = [one for one in (ANNA, replace(ANNA, id="b", name="ben")) if self._often()]
        rules = RULES if self._often() else policies(name="other")
        value = self.rng.choice((LOW, LOW, HIGH, UNREAD))
        for line in said(self.ledger, self.now, value, rules, accounts):
            self._hear(line, rules)
        self._check(value, rules, accounts)

    def _often(self) -> bool:
        return self.rng.random() < 0.9

    def _something(self) -> None:
        self.now += timedelta(minutes=self.rng.choice((1, 5, 60, 700, 1440)))
        if self.rng.random() < 0.1:
            self.now -= timedelta(minutes=self.rng.randint(1, 1400))
        if self.rng.random() < 0.1:
            self.ledger.close()
            self.ledger = leading(self.path)

    def _hear(self, line: str, rules: PolicySet) -> None:
        turn, label, *why = line.split(" ", 2)
        # Of a rule that went, the end is of the other one than those in force.
        is_other = (rules is not RULES) != ("rule is not in force" in line)
        name = f"{label} {'other' if is_other else 'low'}"
        self.heard[name] += LETTERS[turn]
        if turn == "repeated":
            assert self.now - self.told_at[name] >= COOLDOWN, f"{name} again too soon"
        if turn in ("raised", "repeated"):
            self.told_at[name] = self.now
        assert turn == "over" or not why

    def _check(self, value: str | None, rules: PolicySet, accounts: list[Account]) -> None:
        known = {(one.rule, one.account_id) for one in known_alerts(self.ledger)}
        (rule,) = [name for name, _ in rules.rules()]
        present = {(rule, account.id) for account in accounts}
        assert {name for name, _ in known} <= {rule}
        assert {account for _, account in known} <= {account.id for account in accounts}
        if value == LOW:
            assert known == present, "what holds is known"
        if value == HIGH:
            assert not known, "what does not hold is over"
        for name, turns in self.heard.items():
            assert LAWFUL.fullmatch(turns), f"{name}: {turns}"


def test_alerts_live_lawful_lives(tmp_path: Path) -> None:
    heard = ""
    for seed in range(LIVES):
        path = tmp_path / f"{seed}.db"
        life = Life(Chance(seed), path, leading(path))
        for _ in range(CYCLES):
            life.cycle()
        life.ledger.close()
        heard += "".join(life.heard.values())
    assert min(heard.count(turn) for turn in "RPO") > LIVES

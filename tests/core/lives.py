"""The life of a daemon over months, without a provider: real deciding, real planning, a real file.

What a cycle reads is made here, and what it moves is booked here; what is due, what is decided
and what is over is asked of the product alone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from budgetd import timekeeping
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.needs import needs
from budgetd.core.decisions.slots import Missed
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Move, State
from budgetd.core.money import parse_amount
from budgetd.core.observation import (
    Account,
    Observation,
    Ok,
    Organization,
    Readings,
    Status,
    Unknown,
)
from budgetd.core.plans.again import promised_of
from budgetd.core.plans.outcome import Outcome, outcome_of, settled_move
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.cycle import Settings, blank_observation, plan_of
from budgetd.ledger import kept
from budgetd.ledger.store import Ledger

from .cases import GivenLimits

PLENTY = parse_amount("100000000.00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
ROOT = Organization(id="o", name="", path=())
LIMITS = replace(
    GivenLimits().limits(),
    per_cycle_amount=PLENTY,
    per_cycle_transfers=1_000_000,
    per_day_amount=PLENTY,
    approval_above=PLENTY,
    reflected_after=timedelta(seconds=1),
)


def accounts(*names: str) -> tuple[Account, ...]:
    """Normal accounts of these names."""
    return tuple(
        Account(id=name, name=name, display_name="", status=Status.NORMAL, organization=ROOT)
        for name in names
    )


def policies(*rules: Mapping[str, object]) -> PolicySet:
    """One policy `p` of these rules, read as a file would be."""
    text = json.dumps({"version": "1", "policy": "p", "rules": list(rules)})
    found = read_model(text, "p.yaml", Policy)
    assert isinstance(found, Policy), "\n".join(str(problem) for problem in found)
    return PolicySet((found,), digest="sha256:life")


def gift(schedule: Mapping[str, object], **more: object) -> dict[str, object]:
    """A rule that gives every account ten, once a slot."""
    action = {"top_up": {"add": "10.00"}}
    return {"name": "r", "accounts": "all", **action, "schedule": schedule, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A transfer that was sent: for which slot of which rule, to whom, when."""

    rule: str
    account: str
    period: str
    at: datetime
    read_at: datetime
    amount: Decimal


@dataclass(slots=True)
class Life:
    """A daemon, the file it keeps, and what it did. Each cycle is a process of its own, or not."""

    path: Path
    rules: PolicySet
    zone: ZoneInfo = SHANGHAI
    fleet: tuple[Account, ...] = accounts("a", "b")
    mode: str = "enforce"
    cash: str = "5.00"
    fired: list[Fired] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    plan: Plan | None = None
    _ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """The open file."""
        if self._ledger is None:
            self._ledger = Ledger(self.path, may_write=True)
            # Nobody pulls the plug here.
            self._ledger.connection.execute("PRAGMA synchronous = OFF")
        return self._ledger

    def restart(self) -> None:
        """What only a process knew is gone."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    @property
    def settings(self) -> Settings:
        """What its cycles are told."""
        frame = Frame(enterprise="acme", mode=self.mode, policies=self.rules)
        limits: Limits = replace(LIMITS, zone=self.zone)
        return Settings(frame=frame, limits=limits, currency="CNY", is_daemon=True)

    def cycle(
        self,
        now: datetime,
        *,
        unread: Iterable[str] = (),
        in_doubt: Iterable[str] = (),
        read_at: datetime | None = None,
        dies: bool = False,
    ) -> None:
        """One cycle. Accounts in `unread` fail, transfers to those in `in_doubt` are not known to
        have moved; one that `dies` moves and remembers nothing of it but the moves."""
        kept.note_rules(self.ledger, [name for name, _ in self.rules.rules()], now)
        observation = self._observe(now, set(unread), read_at or now)
        plan = self.plan = plan_of(self.settings, observation)
        timekeeping.note_notices(self.ledger, plan, self.rules, observation)
        if self.mode == "enforce":
            outcomes = [self._send(plan, move.id, now, set(in_doubt)) for move in plan.moves]
            if dies:
                self.restart()
                return
            timekeeping.note_slots(self.ledger, plan, outcomes, now)
            settings = self.settings
            timekeeping.note_ticks(self.ledger, self.rules, observation, settings.limits)
        self.close(observation)

    def close(self, observation: Observation) -> None:
        """Closes what is over, as a daemon does after a cycle."""
        settings = self.settings
        self.missed += timekeeping.close_slots(
            self.ledger, settings.frame, observation, settings.limits
        )

    def _observe(self, now: datetime, unread: set[str], read_at: datetime) -> Observation:
        settings = self.settings
        blank = replace(blank_observation(settings, self.ledger, now), moves=tuple(self.moves))
        wanted = needs(self.rules, blank, settings.limits).of(self.fleet)
        cash = {
            name: Unknown("it failed", read_at)
            if name in unread
            else Ok(parse_amount(self.cash), read_at)
            for name in wanted
        }
        return replace(
            blank,
            accounts=self.fleet,
            readings={name: Readings(cash=reading) for name, reading in cash.items()},
            master=Readings(cash=Ok(PLENTY, now)),
        )

    def _send(self, plan: Plan, move_id: str, now: datetime, in_doubt: set[str]) -> Outcome:
        transfer = next(one for one in plan.moves if one.id == move_id)
        state = State.IN_DOUBT if transfer.account.id in in_doubt else State.SETTLED
        ended = None if state is State.IN_DOUBT else now
        known = f"{transfer.id}-{len(self.moves)}"
        self.moves.append(
            replace(settled_move(transfer, now), id=known, state=state, ended_at=ended)
        )
        self.fired.append(
            Fired(
                rule=transfer.rule,
                account=transfer.account.id,
                period=transfer.period,
                at=now,
                read_at=transfer.read_at,
                amount=transfer.amount,
            )
        )
        return outcome_of(promised_of(transfer, plan.expires_at), state)

    def settle(self, now: datetime, *, moved: bool) -> None:
        """All doubt ends, one way or the other."""
        for number, move in enumerate(self.moves):
            if move.state is State.IN_DOUBT:
                state = State.SETTLED if moved else State.VOID
                self.moves[number] = replace(move, state=state, ended_at=now)

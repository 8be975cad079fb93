"""A daemon's whole sight, made by the real rules: a fleet, its plan, its ledger, its standing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.ledger.intents import intent_of, promise, send

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.answer import AnswerClass
from budgetd.core.approval import Proposal, ProposedItem
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.observation import (
    Account,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Readings,
    Sample,
    Status,
    Unknown,
)
from budgetd.core.pause import Pause
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.core.standing import Done, Next, Policies, Standing
from budgetd.cycle import Settings, plan_of
from budgetd.ledger import proposals
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger
from budgetd.ledger.switches import set_pause
from budgetd.web.seen import Quota, Seen, funds_of

NOW = datetime(2026, 11, 30, 14, 45, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
DIGEST = "sha256:3f9c1e" + "0" * 58
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "x\x1b[31m\x1b]0;owned\x07\x9b2J",
    "safe\u202egnp.exe\u2066",
    "nul\x00\ufeff\u200b",
    "{{ 7*7 }}{% raw %}",
    "a" * 250,
    "سحابة الإنتاج الرئيسية",
    'quote"\\\nline',
    "half\ud800pair",
)
RULES = [
    {
        "name": "keep-alive",
        "accounts": "all",
        "top_up": {"when": {"below": "500.00"}, "to": "2000.00"},
        "caps": {"account_per_day": "1500.00"},
    },
    {
        "name": "cash-home",
        "accounts": "all",
        "reclaim": {"when": {"above": "9000.00"}, "keep": "3000.00"},
    },
    {
        "name": "running-low",
        "accounts": {"name": "*-03"},
        "alert": {"when": {"below": "5000.00"}},
        "schedule": {"every": "15m"},
    },
]


def policies() -> PolicySet:
    """The rules of the scene."""
    policy = Policy.model_validate({"version": "1", "policy": "production", "rules": RULES})
    return PolicySet((policy,), DIGEST)


def limits() -> Limits:
    """Those that the configuration has by default."""
    return LimitsSection().for_core(ZONE, Polling())


def account(number: int, name: str) -> Account:
    """A normal account in one of five units."""
    path = (("R&D",), ("R&D", "Web"), ("Projects",), ("研发中心", "华东大区"), ())[number % 5]
    return Account(
        id=f"{number:032x}",
        name=name,
        display_name="",
        status=Status.NORMAL,
        organization=Organization(id=f"o{len(path)}", name=path[-1] if path else "", path=path),
    )


def fleet(count: int, names: tuple[str, ...] = ()) -> tuple[Account, ...]:
    """So many accounts; the first ones have the names given."""
    plain = [f"prod-{number:02}" for number in range(len(names), count)]
    return tuple(account(number, name) for number, name in enumerate((*names, *plain), 1))


def observation_of(accounts: tuple[Account, ...]) -> Observation:
    """Readings from 20.00 to 12,000.00; each 25th account is not read."""
    chance = Random(7)  # noqa: S311 - the same fleet every time
    readings = {}
    for number, one in enumerate(accounts):
        read_at = NOW - timedelta(seconds=chance.randrange(5, 900))
        value = Decimal(chance.randrange(2000, 1_200_000)).scaleb(-2)
        ledger = CreditLedger(
            expire_time=None, expires_at=None, amount=value / 2, available=value / 2
        )
        readings[one.id] = Readings(
            cash=Unknown("CBC.0999 (500) three times", read_at)
            if number % 25 == 12
            else Ok(value, read_at),
            credit=Ok((ledger,), read_at) if number % 3 == 0 else None,
        )
    return Observation(
        taken_at=NOW,
        currency="CNY",
        accounts=accounts,
        readings=readings,
        master=Readings(cash=Ok(Decimal("100000.00"), NOW), coupons=Unknown("timed out", NOW)),
    )


def standing(observation: Observation | None = None, **changes: Any) -> Standing:
    """What the daemon says after a cycle on this observation; nothing is done without one."""
    made = Standing(
        enterprise="acme",
        mode="enforce",
        process=4711,
        started_at=NOW - timedelta(minutes=40),
        at=NOW,
        policies=Policies(
            digest=DIGEST,
            rules=3,
            loaded_at=NOW - timedelta(minutes=40),
            tried_at=NOW - timedelta(minutes=40),
        ),
    )
    if observation is not None:
        last = Done(
            id="c-17",
            began_at=NOW - timedelta(seconds=24),
            ended_at=NOW - timedelta(seconds=20),
            accounts=len(observation.accounts),
            accounts_read=len(observation.accounts) - 1,
            unreadable=1,
            unread_why="GET /v2/x/retrieve-amount answered 500 CBC.0999, 3 times",
            transfers={"settled": 3, "in_doubt": 1, "not_sent": 1},
            moved={"allocate cash": "3600.00", "reclaim cash": "4800.00"},
            held={"cap": 2, "cooldown": 1, "not_triggered": 30},
            proposals=1,
        )
        coming = (
            Next(what="production/running-low", at=NOW + timedelta(minutes=15)),
            Next(what="the whole fleet", at=NOW + timedelta(minutes=9)),
        )
        master = funds_of(observation.master, NOW)
        made = replace(made, last=last, next=coming, master=master)
    return replace(made, **changes)


def filled(path: Path, accounts: tuple[Account, ...]) -> Ledger:
    """A ledger with transfers of each fate, a proposal, a pause and kept readings."""
    ledger = Ledger(path, may_write=True)
    ledger.lead("acme")
    for number, (classes, one) in enumerate(
        zip((("SETTLED",), ("REFUSED",), ("UNKNOWN",), ("SETTLED",)), accounts, strict=False)
    ):
        made_at = NOW - timedelta(minutes=30 - number)
        intent = intent_of(
            one.id, account_name=_storable(one.name), rule="production/keep-alive", made_at=made_at
        )
        promise(ledger, intent)
        send(ledger, intent, *(AnswerClass[name] for name in classes))
    last = accounts[-1]
    proposals.propose(ledger, [_proposal(last)], NOW)
    pause = Pause(id="p1", rule="trial", account_id="", reason="month's end", by="ops", at=NOW)
    set_pause(ledger, pause)
    chance = Random(3)  # noqa: S311 - the same past every time
    for one in accounts[:40]:
        samples = [
            (
                Unit(account_id=one.id, instrument=Instrument.CASH),
                Sample(NOW - timedelta(hours=hour), Decimal(chance.randrange(1, 9000))),
            )
            for hour in range(6, 24 * 6, 3)
        ]
        keep_readings(ledger, samples)
    return ledger


def _storable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _proposal(one: Account) -> Proposal:
    unit = Unit(account_id=one.id, instrument=Instrument.CASH)
    item = ProposedItem(unit=unit, account_name=_storable(one.name), amount=Decimal("40000.00"))
    return Proposal(
        id="p-0123456789abcdef",
        rule="production/keep-alive",
        direction=Direction.ALLOCATE,
        ask="approval_above",
        limit="",
        currency="CNY",
        items=(item,),
        made_at=NOW,
        expires_at=NOW + timedelta(hours=24),
    )


def seen_of(ledger: Ledger, accounts: tuple[Account, ...] = (), **changes: Any) -> Seen:
    """What the daemon hands out: before its first cycle where there are no accounts."""
    observation = observation_of(accounts) if accounts else None
    settings = Settings(
        frame=Frame(enterprise="acme", mode="enforce", policies=policies()),
        limits=limits(),
        currency="CNY",
    )
    plan = None
    if observation is not None:
        known = replace(observation, moves=ledger.moves(NOW - timedelta(days=32)))
        plan = plan_of(settings, known)
    seen = Seen(
        now=NOW,
        standing=standing(observation),
        policies=policies(),
        limits=limits(),
        past=ledger,
        zone=ZONE,
        currency="CNY",
        max_staleness=timedelta(minutes=30),
        observation=observation,
        plan=plan,
        quotas=(Quota(api="ListSubCustomerCoupons", calls=1200, throttled=2, per_second=10),),
    )
    return replace(seen, **changes)

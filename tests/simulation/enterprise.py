"""The enterprise of every schedule: a small book, and the setups of rules and limits on it.

Documents are parsed once a process. It may not know what will happen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from budgetd.core.decisions.limits import Limits
from budgetd.core.money import ZERO, parse_amount
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.cycle import Settings
from budgetd.sandbox.book import Book
from budgetd.sandbox.fleet import MASTER_ID, ORGANIZATIONS, PROJECTS, RND, ROOT
from budgetd.sandbox.nouns import Account, Coupon, Ledger, Purse
from budgetd.sandbox.semantics import Semantics

START = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
IDS = tuple(character * 32 for character in "abc")
"""Two accounts with little, in /R&D, then one with much, in /Projects."""

UP = {"name": "up", "accounts": {"org": "/R&D"}, "priority": "10"}
HOME = {"name": "home", "accounts": {"org": "/Projects"}, "priority": "20"}
FILL = {"when": {"below": "500.00"}, "to": "1000.00"}
STEP = {"when": {"below": "500.00"}, "add": "500.00"}
SERIES = {"when": {"below": "1000.00"}, "add": "500.00", "max": "500.00"}
DRAIN = {"when": {"above": "1000.00"}, "keep": "200.00"}
LARGE = Decimal(10**6)
LIMITS = Limits(
    zone=ZONE,
    reserve=ZERO,
    never=None,
    per_cycle_amount=LARGE,
    per_cycle_transfers=100,
    per_cycle_share=Decimal(1),
    per_day_amount=LARGE,
    approval_above=LARGE,
    reflected_after=timedelta(minutes=15),
    unknown_readings=Decimal("0.1"),
    act_within=timedelta(minutes=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Rules and limits, and what follows from them for the book, in minor units.

    `ceiling` is what no top-up may lift an account's cash above, the caps what may be moved a
    day, `reserve` what the master keeps; `asks_for` names a rule that moves nothing unasked. Where
    a rule acts once a day or `tick`, it moves a unit once, in a day no more than `once_at_most`;
    after a move it rests for its `cooldown`; `is_in_parts` is a book whose master has two coupons,
    and whose rich account two ledgers.
    """

    rules: tuple[dict[str, Any], ...]
    limits: Mapping[str, Any] = field(default_factory=dict)
    master: int = 100_000_00
    ceiling: int | None = None
    account_cap: int | None = None
    rule_cap: int | None = None
    reserve: int | None = None
    is_once_a_day: bool = False
    once_at_most: int | None = None
    tick: timedelta | None = None
    cooldown: timedelta | None = None
    is_in_parts: bool = False
    asks_for: str = ""


def _rule(base: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {**base, **parts}


SETUPS: dict[str, Setup] = {
    "fill": Setup(rules=(_rule(UP, top_up=FILL),), ceiling=1000_00),
    "step": Setup(rules=(_rule(UP, top_up=STEP),), ceiling=1000_00),
    "both_ways": Setup(rules=(_rule(UP, top_up=STEP), _rule(HOME, reclaim=DRAIN)), ceiling=1000_00),
    "credit": Setup(
        rules=(
            _rule(UP, top_up={**FILL, "instrument": "credit"}),
            _rule(HOME, reclaim={**DRAIN, "instrument": "credit"}),
        )
    ),
    "grants": Setup(rules=(_rule(UP, grant_coupons=SERIES),)),
    "coupons": Setup(
        rules=(
            _rule(UP, grant_coupons=STEP),
            _rule(HOME, reclaim_coupons={"when": {"balance_at_least": "1.00"}}),
        )
    ),
    "capped": Setup(
        rules=(
            _rule(UP, top_up=STEP, caps={"account_per_day": "1000.00", "rule_per_day": "1000.00"}),
        ),
        ceiling=1000_00,
        account_cap=1000_00,
        rule_cap=1000_00,
    ),
    "limited": Setup(
        rules=(_rule(UP, top_up=STEP), _rule(HOME, reclaim=DRAIN)),
        limits={
            "per_day_amount": parse_amount("1900.00"),
            "per_cycle_amount": parse_amount("1900.00"),
            "per_cycle_transfers": 3,
        },
        ceiling=1000_00,
    ),
    "reserve": Setup(
        rules=(_rule(UP, top_up=FILL), _rule(HOME, reclaim=DRAIN)),
        limits={"reserve": parse_amount("3000.00")},
        master=4200_00,
        ceiling=1000_00,
        reserve=3000_00,
    ),
    "cooling": Setup(
        rules=(_rule(UP, top_up=STEP, cooldown="20m"),),
        ceiling=1000_00,
        cooldown=timedelta(minutes=20),
    ),
    "daily": Setup(
        rules=(
            _rule(UP, top_up={"add": "500.00"}, schedule={"daily": {"at": "10:05"}}),
            _rule(
                HOME,
                reclaim={"keep": "200.00"},
                schedule={"daily": {"at": "00:02"}},
            ),
        ),
        is_once_a_day=True,
    ),
    "asked": Setup(
        rules=(_rule(UP, top_up=STEP), _rule(HOME, reclaim=DRAIN, mode="propose")),
        limits={"approval_above": parse_amount("600.00")},
        ceiling=1000_00,
        asks_for="p/home",
    ),
    "everything": Setup(
        rules=(
            _rule(UP, top_up=STEP),
            _rule(HOME, reclaim=DRAIN),
            _rule(UP, name="give", grant_coupons=FILL),
            _rule(HOME, name="lapse", reclaim_coupons={"when": {"expires_within": "365d"}}),
            _rule(UP, name="lend", top_up={**STEP, "instrument": "credit"}),
        ),
        ceiling=1000_00,
    ),
}

VARIED: dict[str, dict[int, str]] = {"daily": {1: "parts", 3: "ticks"}}
"""What is played in a setup's place by seeds that leave this rest of four."""

ALL_SETUPS: dict[str, Setup] = SETUPS | {
    "parts": Setup(
        rules=(
            _rule(UP, grant_coupons={"to": "600.00"}, schedule={"daily": {"at": "10:05"}}),
            _rule(
                HOME,
                reclaim={"instrument": "credit", "keep": "200.00"},
                schedule={"daily": {"at": "00:02"}},
            ),
        ),
        is_once_a_day=True,
        once_at_most=600_00,
        is_in_parts=True,
    ),
    "ticks": Setup(
        rules=(_rule(UP, top_up={**FILL, "max": "200.00"}, schedule={"every": "15m"}),),
        tick=timedelta(minutes=15),
        ceiling=1000_00,
    ),
}


@cache
def settings_of(name: str) -> Settings:
    """What a cycle is told under a setup."""
    setup = ALL_SETUPS[name]
    document = {"version": "1", "policy": "p", "rules": list(setup.rules)}
    policies = PolicySet((Policy.model_validate(document),), digest=f"sha256:{name}")
    frame = Frame(enterprise="acme", mode="enforce", policies=policies)
    limits = replace(LIMITS, **setup.limits)
    is_daemon = setup.tick is not None
    return Settings(frame=frame, limits=limits, currency="CNY", is_daemon=is_daemon)


def _coupon(name: str, amount: int, source: str | None, now: datetime) -> Coupon:
    return Coupon(
        id=name,
        plan_name="plan",
        plan_id="PLAN0001",
        face_value=amount,
        purse=Purse(amount),
        effective_time=now - timedelta(days=30),
        expire_time=now + timedelta(days=90),
        source_id=source,
        created_at=now - timedelta(days=30),
    )


def _account(account_id: str, name: str, org: str, minor: int) -> Account:
    made = Account(id=account_id, name=name, display_name=name, org_id=org)
    made.cash = Purse(minor)
    made.ledgers[None] = Ledger(expire_time=None, limit=minor, purse=Purse(minor))
    return made


def book_of(
    setup: Setup, semantics: Semantics, now: datetime, places: tuple[int, ...] = (0, 1, 2)
) -> Book:
    """A master and three accounts, or those of them that have a place."""
    master = _account(MASTER_ID, "acme", ROOT, setup.master)
    master.coupons["SOURCE"] = _coupon("SOURCE", 9_000_00, None, now)
    rich = _account(IDS[2], "rich", PROJECTS, 2_000_00)
    for child in ("CHILD1", "CHILD2"):
        rich.coupons[child] = _coupon(child, 300_00, "SOURCE", now)
    if setup.is_in_parts:
        master.coupons["SOURCE"] = _coupon("SOURCE", 8_700_00, None, now)
        small = master.coupons["SMALL"] = _coupon("SMALL", 300_00, None, now)
        small.expire_time -= timedelta(days=30)
        rich.ledgers[None].purse = Purse(1_200_00)
        soon = now + timedelta(days=60)
        rich.ledgers[soon] = Ledger(expire_time=soon, limit=800_00, purse=Purse(800_00))
    poor = [_account(IDS[0], "poor", RND, 10_00), _account(IDS[1], "bare", RND, 10_00)]
    return Book(
        master=master,
        organizations=ORGANIZATIONS,
        accounts=tuple((*poor, rich)[place] for place in places),
        semantics=semantics,
    )

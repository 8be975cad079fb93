"""A fleet grown from a seed: the same seed and start, the same accounts to the last cent.

It may not use a float, a clock or a shared random generator. The first accounts are always
the same cases, because policies are tried on them; the rest are ordinary.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from budgetd.sandbox.bills import SERVICES
from budgetd.sandbox.book import CHINA, Book
from budgetd.sandbox.nouns import (
    Account,
    Charge,
    Coupon,
    Instrument,
    Ledger,
    Organization,
    Purse,
    StoredCard,
    UseLimit,
)
from budgetd.sandbox.semantics import Semantics

MASTER_ID = "0123456789abcdef0123456789abcdef"
MASTER_CASH = 100_000_00
HISTORY_DAYS = 62
SMALLEST_FLEET = 14
ROOT, RND, PLATFORM, PROJECTS, DATA, SHARED = "5000", "5001", "5002", "5003", "5004", "5005"
ORGANIZATIONS = (
    Organization(id=ROOT, name="Acme", parent_id=None, relation_id="700"),
    Organization(id=RND, name="R&D", parent_id=ROOT, relation_id="701"),
    Organization(id=PLATFORM, name="Platform", parent_id=RND, relation_id="702"),
    Organization(id=PROJECTS, name="Projects", parent_id=ROOT, relation_id="703"),
    Organization(id=DATA, name="Data", parent_id=ROOT, relation_id="704"),
    Organization(id=SHARED, name="Shared Services", parent_id=ROOT, relation_id="705"),
)


class Case(NamedTuple):
    """An account with a purpose: what it has, in minor units, and what it burns a day."""

    org_id: str
    name: str
    cash: int
    daily: int
    status: int = 1
    custody: bool = False
    debt: int = 0
    own_cash: int = 0


CASES = (
    Case(RND, "prod-web", 10_00, 480_00),
    Case(RND, "prod-db", 499_99, 610_00),
    Case(RND, "prod-api", 500_00, 350_00),
    Case(PROJECTS, "idle", 5_000_00, 0),
    Case(PROJECTS, "busy", 1_240_00, 95_00),
    Case(PLATFORM, "ci-runners", 120_00, 75_00),
    Case(PLATFORM, "registry", 2_310_40, 40_00),
    Case(DATA, "warehouse", 8_650_75, 410_00),
    Case(DATA, "pilot-lake", 0, 0),
    Case(DATA, "streaming", 355_20, 120_00, debt=12_30),
    Case(SHARED, "monitoring", 980_00, 30_00, own_cash=150_00),
    Case(SHARED, "billing-custody", 0, 55_00, custody=True),
    Case(PROJECTS, "migration-2024", 7_200_00, 0, status=3),
    Case(PROJECTS, "newcomer", 0, 0, status=102),
)
MASTER_COUPONS = (
    ("spring campaign", 3_000_00, 15),
    ("migration support", 2_000_00, 34),
    ("business support", 10_000_00, 200),
)
STEMS = ("web", "db", "api", "batch", "cache", "search", "mail", "auth", "video", "ml", "etl")
STAGES = ("prod", "staging", "dev", "test", "demo", "qa")


class Growth(NamedTuple):
    """What the growing needs at every step."""

    dice: random.Random
    start: datetime


def seeded_fleet(
    *, seed: int, start: datetime, accounts: int = 40, semantics: Semantics | None = None
) -> Book:
    """A book of that many members (at least the fixed cases) as of `start`."""
    start = start.replace(microsecond=0)
    growth = Growth(random.Random(seed), start)  # noqa: S311 - must repeat, not surprise
    cases = (*CASES, *_ordinary(growth.dice, accounts - len(CASES)))[: max(accounts, 1)]
    members = tuple(_member(growth, case, index) for index, case in enumerate(cases))
    master = _master(growth)
    for index, member in enumerate(members):
        _give_children(growth, master, member, index)
    book = Book(master=master, organizations=ORGANIZATIONS, accounts=members, semantics=semantics)
    for member in members:
        for charge in member.charges:
            book.spent[Instrument.CASH] += charge.cash
            book.funded[Instrument.CASH] += charge.cash
    book.cards = _cards(start)
    return book


def _ordinary(dice: random.Random, count: int) -> Iterator[Case]:
    places = (RND, PLATFORM, PROJECTS, PROJECTS, DATA, SHARED)
    for number in range(count):
        stage, stem = dice.choice(STAGES), dice.choice(STEMS)
        name = f"{stage}-{stem}-{number + 1:02d}"
        daily = dice.choice((0, dice.randrange(5_00, 60_00), dice.randrange(60_00, 400_00)))
        cash = dice.choice(
            (
                dice.randrange(0, 500_00),
                dice.randrange(500_00, 2_000_00),
                dice.randrange(2_000_00, 9_000_00),
            )
        )
        yield Case(dice.choice(places), name, cash, daily)


def _member(growth: Growth, case: Case, index: int) -> Account:
    digits = "0123456789" if index == 0 else "0123456789abcdef"
    body = "".join(growth.dice.choice(digits) for _ in range(31))
    account = Account(
        # The first id is a number with a leading zero, on which careless readers stumble.
        id=("0" if index == 0 else growth.dice.choice("abcdef123456789")) + body,
        name=f"acme_{case.name.replace('-', '_')}",
        display_name=case.name,
        org_id=case.org_id,
        status=case.status,
        custody=case.custody,
        cash=Purse(case.cash),
        own_cash=Purse(case.own_cash),
        debt=case.debt,
        charges=list(_history(growth, case.daily, index)),
    )
    if index % 10 == 6:
        account.credit_check_items = ("NO_SHARE_CREDIT_TO_SUB_PERMISSION",)
    if index % 5 == 2 and case.status == 1:
        for ledger in _ledgers(growth.start, growth.dice.randrange(100_00, 900_00)):
            account.ledgers[ledger.expire_time] = ledger
    return account


def _history(growth: Growth, daily: int, index: int) -> Iterator[Charge]:
    """Two months of days: weekends at two thirds, a fifth up or down by chance."""
    if not daily:
        return
    codes = tuple(SERVICES)
    today = growth.start.astimezone(CHINA).date()
    for back in range(HISTORY_DAYS, 0, -1):
        day = today - timedelta(days=back)
        base = daily * 2 // 3 if day.weekday() >= 5 else daily
        cost = base * growth.dice.randrange(80, 121) // 100
        first = cost * 3 // 4
        yield Charge(day, codes[index % len(codes)], first, 0, 0)
        yield Charge(day, codes[(index + 1) % len(codes)], cost - first, 0, 0)


def _ledgers(start: datetime, amount: int) -> tuple[Ledger, Ledger]:
    ends = (start + timedelta(days=120)).replace(hour=15, minute=59, second=59)
    return (
        Ledger(expire_time=ends, limit=amount * 2, purse=Purse(amount)),
        Ledger(expire_time=None, limit=amount, purse=Purse(amount // 2)),
    )


def _master(growth: Growth) -> Account:
    start = growth.start
    master = Account(
        id=MASTER_ID,
        name="acme",
        display_name="Acme",
        org_id=ROOT,
        cash=Purse(MASTER_CASH + 3_000_00),
        over_invoiced=3_000_00,
    )
    for ledger in _ledgers(start, 20_000_00):
        ledger.held = 1_000_00
        master.ledgers[ledger.expire_time] = ledger
    for number, (name, face, days) in enumerate(MASTER_COUPONS, start=1):
        limits = (UseLimit(info_id="UL1", limit_key="subscribeType", value1="3"),)
        coupon = Coupon(
            id=f"CP{start:%y%m%d}{number:08d}M1",
            plan_name=name,
            plan_id=f"PLAN{number:04d}",
            face_value=face,
            purse=Purse(face),
            effective_time=start - timedelta(days=60),
            expire_time=(start + timedelta(days=days)).replace(hour=15, minute=59, second=59),
            use_limits=limits if number == 1 else (),
            created_at=start - timedelta(days=60),
        )
        master.coupons[coupon.id] = coupon
    return master


def _give_children(growth: Growth, master: Account, member: Account, index: int) -> None:
    """Every fourth account (the busy one first) has coupons, near and far of their end."""
    if index % 4 != 0 or member.status != 1 or member.custody:
        return
    sources = tuple(master.coupons.values())
    for number, source in enumerate(sources if index == 4 else (growth.dice.choice(sources),)):
        amount = 32_50 if index == 4 and number == 0 else growth.dice.randrange(10_00, 800_00)
        child = Coupon(
            id=f"CP{growth.start:%y%m%d}{index:06d}{number:02d}A1",
            plan_name=source.plan_name,
            plan_id=source.plan_id,
            face_value=amount,
            purse=Purse(amount),
            effective_time=source.effective_time,
            expire_time=source.expire_time,
            source_id=source.id,
            use_limits=source.use_limits,
            created_at=growth.start - timedelta(days=10),
        )
        member.coupons[child.id] = child


def _cards(start: datetime) -> tuple[StoredCard, ...]:
    ends = start + timedelta(days=300)
    begins = start - timedelta(days=65)
    return tuple(
        StoredCard(
            id=f"SC{number:08d}",
            name="stored value card",
            face_value=1_000_00,
            balance=balance,
            effective_time=begins,
            expire_time=ends,
        )
        for number, balance in enumerate((640_00, 0), start=1)
    )

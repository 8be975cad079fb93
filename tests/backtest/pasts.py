"""Made-up pasts and policies, by seed: spending, rumours of zero, money of strangers, our moves."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from budgetd.core.backtest.series import micros
from budgetd.core.backtest.world import Column, Ground, World, world_of
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import from_minor, to_minor
from budgetd.core.observation import Account, Organization, Status
from budgetd.core.policies.policy import Policy, PolicySet

from .stepping import Key, Recorded

SINCE = datetime(2026, 10, 20, tzinfo=UTC)
UNITS = (
    Organization(id="u1", name="A", path=("A",)),
    Organization(id="u2", name="B", path=("A", "B")),
)
STEP = timedelta(minutes=15)

TRIGGERS = (
    "{below: 300.00}",
    "{below: 300.00}",
    "{below: 250.00, for: 2 readings}",
    "{below: 250.00, for: 30m}",
    "{runway_below: 2d}",
    "{any: [{below: 100.00}, {runway_below: 1d}]}",
    "{any: [{below: 100.00}, {below: 180.00, for: 3 readings}]}",
)
AMOUNTS = (
    "to: 900.00",
    "to: 1200.00, max: 400.00",
    "add: 150.00",
    "to: 700.00, multiple_of: 100.00, min: 200.00",
    "to: {runway: 4d, at_least: 400.00, at_most: 1500.00}",
)
RECLAIMS = (
    "{when: {above: 2000.00}, keep: 1700.00}",
    "{when: {above: 1900.00}, keep: {runway: 3d, at_least: 1600.00}}",
    "{when: {above: 2000.00, idle_for: 1d}, keep: 1600.00}",
    "{when: {any: [{above: 2500.00}, {above: 2000.00, for: 1h}]}, keep: 1600.00}",
)
RAILS = (
    "",
    "",
    "cooldown: 2h",
    "caps: {account_per_day: 700.00}",
    "caps: {rule_per_day: 1500.00, account_per_month: 4000.00}",
    "caps: {rule_per_week: 3000.00}",
    "caps: {account_ever: 5000.00}",
    "mode: propose",
    "valid: {from: '2026-10-21 06:00', until: '2026-10-23 12:00'}",
)
CALENDARS = (
    "{daily: {at: '09:00'}}",
    "{daily: {at: '08:07'}, catch_up: 3h}",
    "{weekly: {day: thursday, at: '12:30'}, catch_up: 30h}",
    "{cron: '20 */5 * * *', catch_up: 1h}",
    "{monthly: {day: 22, at: '07:10'}}",
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A past, as the plain way reads it and as the replay does, and some policies."""

    recorded: Recorded
    world: World
    policies: PolicySet


def made(seed: int) -> Made:
    """The past of a seed."""
    dice = Random(seed)  # noqa: S311 - the same past every time
    accounts = tuple(_account(number, dice) for number in range(dice.randrange(2, 7)))
    until = SINCE + timedelta(days=dice.choice((2, 4, 7)))
    begins = SINCE - timedelta(days=dice.choice((0, 1, 6)))
    readings: dict[Key, list[tuple[datetime, Decimal]]] = {}
    moves: list[Move] = []
    for account in accounts:
        for instrument in (Instrument.CASH, Instrument.CREDIT):
            if instrument is Instrument.CASH or dice.random() < 0.3:
                key = (account.id, instrument)
                readings[key] = list(_readings(key, begins, until, (dice, moves)))
    master = tuple(_master(begins, until, dice)) if dice.random() < 0.5 else ()
    recorded = Recorded(
        accounts=accounts,
        readings=readings,
        moves=tuple(sorted(moves, key=lambda move: (move.made_at, move.id))),
        master=master,
        since=SINCE,
        until=until,
        step=STEP,
        limits=_limits(dice),
    )
    return Made(recorded=recorded, world=_world(recorded), policies=_policies(dice))


def _account(number: int, dice: Random) -> Account:
    return Account(
        id=f"{number:032x}",
        name=f"{dice.choice(('prod', 'dev'))}-{number}",
        display_name="",
        status=Status.CLOSED if dice.random() < 0.1 else Status.NORMAL,
        organization=dice.choice(UNITS),
    )


def _readings(
    key: Key, begins: datetime, until: datetime, dice_and_moves: tuple[Random, list[Move]]
) -> Iterator[tuple[datetime, Decimal]]:
    """What one account was read to have, and what we did to it then."""
    dice, moves = dice_and_moves
    value, usual = dice.randrange(0, 300_000), dice.choice((0, 100, 1500, 6000))
    cycle = begins + timedelta(seconds=dice.randrange(900))
    pending: list[tuple[datetime, int]] = []
    while cycle < until:
        at = cycle + timedelta(microseconds=dice.randrange(60_000_000))
        value = max(value - dice.randrange(usual + 1) * dice.choice((0, 1, 1, 1, 9)), 0)
        if dice.random() < 0.01:
            value += dice.randrange(400_000)
        value += sum(cents for ends, cents in pending if ends <= at)
        pending = [one for one in pending if one[0] > at]
        if dice.random() < 0.95 and at < until:
            is_rumour = dice.random() < 0.01
            yield at, from_minor(0 if is_rumour else value)
        if dice.random() < 0.01:
            move = _move(key, at + timedelta(seconds=20), (dice, len(moves), value))
            moves.append(move)
            if move.state is State.SETTLED and move.ended_at is not None:
                cents = to_minor(move.amount)
                is_out = move.direction is Direction.ALLOCATE
                pending.append((move.ended_at, cents if is_out else -cents))
        cycle += STEP if dice.random() < 0.98 else STEP * dice.randrange(1, 20)


def _move(key: Key, at: datetime, given: tuple[Random, int, int]) -> Move:
    dice, number, value = given
    is_out = value < 1000 or dice.random() < 0.6
    cents = dice.randrange(100, 50_000) if is_out else dice.randrange(100, value)
    state = State.REFUSED if dice.random() < 0.2 else State.SETTLED
    return Move(
        id=f"m{number}",
        rule=dice.choice(("p/r0", "p/r1", "old/gone")),
        unit=Unit(account_id=key[0], instrument=key[1]),
        direction=Direction.ALLOCATE if is_out else Direction.RECLAIM,
        amount=from_minor(cents),
        state=state,
        made_at=at,
        sent_at=at,
        ended_at=at + timedelta(seconds=3),
        reading=from_minor(value),
        read_at=at - timedelta(seconds=20),
    )


def _master(begins: datetime, until: datetime, dice: Random) -> Iterator[tuple[datetime, Decimal]]:
    at = begins + timedelta(days=dice.choice((0, 0, 2)))
    value = dice.choice((50_000, 400_000, 10_000_000))
    while at < until:
        yield at, from_minor(value)
        value = max(value + dice.choice((0, 0, -2000, 30_000)), 0)
        at += timedelta(minutes=dice.choice((15, 15, 30)))


def _limits(dice: Random) -> Limits:
    return Limits(
        zone=ZoneInfo(dice.choice(("Asia/Shanghai", "UTC", "Europe/Berlin"))),
        reserve=Decimal(dice.choice(("0.00", "300.00"))),
        never=None,
        per_cycle_amount=Decimal(dice.choice(("100000.00", "1500.00"))),
        per_cycle_transfers=dice.choice((100, 2)),
        per_cycle_share=Decimal("0.5"),
        per_day_amount=Decimal(dice.choice(("500000.00", "3000.00"))),
        approval_above=Decimal(dice.choice(("20000.00", "900.00"))),
        reflected_after=timedelta(minutes=dice.choice((15, 45))),
        unknown_readings=Decimal("0.1"),
        act_within=timedelta(hours=1),
        sudden_zeros=Decimal("0.05"),
        proposals_expire=timedelta(hours=dice.choice((24, 3))),
    )


def _policies(dice: Random) -> PolicySet:
    lines = ["version: 1", "policy: p", "rules:"]
    for number in range(dice.randrange(1, 5)):
        lines += _rule(number, dice)
    policy = read_model("\n".join(lines), "p.yaml", Policy)
    assert isinstance(policy, Policy), (policy, lines)
    return PolicySet((policy,), digest="made")


def _rule(number: int, dice: Random) -> Iterator[str]:
    where = dice.choice(("all", "all", "{org: /A/**}", "{name: 'prod-*'}", "{not: {org: /A/B}}"))
    yield f"  - name: r{number}"
    yield f"    accounts: {where}"
    yield f"    priority: {dice.choice((10, 20, 30)) + number}"
    is_lift = dice.random() < 0.65
    instrument = "instrument: credit, " if dice.random() < 0.2 else ""
    on_calendar = dice.random() < 0.35
    if is_lift:
        when = "" if on_calendar and dice.random() < 0.5 else f"when: {dice.choice(TRIGGERS)}, "
        yield f"    top_up: {{{instrument}{when}{dice.choice(AMOUNTS)}}}"
        if dice.random() < 0.15:
            yield "    guard: {burn_spike: 3, idle_for: 1d}"
    else:
        action = dice.choice(RECLAIMS)
        yield f"    reclaim: {{{instrument}{action[1:]}"
        if dice.random() < 0.3:
            yield f"    notice: {dice.choice(('2h', '1d'))}"
    if on_calendar:
        yield f"    schedule: {dice.choice(CALENDARS)}"
    elif dice.random() < 0.3:
        yield f"    schedule: {{every: {dice.choice(('30m', '2h'))}}}"
    rail = dice.choice(RAILS)
    if rail:
        yield f"    {rail}"


def _world(recorded: Recorded) -> World:
    columns = [
        _column(Unit(account_id=key[0], instrument=key[1]), found)
        for key, found in recorded.readings.items()
    ]
    if recorded.master:
        unit = Unit(account_id="master", instrument=Instrument.CASH)
        columns.append(_column(unit, recorded.master))
    ground = Ground(
        accounts=recorded.accounts, limits=recorded.limits, currency="CNY", step=recorded.step
    )
    window = (micros(recorded.since), micros(recorded.until))
    return world_of(ground, window, columns, (recorded.moves, {}))


def _column(unit: Unit, readings: object) -> Column:
    found = list(readings)  # type: ignore[call-overload]
    return Column(
        unit=unit,
        at=array("q", [micros(at) for at, _ in found]),
        values=array("q", [to_minor(value) for _, value in found]),
    )

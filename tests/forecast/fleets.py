"""Made-up accounts that spend as real ones do, by seed: what was read of them, and what they spent.

Steady, weekly, bursty, idle and growing; money comes and goes by our hand and by others' in
between, readings come every quarter of an hour to every few hours, with gaps.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import CENT
from budgetd.core.observation import Sample

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
KINDS = ("steady", "weekly", "bursty", "idle", "growing")
PAST = 28
FUTURE = 16
HOUR = timedelta(hours=1)


class Dice(Random):
    """Thrown by a seed: the same life by the same one."""


@dataclass(slots=True)
class Life:
    """One account. `hours` are its true spends from `begins` on, past and future; `read` what was
    read up to NOW; `moves` are ours."""

    kind: str
    begins: datetime
    now: datetime
    hours: list[Decimal]
    read: list[Sample] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def spent(self, begins: datetime, ends: datetime) -> Decimal:
        """What it truly spent between two instants."""
        first, last = (begins - self.begins) / HOUR, (ends - self.begins) / HOUR
        amount = Decimal(0)
        for hour in range(int(first), min(int(last) + 1, len(self.hours))):
            share = min(hour + 1, last) - max(hour, first)
            amount += self.hours[hour] * Decimal(repr(max(share, 0.0)))
        return amount.quantize(CENT)


def life(kind: str, seed: int) -> Life:
    """An account of that kind."""
    dice = Dice(f"{kind}/{seed}")
    now = NOW + timedelta(hours=dice.randrange(24 * 7), minutes=dice.randrange(60))
    begins = (now - timedelta(days=PAST)).replace(minute=0)
    made = Life(kind, begins, now, _hours(kind, begins, dice))
    _read(made, dice)
    return made


def _hours(kind: str, begins: datetime, dice: Dice) -> list[Decimal]:
    level = dice.choice((20, 120, 800, 5000)) * dice.uniform(0.6, 1.6)
    noise = dice.uniform(0.05, 0.15)
    weekend = dice.uniform(0.15, 0.6)
    night = dice.uniform(0.5, 1.0)
    growth = dice.uniform(0.01, 0.035)
    burst_odds, burst_size = dice.uniform(0.06, 0.2), dice.uniform(2, 6)
    hours = []
    for day in range(PAST + FUTURE + 1):
        today = level * max(dice.gauss(1, noise), 0)
        if kind == "growing":
            today *= (1 + growth) ** day
        burst = 0.0
        if kind == "bursty" and dice.random() < burst_odds:
            burst = level * burst_size * dice.uniform(0.5, 1.5)
        start, length = dice.randrange(24), dice.randrange(3, 20)
        for hour in range(24):
            at = (begins + timedelta(days=day, hours=hour)).astimezone(ZONE)
            amount = today / 24 * (night if at.hour < 8 else 1) * max(dice.gauss(1, 0.2), 0)
            if kind == "weekly" and at.weekday() > 4:
                amount *= weekend
            if burst and 0 <= hour - start < length:
                amount += burst / length
            hours.append(Decimal(0) if kind == "idle" else Decimal(f"{amount:.4f}"))
    return hours


def _read(made: Life, dice: Dice) -> None:
    """Plays the past: readings, our own moves, others' money, gaps."""
    step = timedelta(minutes=dice.choice((15, 15, 30, 60, 180)))
    at, told = made.begins, made.begins
    daily = made.spent(made.begins, made.now) / PAST
    usual = max(daily, Decimal(50))
    balance = (usual * dice.randrange(4, 12)).quantize(CENT)
    to_show: list[tuple[datetime, Decimal]] = []
    while at < made.now:
        balance -= made.spent(told, at)
        told = at
        balance += sum((amount for when, amount in to_show if when <= at), Decimal(0))
        to_show = [(when, amount) for when, amount in to_show if when > at]
        if balance < 0:
            balance = Decimal("0.00")
        made.read.append(Sample(at, balance.quantize(CENT)))
        free = all(when <= at for when, _ in to_show)
        if free and (balance < usual * 3 or dice.random() < step / timedelta(days=6)):
            to_show.append(_own(made, at, usual, dice))
        if dice.random() < step / timedelta(days=7):
            came = (usual * Decimal(repr(dice.uniform(0.5, 6)))).quantize(CENT)
            to_show.append((at + timedelta(minutes=dice.randrange(60)), came))
        is_gap = dice.random() < step / timedelta(days=9)
        at += timedelta(hours=dice.randrange(5, 50)) if is_gap else step
        at += timedelta(seconds=dice.randrange(-60, 60))


def _own(made: Life, at: datetime, usual: Decimal, dice: Dice) -> tuple[datetime, Decimal]:
    """A move of ours: an allocation, or now and then a reclaim; it shows a while after its end."""
    is_home = dice.random() < 0.2 and made.read[-1].value > usual * 4
    amount = usual * (2 if is_home else dice.randrange(4, 9))
    amount = amount.quantize(CENT)
    sent = at + timedelta(seconds=20)
    made.moves.append(
        Move(
            id=f"{len(made.moves)}",
            rule="p/r",
            unit=Unit(account_id="a", instrument=Instrument.CASH),
            direction=Direction.RECLAIM if is_home else Direction.ALLOCATE,
            amount=amount,
            state=State.SETTLED,
            made_at=sent,
            sent_at=sent,
            ended_at=sent + timedelta(seconds=2),
            reading=made.read[-1].value,
            read_at=at,
        )
    )
    shows = sent + timedelta(minutes=dice.choice((0, 0, 1, 5, 14)))
    return shows, -amount if is_home else amount

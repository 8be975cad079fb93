"""Years of a daemon, by seed: what happens to it, and what must have become of every slot.

The slots that must have come are found here once more, day by day and minute by minute, without
a line of the product.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from budgetd.core.intent import State
from budgetd.core.policies.policy import PolicySet

from .lives import Life, accounts, gift, policies

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CATCH_UPS = (None, None, "20m", "3h", "30h", "5d", "20d")
LENGTHS = {"m": "minutes", "h": "hours", "d": "days"}
PEOPLE = ("a", "b", "c")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One slot as it must have been."""

    period: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule in the words of a document, and the zone it is in."""

    form: dict[str, object]
    zone: str

    def policies(self) -> PolicySet:
        """One rule of it."""
        return policies(gift(self.form, timezone=self.zone))

    def slots(self, first: date, last: date) -> Iterator[Due]:
        """Every slot of these days."""
        zone = ZoneInfo(self.zone)
        day = first
        while day <= last:
            for clock in self._clocks(day):
                at = instant(day, clock, zone)
                yield Due(period=self._label(day, clock), at=at, until=self._until(day, at, zone))
            day += DAY

    def _clocks(self, day: date) -> list[time]:
        match self.form:
            case {"daily": {"at": str(at)}}:
                return [time.fromisoformat(at)]
            case {"weekly": {"day": str(name), "at": str(at)}}:
                return [time.fromisoformat(at)] if DAYS[day.weekday()] == name else []
            case {"monthly": {"day": str(number), "at": str(at)}}:
                longest = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
                wanted = 31 if number == "last" else int(number)
                return [time.fromisoformat(at)] if day.day == min(wanted, longest.day) else []
            case {"dates": list(days), "at": str(at)}:
                return [time.fromisoformat(at)] if day.isoformat() in days else []
            case {"cron": "30 */8 * * *"}:
                return [time(hour, 30) for hour in (0, 8, 16)]
            case {"cron": "0 2 * * sun"}:
                return [time(2)] if day.weekday() == 6 else []
            case {"cron": "15 1,2,3 25-31 mar,oct,nov *"}:
                is_day = day.month in (3, 10, 11) and day.day >= 25
                return [time(hour, 15) for hour in (1, 2, 3)] if is_day else []
        raise AssertionError(self.form)

    def _label(self, day: date, clock: time) -> str:
        if "daily" in self.form:
            return day.isoformat()
        if "weekly" in self.form:
            return day.strftime("%G-W%V")
        return f"{day:%Y-%m}" if "monthly" in self.form else f"{day.isoformat()}T{clock:%H:%M}"

    def _until(self, day: date, at: datetime, zone: ZoneInfo) -> datetime:
        written = self.form.get("catch_up")
        if isinstance(written, str):
            return at + timedelta(**{LENGTHS[written[-1]]: int(written[:-1])})
        after = day + DAY
        if "weekly" in self.form:
            after = day + (7 - day.weekday()) * DAY
        elif "monthly" in self.form:
            after = (day.replace(day=28) + 4 * DAY).replace(day=1)
        return min(at + 6 * HOUR, instant(after, time(0), zone))


@lru_cache(maxsize=100_000)
def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks on the wall show this, or anything later."""
    guess = datetime.combine(day, clock, UTC) - 16 * HOUR
    wall = datetime.combine(day, clock)
    step = HOUR
    while step >= MINUTE / 2:
        while guess.astimezone(zone).replace(tzinfo=None) < wall:
            guess += step
        guess -= step
        step = MINUTE if step == HOUR else timedelta(0)
    return guess + MINUTE


@dataclass(slots=True)
class Year:
    """One life by its seed. With `reloads` its schedule changes within the same form."""

    seed: int
    path: Path
    reloads: bool
    rng: Random = field(init=False)
    plan: Plan = field(init=False)
    life: Life = field(init=False)
    now: datetime = field(init=False)
    loaded: datetime = field(init=False)
    latest: datetime = field(init=False)
    told: int = 0
    doubted: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311 - the same year by the same seed
        kinds = ("daily", "weekly", "monthly")
        kind = self.rng.choice(kinds if self.reloads else (*kinds, "dates", "cron"))
        self.plan = self._draw(kind)
        self.life = Life(self.path, self.plan.policies(), fleet=accounts(*PEOPLE))
        start = datetime(2026, 1, 1, tzinfo=UTC) + self.rng.randrange(400) * DAY
        self.now = self.loaded = self.latest = start + self.rng.randrange(1440) * MINUTE

    def _draw(self, kind: str) -> Plan:
        at = f"{self.rng.choice((0, 1, 2, 2, 3, 9, 23)):02}:{self.rng.choice((0, 30, 59)):02}"
        form: dict[str, object] = {}
        match kind:
            case "daily":
                form = {"daily": {"at": at}}
            case "weekly":
                form = {"weekly": {"day": self.rng.choice(DAYS), "at": at}}
            case "monthly":
                day = self.rng.choice(("1", "15", "28", "29", "30", "31", "last"))
                form = {"monthly": {"day": day, "at": at}}
            case "dates":
                first = date(2026, 1, 1)
                days = sorted(self.rng.sample(range(760), 60))
                form = {"dates": [(first + n * DAY).isoformat() for n in days], "at": at}
            case "cron":
                crons = ("30 */8 * * *", "0 2 * * sun", "15 1,2,3 25-31 mar,oct,nov *")
                form = {"cron": self.rng.choice(crons)}
        catch_up = self.rng.choice(CATCH_UPS)
        if catch_up is not None:
            form["catch_up"] = catch_up
        return Plan(form=form, zone=self.rng.choice(ZONES))

    def run(self, days: int, most_cycles: int) -> None:
        """Lives, and judges every cycle; at the end, all slots."""
        end = self.now + days * DAY
        self._cycle(calm=True)
        for _ in range(most_cycles):
            if self.now >= end:
                break
            self._pass_time()
            self._happen()
            self._cycle(calm=self.rng.random() < 0.5)
        self.life.settle(self.now, moved=True)
        self.now = max(self.now, self.latest) + 60 * DAY
        self._cycle(calm=True)
        self.judge()
        self.life.restart()

    def _pass_time(self) -> None:
        kind = self.rng.random()
        if kind < 0.35:
            self.now += self.rng.randrange(5, 180) * MINUTE
        elif kind < 0.6:
            self.now = self._near_a_slot()
        elif kind < 0.93:
            self.now += self.rng.randrange(180, 2880) * MINUTE
        else:
            self.now += self.rng.randrange(2, 21) * DAY
        self.now += timedelta(seconds=self.rng.randrange(60))

    def _near_a_slot(self) -> datetime:
        """An instant about the next slot that comes, or about its end."""
        today = self.now.date()
        for due in self.plan.slots(today - DAY, today + 40 * DAY):
            edge = self.rng.choice((due.at, due.at, due.until))
            if edge > self.now:
                return edge + self.rng.choice((-1, 0, 0, 1, 7)) * MINUTE
        return self.now + 3 * DAY

    def _happen(self) -> None:
        """What may befall a daemon between two cycles."""
        if self.rng.random() < 0.25:
            self.life.restart()
        if self.rng.random() < 0.06:
            self.now += self.rng.choice((-1, 1)) * self.rng.randrange(1, 300) * MINUTE
        if self.rng.random() < 0.3:
            self.life.settle(self.now, moved=self.rng.random() < 0.5)
        if self.reloads and self.rng.random() < 0.06:
            self.plan = self._draw(next(iter(self.plan.form)))
            self.life.rules = self.plan.policies()

    def _cycle(self, *, calm: bool) -> None:
        self.latest = max(self.latest, self.now)
        before = len(self.life.fired)
        unread = () if calm else self.rng.sample(PEOPLE, self.rng.randrange(4))
        doubts = () if calm else self.rng.sample(PEOPLE, self.rng.choice((0, 0, 1)))
        aged = 0 if calm else self.rng.choice((0, 0, 1, 50))
        self.life.cycle(
            self.now,
            unread=unread,
            in_doubt=doubts,
            read_at=self.now - aged * MINUTE,
            dies=not calm and self.rng.random() < 0.1,
        )
        slots = {due.period: due for due in self._slots_about(self.now)}
        for fired in self.life.fired[before:]:
            if fired.account in doubts:
                self.doubted.add((fired.account, fired.period))
            due = slots[fired.period]
            assert due.at <= fired.read_at <= fired.at < due.until, (due, fired)
        for missed in self.life.missed[self.told :]:
            gone = slots.get(missed.period)
            assert gone is None or gone.until <= self.now or self.reloads, missed
            assert missed.until <= self.now, missed
        self.told = len(self.life.missed)

    def _slots_about(self, now: datetime) -> Iterator[Due]:
        return self.plan.slots(now.date() - 40 * DAY, now.date() + 2 * DAY)

    def judge(self) -> None:
        """Every slot that came is served once to each account, or was told as missed; not both."""
        moved = Counter(
            (move.unit.account_id, move.period)
            for move in self.life.moves
            if move.state is State.SETTLED
        )
        assert all(count == 1 for count in moved.values()), moved.most_common(3)
        told = Counter((who, one.period) for one in self.life.missed for who in one.accounts)
        assert all(count == 1 for count in told.values()), told.most_common(3)
        for who in PEOPLE if not self.reloads else ():
            served = [one.period for one in self.life.fired if one.account == who]
            assert served == sorted(served), "a late slot goes before a newer one"
        both = moved.keys() & told.keys()
        assert both <= self.doubted, both - self.doubted
        lost = {
            due.period
            for due in self._expected()
            if any((who, due.period) not in moved.keys() | told.keys() for who in PEOPLE)
        }
        counted = sum(one.older for one in self.life.missed)
        assert len(lost) == counted, sorted(lost)

    def _expected(self) -> Iterator[Due]:
        """The slots that came since the rule was loaded. Where it was changed, the first label is
        left out: one schedule may have had it before."""
        begin = self.loaded + (32 * DAY if self.reloads else timedelta(0))
        for due in self.plan.slots(self.loaded.date() - DAY, self.now.date()):
            if due.at >= begin and due.until <= self.now:
                yield due

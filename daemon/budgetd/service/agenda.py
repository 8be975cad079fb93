"""When something comes: jobs of the scheduler, derived from the policies by difference.

A job only wakes a cycle. What is due is decided in the cycle, from the ledger: a job that fires
late, twice or not at all can neither repeat a slot nor lose one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from structlog.contextvars import clear_contextvars

from budgetd.core.policies.policy import PolicySet
from budgetd.core.policies.schedule import Daily, Schedule, next_slot
from budgetd.core.standing import Next
from budgetd.logs import logger

CLOCK_LOOK_S = 5.0
CLOCK_STEP_S = 2.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SWEEP = "the whole fleet"
Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class SlotTrigger(BaseTrigger):
    """The slots of one schedule, as the core finds them."""

    schedule: Schedule
    zone: ZoneInfo

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first slot later than the last firing and than now: what was missed is not fired
        again, the cycle that comes finds it."""
        slot = next_slot(self.schedule, self.zone, max(previous or now, now))
        return slot.at if slot is not None else None


@dataclass(frozen=True)
class TickTrigger(BaseTrigger):
    """Ticks counted from a fixed instant: neither a reload nor a restart moves them, and those
    that a machine has slept through are not counted one by one."""

    every: timedelta

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first tick later than the last firing and than now."""
        after = max(previous or now, now).astimezone(UTC)
        return EPOCH + ((after - EPOCH) // self.every + 1) * self.every


@dataclass(frozen=True, slots=True)
class Beat:
    """Something done over and over, whatever the policies: its name, its interval, the work."""

    name: str
    every: timedelta
    work: Job


class Agenda:
    """The scheduler and its jobs. `wake` is told why a cycle is wanted."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._kept: dict[str, object] = {}
        self._daily: set[str] = set()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """From now on jobs fire, on the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """No job fires any more; what runs is its owner's to end."""
        if self._scheduler.running:
            self._scheduler.pause()
            self._scheduler.shutdown(wait=False)

    def beat(self, beat: Beat) -> None:
        """Adds something done over and over."""
        self._add(beat.name, TickTrigger(beat.every), beat.work)

    def daily(self, zone: ZoneInfo, works: Mapping[time, Job]) -> None:
        """Takes what is done at local times of day, in the place of what was."""
        for name in self._daily - {_daily_name(at) for at in works}:
            self._remove(name)
        self._daily = {_daily_name(at) for at in works}
        for at, work in works.items():
            schedule = Schedule(daily=Daily(at=at))
            self._add(_daily_name(at), SlotTrigger(schedule, zone), work)

    def follow(self, policies: PolicySet, zone: ZoneInfo, sweep_every: timedelta) -> None:
        """Takes the jobs of other policies: what has not changed keeps its job."""
        wanted: dict[str, tuple[object, BaseTrigger]] = {
            SWEEP: (sweep_every, TickTrigger(sweep_every))
        }
        for name, rule in policies.rules():
            if rule.schedule is None:
                continue
            rule_zone = rule.timezone or zone
            if rule.schedule.every is not None:
                wanted[name] = (rule.schedule.every, TickTrigger(rule.schedule.every))
            else:
                wanted[name] = ((rule.schedule, rule_zone), SlotTrigger(rule.schedule, rule_zone))
        for name in self._kept.keys() - wanted.keys():
            self._remove(name)
        for name, (identity, trigger) in wanted.items():
            if self._kept.get(name) != identity:
                self._add(name, trigger, self._waker(name))
        self._kept = {name: identity for name, (identity, _) in wanted.items()}

    def soon(self, why: str, at: datetime) -> None:
        """Wakes a cycle once, at that instant; one that was asked for under that name is moved."""
        self._add(why, DateTrigger(at), self._waker(why))

    async def watch(self, clock: Callable[[], datetime]) -> None:
        """Timers do not see the clock step, nor the time a machine has slept: every next time is
        found anew then, and a cycle is wanted."""
        loop = asyncio.get_running_loop()
        wall, ran = clock(), loop.time()
        while True:
            await asyncio.sleep(CLOCK_LOOK_S)
            now, runs = clock(), loop.time()
            step_s = (now - wall).total_seconds() - (runs - ran)
            if abs(step_s) > CLOCK_STEP_S:
                logger().warning("clock_stepped", seconds=round(step_s))
                self._again()
                self._wake("clock")
            wall, ran = now, runs

    def _again(self) -> None:
        for job in self._scheduler.get_jobs():
            if not isinstance(job.trigger, DateTrigger):
                job.reschedule(job.trigger)
        self._scheduler.wakeup()

    def next(self) -> tuple[Next, ...]:
        """What comes next, soonest first: slots and ticks of rules, and the next whole reading."""
        found = [
            Next(what=job.id, at=job.next_run_time.astimezone(UTC))
            for job in self._scheduler.get_jobs()
            if job.id in self._kept and job.next_run_time is not None
        ]
        return tuple(sorted(found, key=lambda one: (one.at, one.what)))

    def _waker(self, why: str) -> Job:
        async def wake() -> None:
            self._wake(why)

        return wake

    def _add(self, name: str, trigger: BaseTrigger, work: Job) -> None:
        async def job() -> None:
            # Timers inherit the context they were set in: a job is no part of that cycle.
            clear_contextvars()
            await work()

        self._scheduler.add_job(job, trigger, id=name, name=name, replace_existing=True)

    def _remove(self, name: str) -> None:
        if self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)


def _daily_name(at: time) -> str:
    return f"digest at {at:%H:%M}"

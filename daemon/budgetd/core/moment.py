"""Durations and local times as people write them, and the calendar periods they fall into.

It may not ask what time it is: every instant is handed in.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhdw])", re.ASCII)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}))?", re.ASCII)
LONGEST = timedelta(days=3660)
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Of dates that people write: a zone, a day or ten years beyond them there is a calendar still."""


class MomentError(ValueError):
    """A text that is not a duration, a time of day or a date; the message says what is wrong."""


def parse_duration(text: str) -> timedelta:
    """`45s`, `15m`, `12h`, `35d`, `2w`: one whole number and one unit, up to ten years."""
    found = _DURATION.fullmatch(text)
    if not found:
        if re.fullmatch(r"[0-9]+", text, re.ASCII):
            raise MomentError("a duration needs a unit: s, m, h, d or w")
        if re.fullmatch(r"0+[smhdw]", text, re.ASCII):
            raise MomentError("a duration is longer than nothing")
        raise MomentError("not a duration")
    length = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    if length > LONGEST:
        raise MomentError("durations end at ten years")
    return length


def format_duration(length: timedelta) -> str:
    """The shortest exact form: `15m`, `35d`."""
    seconds = int(length.total_seconds())
    for unit in "dhm":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def parse_time(text: str) -> time:
    """`09:30`, 00:00 to 23:59."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII):
        raise MomentError("not a time of day")
    return time(int(text[:2]), int(text[3:]))


def parse_date(text: str) -> date:
    """`2026-11-30`, of the years 1970 to 9000."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise MomentError("not a date")
    try:
        day = date.fromisoformat(text)
    except ValueError as problem:
        raise MomentError("no such day") from problem
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise MomentError(f"years run from {FIRST_YEAR} to {LAST_YEAR}")
    return day


@dataclass(frozen=True, slots=True)
class LocalMoment:
    """A date, or a date and a time of day, in a zone that is said elsewhere."""

    day: date
    clock: time | None

    def first(self, zone: ZoneInfo) -> datetime:
        """The first instant it means."""
        return resolve(self.day, self.clock or time(0), zone)

    def after(self, zone: ZoneInfo) -> datetime:
        """The first instant that lies beyond it: a bare date is included whole."""
        if self.clock is None:
            return resolve(self.day + timedelta(days=1), time(0), zone)
        return resolve(self.day, self.clock, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A named span of local time, in a zone that is said elsewhere."""

    name: str
    begins: LocalMoment
    ends: LocalMoment

    def end_at(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The first instant beyond the window, where `at` lies in it; else None."""
        end = self.ends.after(zone)
        return end if self.begins.first(zone) <= at < end else None


def parse_moment(text: str) -> LocalMoment:
    """`2026-09-30` or `2026-09-30 18:00`."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise MomentError("not a date, nor a date and a time")
    return LocalMoment(parse_date(found[1]), parse_time(found[2]) if found[2] else None)


def resolve(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a local time: of an hour that comes twice the first, of one that a
    DST night lacks the first instant after the gap."""
    local = datetime.combine(day, clock, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _gap_end(local, zone)


def _gap_end(local: datetime, zone: ZoneInfo) -> datetime:
    low = local.astimezone(UTC) - timedelta(hours=26)
    high = low + timedelta(hours=52)
    wall = local.replace(tzinfo=None)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def day_of(at: datetime, zone: ZoneInfo) -> str:
    """The local date an instant falls on: `2026-11-30`."""
    return at.astimezone(zone).date().isoformat()


def week_of(at: datetime, zone: ZoneInfo) -> str:
    """The local ISO week: `2026-W48`."""
    year, week, _ = at.astimezone(zone).date().isocalendar()
    return f"{year:04}-W{week:02}"


def month_of(at: datetime, zone: ZoneInfo) -> str:
    """The local month: `2026-11`."""
    return at.astimezone(zone).strftime("%Y-%m")


def format_minute(at: datetime, zone: ZoneInfo) -> str:
    """A local time as people are told it: `2026-11-30 22:45`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def format_second(at: datetime, zone: ZoneInfo) -> str:
    """A local time where seconds matter: `2026-11-30 22:45:09`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def format_instant(at: datetime) -> str:
    """RFC 3339 in UTC, to the second: the form of files and formats."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant with an offset; raises `MomentError` for anything else."""
    if not re.fullmatch(r"[0-9T:.+\-]+(Z)?", text, re.ASCII):
        raise MomentError("not an instant")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise MomentError("not an instant") from problem
    if at.tzinfo is None:
        raise MomentError("an instant needs an offset, like Z or +08:00")
    try:
        return at.astimezone(UTC)
    except OverflowError as problem:
        raise MomentError("an instant beyond the calendar") from problem


def parse_dated(text: str) -> datetime:
    """As `parse_instant`, of the years 1970 to 9000: an instant that some zone's day is asked of,
    and what lies days before it or after."""
    at = parse_instant(text)
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise MomentError(f"years run from {FIRST_YEAR} to {LAST_YEAR}")
    return at

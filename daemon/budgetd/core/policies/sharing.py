"""Whether two selectors, or two schedules, can meet: surely, possibly, or never.

Said from what is written alone, without the fleet. It may not judge what follows from it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from zoneinfo import ZoneInfo

from budgetd.core.observation import Status
from budgetd.core.policies.cron import parse_cron
from budgetd.core.policies.schedule import (
    DEFAULT_CATCH_UP,
    Schedule,
    Slot,
    next_slot,
    open_slots,
)
from budgetd.core.policies.selector import Match, OrganizationIds

_WILD = "*?["
_SAMPLE_START = datetime(2027, 1, 1, tzinfo=UTC)
_SAMPLE_END = datetime(2029, 1, 1, tzinfo=UTC)
_MOST_SAMPLED = 3000
_NORMAL = (Status.NORMAL,)
Statuses = tuple[Status, ...] | None


class Sharing(IntEnum):
    """How sure it is that two things meet."""

    NEVER = 0
    POSSIBLY = 1
    SURELY = 2


def share_accounts(first: Match | str, second: Match | str) -> Sharing:
    """Whether two selectors mean a common account, taking it that each means somebody."""
    return share_meant(as_meant(first), as_meant(second))


def share_meant(left: Match, right: Match) -> Sharing:
    """As `share_accounts`, of selectors that name the statuses they mean."""
    if _are_apart(left, right) or _leaves_all(left, right) or _leaves_all(right, left):
        return Sharing.NEVER
    if _covers(left, right) or _covers(right, left):
        return Sharing.SURELY
    only_ids = _keys(left) == _keys(right) == {"id", "status"}
    return Sharing.SURELY if only_ids else Sharing.POSSIBLY


def roots(selector: Match | str) -> frozenset[str] | None:
    """The units below the root in which everything lies that a selector means, by their names;
    None where it may mean accounts anywhere."""
    org = selector.org if isinstance(selector, Match) else None
    if org is None or isinstance(org, OrganizationIds):
        return None
    names = frozenset(_first_unit(path) for path in org)
    return None if "" in names else names


def _first_unit(path: str) -> str:
    unit, _ = _unit(path)
    return unit[0] if unit else ""


def covers(wide: Match | str, narrow: Match | str) -> bool:
    """Whether surely every account that `narrow` means is one that `wide` means."""
    return _covers(as_meant(wide), as_meant(narrow))


def share_texts(first: Sequence[str] | None, second: Sequence[str] | None) -> Sharing:
    """Whether globs have a common text; None is any text."""
    if first is None or second is None:
        return Sharing.SURELY
    if all(_globs_exclude(left, right) for left in first for right in second):
        return Sharing.NEVER
    is_sure = _globs_cover(first, second) or _globs_cover(second, first)
    return Sharing.SURELY if is_sure else Sharing.POSSIBLY


def meet_in_time(
    first: Schedule | None, first_zone: ZoneInfo, second: Schedule | None, second_zone: ZoneInfo
) -> bool:
    """Whether there is an instant at which both are due; continuous and `every` always are."""
    if first is None or second is None or not (first.is_calendar and second.is_calendar):
        return True
    first, second = _widest(first), _widest(second)
    if second.dates is not None and first.dates is None:
        return meet_in_time(second, second_zone, first, first_zone)
    if first.dates is not None:
        slots = _all_slots(first, first_zone, min(first.dates).year)
        return any(_meets(slot, second, second_zone) for slot in slots)
    left, right = _sample(first, first_zone), _sample(second, second_zone)
    # What comes so often that the sample does not hold it meets everything.
    return left is None or right is None or _overlap(left, right)


def _widest(schedule: Schedule) -> Schedule:
    """The schedule, with every day that a business day of some year can be: the calendar knows
    few years, and rules outlive them."""
    business_day, monthly = schedule.business_day, schedule.monthly
    if business_day is None or monthly is None:
        return schedule
    days = "1-12" if business_day.which == "first_business_day" else "17-31"
    months = ",".join(str(month) for month in monthly.months or range(1, 13))
    cron = parse_cron(f"{monthly.at.minute} {monthly.at.hour} {days} {months} *")
    return Schedule(cron=cron, catch_up=schedule.catch_up or DEFAULT_CATCH_UP)


def _all_slots(dates: Schedule, zone: ZoneInfo, year: int) -> list[Slot]:
    """Every slot of a schedule of dates."""
    slots: list[Slot] = []
    slot = next_slot(dates, zone, datetime(max(year - 1, 1), 1, 1, tzinfo=UTC))
    while slot is not None:
        slots.append(slot)
        slot = next_slot(dates, zone, slot.at)
    return slots


def _meets(slot: Slot, other: Schedule, zone: ZoneInfo) -> bool:
    if open_slots(other, zone, slot.at):
        return True
    following = next_slot(other, zone, slot.at)
    return following is not None and following.at < slot.until


@lru_cache(maxsize=512)
def _sample(schedule: Schedule, zone: ZoneInfo) -> tuple[Slot, ...] | None:
    """The slots of two years with a leap day in them; None where they are too many."""
    slots: list[Slot] = []
    slot = next_slot(schedule, zone, _SAMPLE_START)
    while slot is not None and slot.at < _SAMPLE_END:
        if len(slots) == _MOST_SAMPLED:
            return None
        slots.append(slot)
        slot = next_slot(schedule, zone, slot.at)
    return tuple(slots)


def _overlap(left: Sequence[Slot], right: Sequence[Slot]) -> bool:
    """Whether a slot of one is served while one of the other is; both are in order of time."""
    first = second = 0
    while first < len(left) and second < len(right):
        one, other = left[first], right[second]
        if one.at < other.until and other.at < one.until:
            return True
        if one.until <= other.until:
            first += 1
        else:
            second += 1
    return False


def as_meant(selector: Match | str) -> Match:
    """The selector with its silent half: only normal accounts, but where the part that chooses
    them names others."""
    match = selector if isinstance(selector, Match) else Match()
    if match.status is not None or (match.not_ is not None and _names_inside(match.not_)):
        return match
    if not any(_names_status(part) for part in match.any or ()):
        return match.model_copy(update={"status": _NORMAL})
    return match.model_copy(update={"any": tuple(as_meant(part) for part in match.any or ())})


def _names_status(match: Match) -> bool:
    """Whether it names a status that it means; what stands under `not` is not meant."""
    inner = match.not_
    return (
        match.status is not None
        or any(_names_status(part) for part in match.any or ())
        or (inner is not None and _names_inside(inner))
    )


def _names_inside(left_out: Match) -> bool:
    """Whether what is left out names a status by a `not` of its own."""
    inner = left_out.not_
    return any(_names_inside(part) for part in left_out.any or ()) or (
        inner is not None and _names_status(inner)
    )


def _keys(match: Match) -> set[str]:
    names = ("id", "name", "display_name", "org", "status", "any", "not_")
    return {name for name in names if getattr(match, name) is not None}


def _excludes(first: Match, second: Match) -> bool:
    """Whether surely no account is in both, by what either says or the first leaves out."""
    return _are_apart(first, second) or _leaves_all(first, second)


def _are_apart(first: Match, second: Match) -> bool:
    """Whether the keys of two selectors exclude each other; whichever is asked first."""
    if first.org is not None and second.org is not None and _orgs_exclude(first.org, second.org):
        return True
    if first.id is not None and second.id is not None and not set(first.id) & set(second.id):
        return True
    if share_texts(first.name, second.name) is Sharing.NEVER:
        return True
    if share_texts(first.display_name, second.display_name) is Sharing.NEVER:
        return True
    return _statuses_exclude(first.status, second.status)


def _leaves_all(first: Match, second: Match) -> bool:
    """Whether surely all of the second are what the first leaves out, or none of its `any`."""
    if first.not_ is not None and _covers(first.not_, second):
        return True
    return first.any is not None and all(_excludes(part, second) for part in first.any)


def _covers(wide: Match, narrow: Match) -> bool:
    """Whether surely every account of `narrow` is one of `wide`."""
    if narrow.any is not None and all(_covers(wide, part) for part in narrow.any):
        return True
    ids_fit = wide.id is None or (narrow.id is not None and set(narrow.id) <= set(wide.id))
    return (
        ids_fit
        and (wide.name is None or _globs_cover(wide.name, narrow.name))
        and (wide.display_name is None or _globs_cover(wide.display_name, narrow.display_name))
        and _statuses_cover(wide.status, narrow.status)
        and _orgs_cover(wide.org, narrow.org)
        and (wide.any is None or any(_covers(part, narrow) for part in wide.any))
        and (wide.not_ is None or _leaves_out(narrow, wide.not_))
    )


def _statuses_exclude(first: Statuses, second: Statuses) -> bool:
    return first is not None and second is not None and not set(first) & set(second)


def _statuses_cover(wide: Statuses, narrow: Statuses) -> bool:
    return wide is None or (narrow is not None and set(narrow) <= set(wide))


def _leaves_out(match: Match, others: Match) -> bool:
    """Whether `match` surely holds none of `others`."""
    if match.not_ is not None and _covers(match.not_, others):
        return True
    return _excludes(match, others)


def _globs_cover(wide: Sequence[str], narrow: Sequence[str] | None) -> bool:
    if narrow is None:
        return "*" in wide
    return all(any(_glob_covers(glob, text) for glob in wide) for text in narrow)


def _glob_covers(glob: str, text: str) -> bool:
    if glob in ("*", text):
        return True
    if not any(character in text for character in _WILD):
        return fnmatchcase(text, glob)
    head = glob[:-1]
    is_prefix = glob.endswith("*") and not any(character in head for character in _WILD)
    return is_prefix and _literal_head(text).startswith(head)


@lru_cache(maxsize=4096)
def _globs_exclude(left: str, right: str) -> bool:
    heads = _literal_head(left), _literal_head(right)
    tails = _literal_head(left[::-1], "*?]"), _literal_head(right[::-1], "*?]")
    if _differ(*heads) or _differ(*tails):
        return True
    for text, glob in ((left, right), (right, left)):
        if not any(character in text for character in _WILD) and not fnmatchcase(text, glob):
            return True
    return False


def _literal_head(text: str, wild: str = _WILD) -> str:
    ends = [text.index(character) for character in wild if character in text]
    return text[: min(ends)] if ends else text


def _differ(left: str, right: str) -> bool:
    """Whether two beginnings cannot belong to one text."""
    return not (left.startswith(right) or right.startswith(left))


Org = tuple[str, ...] | OrganizationIds | None


def _orgs_exclude(first: Org, second: Org) -> bool:
    if first is None or second is None:
        return False
    if isinstance(first, OrganizationIds) and isinstance(second, OrganizationIds):
        return not set(first.id) & set(second.id)
    if isinstance(first, OrganizationIds) or isinstance(second, OrganizationIds):
        return False
    return all(_paths_exclude(left, right) for left in first for right in second)


def _orgs_cover(wide: Org, narrow: Org) -> bool:
    if wide is None:
        return True
    if narrow is None:
        return False
    if isinstance(wide, OrganizationIds) and isinstance(narrow, OrganizationIds):
        return set(narrow.id) <= set(wide.id)
    if isinstance(wide, OrganizationIds) or isinstance(narrow, OrganizationIds):
        return False
    return all(any(_path_covers(path, inner) for path in wide) for inner in narrow)


@lru_cache(maxsize=4096)
def _unit(path: str) -> tuple[tuple[str, ...], str]:
    """The unit a path begins at, and whether it means it (``), its children (`*`) or all (`**`)."""
    parts = tuple(part for part in path.strip("/").split("/") if part)
    if parts and parts[-1] in ("*", "**"):
        return parts[:-1], parts[-1]
    return parts, ""


@lru_cache(maxsize=4096)
def _paths_exclude(left: str, right: str) -> bool:
    (left_unit, left_form), (right_unit, right_form) = _unit(left), _unit(right)
    if left_form == "**" or right_form == "**":
        shorter = min(len(left_unit), len(right_unit))
        if left_unit[:shorter] != right_unit[:shorter]:
            return True
        return not (_reaches(left_unit, left_form, right_unit, right_form))
    depth = (len(left_unit) + (left_form == "*"), len(right_unit) + (right_form == "*"))
    common = min(len(left_unit), len(right_unit))
    return depth[0] != depth[1] or left_unit[:common] != right_unit[:common]


def _reaches(left: tuple[str, ...], left_form: str, right: tuple[str, ...], form: str) -> bool:
    """Whether a `**` and another path of the same branch have a common unit."""
    if left_form == "**" and form == "**":
        return True
    wide, narrow, narrow_form = (
        (left, right, form)
        if left_form == "**"
        else (
            right,
            left,
            left_form,
        )
    )
    return len(narrow) + (narrow_form == "*") >= len(wide)


def _path_covers(wide: str, narrow: str) -> bool:
    (unit, form), (inner, inner_form) = _unit(wide), _unit(narrow)
    if form == "**":
        return inner[: len(unit)] == unit
    if form == "*":
        is_child = inner_form == "" and len(inner) == len(unit) + 1 and inner[:-1] == unit
        return is_child or (inner_form == "*" and inner == unit)
    return inner_form == "" and inner == unit

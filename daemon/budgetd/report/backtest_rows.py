"""A comparison of replays as rows: one a measure, one cell a set. Text and HTML lay them out.

It may not measure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from budgetd.core.backtest.result import Asked, Backtest, Lack, Result
from budgetd.core.intent import Direction, Instrument
from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount
from budgetd.core.reason import Ask, Hold
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.words import ASK_WORDS, HOLD_WORDS

NOT_KEPT = "not kept"
_HOUR = 3_600_000_000
_SOON = timedelta(hours=1)
_VERBS = {Direction.ALLOCATE: "to accounts", Direction.RECLAIM: "home"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure of all sets, in their order."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]


def sections(found: Backtest, zone: ZoneInfo) -> Iterator[Section]:
    """All that is compared; a section without rows is left out."""
    for title, rows in (
        ("moved", _moved(found)),
        ("accounts", _accounts(found)),
        ("master", _master(found, zone)),
        ("rails", _rails(found)),
        ("by rule", _rules(found)),
    ):
        made = tuple(rows)
        if made:
            yield Section(title=title, rows=made)


def names(found: Backtest) -> tuple[str, ...]:
    """The sets, in their order, harmless to show."""
    return tuple(harmless(one.name) for one in found.results)


def hours(micros: int) -> str:
    """A length of time in hours, to a tenth."""
    tenths = (micros * 10 + _HOUR // 2) // _HOUR
    return f"{tenths // 10:,}.{tenths % 10} h"


def lack(one: Lack) -> str:
    """How long something was lacking, all accounts together, and in how many."""
    return f"{hours(one.micros)} in {one.accounts:,}" if one.micros else "never"


def notes(found: Backtest, zone: ZoneInfo) -> Iterator[str]:
    """What must be known to read the figures: what is not known, and what was left out."""
    if found.censored.micros:
        yield (
            f"Censored: {hours(found.censored.micros)} at 0.00, in "
            f"{count(found.censored.accounts, 'account')}, as recorded. What would have been "
            "spent then is not known; no set spends anything in that time."
        )
    if found.master_since is None or found.master_since > found.since + _SOON:
        known = found.master_since
        since = "" if known is None else f" before {format_minute(known, zone)}"
        yield (
            f"The master's balance was not recorded{since}: it is taken to have all that is "
            "asked. The peak draw says how much that was."
        )
    if found.lapsed.coupons:
        yield (
            f"{count(found.lapsed.coupons, 'coupon')} with {show_amount(found.lapsed.amount)} left "
            "the accounts unused, and not by us, as recorded: lapsed, or taken by hand."
        )
    if found.strangers:
        yield (
            f"{count(found.strangers, 'recorded account')} left out: the fleet does not list "
            "them any more."
        )
    for name, rules in found.left_out.items():
        if rules:
            told = ", ".join(harmless(rule) for rule in rules)
            yield f"{harmless(name)}: not replayed, as coupons are not: {told}."


def span(found: Backtest, zone: ZoneInfo) -> str:
    """The window in the configured zone."""
    return f"{format_minute(found.since, zone)} to {format_minute(found.until, zone)} {zone.key}"


def _row(label: str, found: Backtest, tell: Callable[[Result], str]) -> Row:
    return Row(label=label, cells=tuple(tell(one) for one in found.results))


def _asked(label: str, found: Backtest, tell: Callable[[Asked], str]) -> Row:
    """A measure that nobody keeps of what really happened."""
    return _row(label, found, lambda one: NOT_KEPT if one.asked is None else tell(one.asked))


def _moved(found: Backtest) -> Iterator[Row]:
    yield _row("transfers", found, lambda one: f"{one.transfers:,}")
    kinds = {(way.instrument, way.direction) for one in found.results for way in one.ways}
    kinds |= {(Instrument.CASH, direction) for direction in Direction}
    for instrument, direction in sorted(kinds, key=lambda kind: (kind[0], kind[1])):
        yield _row(
            f"{instrument} {_VERBS[direction]}", found, partial(_way, (instrument, direction))
        )


def _way(kind: tuple[Instrument, Direction], one: Result) -> str:
    for way in one.ways:
        if (way.instrument, way.direction) == kind:
            return show_amount(way.amount)
    return "0.00"


def _accounts(found: Backtest) -> Iterator[Row]:
    yield _row("below trigger, accounts", found, lambda one: lack(one.below))
    yield _row("at 0.00, accounts", found, lambda one: lack(one.dry))
    yield _row("mean cash held", found, lambda one: show_amount(one.held))
    yield _row("mean idle cash", found, lambda one: show_amount(one.idle))


def _master(found: Backtest, zone: ZoneInfo) -> Iterator[Row]:
    yield _row("peak draw", found, lambda one: show_amount(one.peak))
    yield _row(
        "peak at",
        found,
        lambda one: f"{one.peak_at.astimezone(zone):%m-%d %H:%M}" if one.peak_at else "never",
    )


def _rails(found: Backtest) -> Iterator[Row]:
    yield _asked("cap hits", found, lambda one: f"{one.cap_hits:,}")
    yield _asked("asks a person", found, lambda one: f"{sum(one.proposals.values()):,}")
    replays = [one.asked for one in found.results if one.asked is not None]
    for ask in Ask:
        if any(one.proposals.get(ask) for one in replays):
            yield _asked(f"asks: {ASK_WORDS[ask]}", found, partial(_proposals, ask))
    for reason in Hold:
        if any(one.holds.get(reason) for one in replays):
            yield _asked(f"held: {HOLD_WORDS[reason]}", found, partial(_holds, reason))


def _rules(found: Backtest) -> Iterator[Row]:
    for rule in sorted({rule for one in found.results for rule in one.by_rule}):
        yield _row(harmless(rule), found, partial(_by_rule, rule))


def _proposals(ask: Ask, one: Asked) -> str:
    return f"{one.proposals.get(ask, 0):,}"


def _holds(reason: Hold, one: Asked) -> str:
    return f"{one.holds.get(reason, 0):,}"


def _by_rule(rule: str, one: Result) -> str:
    if rule not in one.by_rule:
        return "-"
    times, amount = one.by_rule[rule]
    return f"{times:,} x, {show_amount(amount)}"

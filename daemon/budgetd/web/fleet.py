"""The fleet on the page: every account with what is the matter with it, the worst first.

It sorts and words what the plan, the ledger and the readings say; it may not judge an account
by anything else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Account, Ok, Readings, Sample, Stale, Status
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import PolicySet
from budgetd.ledger.tally import trends
from budgetd.report.accounts_rows import Figure, Known, figures_of
from budgetd.report.bar import trigger_amount
from budgetd.web.drawing import Level, Marks, Trend, level_of, trend_of
from budgetd.web.matters import NOTHING_KNOWN, UNDECIDED, Matter, matters_of
from budgetd.web.seen import Seen

TREND = timedelta(days=7)
MOST_ROWS = 500

Row = tuple[Account, tuple[Matter, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One reading as a cell: the amount and its age, or why there is none."""

    text: str
    note: str
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One account of the table."""

    name: str
    unit: str
    id: str
    status: str
    matters: tuple[Matter, ...]
    cash: Amount
    credit: Amount
    coupons: Amount
    level: Level | None
    trend: Trend | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """One page of the table. `found` counts what the filter leaves, `all` the whole fleet."""

    lines: tuple[Line, ...]
    found: int
    all: int
    page: int
    pages: int
    first: int


def fleet_of(seen: Seen, query: str, page: int) -> Fleet:
    """The accounts whose name, unit, id or state has the query in it, so many a page."""
    observation = seen.observation
    if observation is None:
        return Fleet(lines=(), found=0, all=0, page=1, pages=1, first=0)
    matters = matters_of(seen)
    nothing = NOTHING_KNOWN if seen.plan is not None else UNDECIDED
    listed = [(account, matters.get(account.id, nothing)) for account in observation.accounts]
    wanted = query.casefold()
    found = [pair for pair in listed if _has(pair, wanted)] if wanted else listed
    found.sort(key=lambda pair: _place(seen, *pair))
    pages = max(-(-len(found) // MOST_ROWS), 1)
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * MOST_ROWS : page * MOST_ROWS]
    return Fleet(
        lines=tuple(_lines(seen, shown)),
        found=len(found),
        all=len(listed),
        page=page,
        pages=pages,
        first=(page - 1) * MOST_ROWS + 1 if shown else 0,
    )


def _has(pair: Row, wanted: str) -> bool:
    account, matters = pair
    texts = [account.label, account.display_name, account.id, _status(account)]
    texts += [text for matter in matters for text in (matter.word, matter.note)]
    return any(wanted in text.casefold() for text in texts)


def _place(seen: Seen, account: Account, matters: tuple[Matter, ...]) -> tuple[object, ...]:
    """The worse first; of the same, the unknown after the known, then the emptier."""
    assert seen.observation is not None
    cash = seen.observation.readings_of(account.id).cash
    is_known = isinstance(cash, Ok | Stale)
    value = cash.value if isinstance(cash, Ok | Stale) else ZERO
    return matters[0].rank, matters[0].weight, not is_known, value, account.label


def _lines(seen: Seen, shown: list[Row]) -> Iterable[Line]:
    assert seen.observation is not None
    ids = [account.id for account, _ in shown]
    since = seen.now - TREND
    kept = trends(seen.past, ids, Instrument.CASH, since)
    marks = _marks(seen.plan, seen.policies, frozenset(ids))
    for account, matters in shown:
        readings = seen.observation.readings_of(account.id)
        figures = figures_of(readings, seen.now)
        samples, level = kept.get(account.id, ()), None
        if isinstance(cash := readings.cash, Ok | Stale):
            older = [one for one in samples if one.read_at < cash.read_at]
            samples = (*older, Sample(cash.read_at, cash.value))
            if account.id in marks:
                level = level_of(cash.value, marks[account.id])
        unit = account.label.removesuffix(account.name).removesuffix("/")
        yield Line(
            name=account.name,
            unit=unit,
            id=account.id,
            status=_status(account),
            matters=matters,
            cash=_amount(seen, readings, figures, Instrument.CASH),
            credit=_amount(seen, readings, figures, Instrument.CREDIT),
            coupons=_amount(seen, readings, figures, Instrument.COUPON),
            level=level,
            trend=trend_of(samples, since, seen.now),
        )


def _status(account: Account) -> str:
    """Its standing with the provider; empty where it is normal."""
    return "" if account.status is Status.NORMAL else str(account.status).replace("_", " ")


def _amount(
    seen: Seen, readings: Readings, figures: Mapping[Instrument, Figure], instrument: Instrument
) -> Amount:
    figure, reading = figures[instrument], readings.of(instrument)
    amount = figure.spendable if instrument is Instrument.CREDIT else figure.reclaimable
    if amount is None or not isinstance(reading, Ok | Stale):
        is_asked = figure.state is not Known.NOT_READ
        return Amount(text="", note=str(figure.state) if is_asked else "", is_known=False)
    stale = "stale, " if isinstance(reading, Stale) else ""
    age = age_words(seen.now - reading.read_at)
    return Amount(text=show_amount(amount), note=f"{stale}{age} ago", is_known=True)


def age_words(length: timedelta) -> str:
    """`40 s`, `12 min`, `5 h`, `3 d`: a length for a person, rounded down."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def _marks(plan: Plan | None, policies: PolicySet, wanted: frozenset[str]) -> Mapping[str, Marks]:
    """The rule of cash that each account is asked by, and its amounts: of a transfer first."""
    if plan is None:
        return {}
    found: dict[str, Marks] = {}
    for transfer in plan.transfers:
        if transfer.account.id in wanted and transfer.instrument is Instrument.CASH:
            found.setdefault(transfer.account.id, _of_move(transfer))
    amounts = {name: _of_rule(name, rule) for name, rule in policies.rules()}
    asked: dict[str, Marks] = {}
    for raised in plan.alerts:
        if raised.account.id in wanted and raised.instrument is Instrument.CASH:
            watched = amounts.get(raised.rule)
            if watched is not None:
                asked.setdefault(raised.account.id, watched)
    for held in plan.held:
        if held.account.id in wanted and held.instrument is Instrument.CASH:
            marks, known = amounts.get(held.rule), asked.get(held.account.id)
            # What keeps an account alive says more of it than what takes its surplus home.
            if marks is not None and (known is None or _is_better(marks, known)):
                asked[held.account.id] = marks
    return asked | found


def _is_better(marks: Marks, known: Marks) -> bool:
    """Whether a rule says more of an account: one that gives, then one that takes, then alerts."""
    return (marks.target is not None, marks.below is not None) > (
        known.target is not None,
        known.below is not None,
    )


def _of_move(transfer: Transfer) -> Marks:
    trigger, is_out = trigger_amount(transfer), transfer.direction is Direction.ALLOCATE
    return Marks(
        rule=transfer.rule,
        below=trigger if is_out else None,
        above=None if is_out else trigger,
        target=transfer.target,
    )


def _of_rule(name: str, rule: object) -> Marks | None:
    """The amounts a rule names; None where its trigger is no amount."""
    action = getattr(rule, "action", None)
    when = getattr(action, "when", None)
    conditions = [when, *(getattr(when, "any", None) or ())]
    below = _first(getattr(one, "below", None) for one in conditions)
    above = _first(getattr(one, "above", None) for one in conditions)
    target = _first([getattr(action, "to", None), getattr(action, "keep", None)])
    if below is None and above is None:
        return None
    return Marks(rule=name, below=below, above=above, target=target)


def _first(values: Iterable[object]) -> Decimal | None:
    return next((value for value in values if isinstance(value, Decimal)), None)

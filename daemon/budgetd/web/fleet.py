"""The fleet on the page: every account with what is the matter with it, the worst first.

It sorts and words what the plan, the ledger and the readings say; it may not judge an account
by anything else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum

from budgetd.core.intent import Direction, Instrument, Move, State
from budgetd.core.money import show_amount
from budgetd.core.observation import Account, Ok, Readings, Sample, Stale, Status
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import PolicySet
from budgetd.core.reason import QUIET
from budgetd.ledger.tally import open_moves, states_of, trends
from budgetd.report.accounts_rows import Figure, figures_of
from budgetd.report.accounts_rows import State as Known
from budgetd.report.bar import trigger_amount
from budgetd.report.phrases import signed
from budgetd.report.rows import VERBS, hold_note
from budgetd.report.summary import loud_holds
from budgetd.report.words import ASK_WORDS, STATE_WORDS, limit_name
from budgetd.web.drawing import Level, Marks, Trend, level_of, trend_of
from budgetd.web.seen import Seen

TREND = timedelta(days=7)
MOST_ROWS = 500
DOUBTFUL = frozenset({State.IN_DOUBT, State.NEEDS_HUMAN})


class Rank(IntEnum):
    """How bad it is; the lower goes first."""

    DOUBT = 0
    UNREAD = 1
    ALERT = 2
    WAITING = 3
    HELD = 4
    MOVING = 5
    FINE = 6
    NO_RULE = 7


WORDS: dict[Rank, str] = {
    Rank.DOUBT: "in doubt",
    Rank.UNREAD: "unread",
    Rank.ALERT: "alert",
    Rank.WAITING: "waiting",
    Rank.HELD: "held",
    Rank.MOVING: "planned",
    Rank.FINE: "ok",
    Rank.NO_RULE: "no rule",
}
TONES: dict[Rank, str] = {
    Rank.DOUBT: "bad",
    Rank.UNREAD: "bad",
    Rank.ALERT: "bad",
    Rank.WAITING: "wait",
    Rank.HELD: "wait",
    Rank.MOVING: "good",
    Rank.FINE: "good",
    Rank.NO_RULE: "soft",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is the matter with an account: its rank, a word for it where it is not the rank's own,
    why in words, and the rule that says so."""

    rank: Rank
    note: str = ""
    rule: str = ""
    own_word: str = ""

    @property
    def word(self) -> str:
        """The state of the account in a word or two."""
        return self.own_word or WORDS[self.rank]


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
    word: str
    tone: str
    note: str
    rule: str
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
    matters = _matters(seen)
    fine = Matter(rank=Rank.NO_RULE)
    listed = [(account, matters.get(account.id, fine)) for account in observation.accounts]
    wanted = query.casefold()
    found = [pair for pair in listed if _has(pair, wanted)] if wanted else listed
    found.sort(key=lambda pair: (pair[1].rank, *_emptiness(seen, pair[0]), pair[0].label))
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


def _has(pair: tuple[Account, Matter], wanted: str) -> bool:
    account, matter = pair
    texts = (account.label, account.display_name, account.id, matter.word, matter.note)
    return any(wanted in text.casefold() for text in texts)


def _emptiness(seen: Seen, account: Account) -> tuple[bool, Decimal]:
    """The unknown after the known, then the emptier first."""
    assert seen.observation is not None
    cash = seen.observation.readings_of(account.id).cash
    if isinstance(cash, Ok | Stale):
        return False, cash.value
    return True, Decimal(0)


def _matters(seen: Seen) -> Mapping[str, Matter]:
    """The worst that is known of each account."""
    worst: dict[str, Matter] = {}

    def note(account_id: str, matter: Matter) -> None:
        known = worst.get(account_id)
        if known is None or matter.rank < known.rank:
            worst[account_id] = matter

    for move in open_moves(seen.past):
        note(move.unit.account_id, _opened(move))
    if seen.plan is not None:
        for account_id, matter in _planned(seen.plan, seen):
            note(account_id, matter)
    return worst


def _opened(move: Move) -> Matter:
    return Matter(
        rank=Rank.DOUBT if move.state in DOUBTFUL else Rank.MOVING,
        note=_moved(move.direction, move.unit.instrument, move.amount),
        rule=move.rule,
        own_word=STATE_WORDS[move.state],
    )


def _moved(direction: Direction, instrument: Instrument, amount: Decimal) -> str:
    is_out = direction is Direction.ALLOCATE
    return f"{VERBS[instrument, direction]} {signed(amount if is_out else -amount)}"


def _planned(plan: Plan, seen: Seen) -> Iterable[tuple[str, Matter]]:
    for unread in plan.unreadable:
        yield unread.account.id, Matter(rank=Rank.UNREAD, note=unread.detail)
    for raised in plan.alerts:
        read = "not read" if raised.reading is None else show_amount(raised.reading)
        note = f"{raised.severity}, {read}"
        yield raised.account.id, Matter(rank=Rank.ALERT, note=note, rule=raised.rule)
    for transfer in plan.proposals:
        assert transfer.ask is not None
        yield _of_transfer(transfer, Rank.WAITING, f": {ASK_WORDS[transfer.ask]}")
    for item in plan.withheld:
        yield _of_transfer(item.transfer, Rank.WAITING, f": over {limit_name(item.limit)}")
    for held in loud_holds(plan):
        note = hold_note(held, plan.taken_at, seen.zone)
        yield held.account.id, Matter(rank=Rank.HELD, note=note, rule=held.rule)
    states = states_of(seen.past, [transfer.id for transfer in plan.moves])
    for transfer in plan.moves:
        account_id, matter = _of_transfer(transfer, Rank.MOVING, "")
        state = states.get(transfer.id)
        if state is not None:
            rank = Rank.HELD if state is State.REFUSED else Rank.MOVING
            matter = replace(matter, rank=rank, own_word=STATE_WORDS[state])
        yield account_id, matter
    for held in plan.held:
        if held.reason in QUIET:
            yield held.account.id, Matter(rank=Rank.FINE)


def _of_transfer(transfer: Transfer, rank: Rank, why: str) -> tuple[str, Matter]:
    note = _moved(transfer.direction, transfer.instrument, transfer.amount) + why
    return transfer.account.id, Matter(rank=rank, note=note, rule=transfer.rule)


def _lines(seen: Seen, shown: list[tuple[Account, Matter]]) -> Iterable[Line]:
    assert seen.observation is not None
    ids = [account.id for account, _ in shown]
    since = seen.now - TREND
    kept = trends(seen.past, ids, Instrument.CASH, since)
    marks = _marks(seen.plan, seen.policies, frozenset(ids))
    for account, matter in shown:
        readings = seen.observation.readings_of(account.id)
        figures = figures_of(readings, seen.now)
        samples, level = kept.get(account.id, ()), None
        if isinstance(cash := readings.cash, Ok | Stale):
            older = [one for one in samples if one.read_at < cash.read_at]
            samples = (*older, Sample(cash.read_at, cash.value))
            if account.id in marks:
                level = level_of(cash.value, marks[account.id])
        rank = matter.rank
        unit = account.label.removesuffix(account.name).removesuffix("/")
        yield Line(
            name=account.name,
            unit=unit,
            id=account.id,
            word=matter.word,
            tone=TONES[rank],
            note=_with_status(account, matter.note),
            rule=matter.rule,
            cash=_amount(seen, readings, figures, Instrument.CASH),
            credit=_amount(seen, readings, figures, Instrument.CREDIT),
            coupons=_amount(seen, readings, figures, Instrument.COUPON),
            level=level,
            trend=trend_of(samples, since, seen.now),
        )


def _with_status(account: Account, note: str) -> str:
    if account.status is Status.NORMAL:
        return note
    status = str(account.status).replace("_", " ")
    return f"{status}; {note}" if note else status


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
    for held in plan.held:
        if held.account.id in wanted and held.instrument is Instrument.CASH:
            marks, known = amounts.get(held.rule), asked.get(held.account.id)
            # What keeps an account alive says more of it than what takes its surplus home.
            if marks is not None and (known is None or known.below is None):
                asked[held.account.id] = marks if marks.below is not None else known or marks
    return asked | found


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

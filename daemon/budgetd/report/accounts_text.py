"""The fleet as people read it on a terminal: one line an account, then the master and the sums.

Columns go where the terminal is narrow, never the account. It may not take what is unknown for
nothing, nor let a name act on the terminal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.decisions.funding import Funding, lasts_of
from budgetd.core.intent import Direction, Instrument, Move, State
from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount
from budgetd.core.observation import Observation, Status, Unknown
from budgetd.report.accounts_rows import (
    Figure,
    FleetRow,
    Known,
    figures_of,
    live_coupons,
    live_ledgers,
    sum_of,
)
from budgetd.report.ahead import (
    kept_briefly,
    kept_words,
    lasts_words,
    master_words,
    spends_words,
)
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.plan_text import short_label
from budgetd.report.screen import Screen, fit, flow_parts, pad, print_lines, sentences
from budgetd.report.words import STATE_WORDS

GAP = "  "
NARROWEST_LABEL = 20
_NAMES = {Instrument.CASH: "cash", Instrument.CREDIT: "credit", Instrument.COUPON: "coupons"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column after the account; those with a higher `rank` go first where room is short."""

    title: str
    rank: int
    cell: Callable[[FleetRow], str]
    is_right: bool = True


def accounts_text(
    observation: Observation,
    rows: Sequence[FleetRow],
    screen: Screen,
    *,
    enterprise: str,
    read_in: timedelta | None = None,
) -> str:
    """The fleet for a screen. `read_in` is how long reading took."""
    heading = flow_parts(_heading(observation, rows, screen, enterprise, read_in), screen.width)
    lines = [Text(line, style="bold") for line in heading]
    if rows:
        lines += [Text(), *_table(rows, screen)]
    unread = [*_unread(rows, screen.width)]
    if unread:
        lines += [Text(), *unread]
    parts = [_master(observation, screen), *_sums(rows)]
    lines += [Text(), *(Text(line) for part in parts for line in _wrapped(part, screen.width))]
    return print_lines(lines, screen)


def _heading(
    observation: Observation,
    rows: Sequence[FleetRow],
    screen: Screen,
    enterprise: str,
    read_in: timedelta | None,
) -> Iterator[str]:
    yield harmless(enterprise)
    yield f"{format_minute(observation.taken_at, screen.zone)} {screen.zone.key}"
    took = f" in {read_in.total_seconds():.1f} s" if read_in is not None else ""
    yield f"{count(len(rows), 'account')}{took}"
    yield f"reclaimable amounts in {harmless(observation.currency)}"


def _columns(screen: Screen) -> tuple[Column, ...]:
    def figure(instrument: Instrument) -> Callable[[FleetRow], str]:
        return lambda row: _shown(row.figures[instrument], row.figures[instrument].reclaimable)

    def spendable(row: FleetRow) -> str:
        credit = row.figures[Instrument.CREDIT]
        return _shown(credit, credit.spendable) if credit.count else ""

    return (
        Column(title="status", rank=3, cell=_status, is_right=False),
        Column(title="cash", rank=0, cell=figure(Instrument.CASH)),
        Column(title="credit", rank=1, cell=figure(Instrument.CREDIT)),
        Column(title="spendable", rank=8, cell=spendable),
        Column(title="coupons", rank=2, cell=figure(Instrument.COUPON)),
        Column(title="next expiry", rank=4, cell=lambda row: _expiry(row, screen)),
        Column(title="burn a day", rank=7, cell=lambda row: spends_words(row.ahead)),
        Column(title="runway", rank=5, cell=lambda row: lasts_words(row.ahead)),
        Column(title="with rules", rank=6, cell=lambda row: kept_briefly(row.ahead)),
        Column(title="last transfer", rank=9, cell=lambda row: _last(row.last, screen)),
        Column(title="id", rank=10, cell=lambda row: harmless(row.account.id), is_right=False),
    )


def _status(row: FleetRow) -> str:
    status = row.account.status
    return "" if status is Status.NORMAL else status.value.replace("_", " ")


def _shown(figure: Figure, value: Decimal | None) -> str:
    match figure.state:
        case Known.OK | Known.STALE if value is not None:
            return show_amount(value) + (" stale" if figure.state is Known.STALE else "")
        case Known.OK | Known.STALE:
            return "unknown"
        case _:
            return figure.state.value


def _expiry(row: FleetRow, screen: Screen) -> str:
    return _day(row.figures[Instrument.COUPON].expires_at, screen)


def _day(at: datetime | None, screen: Screen) -> str:
    return "" if at is None else f"{at.astimezone(screen.zone):%Y-%m-%d}"


def _last(move: Move | None, screen: Screen) -> str:
    if move is None:
        return ""
    sign = "+" if move.direction is Direction.ALLOCATE else "-"
    kind = "" if move.unit.instrument is Instrument.CASH else f" {move.unit.instrument}"
    state = "" if move.state is State.SETTLED else f" {STATE_WORDS[move.state]}"
    at = format_minute(move.made_at, screen.zone)
    return f"{sign}{show_amount(move.amount)}{kind}{state} {at}"


def _table(rows: Sequence[FleetRow], screen: Screen) -> Iterator[Text]:
    cells = {column: [column.cell(row) for row in rows] for column in _columns(screen)}
    widths = {
        column: max(cell_len(column.title), *map(cell_len, texts))
        for column, texts in cells.items()
        # Without any entry there is nothing to show: everybody is normal, nothing was moved.
        if any(texts)
    }
    longest = max(cell_len(harmless(row.account.label)) for row in rows)
    for column in sorted(widths, key=lambda column: -column.rank):
        room = screen.width - len(GAP) - sum(width + len(GAP) for width in widths.values())
        if room >= min(longest, NARROWEST_LABEL) or column.rank == 0:
            break
        del widths[column]
    room = screen.width - len(GAP) - sum(width + len(GAP) for width in widths.values())
    label = max(min(longest, room), len("account"))
    titles = [pad(one.title, widths[one], right=one.is_right) for one in widths]
    yield _line([pad("account", label), *titles], screen, style="dim")
    for index, row in enumerate(rows):
        shown = [pad(cells[one][index], widths[one], right=one.is_right) for one in widths]
        yield _line([pad(short_label(row.account, label), label), *shown], screen, _style(row))


def _line(cells: Sequence[str], screen: Screen, style: str) -> Text:
    return Text(fit(GAP + GAP.join(cells), screen.width), style=style)


def _style(row: FleetRow) -> str:
    states = {figure.state for figure in row.figures.values()}
    if Known.UNKNOWN in states:
        return "red"
    if Known.STALE in states:
        return "yellow"
    return "dim" if states <= {Known.NOT_READ, Known.UNMANAGEABLE} else ""


def _unread(rows: Sequence[FleetRow], width: int) -> Iterator[Text]:
    """Every account of which something is unknown, once for every reason."""
    for row in rows:
        whys: dict[tuple[Known, str], list[str]] = {}
        for instrument, figure in row.figures.items():
            if figure.state in (Known.UNKNOWN, Known.UNMANAGEABLE):
                whys.setdefault((figure.state, figure.why), []).append(_NAMES[instrument])
        for (state, why), names in whys.items():
            head = f"{GAP}? {short_label(row.account, max(width // 3, NARROWEST_LABEL))}{GAP}"
            what = f"{', '.join(names)}: {harmless(why)}"
            style = "red" if state is Known.UNKNOWN else "dim"
            yield Text(fit(head + what, width), style=style)


def _master(observation: Observation, screen: Screen) -> str:
    """What the master can still give."""
    figures = figures_of(observation.master, observation.taken_at)
    parts = []
    for instrument, figure in figures.items():
        text = f"{_NAMES[instrument]} {_shown(figure, figure.reclaimable)}"
        if figure.count and instrument is Instrument.CREDIT:
            text += f" in {count(figure.count, 'ledger')}"
        if figure.expires_at is not None:
            text += f", next expiry {_day(figure.expires_at, screen)}"
        if figure.why:
            text += f" ({harmless(figure.why)})"
        parts.append(text)
    return f"Master can give: {' · '.join(parts)}"


def _sums(rows: Sequence[FleetRow]) -> Iterator[str]:
    parts = []
    for instrument, name in _NAMES.items():
        found = sum_of(rows, instrument)
        parts.append(f"{name} {show_amount(found.amount)} of {count(found.read, 'account')}")
    yield f"Reclaimable: {' · '.join(parts)}"
    states = [{figure.state for figure in row.figures.values()} for row in rows]
    told = {
        "unreadable": sum(Known.UNKNOWN in found for found in states),
        "stale": sum(Known.STALE in found for found in states),
        "not manageable": sum(Known.UNMANAGEABLE in found for found in states),
        "not normal and not read": sum(row.account.status is not Status.NORMAL for row in rows),
    }
    counts = [f"{count:,} {word}" for word, count in told.items() if count]
    if counts:
        yield f"In no sum: {', '.join(counts)}. What is unknown is not taken for 0.00."


def funded_text(funding: Funding, screen: Screen) -> str:
    """How long the master lasts for all that it feeds; empty where that is not known."""
    if funding.master is None:
        return ""
    told = f"{master_words(lasts_of(funding.master), len(funding.fed))}."
    return print_lines([Text(part) for part in _wrapped(told, screen.width)], screen)


def account_text(observation: Observation, rows: Sequence[FleetRow], screen: Screen) -> str:
    """A few accounts in full: every credit ledger and every coupon on its line."""
    lines: list[str] = []
    for row in rows:
        lines += [*_block(observation, row, screen), ""]
    lines.append(_master(observation, screen))
    shown = [Text(part) for line in lines for part in _wrapped(line, screen.width)]
    return print_lines(shown, screen)


def _wrapped(line: str, width: int) -> list[str]:
    parts = [line] if line.startswith(GAP) else sentences(line, width)
    return [fit(part, width) for part in parts]


def _block(observation: Observation, row: FleetRow, screen: Screen) -> Iterator[str]:
    account = row.account
    yield harmless(account.label)
    facts = {
        "id": account.id,
        "display name": account.display_name,
        "status": account.status.value.replace("_", " "),
    }
    for instrument, figure in row.figures.items():
        why = f": {figure.why}" if figure.why else ""
        of = _shown(figure, figure.reclaimable)
        known = figure.state in (Known.OK, Known.STALE)
        facts[_NAMES[instrument]] = f"{of} reclaimable" if known else f"{of}{why}"
    for name, fact in facts.items():
        if fact:
            yield f"{GAP}{pad(name, 14)}{harmless(fact)}"
        if name == "credit":
            yield from _ledgers(observation, row, screen)
        if name == "coupons":
            yield from _coupons(observation, row, screen)
    if row.ahead is not None:
        yield f"{GAP}{pad('burn a day', 14)}{spends_words(row.ahead)}"
        yield f"{GAP}{pad('runway', 14)}{lasts_words(row.ahead) or 'unknown: cash was not read'}"
        if row.ahead.kept is not None:
            yield f"{GAP}{pad('with rules', 14)}{kept_words(row.ahead.kept)}"
    yield f"{GAP}{pad('last transfer', 14)}{_last(row.last, screen) or 'none by budgetd'}"


def _ledgers(observation: Observation, row: FleetRow, screen: Screen) -> Iterator[str]:
    reading = observation.readings_of(row.account.id).credit
    if reading is None or isinstance(reading, Unknown):
        return
    for ledger in live_ledgers(reading.value, observation.taken_at):
        left = "unknown" if ledger.amount is None else show_amount(ledger.amount)
        free = "unknown" if ledger.available is None else show_amount(ledger.available)
        yield f"{GAP * 2}{_ends(ledger.expires_at, screen)}: {left} spendable, {free} reclaimable"


def _coupons(observation: Observation, row: FleetRow, screen: Screen) -> Iterator[str]:
    reading = observation.readings_of(row.account.id).coupons
    if reading is None or isinstance(reading, Unknown):
        return
    for coupon in live_coupons(reading.value, observation.taken_at):
        limits = ", with use limits" if coupon.has_use_limits else ""
        name = harmless(f"{coupon.plan_name} ({coupon.child_id or coupon.coupon_id})")
        ends, left = _ends(coupon.expires_at, screen), show_amount(coupon.balance)
        yield f"{GAP * 2}{ends}: {left} {name}{limits}"


def _ends(at: datetime | None, screen: Screen) -> str:
    return f"until {_day(at, screen)}" if at is not None else "permanent"

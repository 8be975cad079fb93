"""The plan as people read it on a terminal: one row a movement, and what it comes to.

Columns shrink or go where the terminal is narrow; a row is always one line. It may not decide,
count differently from the other formats, nor let a name act on the terminal.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.intent import Instrument
from budgetd.core.moment import format_minute
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Account
from budgetd.core.plans.plan import Plan
from budgetd.report.harmless import harmless
from budgetd.report.phrases import closing_of, count, counts, master_line, short_digest, signed
from budgetd.report.plan_json import proposal_of
from budgetd.report.rows import Row, RowKind, rows_of
from budgetd.report.screen import ELLIPSIS, Screen, fit, flow_parts, pad, print_lines, sentences
from budgetd.report.summary import Flow, Summary, summary_of

MOST_ROWS = 200
MOST_WAITING = 10
GAP = "  "
ARROW = " → "
_STYLES: dict[RowKind, str] = {
    RowKind.PROPOSAL: "cyan",
    RowKind.WITHHELD: "magenta",
    RowKind.HELD: "yellow",
    RowKind.ALERT: "bold yellow",
    RowKind.UNREADABLE: "red",
    RowKind.OBSERVED: "dim",
}
_MODES = {"dry_run": "dry run", "enforce": "enforcing"}


def plan_text(
    plan: Plan,
    screen: Screen,
    *,
    read_in: timedelta | None = None,
    closing: str | None = None,
    ahead: Iterable[str] = (),
) -> str:
    """The plan for a screen. `read_in` is how long reading took; `closing` stands in the place
    of the last line, which says how to carry the plan out (empty: no such line); `ahead` tells
    how long money lasts."""
    lines = [
        Text(line, style="bold")
        for line in flow_parts(_heading(plan, screen, read_in), screen.room)
    ]
    rows = rows_of(plan, screen.zone)
    if rows:
        lines += [Text(), *_table(rows[:MOST_ROWS], screen.room)]
    if len(rows) > MOST_ROWS:
        lines.append(Text(fit(_more(rows[MOST_ROWS:]), screen.room)))
    summary = summary_of(plan)
    lines += [Text(), *(Text(line) for line in flow_parts(_sums(plan, summary), screen.room))]
    lines += [Text(part) for line in ahead for part in _wrapped(harmless(line), screen.room)]
    lines += [Text(fit(line, screen.room), style="cyan") for line in _waiting(plan)]
    last = closing_of(plan, summary) if closing is None else closing
    if last:
        lines += [Text(line) for line in sentences(last, screen.room)]
    return print_lines(lines, screen)


def _wrapped(line: str, width: int) -> Iterator[str]:
    for number, part in enumerate(sentences(line, width - len(GAP))):
        yield f"{GAP if number else ''}{part}"


def _heading(plan: Plan, screen: Screen, read_in: timedelta | None) -> Iterator[str]:
    yield harmless(plan.enterprise)
    yield _MODES.get(plan.mode, plan.mode)
    if plan.is_preview:
        yield "preview"
    yield f"{format_minute(plan.taken_at, screen.zone)} {screen.zone.key}"
    took = f" in {read_in.total_seconds():.1f} s" if read_in is not None else ""
    yield f"{count(plan.accounts_read, 'account')} read{took}"
    yield f"policies {short_digest(plan.policy_digest)}, {count(plan.rules_count, 'rule')}"


@dataclass(frozen=True, slots=True)
class _Cells:
    """One row as texts: what stands in each column, already harmless."""

    row: Row
    label: str
    change: tuple[str, str]
    amount: str
    rule: str
    note: str


def _cells(row: Row) -> _Cells:
    return _Cells(
        row=row,
        label=harmless(row.account.label),
        change=(_shown(row.reading), _shown(row.after)),
        amount="" if row.amount is None else signed(row.amount),
        rule=harmless(row.rule),
        note=harmless(row.note),
    )


def _shown(value: Decimal | None) -> str:
    return "" if value is None else show_amount(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Widths:
    """How many cells each column has; `rule` and `after` are 0 where there is no room for them.
    The note has the rest of the line."""

    verb: int
    label: int
    before: int
    after: int
    amount: int
    rule: int


def _widths(cells: Sequence[_Cells], width: int) -> _Widths:
    """What fits: where there is no room, first the rule goes, then what the reading will be."""
    verb = max(len(item.row.verb) for item in cells)
    before = max(len(item.change[0]) for item in cells)
    after = max(len(item.change[1]) for item in cells)
    amount = max(len(item.amount) for item in cells)
    label = max(cell_len(item.label) for item in cells)
    rule = max(cell_len(item.rule) for item in cells)
    note = max(cell_len(item.note) for item in cells)
    arrow = after + len(ARROW) if after else 0
    left = width - (len(GAP) * 5 + 2 + verb + before + arrow + amount)
    if label + rule + len(GAP) + note > left:
        rule = min(rule, 28) if left - min(rule, 28) >= 64 else 0
    left -= rule + (len(GAP) if rule else 0)
    if label + note > left and left < 46:
        left, after = left + arrow, 0
    if label + note > left:
        label = min(label, max(left - note, left * 45 // 100, 8))
    return _Widths(verb=verb, label=label, before=before, after=after, amount=amount, rule=rule)


def _table(rows: Sequence[Row], width: int) -> Iterator[Text]:
    cells = [_cells(row) for row in rows]
    widths = _widths(cells, width)
    for item in cells:
        yield Text(_line(item, widths, width), style=_style(item.row))


def _style(row: Row) -> str:
    if row.kind is not RowKind.TRANSFER:
        return _STYLES[row.kind]
    return "green" if row.sign == "+" else "blue"


def _line(item: _Cells, widths: _Widths, width: int) -> str:
    label = pad(short_label(item.row.account, widths.label), widths.label)
    head = f"{GAP}{item.row.sign} {pad(item.row.verb, widths.verb)}{GAP}{label}"
    figures = _figures(item, widths)
    rule = GAP + pad(fit(item.rule, widths.rule), widths.rule) if widths.rule else ""
    if item.note and not widths.rule and not item.amount:
        # Without figures the note takes their room, which a narrow screen needs.
        figures = pad(item.change[0], widths.before, right=True) if item.change[0] else ""
        head = f"{head}{GAP}{figures}" if figures else head
        return f"{head}{GAP}{fit(item.note, max(width - cell_len(head) - len(GAP), 0))}"
    line = f"{head}{GAP}{figures}{rule}{GAP}"
    return f"{line}{fit(item.note, max(width - cell_len(line), 0))}"


def short_label(account: Account, width: int) -> str:
    """The label; where that is too long the name alone, which says more than its unit."""
    label, name = harmless(account.label), harmless(account.name)
    if cell_len(label) <= width:
        return label
    return f"{ELLIPSIS}/{name}" if cell_len(name) + 2 <= width else fit(name, width)


def _figures(item: _Cells, widths: _Widths) -> str:
    before = pad(item.change[0], widths.before, right=True)
    amount = pad(item.amount, widths.amount, right=True)
    if not widths.after:
        return f"{before}{GAP}{amount}"
    arrow = ARROW if item.change[1] else " " * len(ARROW)
    after = pad(item.change[1], widths.after, right=True)
    return f"{before}{arrow}{after}{GAP}{amount}"


def _more(rows: Sequence[Row]) -> str:
    kinds = Counter(row.kind for row in rows)
    told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    return f"{GAP}{len(rows):,} more rows ({told}); `--format json` has all"


def _sums(plan: Plan, summary: Summary) -> Iterator[str]:
    yield master_line(plan)
    for instrument in (Instrument.CREDIT, Instrument.COUPON):
        flow = summary.flows[instrument]
        if flow != Flow():
            yield f"{instrument} {signed(flow.reclaim - flow.allocate)}"
    if summary.transfers:
        both = summary.all
        out = f"+{show_amount(both.allocate)} " if both.allocate > ZERO else ""
        home = f"-{show_amount(both.reclaim)} " if both.reclaim > ZERO else ""
        yield f"{out}{home}in {count(summary.transfers, 'transfer')}"
    yield from counts(summary)


def _waiting(plan: Plan) -> Iterator[str]:
    """How each proposal is decided. A preview and a dry run keep none."""
    if plan.is_preview or plan.mode == "dry_run":
        return
    asked = [(proposal_of(transfer), transfer) for transfer in plan.proposals]
    asked += [
        (item.proposal, item.transfer)
        for item in plan.withheld
        if item.proposal not in plan.declined
    ]
    counted = Counter(name for name, _ in asked)
    told = dict(reversed(asked))
    for name in list(counted)[:MOST_WAITING]:
        transfer, number = told[name], counted[name]
        whom = transfer.account.label if number == 1 else count(number, "transfer")
        yield f"waits: budgetd approve {name}  {harmless(f'{transfer.rule}, {whom}')}"
    if len(counted) > MOST_WAITING:
        yield f"{len(counted) - MOST_WAITING:,} more wait; `budgetd approve` lists them"

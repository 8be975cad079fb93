"""The plan as Markdown, for a ticket or a pull request.

Names stay text: nothing in them becomes markup, a link, a mention or a column.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount
from budgetd.core.plans.plan import Plan
from budgetd.report.harmless import harmless
from budgetd.report.phrases import closing_of, counts, master_line, short_digest, signed
from budgetd.report.rows import Row, RowKind, rows_of
from budgetd.report.summary import Summary, summary_of

_MARKUP = re.compile(r"[\\`*_{}\[\]#~$]")
_ENTITY = re.compile(r"&(?=#?[A-Za-z0-9]+;)")
_ACTING = {
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",
    "@": "&#64;",
    "://": "&#58;//",
    "www.": "www&#46;",
}
_SECTIONS: tuple[tuple[str, frozenset[RowKind]], ...] = (
    ("Transfers", frozenset({RowKind.TRANSFER})),
    ("Waiting for a person", frozenset({RowKind.PROPOSAL, RowKind.WITHHELD})),
    ("Held", frozenset({RowKind.HELD})),
    ("Alerts", frozenset({RowKind.ALERT})),
    ("Unread", frozenset({RowKind.UNREADABLE})),
    ("Only observed", frozenset({RowKind.OBSERVED})),
)
_HEADER = (
    "| | account | reading | after | amount | rule | why |",
    "| --- | --- | --: | --: | --: | --- | --- |",
)


def plan_markdown(
    plan: Plan, zone: ZoneInfo, ahead: Iterable[str] = (), *, can_keep: bool = True
) -> str:
    """A heading, the figures, how long money lasts (`ahead`), and one table a kind of row;
    sections without rows are left out. `can_keep` as in `closing_of`."""
    summary = summary_of(plan)
    closing = closing_of(plan, summary, can_keep=can_keep)
    return "\n".join((*_lines(plan, summary, zone, tuple(ahead)), "", closing)) + "\n"


def _lines(plan: Plan, summary: Summary, zone: ZoneInfo, ahead: tuple[str, ...]) -> Iterator[str]:
    taken = f"{format_minute(plan.taken_at, zone)} {zone.key}"
    yield f"# Plan of {plain(plan.enterprise)}, {plain(taken)}"
    yield ""
    mode = "preview, " if plan.is_preview else ""
    yield f"{mode}`mode: {plan.mode}`, policies `{short_digest(plan.policy_digest)}`"
    yield ""
    yield from _figures(plan, summary)
    if ahead:
        yield ""
        yield from (f"- {plain(line)}" for line in ahead)
    rows = rows_of(plan, zone)
    for title, kinds in _SECTIONS:
        own = [row for row in rows if row.kind in kinds]
        if own:
            yield from _section(title, own)


def _figures(plan: Plan, summary: Summary) -> Iterator[str]:
    yield "| instrument | to accounts | home |"
    yield "| --- | --: | --: |"
    for instrument, flow in summary.flows.items():
        yield f"| {instrument} | {show_amount(flow.allocate)} | {show_amount(flow.reclaim)} |"
    yield ""
    told = ", ".join(counts(summary))
    yield f"{master_line(plan)}." + (f" {plain(told)}." if told else "")


def _section(title: str, rows: Iterable[Row]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from _HEADER
    for row in rows:
        cells = (
            plain(f"{row.sign} {row.verb}"),
            plain(row.account.label),
            _amount(row.reading),
            _amount(row.after),
            "" if row.amount is None else plain(signed(row.amount)),
            plain(row.rule),
            plain(row.note),
        )
        yield f"| {' | '.join(cells)} |"


def _amount(value: Decimal | None) -> str:
    return "" if value is None else plain(show_amount(value))


def plain(text: str) -> str:
    """The text with everything escaped that Markdown or HTML would act on.

    Web addresses and mentions lose the characters by which they would become links.
    """
    escaped = _MARKUP.sub(r"\\\g<0>", _ENTITY.sub("&amp;", harmless(text)))
    for acting, inert in _ACTING.items():
        escaped = escaped.replace(acting, inert)
    return escaped

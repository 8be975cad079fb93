"""A comparison of ledger, records and readings as people read it: what needs an eye first.

It may not judge.
"""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from budgetd.core.intent import Direction
from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount
from budgetd.core.reconciliation import DEAD_TIME, Change, Discrepancy, Finding
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.reconciled import Reconciled, record_label
from budgetd.report.screen import Screen, flow_parts, print_lines, sentences
from budgetd.report.words import STATE_WORDS

MOST_ROWS = 200
_INDENT = 4
Row = tuple[str, str, str]
"""A mark, a text, a style."""


def reconcile_text(found: Reconciled, screen: Screen) -> str:
    """The window, one row a finding, and what to do."""
    lines = [Text(line, style="bold") for line in flow_parts(_heading(found, screen), screen.room)]
    rows = list(_rows(found, screen))
    if rows:
        lines.append(Text())
    for mark, told, style in rows[:MOST_ROWS]:
        parts = sentences(harmless(told), screen.room - _INDENT)
        lines += [
            Text(f"{'' if number else f'  {mark}':{_INDENT}}{part}", style=style)
            for number, part in enumerate(parts)
        ]
    if len(rows) > MOST_ROWS:
        lines.append(Text(f"  {len(rows) - MOST_ROWS:,} more rows; `--format json` has all"))
    lines += [Text(), *(Text(line) for line in flow_parts(_sums(found), screen.room))]
    for sentence in _closing(found):
        lines += [Text(line) for line in sentences(sentence, screen.room)]
    return print_lines(lines, screen)


def _heading(found: Reconciled, screen: Screen) -> Iterator[str]:
    yield harmless(found.enterprise)
    begins, ends = (at.astimezone(screen.zone) for at in (found.begins, found.read_at))
    yield f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} {screen.zone.key}"
    for instrument, number in found.records.items():
        yield f"{instrument} {count(number, 'record')}"


def _rows(found: Reconciled, screen: Screen) -> Iterator[Row]:
    for instrument, why in found.unread.items():
        yield "?", f"unread: records of {instrument}: {why}", "red"
    for one in found.discrepancies:
        if one.finding is not Finding.EXTERNAL:
            yield _discrepancy(found, one, screen)
    for sent in found.doubtful:
        told = f"in doubt: {sent.id} {STATE_WORDS[sent.state]}, {show_amount(sent.amount)}"
        until = _at(sent.last_at + DEAD_TIME, screen)
        yield "?", f"{told} of {sent.instrument} for {sent.account_name}, until {until}", "yellow"
    for one in found.discrepancies:
        if one.finding is Finding.EXTERNAL and one.change is not None:
            yield "~", f"by hand: {_change(one.change, screen)}", ""
    for rise in found.rises:
        who = found.names.get(rise.account_id, "") or rise.account_id
        between = f"between {_at(rise.begins, screen)} and {_at(rise.ends, screen)}"
        told = (
            f"from elsewhere: {who} got {show_amount(rise.amount)} of {rise.instrument} {between}"
        )
        yield "~", told, ""


def _discrepancy(found: Reconciled, one: Discrepancy, screen: Screen) -> Row:
    if one.finding is Finding.UNRECORDED or one.change is None:
        sent = found.sent[one.intent_id]
        told = f"{one.intent_id} settled, {show_amount(sent.amount)} of {sent.instrument} for "
        told += f"{sent.account_name}, signed {_at(sent.last_at, screen)}"
        return "?", f"without a record: {told}", "yellow"
    state = STATE_WORDS[found.sent[one.intent_id].state]
    told = f"{_change(one.change, screen)}, but {one.intent_id} is {state}"
    if one.finding is Finding.DOUBLED:
        return "!", f"doubled: {told} with a record of its own", "bold red"
    return "!", f"contradicted: {told}", "bold red"


def _change(change: Change, screen: Screen) -> str:
    way = "to an account" if change.direction is Direction.ALLOCATE else "home"
    named = f" ({change.account_name})" if change.account_name else ""
    amount = f"{show_amount(change.amount)} of {change.instrument} {way}"
    return f"{_at(change.at, screen)} {amount}{named}, record {record_label(change)}"


def _at(at: datetime, screen: Screen) -> str:
    return format_minute(at, screen.zone)


def _sums(found: Reconciled) -> Iterator[str]:
    yield f"{count(found.confirmed, 'transfer')} confirmed by a record each"
    if found.awaited:
        yield f"{found.awaited:,} settled lately, whose records may still come"
    counted = dict.fromkeys(Finding, 0)
    for one in found.discrepancies:
        counted[one.finding] += 1
    for finding, words in (
        (Finding.DOUBLED, "doubled"),
        (Finding.CONTRADICTED, "contradicted"),
        (Finding.UNRECORDED, "without a record"),
        (Finding.EXTERNAL, "by hand"),
    ):
        if counted[finding]:
            yield f"{counted[finding]:,} {words}"
    if found.doubtful:
        yield f"{len(found.doubtful):,} in doubt"
    if found.rises:
        yield f"{count(len(found.rises), 'rise')} from elsewhere"


def _closing(found: Reconciled) -> Iterator[str]:
    if found.alarming:
        yield (
            "A record fits a transfer that must not have one. Say `budgetd pause` now if the next"
            " cycle has not latched it already, look with `budgetd transfers prove ID`, then"
            " `budgetd resume --reason`; see docs/operations.md."
        )
    if found.unread:
        yield "What could not be read was not compared."
    if found.doubtful:
        yield (
            "What is in doubt is decided by the first cycle after its time, or given to a person:"
            " `budgetd transfers prove ID`."
        )
    missing = [one for one in found.discrepancies if one.finding is Finding.UNRECORDED]
    if missing:
        yield (
            "A settled transfer should have its record by now. It may be booked under another"
            " amount or day: look with `budgetd transfers prove ID` and in the console."
        )
    if not (found.alarming or found.unread or found.doubtful or missing):
        yield "Nothing contradicts the ledger."

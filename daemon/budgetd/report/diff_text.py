"""What another set of policies would change, as people read it: the money first.

It may not judge.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from budgetd.core.intent import Direction
from budgetd.core.money import show_amount
from budgetd.core.plans.comparing import Comparison, HoldShift, Line, Shift, Standing, Sums, Wanted
from budgetd.core.plans.plan import Plan
from budgetd.core.reason import QUIET
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.screen import Screen, flow_parts, print_lines, sentences

MOST_ROWS = 200
_INDENT = 4


def diff_text(new: Plan, found: Comparison, screen: Screen) -> str:
    """Sums by rule and organization, then each movement and hold that differs."""
    at = new.taken_at.astimezone(screen.zone)
    heading = (harmless(new.enterprise), "diff", f"{at:%Y-%m-%d %H:%M} {screen.zone.key}")
    lines = [Text(part, style="bold") for part in flow_parts(heading, screen.room)]
    if not found.differs:
        told = "Both sets say the same of these readings."
        return print_lines([*lines, Text(), Text(told)], screen)
    for title, rows in (
        ("in all", [_line(one) for one in found.totals]),
        ("by rule", [_line(one) for one in found.by_rule]),
        ("by organization", [_line(one) for one in found.by_organization]),
        ("transfers", [_shift(one) for one in found.shifts]),
        ("held", list(_held(found.holds))),
    ):
        lines += _section(title, rows, screen)
    return print_lines(lines, screen)


def _section(title: str, rows: Sequence[str], screen: Screen) -> Iterator[Text]:
    if not rows:
        return
    yield Text()
    yield Text(title, style="bold")
    for row in rows[:MOST_ROWS]:
        for number, part in enumerate(sentences(harmless(row), screen.room - _INDENT)):
            yield Text(f"{'  ' if number == 0 else '    '}{part}")
    if len(rows) > MOST_ROWS:
        yield Text(f"  {len(rows) - MOST_ROWS:,} more rows; `--format json` has all")


def _line(line: Line) -> str:
    name = f"{line.name} " if line.name else ""
    return f"{name}{line.instrument}: {_sums(line.old)} → {_sums(line.new)}"


def _sums(sums: Sums) -> str:
    told = f"+{show_amount(sums.allocated)} -{show_amount(sums.reclaimed)}"
    told += f" in {count(sums.transfers, 'transfer')}"
    return f"{told}, {show_amount(sums.waiting)} waiting" if sums.waiting else told


def _shift(one: Shift) -> str:
    sign = "+" if one.direction is Direction.ALLOCATE else "-"
    change = f"{_wanted(one.old, sign)} → {_wanted(one.new, sign)}"
    return f"{one.account.label} {one.unit.instrument} {change} {one.rule}"


def _wanted(wanted: Wanted | None, sign: str) -> str:
    if wanted is None:
        return "nothing"
    waits = " (waits for a person)" if wanted.standing is Standing.WAITS else ""
    return f"{sign}{show_amount(wanted.amount)}{waits}"


def _held(holds: Iterable[HoldShift]) -> Iterator[str]:
    """One row a hold; what is quiet in both sets is counted, or an alert that got another name
    would fill the screen."""
    quiet: Counter[str] = Counter()
    first: dict[str, str] = {}
    for one in holds:
        was = one.old or ("not held" if one.was_selected else "not selected")
        becomes = one.new or ("not held" if one.is_selected else "not selected")
        told = f"{one.instrument} {was} → {becomes} {one.rule}"
        if {one.old, one.new} <= {None, *QUIET}:
            quiet[told] += 1
            first.setdefault(told, one.account.label)
        else:
            yield f"{one.account.label} {told}"
    for told, number in quiet.items():
        yield f"{first[told] if number == 1 else count(number, 'account')} {told}"

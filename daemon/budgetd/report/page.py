"""A plan as one page: the figures, movements and groups that the HTML template lays out.

It may not write markup; the template may not compute.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.moment import format_instant, format_minute
from budgetd.core.money import show_amount
from budgetd.core.observation import Account, Observation
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.report.bar import Bar, bar_of
from budgetd.report.figure import Figure
from budgetd.report.left_alone import Group, left_alone
from budgetd.report.phrases import (
    closing_of,
    closing_of_outcomes,
    count,
    fate_words,
    master_line,
    outcome_note,
    outcome_sums,
    short_digest,
    signed,
)
from budgetd.report.plan_json import plan_document
from budgetd.report.rows import VERBS, Row, RowKind, rows_of
from budgetd.report.summary import Summary, flow_of, summary_of
from budgetd.report.words import ASK_WORDS, WHY_WORDS, limit_name, limit_words

ROOT = "(root)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One transfer as the page shows it. `fate` is what became of it, `tone` how that looks."""

    label: str
    account_id: str
    verb: str
    amount: str
    is_gain: bool
    bar: Bar
    reading: str
    after: str
    why: str
    rule: str
    steps: str
    asks: str = ""
    fate: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTotal:
    """What moves for one organization unit."""

    name: str
    accounts: int
    transfers: int
    allocate: str
    reclaim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template shows."""

    title: str
    mode: str
    is_preview: bool
    taken_at: str
    policies: str
    figures: tuple[Figure, ...]
    master: str
    outcome: tuple[str, ...]
    closing: str
    movements: tuple[Movement, ...]
    waiting: tuple[Movement, ...]
    observed: tuple[Movement, ...]
    units: tuple[UnitTotal, ...]
    quiet_units: int
    alerts: tuple[Row, ...]
    unread: tuple[Row, ...]
    groups: tuple[Group, ...]
    digest: str
    expires_at: str


def page_of(
    plan: Plan,
    observation: Observation,
    zone: ZoneInfo,
    results: Sequence[Outcome] | None = None,
    *,
    can_keep: bool = True,
) -> Page:
    """The page of a plan, and of what carrying it out did where there are results; `can_keep` as
    in `closing_of`."""
    summary = summary_of(plan)
    rows = rows_of(plan, zone)
    fates = {outcome.id: outcome for outcome in results or ()}
    units = tuple(_units(plan, observation))
    closing = (
        closing_of(plan, summary, can_keep=can_keep)
        if results is None
        else closing_of_outcomes(results)
    )
    return Page(
        title=f"{plan.enterprise}, {format_minute(plan.taken_at, zone)}",
        mode=plan.mode.replace("_", " "),
        is_preview=plan.is_preview,
        taken_at=f"{format_minute(plan.taken_at, zone)} {zone.key}",
        policies=f"{short_digest(plan.policy_digest)}, {count(plan.rules_count, 'rule')}",
        figures=tuple(_figures(plan, summary)),
        master=master_line(plan),
        outcome=tuple(outcome_sums(results)) if results is not None else (),
        closing=closing.replace("`", ""),
        movements=tuple(_movement(item, fate=fates.get(item.id)) for item in plan.moves),
        waiting=tuple(_waiting(plan, fates)),
        observed=tuple(_movement(item) for item in plan.observed),
        units=tuple(unit for unit in units if unit.transfers),
        quiet_units=sum(1 for unit in units if not unit.transfers),
        alerts=tuple(row for row in rows if row.kind is RowKind.ALERT),
        unread=tuple(row for row in rows if row.kind is RowKind.UNREADABLE),
        groups=left_alone(plan, observation.accounts, zone),
        digest=str(plan_document(plan)["plan_digest"]),
        expires_at=format_instant(plan.expires_at),
    )


def _figures(plan: Plan, summary: Summary) -> Iterator[Figure]:
    both = summary.all
    yield Figure(name="to accounts", value=show_amount(both.allocate), tone="gain")
    yield Figure(name="coming home", value=show_amount(both.reclaim), tone="loss")
    yield Figure(name="transfers", value=f"{summary.transfers:,}")
    if summary.proposals + summary.withheld:
        waiting = f"{summary.proposals + summary.withheld:,}"
        yield Figure(name="waiting", value=waiting, tone="wait")
    for number, name, tone in (
        (summary.held, "held", "wait"),
        (summary.unread, "unread", "bad"),
        (summary.alerts, "alerts", "bad"),
    ):
        if number:
            yield Figure(name=name, value=f"{number:,}", tone=tone)
    yield Figure(name="fine", value=f"{summary.fine:,}")
    yield Figure(name="accounts read", value=f"{plan.accounts_read:,}")


def _movement(transfer: Transfer, asks: str = "", fate: Outcome | None = None) -> Movement:
    gain = transfer.direction is Direction.ALLOCATE
    return Movement(
        label=transfer.account.label,
        account_id=transfer.account.id,
        verb=_verb(transfer),
        amount=signed(transfer.amount if gain else -transfer.amount),
        is_gain=gain,
        bar=bar_of(transfer),
        reading=show_amount(transfer.reading),
        after=show_amount(transfer.after),
        why=_why(transfer),
        rule=transfer.rule,
        steps=_steps(transfer),
        asks=asks,
        fate=_fate(fate),
        tone="" if fate is None else _TONES[fate.state],
    )


_TONES: dict[State | None, str] = {
    None: "quiet",
    State.PREPARED: "wait",
    State.SENDING: "wait",
    State.IN_DOUBT: "wait",
    State.NEEDS_HUMAN: "wait",
    State.SETTLED: "good",
    State.REFUSED: "bad",
    State.CANCELLED: "quiet",
    State.VOID: "quiet",
}


def _fate(fate: Outcome | None) -> str:
    if fate is None:
        return ""
    return ": ".join(part for part in (fate_words(fate), outcome_note(fate)) if part)


def _verb(transfer: Transfer) -> str:
    verb = VERBS[transfer.instrument, transfer.direction]
    if transfer.instrument is Instrument.CREDIT:
        return f"{verb}, ledger {transfer.unit.part or 'without end'}"
    if transfer.coupon is not None:
        return f"{verb} {transfer.coupon.plan_name}"
    return verb


def _why(transfer: Transfer) -> str:
    why = transfer.trigger or WHY_WORDS[transfer.why]
    if transfer.short_by > Decimal(0):
        why = f"{why}; {show_amount(transfer.short_by)} short of its target"
    return why


def _steps(transfer: Transfer) -> str:
    """The pipeline in one line; a single step says no more than the amount does."""
    if len(transfer.steps) < 2:
        return ""
    return " → ".join(
        f"{step.step} {show_amount(step.amount)}" + (f" ({step.note})" if step.note else "")
        for step in transfer.steps
    )


def _waiting(plan: Plan, fates: dict[str, Outcome]) -> Iterator[Movement]:
    for transfer in plan.proposals:
        assert transfer.ask is not None
        yield _movement(transfer, f"proposed: {ASK_WORDS[transfer.ask]}", fates.get(transfer.id))
    for item in plan.withheld:
        words = f"withheld: {limit_words(item.limit)} ({limit_name(item.limit)})"
        yield _movement(item.transfer, f"{words}, proposal {item.proposal}")


def unit_name(account: Account) -> str:
    """The unit an account stands in; the root where it is in none below."""
    if account.organization is None or not account.organization.path:
        return ROOT
    return "/".join(account.organization.path)


def _units(plan: Plan, observation: Observation) -> Iterator[UnitTotal]:
    """Every unit with accounts, by name; sums are of what moves by itself."""
    accounts: dict[str, int] = defaultdict(int)
    for account in observation.accounts:
        accounts[unit_name(account)] += 1
    moves: dict[str, list[Transfer]] = defaultdict(list)
    for transfer in plan.moves:
        moves[unit_name(transfer.account)].append(transfer)
    for name in sorted({*accounts, *moves}):
        flow = flow_of(moves[name])
        yield UnitTotal(
            name=name,
            accounts=accounts[name],
            transfers=len(moves[name]),
            allocate=show_amount(flow.allocate),
            reclaim=show_amount(flow.reclaim),
        )

"""What every report says of a plan as a whole, in the same words: sums, counts, the last line.

It may not lay anything out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from budgetd.core.intent import OPEN, Direction, State
from budgetd.core.money import ZERO, show_amount, total
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.report.rows import VERBS
from budgetd.report.summary import Summary
from budgetd.report.words import HOLD_WORDS, STATE_WORDS, limit_name


def short_digest(digest: str) -> str:
    """The first six hex digits: enough for people to tell two sets of policies apart."""
    return digest.removeprefix("sha256:")[:6]


def signed(value: Decimal) -> str:
    """`+2,000.00` or `-4,800.00`."""
    return f"{value:+,.2f}"


def counts(summary: Summary) -> Iterator[str]:
    """How many of what, where there is any: `1 held`, `34 fine`."""
    for number, word in (
        (summary.proposals, "proposed"),
        (summary.withheld, "withheld"),
        (summary.held, "held"),
        (summary.alerts, "alerts" if summary.alerts > 1 else "alert"),
        (summary.unread, "unread"),
        (summary.observed, "only observed"),
        (summary.fine, "fine"),
    ):
        if number:
            yield f"{number:,} {word}"


def master_line(plan: Plan) -> str:
    """What the plan does to the master's cash."""
    master = plan.master
    reserve = f"reserve {show_amount(master.reserve)}"
    if master.cash_before is None or master.cash_after is None:
        return f"Master cash not read, {reserve}"
    if master.cash_before == master.cash_after:
        return f"Master cash {show_amount(master.cash_before)}, {reserve}"
    change = f"{show_amount(master.cash_before)} → {show_amount(master.cash_after)}"
    return f"Master cash {change}, {reserve}"


def closing_of(plan: Plan, summary: Summary, *, can_keep: bool = True) -> str:
    """What a person can do with the plan now; without `can_keep` it is kept already, or by a
    command that keeps none."""
    if not summary.transfers:
        return _nothing(plan, summary)
    if plan.is_preview:
        return "Nothing was moved. This is a preview, which `budgetd apply` refuses."
    if plan.mode == "dry_run":
        told, advice = "Nothing was moved, and under `mode: dry_run` nothing will be.", "."
    else:
        told, advice = "Nothing was moved.", ", carry it out with `budgetd apply FILE`."
    return f"{told} Keep this plan with --out FILE{advice}" if can_keep else told


def _nothing(plan: Plan, summary: Summary) -> str:
    if not summary.proposals and not summary.withheld:
        return "Nothing to move."
    if plan.is_preview:
        return "Nothing moves by itself. This is a preview, of which nothing can be approved."
    if plan.mode == "dry_run":
        return "Nothing moves by itself, and under `mode: dry_run` nothing moves at all."
    return "Nothing moves by itself: the rest waits for `budgetd approve`."


def count(number: int, noun: str) -> str:
    """`1 rule`, `4 rules`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def outcome_verb(outcome: Outcome) -> str:
    """What the transfer was to do: `top up`."""
    return VERBS[outcome.unit.instrument, outcome.direction]


def outcome_amount(outcome: Outcome) -> str:
    """Its amount, signed as the account sees it."""
    is_out = outcome.direction is Direction.ALLOCATE
    return signed(outcome.amount if is_out else -outcome.amount)


def fate_words(outcome: Outcome) -> str:
    """How it ended, in a word or two; what was never promised was held, withheld or left."""
    if outcome.state is not None:
        return STATE_WORDS[outcome.state]
    if outcome.limit:
        return "withheld"
    return "held" if outcome.hold else "not moved"


def outcome_note(outcome: Outcome) -> str:
    """Why it ended so: the hold or the limit in words, then the note."""
    why = f"over {limit_name(outcome.limit)}" if outcome.limit else ""
    if not why and outcome.state is None and outcome.hold:
        why = HOLD_WORDS[outcome.hold]
    return "; ".join(part for part in (why, outcome.note) if part)


def outcome_sums(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What moved each way, and how many transfers ended how."""
    settled = [outcome for outcome in outcomes if outcome.state is State.SETTLED]
    for direction, words in ((Direction.ALLOCATE, "to accounts"), (Direction.RECLAIM, "home")):
        moved = total(outcome.amount for outcome in settled if outcome.direction is direction)
        if moved > ZERO:
            yield f"{show_amount(moved)} moved {words}"
    counted = Counter(fate_words(outcome) for outcome in outcomes)
    for words in (*STATE_WORDS.values(), "withheld", "held", "not moved"):
        if counted[words]:
            yield f"{counted[words]:,} {words}"


def closing_of_outcomes(outcomes: Sequence[Outcome]) -> str:
    """What a person should know or do next."""
    states = {outcome.state for outcome in outcomes}
    if states & OPEN:
        return (
            "Something is in doubt: its key stays reserved, and nothing else moves there"
            " until the provider's answer is known. Look with `budgetd transfers`."
        )
    if State.REFUSED in states:
        return "The provider refused some transfers; nothing of them moved."
    if State.SETTLED in states:
        return "Everything that was sent is settled."
    return "Nothing was moved."

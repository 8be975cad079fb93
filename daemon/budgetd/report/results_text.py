"""What carrying a plan out did, as people read it: each transfer's fate, then what it comes to.

It may not judge an answer: it tells the states that the ledger holds.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.intent import State
from budgetd.core.plans.outcome import Outcome
from budgetd.report.harmless import harmless
from budgetd.report.phrases import (
    closing_of_outcomes,
    fate_words,
    outcome_amount,
    outcome_note,
    outcome_sums,
    outcome_verb,
)
from budgetd.report.plan_text import MOST_ROWS, short_label
from budgetd.report.rows import VERBS
from budgetd.report.screen import Screen, flow_parts, pad, print_lines, sentences
from budgetd.report.words import STATE_WORDS

_SIGNS: dict[State | None, str] = {
    None: "-",
    State.SETTLED: "=",
    State.REFUSED: "!",
    State.CANCELLED: "-",
    State.VOID: "-",
    State.PREPARED: "?",
    State.SENDING: "?",
    State.IN_DOUBT: "?",
    State.NEEDS_HUMAN: "?",
}
_STYLES: dict[State | None, str] = {
    State.SETTLED: "green",
    State.REFUSED: "red",
    State.PREPARED: "bold yellow",
    State.SENDING: "bold yellow",
    State.IN_DOUBT: "bold yellow",
    State.NEEDS_HUMAN: "bold yellow",
}
_VERB = max(map(len, VERBS.values()))
_FIXED = _VERB + max(map(len, STATE_WORDS.values())) + 2 * 5


def results_text(outcomes: Sequence[Outcome], screen: Screen) -> str:
    """What `apply` did. What did not settle stands first, so that no long list hides it."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.state is State.SETTLED)
    lines = list(_table(ordered[:MOST_ROWS], screen.room))
    if len(ordered) > MOST_ROWS:
        lines.append(Text(f"  {len(ordered) - MOST_ROWS:,} more; `--format json` has all"))
    if lines:
        lines.append(Text())
    lines += [Text(line) for line in flow_parts(outcome_sums(outcomes), screen.room)]
    lines += [Text(line) for line in sentences(closing_of_outcomes(outcomes), screen.room)]
    return print_lines(lines, screen)


def progress_line(outcome: Outcome) -> str:
    """One transfer's end in one line, harmless to a terminal."""
    told = f"{outcome_verb(outcome)} {outcome.account.label} {outcome_amount(outcome)}"
    note = outcome_note(outcome)
    end = f"{fate_words(outcome)}: {note}" if note else fate_words(outcome)
    return harmless(f"{_SIGNS[outcome.state]} {told} {end}")


def _table(outcomes: Sequence[Outcome], width: int) -> Iterator[Text]:
    """One line an outcome; a note that does not fit beside it has the lines below."""
    amounts = [outcome_amount(outcome) for outcome in outcomes]
    amount_size = max(map(len, amounts), default=0)
    room = max(width - amount_size - _FIXED, 8)
    labels = [short_label(outcome.account, room) for outcome in outcomes]
    label_size = max(map(cell_len, labels), default=0)
    for outcome, amount, label in zip(outcomes, amounts, labels, strict=True):
        style = _STYLES.get(outcome.state, "")
        verb = pad(outcome_verb(outcome), _VERB)
        shown = f"{pad(label, label_size)}  {pad(amount, amount_size, right=True)}"
        line = f"  {_SIGNS[outcome.state]} {verb}  {shown}  {fate_words(outcome)}"
        note = harmless(outcome_note(outcome))
        if note and cell_len(note) + 2 <= width - cell_len(line):
            yield Text(f"{line}: {note}", style=style)
            continue
        yield Text(line, style=style)
        # A note may end with what to do: it is broken between words, never cut.
        yield from (
            Text(f"      {part}", style=style) for part in sentences(note, width - 6) if part
        )

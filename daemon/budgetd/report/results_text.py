"""What carrying out a plan did, as people read it: each transfer's fate, then what it comes to.

It may not judge an answer: it tells the states that the ledger holds.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.intent import Direction, State
from budgetd.core.money import show_amount
from budgetd.core.plan import Plan, Transfer
from budgetd.report.harmless import harmless
from budgetd.report.phrases import closing_of_results, result_sums, signed
from budgetd.report.plan_text import MOST_ROWS, short_label
from budgetd.report.result import Result
from budgetd.report.rows import VERBS
from budgetd.report.screen import Screen, fit, flow_parts, pad, print_lines, sentences
from budgetd.report.words import STATE_WORDS

_SIGNS: dict[State, str] = {
    State.SETTLED: "=",
    State.REFUSED: "!",
    State.CANCELLED: "-",
    State.VOID: "-",
    State.PREPARED: "-",
    State.SENDING: "?",
    State.IN_DOUBT: "?",
    State.NEEDS_HUMAN: "?",
}
_STYLES: dict[State, str] = {
    State.SETTLED: "green",
    State.REFUSED: "red",
    State.SENDING: "bold yellow",
    State.IN_DOUBT: "bold yellow",
    State.NEEDS_HUMAN: "bold yellow",
}
_VERB = max(map(len, VERBS.values()))
_FIXED = _VERB + max(map(len, STATE_WORDS.values())) + 2 * 5


def results_text(plan: Plan, results: Sequence[Result], screen: Screen) -> str:
    """What `apply` did. Results of transfers that the plan does not name are told by their id.

    What did not settle stands first, so that no long list hides it.
    """
    known = {transfer.id: transfer for transfer in plan.transfers}
    ordered = sorted(results, key=lambda result: result.state is State.SETTLED)
    lines = list(_table(ordered[:MOST_ROWS], known, screen.room))
    if len(ordered) > MOST_ROWS:
        lines.append(Text(f"  {len(ordered) - MOST_ROWS:,} more; `budgetd transfers` has all"))
    if lines:
        lines.append(Text())
    lines += [Text(line) for line in flow_parts(result_sums(results, known), screen.room)]
    lines += [Text(line) for line in sentences(closing_of_results(results), screen.room)]
    return print_lines(lines, screen)


def _table(results: Sequence[Result], known: dict[str, Transfer], width: int) -> Iterator[Text]:
    """One line a result; a note that does not fit beside it has the line below."""
    amounts = [_amount(result, known.get(result.transfer_id)) for result in results]
    amount_size = max(map(len, amounts), default=0)
    room = max(width - amount_size - _FIXED, 8)
    labels = [_label(result, known.get(result.transfer_id), room) for result in results]
    label_size = max(map(cell_len, labels), default=0)
    for result, amount, label in zip(results, amounts, labels, strict=True):
        style = _STYLES.get(result.state, "")
        verb = pad(_verb(known.get(result.transfer_id)), _VERB)
        shown = f"{pad(label, label_size)}  {pad(amount, amount_size, right=True)}"
        line = f"  {_SIGNS[result.state]} {verb}  {shown}  {STATE_WORDS[result.state]}"
        note = harmless(result.note)
        room = width - cell_len(line) - 2
        if note and cell_len(note) <= room:
            yield Text(f"{line}: {note}", style=style)
            continue
        yield Text(line, style=style)
        if note:
            yield Text(f"      {fit(note, width - 6)}", style=style)


def _verb(transfer: Transfer | None) -> str:
    return VERBS[transfer.instrument, transfer.direction] if transfer else "move"


def _amount(result: Result, transfer: Transfer | None) -> str:
    if transfer is None:
        return show_amount(result.amount)
    is_out = transfer.direction is Direction.ALLOCATE
    return signed(result.amount if is_out else -result.amount)


def _label(result: Result, transfer: Transfer | None, size: int) -> str:
    return (
        short_label(transfer.account, size) if transfer else fit(harmless(result.transfer_id), size)
    )

"""The ledger as people read it: the list of transfers, and the life of one in plain words.

It may not read the ledger: it is handed what stands there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Attempt, Direction, Instrument, Intent, Move, State
from budgetd.core.money import show_amount
from budgetd.report.harmless import harmless
from budgetd.report.phrases import signed
from budgetd.report.rows import VERBS
from budgetd.report.screen import Screen, fit, pad, print_lines
from budgetd.report.words import STATE_WORDS

_STYLES: dict[State, str] = {
    State.REFUSED: "red",
    State.IN_DOUBT: "bold yellow",
    State.NEEDS_HUMAN: "bold yellow",
    State.SENDING: "bold yellow",
    State.CANCELLED: "dim",
    State.VOID: "dim",
}

ANSWER_WORDS: dict[AnswerClass, str] = {
    AnswerClass.SETTLED: "it moved",
    AnswerClass.REFUSED: "refused: it did not move",
    AnswerClass.RETRYABLE: "not executed; the same key may be sent again",
    AnswerClass.BUSY: "not executed: another task of the master was unfinished",
    AnswerClass.CONTESTED: "not executed by this attempt",
    AnswerClass.RECEIVED_BEFORE: "the provider had seen this key before",
    AnswerClass.UNKNOWN: "no answer that proves anything: it may have moved",
}


def transfers_text(
    moves: Sequence[Move], names: dict[str, str], screen: Screen, *, is_cut: bool
) -> str:
    """The newest transfers, one a line. `names` are account names by id."""
    if not moves:
        return "No transfer was ever made.\n"
    labels = [fit(harmless(names.get(move.unit.account_id, "")), 28) for move in moves]
    amounts = [_signed(move) for move in moves]
    label_size = max(map(cell_len, labels))
    amount_size = max(map(len, amounts))
    lines = []
    for move, label, amount in zip(moves, labels, amounts, strict=True):
        verb = pad(VERBS[move.unit.instrument, move.direction], 7)
        line = (
            f"{move.id}  {move.made_at.astimezone(screen.zone):%Y-%m-%d %H:%M}  {verb}  "
            f"{pad(label, label_size)}  {pad(amount, amount_size, right=True)}  "
            f"{STATE_WORDS[move.state]}"
        )
        room = screen.width - cell_len(line) - 2
        if room >= 12:
            line += f"  {fit(move.rule, room)}"
        lines.append(Text(fit(line, screen.width), style=_STYLES.get(move.state, "")))
    if is_cut:
        lines.append(Text("older ones: --limit N"))
    return print_lines(lines, screen)


def _signed(move: Move) -> str:
    return signed(move.amount if move.direction is Direction.ALLOCATE else -move.amount)


def transfer_life(
    intent: Intent,
    move: Move,
    attempts: Sequence[Attempt],
    events: Sequence[tuple[datetime, str, dict[str, object]]],
    zone: ZoneInfo,
) -> str:
    """The life of one transfer, from its promise to its end, each step with its time."""
    lines = [*_head(intent, move), "", *_story(intent, attempts, events, zone)]
    return "\n".join(harmless(line) for line in lines) + "\n"


def _head(intent: Intent, move: Move) -> Iterator[str]:
    way = "to" if intent.direction is Direction.ALLOCATE else "home from"
    what = {Instrument.CASH: "cash", Instrument.CREDIT: "credit", Instrument.COUPON: "coupons"}
    amount = f"{show_amount(intent.amount)} {intent.currency}"
    yield f"transfer {intent.id}: {amount} of {what[intent.unit.instrument]} {way} " + (
        f"{intent.account_name} ({intent.account_id})"
    )
    yield f"state    {STATE_WORDS[move.state]}"
    if move.amount != intent.amount:
        yield f"moved    {show_amount(move.amount)}"
    yield f"rule     {intent.rule} ({intent.why.replace('_', ' ')})"
    yield f"reading  {show_amount(intent.reading)}"
    if intent.unit.part:
        part = "ledger" if intent.unit.instrument is Instrument.CREDIT else "coupon"
        yield f"{part:8} {intent.unit.part}"
    yield f"key      {intent.key}"


def _story(
    intent: Intent,
    attempts: Sequence[Attempt],
    events: Sequence[tuple[datetime, str, dict[str, object]]],
    zone: ZoneInfo,
) -> Iterator[str]:
    numbered = {attempt.number: attempt for attempt in attempts}
    for at, kind, data in events:
        when = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        match kind:
            case "prepared":
                expires = f"{intent.expires_at.astimezone(zone):%H:%M}"
                yield f"{when}  promised in the ledger; to be sent by {expires} or not at all"
            case "sending":
                yield f"{when}  attempt {data['attempt']} leaves, body {str(data['body'])[:12]}"
            case "answered":
                yield f"{when}  {_answer(numbered[_number(data)], data)}"
            case _:
                state = STATE_WORDS[State(str(data["state"]))]
                yield f"{when}  {state}: {data.get('why', kind)}"
                yield from _evidence(data)


def _number(data: dict[str, object]) -> int:
    number = data["attempt"]
    assert isinstance(number, int)
    return number


def _answer(attempt: Attempt, data: dict[str, object]) -> str:
    said = " ".join(str(part) for part in (attempt.status, attempt.code, attempt.message) if part)
    verdict = ANSWER_WORDS[attempt.answer_class] if attempt.answer_class else "no answer"
    request = f" (request {attempt.request_id})" if attempt.request_id else ""
    state = STATE_WORDS[State(str(data["state"]))]
    return f"attempt {attempt.number} was answered {said}{request}: {verdict}; {state}"


def _evidence(data: dict[str, object]) -> Iterator[str]:
    for name, value in sorted(data.items()):
        if name not in ("why", "state", "children"):
            yield f"{'':21}{name.replace('_', ' ')} {value}"

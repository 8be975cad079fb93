"""The ledger as people read it: the list of transfers, and the life of one in plain words.

It may not read the ledger: it is handed what stands there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Attempt, Direction, Instrument, Move, State
from budgetd.core.moment import format_minute, format_second
from budgetd.core.money import show_amount
from budgetd.core.reconciliation import DEAD_TIME
from budgetd.report.harmless import harmless
from budgetd.report.life import Life
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

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)

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
    moves: Sequence[Move], names: Mapping[str, str], screen: Screen, *, is_cut: bool
) -> str:
    """The transfers, at least one, each on a line. `names` are account names by id."""
    labels = [fit(harmless(names.get(move.unit.account_id, "")), 28) for move in moves]
    amounts = [_signed(move) for move in moves]
    label_size = max(map(cell_len, labels))
    amount_size = max(map(len, amounts))
    lines = []
    for move, label, amount in zip(moves, labels, amounts, strict=True):
        verb = pad(VERBS[move.unit.instrument, move.direction], 7)
        line = (
            f"{move.id}  {format_minute(move.made_at, screen.zone)}  {verb}  "
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


def transfer_life(life: Life, zone: ZoneInfo) -> str:
    """The life of one transfer, from its promise to its end, each step with its time."""
    lines = [*head_lines(life), "", *story_lines(life, zone)]
    ending = _ending(life, zone)
    if ending:
        lines += ["", f"next     {ending}"]
    return "\n".join(harmless(line) for line in lines) + "\n"


def _ending(life: Life, zone: ZoneInfo) -> str:
    """How an open transfer comes to its end, or what a person can do for it; else empty."""
    match life.move.state:
        case State.NEEDS_HUMAN:
            return (
                "a person decides: `budgetd transfers prove ID` says what to look at, "
                "`budgetd transfers resolve ID` ends it"
            )
        case State.SENDING | State.IN_DOUBT if life.attempts:
            dead = format_minute(max(one.signed_at for one in life.attempts) + DEAD_TIME, zone)
            return (
                "an answer, or what the provider's records say in the first cycle after "
                f"{dead} that can read them; where they do not decide, a person does"
            )
    return ""


def head_lines(life: Life) -> Iterator[str]:
    """What was promised, and where it stands."""
    intent, move = life.intent, life.move
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
    if life.pause is not None and move.is_open:
        yield f"paused   {life.pause.scope}: {life.pause.reason}"


def story_lines(life: Life, zone: ZoneInfo) -> Iterator[str]:
    """Each event with its time, in words."""
    numbered = {attempt.number: attempt for attempt in life.attempts}
    for at, kind, data in life.events:
        when = format_second(at, zone)
        match kind:
            case "prepared":
                expires = f"{life.intent.expires_at.astimezone(zone):%H:%M}"
                yield f"{when}  promised in the ledger; to be sent by {expires} or not at all"
                yield from _ordered(data)
            case "sending":
                yield f"{when}  attempt {data['attempt']} leaves, body {str(data['body'])[:12]}"
            case "answered":
                yield f"{when}  {_answer(numbered[_number(data)], data)}"
            case _:
                state = f"{STATE_WORDS[State(str(data['state']))]}: " if "state" in data else ""
                by = f" (decided by {data['by']})" if "by" in data else ""
                yield f"{when}  {state}{data.get('why', kind)}{by}"
                yield from (f"{'':21}{told}" for told in evidence_words(data, zone))
    if life.claim is not None:
        when = format_second(life.claim.at, zone)
        booked = format_second(life.claim.moved_at, zone)
        yield f"{when}  record {life.claim.record_id}, booked {booked}, is taken as its own"


def _ordered(data: dict[str, object]) -> Iterator[str]:
    """Who said what to it: an approval, or the order of a move by hand."""
    if "approved_by" in data:
        yield f"{'':21}approved by {data['approved_by']} (proposal {data.get('proposal', '')})"
    if "by" in data:
        yield f"{'':21}ordered by hand by {data['by']}: {data.get('reason', '')}"


def _number(data: dict[str, object]) -> int:
    number = data["attempt"]
    assert isinstance(number, int)
    return number


def _answer(attempt: Attempt, data: dict[str, object]) -> str:
    request = f" (request {attempt.request_id})" if attempt.request_id else ""
    state = STATE_WORDS[State(str(data["state"]))]
    verdict = answer_words(attempt)
    return (
        f"attempt {attempt.number} was answered {answer_said(attempt)}{request}: {verdict}; {state}"
    )


def answer_said(attempt: Attempt) -> str:
    """Status, code and message, as far as there were any."""
    return " ".join(str(part) for part in (attempt.status, attempt.code, attempt.message) if part)


def answer_words(attempt: Attempt) -> str:
    """What one answer proves, in words."""
    return ANSWER_WORDS[attempt.answer_class] if attempt.answer_class else "no answer"


def evidence_words(data: dict[str, object], zone: ZoneInfo) -> Iterator[str]:
    """What a conclusion rested on, name by name; times in that zone, as everywhere else."""
    for name, value in sorted(data.items()):
        if name == "was":
            yield f"before: {STATE_WORDS[State(str(value))]}"
        elif name not in ("why", "state", "children", "by"):
            told = _INSTANT.sub(lambda found: _second(found[0], zone), str(value))
            yield f"{name.replace('_', ' ')} {told}"


def _second(instant: str, zone: ZoneInfo) -> str:
    return format_second(datetime.fromisoformat(instant), zone)

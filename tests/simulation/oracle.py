"""The judge: the provider's book against what the ledger believes. The book is the truth.

It speaks of money that moved, never of rows alone. It may not change anything.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import apsw

from budgetd.core.answer import AnswerClass, Phase
from budgetd.core.intent import FINAL, State, join
from budgetd.ledger.chain import link
from budgetd.ledger.times import instant
from budgetd.sandbox.nouns import Instrument, Kind, Moved, Purse
from budgetd.sandbox.semantics import RecordName

from .enterprise import START, ZONE
from .script import ReadFault
from .stage import Execution, Stage

NEVER_MOVED = (State.REFUSED, State.CANCELLED, State.VOID)
DEAD_TIME = timedelta(minutes=45)
CLOCK_BOUND = timedelta(minutes=4)
MOVES_WITHIN = timedelta(minutes=25)
TIMELY = timedelta(minutes=10)
SPENDING_IS_TOLD_APART = False
COUPONS_BOOK_WHAT_CAME = False
REPLAYS_BEHIND_LONG_DOUBT_ARE_FOUND = False
LOOKED_BACK = timedelta(minutes=60)
WAYS = {
    Kind.ALLOCATE: "allocate",
    Kind.GRANT: "allocate",
    Kind.RECLAIM: "reclaim",
    Kind.TAKE_BACK: "reclaim",
}
INTENTS = (
    "SELECT id, key, state, amount, booked, account_id, instrument, part, direction, rule, "
    "made_at, sent_at, ended_at, epoch FROM intent ORDER BY made_at, id"
)


class Said(NamedTuple):
    """What one attempt was told, when."""

    phase: str
    status: int | None
    code: str
    answered_at: str


@dataclass(slots=True)
class Row:
    """An intent as the ledger has it at the end."""

    id: str
    key: str
    state: State
    amount: int
    booked: int | None
    account_id: str
    instrument: str
    part: str
    direction: str
    rule: str
    made_at: str
    sent_at: str | None
    ended_at: str | None
    epoch: int
    classes: list[AnswerClass | None] = field(default_factory=list)
    signed: list[datetime] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)
    resolved: list[dict[str, object]] = field(default_factory=list)


def judge(stage: Stage, connection: apsw.Connection) -> None:
    """Tells the stage of every invariant that does not hold."""
    rows = _rows(connection)
    by_key: dict[str, list[Execution]] = defaultdict(list)
    for execution in stage.executions:
        by_key[execution.post.key].append(execution)
    for row in reversed(rows):
        if row.signed:
            stage.asked[row.account_id] = min(row.signed)
    for row in rows:
        _judge_intent(stage, row, by_key.pop(row.key, []))
    for key in by_key:
        stage.violate("4 nothing unknown", f"a movement of {key[:6]}, which no ledger knows")
    if not all(line.holds for line in stage.book.conservation()):
        stage.violate("15 conservation", str(stage.book.conservation()))
    keys = Counter(row.key for row in rows)
    if any(count > 1 for count in keys.values()):
        stage.violate("1 keys", "two intents have one key")
    _judge_bodies(stage)
    _judge_alarms(stage, rows, connection)
    _judge_replays(stage, rows, connection)
    _judge_rules(stage, {row.key: row for row in rows})
    refused = {row.key for row in rows if row.state in NEVER_MOVED}
    _judge_caps(stage, {row.key: row.rule for row in rows}, refused)
    _judge_lifts(stage, refused)
    if stage.script.seed % 8 == 0:
        _judge_chain(stage, connection)


def _rows(connection: apsw.Connection) -> list[Row]:
    rows = {
        str(found[0]): Row(found[0], found[1], State(found[2]), *found[3:])
        for found in connection.execute(INTENTS)
    }
    for intent_id, given, signed_at, *said in connection.execute(
        "SELECT intent_id, class, signed_at, coalesce(phase, ''), status, coalesce(code, ''), "
        "coalesce(answered_at, '') FROM attempt ORDER BY intent_id, number"
    ):
        rows[str(intent_id)].answers.append(Said(*said))
        rows[str(intent_id)].classes.append(None if given is None else AnswerClass(str(given)))
        rows[str(intent_id)].signed.append(instant(str(signed_at)))
    for intent_id, at, data in connection.execute(
        "SELECT intent_id, at, data FROM event WHERE kind = 'resolved' ORDER BY seq"
    ):
        if str(intent_id) in rows:
            rows[str(intent_id)].resolved.append({**json.loads(str(data)), "at": str(at)})
    return list(rows.values())


def _judge_intent(stage: Stage, row: Row, found: list[Execution]) -> None:
    stage.coverage.note("states", row.state)
    name = f"{row.rule} {row.account_id[:2]} {row.amount} {row.key[:6]}"
    if len(found) > 1:
        stage.violate("3 once", f"{name} moved {len(found)} times")
    if row.state is State.SETTLED:
        _judge_settled(stage, row, found, name)
    elif row.state in NEVER_MOVED:
        _judge_never_moved(stage, row, found, name)
    elif row.state is not State.NEEDS_HUMAN:
        stage.violate("18 an end", f"{name} is still {row.state}")
    _judge_join(stage, row, name)


def _judge_settled(stage: Stage, row: Row, found: list[Execution], name: str) -> None:
    if not found and not _is_excused(stage, row):
        stage.violate("4 settled", f"{name} is settled, and nothing moved")
    for execution in found:
        is_whole = row.instrument == "coupon" and row.direction == "reclaim"
        if is_whole and row.resolved and not COUPONS_BOOK_WHAT_CAME:
            continue
        if execution.moved.amount != row.booked:
            stage.violate(
                "4 settled", f"{name} booked {row.booked}, moved {execution.moved.amount}"
            )


def _is_excused(stage: Stage, row: Row) -> bool:
    """A person moved as much by hand the same way at the time: the records do not tell the two
    apart, unless they name the account."""
    if not SPENDING_IS_TOLD_APART and row.direction == "reclaim" and _was_received(row):
        return True
    begins, ends = min(row.signed) - CLOCK_BOUND, max(row.signed) + MOVES_WITHIN
    return any(
        moved.move.by_hand
        and WAYS[moved.move.kind] == row.direction
        and begins <= moved.at <= ends
        and (moved.move.customer_id == row.account_id or _is_alike(stage, row, moved))
        for moved in stage.book.moves
    )


def _is_alike(stage: Stage, row: Row, moved: Moved) -> bool:
    """Whether the record of another account's move cannot be told from this intent's own."""
    if moved.amount != row.amount:
        return False
    if stage.script.semantics.record_name is not RecordName.MEMBER:
        return True
    # Of an account that nothing of ours was for by then, the ledger does not know the name.
    known_at = stage.asked.get(moved.move.customer_id)
    return known_at is None or row.ended_at is None or known_at >= instant(row.ended_at)


def _was_received(row: Row) -> bool:
    return AnswerClass.RECEIVED_BEFORE in row.classes


def _judge_never_moved(stage: Stage, row: Row, found: list[Execution], name: str) -> None:
    for execution in found:
        if execution.post.deliveries > 1 and row.state is State.REFUSED:
            # The gateway ran one POST twice: no rule of ours prevents that, a person is told.
            stage.coverage.note("ends", "a replay moved what was refused")
        else:
            stage.violate("5 never moved", f"{name} is {row.state}, and it moved")


def _judge_join(stage: Stage, row: Row, name: str) -> None:
    """The state follows from the attempts, or from evidence that is kept."""
    joined = join(row.classes) if row.classes else State.PREPARED
    evidence = {str(one.get("state")) for one in row.resolved}
    match row.state:
        case State.SETTLED:
            holds = joined is State.SETTLED or "settled" in evidence
        case State.REFUSED:
            holds = joined is State.REFUSED or (
                joined is State.PREPARED and AnswerClass.BUSY in row.classes
            )
        case State.CANCELLED:
            holds = joined is State.PREPARED
        case State.VOID:
            # A refusal may still come to a process that was asleep; it contradicts nothing.
            holds = joined is not State.SETTLED and "void" in evidence
        case State.NEEDS_HUMAN:
            holds = joined is not State.SETTLED
        case _:
            holds = joined not in FINAL
    if not holds:
        stage.violate("6 join", f"{name} is {row.state}, its attempts say {joined}")
    if row.state is State.VOID and row.ended_at is not None:
        if instant(row.ended_at) < max(row.signed) + DEAD_TIME:
            stage.violate("11 dead time", f"{name} is void too early")
        if AnswerClass.RECEIVED_BEFORE in row.classes:
            stage.violate("11 dead time", f"{name} is void, and its key was received")


def _judge_alarms(stage: Stage, rows: list[Row], connection: apsw.Connection) -> None:
    """What only a person can explain has stopped all sending."""
    latched = connection.execute(
        "SELECT at, coalesce(ended_at, '9') FROM pause WHERE is_latched"
    ).fetchall()
    # Between two instants of one schedule our clock may have been set right.
    slack = timedelta(seconds=abs(stage.script.skew_s))
    for row in rows:
        for number, said in enumerate(row.answers):
            if _is_alarming(row, number, slack) and not any(
                str(at) == said.answered_at or str(at) <= said.answered_at <= str(ended_at)
                for at, ended_at in latched
            ):
                stage.violate("alarm", f"{said.status} {said.code} stopped nothing")


def _judge_replays(stage: Stage, rows: list[Row], connection: apsw.Connection) -> None:
    """What the gateway moved by itself after a refusal is found, where there are records."""
    moved = {one.post.key for one in stage.repeats}
    lost = [row for row in rows if row.state in NEVER_MOVED and row.key in moved]
    if not REPLAYS_BEHIND_LONG_DOUBT_ARE_FOUND:
        ends = [instant(row.ended_at) for row in rows if row.ended_at is not None and row.resolved]
        last = max(ends, default=stage.begins)
        lost = [row for row in lost if last - max(row.signed) < LOOKED_BACK]
    if not lost or not stage.script.has_records:
        return
    said = connection.execute(
        "SELECT count(*) FROM pause WHERE is_latched AND reason LIKE 'record %'"
    ).get
    # A record that may be another's, whom a person looks at, is looked at with it.
    looked_at = {(row.direction, row.amount) for row in rows if row.state is State.NEEDS_HUMAN}
    if not said and not all((row.direction, row.amount) in looked_at for row in lost):
        stage.violate("replay", "what a replay moved was never found")


def _is_alarming(row: Row, number: int, slack: timedelta) -> bool:
    """Whether an answer is one that stops all sending; instants are compared with some slack."""
    said = row.answers[number]
    if row.classes[number] is AnswerClass.RECEIVED_BEFORE:
        at = instant(said.answered_at)
        return not any(
            (other < number or (other > number and signed_at <= at + slack))
            and (row.answers[other].phase != Phase.NOT_SENT or _is_later(row, other, at))
            for other, signed_at in enumerate(row.signed)
        )
    if said.status == 401:
        # A request that was held up until its signature was over says nothing of the key.
        return instant(said.answered_at) - row.signed[number] < TIMELY
    is_strange = (said.status, said.code) in ((200, ""), (409, "CBC.12345678"))
    return is_strange and row.classes[number] is AnswerClass.UNKNOWN


def _is_later(row: Row, number: int, at: datetime) -> bool:
    """Whether an attempt was answered after an instant, so that nothing was known of it then."""
    answered_at = row.answers[number].answered_at
    return not answered_at or instant(answered_at) > at


def _judge_rules(stage: Stage, rows: dict[str, Row]) -> None:
    """What the setup's rules mean for the book, beyond caps."""
    setup = stage.setup
    own = [one for one in stage.executions if not one.is_repeat and one.post.key in rows]
    by_rule = Counter(rows[one.post.key].rule for one in own)
    if setup.asks_for and by_rule[setup.asks_for] > stage.approved[setup.asks_for]:
        asked = f"{by_rule[setup.asks_for]} moves, {stage.approved[setup.asks_for]} approvals"
        stage.violate("asked", asked)
    if setup.cooldown is not None:
        _judge_cooldown(stage, own, setup.cooldown)
    counts: Counter[tuple[object, ...]] = Counter()
    sums: Counter[tuple[object, ...]] = Counter()
    for one in own:
        row, move = rows[one.post.key], one.moved.move
        if setup.tick is not None:
            when: object = (instant(row.made_at) - START) // setup.tick
        elif setup.is_once_a_day:
            when = one.post.signed_at.astimezone(ZONE).date()
        else:
            continue
        counts[row.rule, row.account_id, when, row.part] += 1
        sums[row.rule, row.account_id, when] += one.moved.amount if move.kind is Kind.GRANT else 0
    if max(counts.values(), default=0) > 1:
        stage.violate("once a period", f"{counts}")
    if setup.once_at_most is not None and max(sums.values(), default=0) > setup.once_at_most:
        stage.violate("once a period", f"{sums}")


def _judge_cooldown(stage: Stage, own: list[Execution], cooldown: timedelta) -> None:
    """A unit rests after a move; our clock may have been set right meanwhile."""
    sent = sorted((one.moved.move.customer_id, one.post.signed_at) for one in own)
    slack = timedelta(seconds=abs(stage.script.skew_s))
    for (account, before), (other, after) in pairwise(sent):
        if account == other and after - before < cooldown - slack:
            stage.violate("cooldown", f"{account[:2]} moved {after - before} apart")


def _judge_bodies(stage: Stage) -> None:
    bodies: dict[str, bytes] = {}
    for post in stage.posts:
        if bodies.setdefault(post.key, post.body) != post.body:
            stage.violate("1 keys", f"{post.key[:6]} was sent with two bodies")
        if not (len(post.key) == 32 and set(post.key) <= set("0123456789abcdef")):
            stage.violate("1 keys", f"{post.key} is no key")
        amount = json.loads(post.body).get("amount")
        if amount is not None and len(str(amount).partition(".")[2]) != 2:
            stage.violate("16 two places", f"{amount}")


def _judge_caps(stage: Stage, rules: dict[str, str], refused: set[str]) -> None:
    """The caps in the book: by the day on which the POST that moved was signed.

    What the gateway moved by running a POST twice, and answered with the refusal of the second
    copy, no client can count in time: that it is found is judged apart.
    """
    setup = stage.setup
    counted = [one for one in stage.executions if not one.is_repeat and one.post.key not in refused]
    accounts: Counter[tuple[str, ...]] = Counter()
    by_rule: Counter[tuple[str, ...]] = Counter()
    for execution in counted:
        moved, post = execution.moved, execution.post
        day = post.signed_at.astimezone(ZONE).date().isoformat()
        way = WAYS[moved.move.kind]
        kind = str(moved.move.instrument)
        accounts[moved.move.customer_id, kind, way, day] += moved.amount
        by_rule[rules.get(post.key, ""), kind, way, day] += moved.amount
    if setup.account_cap is not None and max(accounts.values(), default=0) > setup.account_cap:
        stage.violate("9 caps", f"account_per_day: {accounts}")
    if setup.rule_cap is not None and max(by_rule.values(), default=0) > setup.rule_cap:
        stage.violate("9 caps", f"rule_per_day: {by_rule}")
    if not stage.approved:
        _judge_windows(stage, counted)


def _judge_windows(stage: Stage, counted: list[Execution]) -> None:
    limits = {
        "per_day": (timedelta(hours=24), stage.setup.limits.get("per_day_amount")),
        "per_cycle": (timedelta(minutes=15), stage.setup.limits.get("per_cycle_amount")),
    }
    for name, (window, bound) in limits.items():
        if bound is None:
            continue
        for way in ("allocate", "reclaim"):
            sent = [
                (one.post.signed_at, one.moved.amount)
                for one in counted
                if WAYS[one.moved.move.kind] == way
            ]
            for at, _ in sent:
                inside = sum(amount for when, amount in sent if at - window < when <= at)
                if inside > bound * 100:
                    stage.violate("9 caps", f"{name} {way}: {inside}")
                    return


def _judge_lifts(stage: Stage, refused: set[str]) -> None:
    """No top-up of ours lifts an account above what its rule says, nor takes the master below its
    reserve, as long as nobody else moves money."""
    setup, book = stage.setup, stage.book
    if stage.by_hand:
        return
    for execution in stage.executions:
        moved = execution.moved
        if moved.move.kind is not Kind.ALLOCATE or moved.move.instrument is not Instrument.CASH:
            continue
        holds = _held_after(book.accounts[moved.move.customer_id].cash, moved.at)
        if setup.ceiling is not None and holds > setup.ceiling:
            stage.violate("12 overfunded", f"{moved.move.customer_id[:2]} holds {holds}")
        left = _held_after(book.master.cash, moved.at)
        # What the gateway runs again by itself, after its refusal, asks no reserve.
        is_ours = not any(one.post.key in refused for one in stage.executions)
        if setup.reserve is not None and left < setup.reserve and is_ours and not _was_stale(stage):
            stage.violate("reserve", f"the master is left with {left}")


def _held_after(purse: Purse, at: datetime) -> int:
    """What a purse held after its last change at that instant."""
    changes = list(purse.past)
    afters = [before for _, before in changes[1:]] + [purse.amount]
    return [after for (when, _), after in zip(changes, afters, strict=True) if when == at][-1]


def _was_stale(stage: Stage) -> bool:
    """Whether the master was read as it had been while an account was read as it was."""
    return ReadFault.STALE in stage.script.reads.values()


def _judge_chain(stage: Stage, connection: apsw.Connection) -> None:
    last = ""
    for at, intent_id, kind, data, found in connection.execute(
        "SELECT at, intent_id, kind, data, hash FROM event ORDER BY seq"
    ):
        last = link(last, str(at), str(intent_id), str(kind), str(data))
        if last != found:
            stage.violate("chain", f"broken at {at}")
            return

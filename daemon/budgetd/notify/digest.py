"""The daily digest: what moved, what waits, and who has least, in one message.

It may not judge; it counts what the ledger and the last plan say.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from budgetd.core.approval import Proposal, ProposalState
from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.money import ZERO
from budgetd.core.observation import Observation, Ok
from budgetd.core.plans.plan import Plan
from budgetd.core.reason import QUIET
from budgetd.core.telling import Event, Message, Severity
from budgetd.ledger import proposals
from budgetd.ledger.alerts import known_alerts
from budgetd.ledger.past import Past
from budgetd.notify.saying import Now
from budgetd.report.phrases import count
from budgetd.report.words import HOLD_WORDS

DAY = timedelta(hours=24)
WORST = 5


def seen_by(plan: Plan, observation: Observation, now: Now) -> tuple[str, ...]:
    """What a digest says of a cycle, in lines: nobody holds a whole fleet until the next one."""
    return (*_holds(plan), *_worst(observation, now))


def digest_of(past: Past, seen: tuple[str, ...], now: Now, channels: tuple[str, ...]) -> Message:
    """The last 24 hours, for these channels. Without a cycle yet, what the ledger alone knows."""
    live = [one for one in proposals.live(past) if one.state is ProposalState.OPEN]
    lines = [
        *_moves(past, now),
        *_open(past, live, now),
        *(seen or ("no cycle has ended yet",)),
    ]
    return Message(
        event=Event.DIGEST,
        severity=Severity.INFO,
        title=f"digest of {now.time(now.at)}",
        lines=tuple(lines),
        at=now.at,
        channels=channels,
    )


def _moves(past: Past, now: Now) -> Iterator[str]:
    sums: dict[tuple[Direction, Instrument], Decimal] = defaultdict(lambda: ZERO)
    numbers: Counter[tuple[Direction, Instrument]] = Counter()
    refused = 0
    # What was promised the day before may have ended in this one.
    for move in past.moves(now.at - 2 * DAY):
        if move.ended_at is None or move.ended_at < now.at - DAY:
            continue
        if move.state is State.SETTLED:
            sums[move.direction, move.unit.instrument] += move.amount
            numbers[move.direction, move.unit.instrument] += 1
        refused += move.state is State.REFUSED
    for (direction, instrument), amount in sorted(sums.items()):
        number = numbers[direction, instrument]
        yield f"{direction} {instrument}: {now.money(amount)} in {count(number, 'transfer')}"
    if not sums:
        yield "nothing was moved in 24 hours"
    if refused:
        yield f"refused by the provider: {count(refused, 'transfer')}"


def _open(past: Past, live: list[Proposal], now: Now) -> Iterator[str]:
    doubts, humans = (past.in_state(state) for state in (State.IN_DOUBT, State.NEEDS_HUMAN))
    if doubts or humans:
        yield f"in doubt: {count(len(doubts), 'transfer')}, of a person: {len(humans)}"
    for one in live[:WORST]:
        yield f"waits for approval: {one.id}, {one.rule}, until {now.time(one.expires_at)}"
    if len(live) > WORST:
        yield f"waits for approval: {len(live) - WORST} more"
    for pause in past.pauses():
        if pause.until is None or pause.until > now.at:
            yield f"paused, {pause.scope}: {pause.reason}"
    alerts = known_alerts(past)
    if alerts:
        rules = Counter(alert.rule for alert in alerts)
        yield "alerts: " + ", ".join(
            f"{rule} {number}" for rule, number in rules.most_common(WORST)
        )


def _holds(plan: Plan) -> Iterator[str]:
    held = Counter(hold.reason for hold in plan.held if hold.reason not in QUIET)
    if held:
        yield "held: " + ", ".join(
            f"{HOLD_WORDS[reason]} {number}" for reason, number in held.most_common()
        )
    yield f"{count(plan.accounts_read, 'account')} read, {len(plan.unreadable)} not"
    if plan.master.cash_before is not None:
        yield f"master: cash {plan.master.cash_before:,.2f}, reserve {plan.master.reserve:,.2f}"


def _worst(observation: Observation, now: Now) -> Iterator[str]:
    """The accounts with the least cash."""
    read = []
    for account in observation.accounts:
        cash = observation.readings_of(account.id).cash
        if isinstance(cash, Ok):
            read.append((cash.value, account.label))
    for value, label in sorted(read)[:WORST]:
        yield f"least cash: {label} {now.money(value)}"

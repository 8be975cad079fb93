"""What is the matter with each account: in doubt, unread, an alert, waiting, held, moving, fine.

It puts the plan, the ledger and its moves in order of how bad they are; it may not judge an
account by anything else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum

from budgetd.core.intent import OPEN, Direction, Instrument, Move, State
from budgetd.core.money import show_amount
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.reason import QUIET
from budgetd.ledger.tally import open_moves, states_of
from budgetd.report.phrases import signed
from budgetd.report.rows import VERBS, hold_note
from budgetd.report.summary import loud_holds
from budgetd.report.words import ASK_WORDS, STATE_WORDS, limit_name
from budgetd.web.seen import Seen

MOST_MATTERS = 3
SEVERITIES = ("critical", "warning", "info")
DOUBTFUL = frozenset({State.IN_DOUBT, State.NEEDS_HUMAN})


class Rank(IntEnum):
    """How bad it is; the lower goes first."""

    DOUBT = 0
    UNREAD = 1
    ALERT = 2
    WAITING = 3
    HELD = 4
    MOVING = 5
    FINE = 6
    NO_RULE = 7


WORDS: dict[Rank, str] = {
    Rank.DOUBT: "in doubt",
    Rank.UNREAD: "unread",
    Rank.ALERT: "alert",
    Rank.WAITING: "waiting",
    Rank.HELD: "held",
    Rank.MOVING: "planned",
    Rank.FINE: "ok",
    Rank.NO_RULE: "no rule",
}
TONES: dict[Rank, str] = {
    Rank.DOUBT: "bad",
    Rank.UNREAD: "bad",
    Rank.ALERT: "bad",
    Rank.WAITING: "wait",
    Rank.HELD: "wait",
    Rank.MOVING: "good",
    Rank.FINE: "good",
    Rank.NO_RULE: "soft",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is the matter with an account: its rank, a word for it where it is not the rank's own,
    why in words, and the rule that says so. Of one rank the lower `weight` goes first."""

    rank: Rank
    weight: int = 0
    note: str = ""
    rule: str = ""
    own_word: str = ""

    @property
    def word(self) -> str:
        """The state of the account in a word or two."""
        return self.own_word or WORDS[self.rank]

    @property
    def tone(self) -> str:
        """How it looks: a class of the style sheet."""
        return TONES[self.rank]


NOTHING_KNOWN = (Matter(rank=Rank.NO_RULE),)
UNDECIDED = (Matter(rank=Rank.NO_RULE, own_word="not decided"),)
"""Of an account that was read for a cycle that did not come as far as a plan."""


def matters_of(seen: Seen) -> Mapping[str, tuple[Matter, ...]]:
    """The worst few that are known of each account, the worst first; fine where nothing else is."""
    found: dict[str, list[Matter]] = defaultdict(list)
    for move in open_moves(seen.past):
        found[move.unit.account_id].append(_opened(move))
    if seen.plan is not None:
        for account_id, matter in _planned(seen.plan, seen):
            if matter not in found[account_id]:
                found[account_id].append(matter)
    return {account_id: _worst(known) for account_id, known in found.items()}


def _worst(known: list[Matter]) -> tuple[Matter, ...]:
    known.sort(key=lambda matter: (matter.rank, matter.weight))
    if known[0].rank is Rank.FINE:
        return (known[0],)
    return tuple(matter for matter in known if matter.rank is not Rank.FINE)[:MOST_MATTERS]


def _opened(move: Move) -> Matter:
    return Matter(
        rank=Rank.DOUBT if move.state in DOUBTFUL else Rank.MOVING,
        note=_moved(move.direction, move.unit.instrument, move.amount),
        rule=move.rule,
        own_word=STATE_WORDS[move.state],
    )


def _moved(direction: Direction, instrument: Instrument, amount: Decimal) -> str:
    is_out = direction is Direction.ALLOCATE
    return f"{VERBS[instrument, direction]} {signed(amount if is_out else -amount)}"


def _planned(plan: Plan, seen: Seen) -> Iterable[tuple[str, Matter]]:
    for unread in plan.unreadable:
        yield unread.account.id, Matter(rank=Rank.UNREAD, note=unread.detail)
    for raised in plan.alerts:
        read = "not read" if raised.reading is None else show_amount(raised.reading)
        note = f"{raised.severity}, {read}"
        weight = SEVERITIES.index(raised.severity)
        yield (
            raised.account.id,
            Matter(rank=Rank.ALERT, weight=weight, note=note, rule=raised.rule),
        )
    for transfer in plan.proposals:
        assert transfer.ask is not None
        yield _of_transfer(transfer, Rank.WAITING, f": {ASK_WORDS[transfer.ask]}")
    for item in plan.withheld:
        yield _of_transfer(item.transfer, Rank.WAITING, f": over {limit_name(item.limit)}")
    for held in loud_holds(plan):
        note = hold_note(held, plan.taken_at, seen.zone)
        yield held.account.id, Matter(rank=Rank.HELD, note=note, rule=held.rule)
    states = states_of(seen.past, [transfer.id for transfer in plan.moves])
    for transfer in plan.moves:
        account_id, matter = _of_transfer(transfer, Rank.MOVING, "")
        state = states.get(transfer.id)
        if state in OPEN:
            # Told already, as what is open.
            continue
        if state is not None:
            rank = Rank.HELD if state is State.REFUSED else Rank.MOVING
            matter = replace(matter, rank=rank, own_word=STATE_WORDS[state])
        yield account_id, matter
    for held in plan.held:
        if held.reason in QUIET:
            yield held.account.id, Matter(rank=Rank.FINE)


def _of_transfer(transfer: Transfer, rank: Rank, why: str) -> tuple[str, Matter]:
    note = _moved(transfer.direction, transfer.instrument, transfer.amount) + why
    return transfer.account.id, Matter(rank=rank, note=note, rule=transfer.rule)

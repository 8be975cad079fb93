"""make_plan: wishes become ordered transfers, batch by batch, within what may be spent.

Priority by priority: money and caps are consumed in that order and nothing else is. A batch
that a limit withholds gives back what it took. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from budgetd.core.approval import proposal_id
from budgetd.core.decisions.caps import CapBook
from budgetd.core.decisions.deciding import Decisions
from budgetd.core.decisions.decision import Held, Raised, Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.limits import FEW_UNREAD, PLAN_LIFETIME, Limits
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, round_up, total
from budgetd.core.observation import Account, Observation, Ok, Reading, Stale, Unknown
from budgetd.core.plans.amount import Draft
from budgetd.core.plans.batches import Approvals, Gate
from budgetd.core.plans.consent import consented, without_declined
from budgetd.core.plans.drafting import Drawer
from budgetd.core.plans.funds import Piece, Purse
from budgetd.core.plans.notice import after_notice
from budgetd.core.plans.plan import MasterLine, Plan, Transfer, Unreadable, Withheld
from budgetd.core.policies.policy import Lift, PolicySet
from budgetd.core.reason import Ask, Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a plan says of itself. `only` is the one rule that a person asked for."""

    enterprise: str
    mode: str
    policies: PolicySet
    only: str | None = None


@dataclass(slots=True)
class _Outcome:
    transfers: list[Transfer] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)


def make_plan(frame: Frame, decisions: Decisions, observation: Observation, limits: Limits) -> Plan:
    """The plan of one cycle. Everything a decision wished for is in it, moved or not, and why."""
    history = History(observation, limits.reflected_after)
    drawer = Drawer(
        history,
        Purse(observation, history, limits),
        CapBook(observation, limits.zone),
        observation.currency,
    )
    observed, silent = _observe(drawer.copy(), decisions.observed)
    unreadable, asked = _unreadable(observation)
    gate = Gate(history, limits)
    if len(unreadable) > FEW_UNREAD and len(unreadable) > limits.unknown_readings * asked:
        gate.is_closed_by = "unknown_readings"
    outcome = _Outcome(held=[*silent, *(one for one in decisions.made if isinstance(one, Held))])
    levels: dict[int, list[Wish]] = defaultdict(list)
    for item in decisions.made:
        if isinstance(item, Wish):
            levels[item.named.rule.priority].append(item)
    for priority in sorted(levels):
        drawer = _plan_level(levels[priority], drawer, gate, outcome)
    kept, declined = without_declined(outcome.transfers, observation)
    outcome.held += declined
    transfers = sorted(kept, key=_is_reclaim)
    return Plan(
        enterprise=frame.enterprise,
        mode=frame.mode,
        taken_at=observation.taken_at,
        expires_at=observation.taken_at + PLAN_LIFETIME,
        policy_digest=frame.policies.digest,
        currency=observation.currency,
        is_preview=observation.is_preview,
        transfers=tuple(transfers),
        held=tuple(sorted(outcome.held, key=_place)),
        withheld=tuple(outcome.withheld),
        alerts=tuple(
            sorted((item for item in decisions.made if isinstance(item, Raised)), key=_place)
        ),
        unreadable=tuple(unreadable),
        observed=tuple(observed),
        accounts_read=asked - len(unreadable),
        rules_count=sum(1 for _ in frame.policies.rules()),
        master=_master_line(observation, limits, transfers),
        only=frame.only,
        declined=frozenset(observation.declined),
    )


def _plan_level(wishes: list[Wish], drawer: Drawer, gate: Gate, outcome: _Outcome) -> Drawer:
    """Plans one priority. Batches that are withheld are taken out, and the others drawn up anew."""
    rules = {wish.named.name: wish.named.rule for wish in wishes}
    left = sorted(wishes, key=_turn)
    over: dict[str, str] = {}
    while True:
        trial = drawer.copy()
        drawn, holds = _draw(left, trial, gate)
        batches = gate.batches(drawn)
        passed_before = len(gate.passed)
        # A person has agreed to these past every limit; the others count them as moved.
        gate.let_through(one for one in drawn if one.approved and not gate.is_closed_by)
        stopped: dict[str, str] = {}
        for rule in sorted(batches.keys() - over.keys()):
            limit = gate.judge(rules[rule], batches[rule])
            if not limit:
                gate.let_through(batches[rule])
                continue
            stopped[rule] = limit
            # What it gives back may serve the others: then they are drawn up before they are
            # judged. Where nobody was short of anything they would only come out the same.
            if not gate.is_closed_by and _is_tight(drawn, holds):
                break
        if not stopped:
            outcome.held += holds
            outcome.transfers += _without(drawn, batches, over, outcome)
            return trial
        gate.take_back(passed_before)
        over |= stopped
        # A withheld rule is done with: what its others were told stands, and none of them gets
        # what the batch gave back, or the rule would move in two batches. What a person agreed to
        # is drawn up again: what is withheld takes nothing from it.
        again = {rule: gate.agreed(rule) for rule in stopped}
        done = [one for one in drawn if one.rule in stopped and not _is_in(again[one.rule], one)]
        outcome.transfers += _without(done, gate.batches(done), stopped, outcome)
        ended = [one for one in holds if one.rule in stopped and not _is_in(again[one.rule], one)]
        outcome.held += ended
        left = [one for one in left if _is_in(again.get(one.named.name), one)]


def _without(
    drawn: list[Transfer],
    batches: Mapping[str, list[Transfer]],
    over: Mapping[str, str],
    outcome: _Outcome,
) -> list[Transfer]:
    """What was drawn but for the batches of rules that a limit stopped, which are withheld."""
    withheld = set()
    for rule in over:
        for item in _withhold(batches.get(rule, []), over[rule]):
            outcome.withheld.append(item)
            withheld.add(item.transfer.id)
    return [transfer for transfer in drawn if transfer.id not in withheld]


def _is_in(agreed: frozenset[tuple[str, str]] | None, one: Wish | Transfer | Held) -> bool:
    """Whether it is of the account, or its coupon, that a person agreed to; None is all."""
    if agreed is None:
        return True
    child = one.coupon.child_id if one.coupon is not None else None
    return any(
        one.account.id == account_id and child in (None, part) for account_id, part in agreed
    )


def _is_tight(drawn: list[Transfer], holds: list[Held]) -> bool:
    """Whether somebody got less, or was asked for more, because of what another one took."""
    return any(item.reason in (Hold.MASTER_SHORT, Hold.CAP) for item in holds) or any(
        item.ask is Ask.APPROVAL_ABOVE or any(step.step in ("exists", "cap") for step in item.steps)
        for item in drawn
    )


Turn = tuple[bool, timedelta, Decimal, str, str]


def _turn(wish: Wish) -> tuple[Turn, str]:
    """Whose turn it is within a priority: by time to empty; where that is not known, after the
    others and by reading; then by id."""
    child = wish.coupon.child_id if wish.coupon else None
    return (_by_time(wish.lasts, wish.reading, wish.account.id, wish.named.name), child or "")


def _place_of(item: Transfer, lasts: Mapping[tuple[str, str], timedelta | None]) -> Turn:
    """The same turn, of a transfer."""
    account_id = item.account.id
    return _by_time(lasts[account_id, item.rule], item.reading, account_id, item.rule)


def _by_time(lasts: timedelta | None, reading: Decimal, account_id: str, rule: str) -> Turn:
    if lasts is None:
        return (True, timedelta(0), reading, account_id, rule)
    return (False, lasts, ZERO, account_id, rule)


def _is_reclaim(transfer: Transfer) -> bool:
    return transfer.direction is Direction.RECLAIM


def _withhold(batch: list[Transfer], limit: str) -> Iterable[Withheld]:
    for transfer in batch:
        name = proposal_id(transfer.rule, transfer.direction, None)
        yield Withheld(transfer=replace(transfer, ask=Ask.LIMIT), limit=limit, proposal=name)


def _draw(wishes: Sequence[Wish], drawer: Drawer, gate: Gate) -> tuple[list[Transfer], list[Held]]:
    """All transfers of one priority, allocations first; proposals take nothing."""
    transfers: list[Transfer] = []
    holds: list[Held] = []
    wants: list[tuple[Wish, Draft]] = []
    approvals = gate.approvals()
    for wish in wishes:
        if not isinstance(wish.named.action, Lift):
            continue
        want = drawer.want(wish)
        if isinstance(want, Held):
            holds.append(want)
        elif wish.ask or approvals.needs_one(wish, _at_most(wish, want, approvals, drawer)):
            proposal = replace(wish, ask=wish.ask or Ask.APPROVAL_ABOVE)
            _sort(_consent(wish, drawer.alone(proposal, want), drawer), transfers, holds)
        else:
            wants.append((wish, want))
    for wish, want, pieces in _share(wants, drawer):
        _sort(_consent(wish, drawer.settle(wish, want, pieces), drawer), transfers, holds)
    for wish in wishes:
        if not isinstance(wish.named.action, Lift):
            _sort(_draw_reclaim(wish, drawer, approvals), transfers, holds)
    lasts = {(wish.account.id, wish.named.name): wish.lasts for wish in wishes}
    transfers.sort(key=lambda item: (_is_reclaim(item), _place_of(item, lasts)))
    return transfers, holds


def _at_most(wish: Wish, want: Draft, approvals: Approvals, drawer: Drawer) -> Decimal:
    """What a lift could move: a person is asked about a transfer, and the master may have less to
    give than is wanted. That others may get a part of it first makes nobody less careful."""
    if not approvals.is_above(wish, want.amount):
        return want.amount
    return total(piece.amount for piece in drawer.purse.copy().take(wish, want.amount, want.grain))


def _draw_reclaim(wish: Wish, drawer: Drawer, approvals: Approvals) -> list[Transfer] | Held:
    drawn = drawer.reclaim(wish)
    if isinstance(drawn, list) and wish.named.rule.notice is not None:
        noticed = after_notice(wish, drawn, drawer.history)
        drawer.undo(wish, drawn)
        if isinstance(noticed, list):
            drawer.caps.book(wish, total(transfer.amount for transfer in noticed))
        drawn = noticed
    if isinstance(drawn, Held):
        return _undecided(drawn, wish, drawer)
    amount = total(transfer.amount for transfer in drawn)
    if wish.ask is None and approvals.needs_one(wish, amount):
        drawn = [replace(transfer, ask=Ask.APPROVAL_ABOVE) for transfer in drawn]
    return _consent(wish, drawn, drawer)


def _undecided(drawn: list[Transfer] | Held, wish: Wish, drawer: Drawer) -> list[Transfer] | Held:
    """What was drawn; a hold of a slot that has not come decides nothing: it may be over then."""
    if isinstance(drawn, Held) and wish.is_ahead(drawer.history.now):
        return replace(drawn, period="")
    return drawn


def _consent(wish: Wish, drawn: list[Transfer] | Held, drawer: Drawer) -> list[Transfer] | Held:
    """What was drawn, held to what a person agreed to; what still asks takes nothing, nor does
    what is beyond the agreed amount."""
    if isinstance(drawn, Held):
        return drawn
    observation = drawer.history.observation
    told = [consented(transfer, observation) for transfer in drawn]
    beyond = [
        replace(before, amount=before.amount - (ZERO if after.ask is not None else after.amount))
        for before, after in zip(drawn, told, strict=True)
    ]
    drawer.undo(wish, beyond)
    return told


def _sort(drawn: list[Transfer] | Held, transfers: list[Transfer], holds: list[Held]) -> None:
    if isinstance(drawn, Held):
        holds.append(drawn)
    else:
        transfers += drawn


def _share(
    wants: list[tuple[Wish, Draft]], drawer: Drawer
) -> list[tuple[Wish, Draft, list[Piece]]]:
    """What the master gives to each. When it cannot serve this priority whole, each account
    first gets what lifts it to its trigger, in order, then the rest in order."""
    whole = drawer.purse.copy()
    served = [(wish, want, whole.take(wish, want.amount, want.grain)) for wish, want in wants]
    if all(total(p.amount for p in pieces) == want.amount for _, want, pieces in served):
        drawer.purse = whole
        return served
    firsts = [drawer.purse.take(wish, _least(wish, want), want.grain) for wish, want in wants]
    shared = []
    for (wish, want), first in zip(wants, firsts, strict=True):
        rest = want.amount - total(piece.amount for piece in first)
        had = [piece for piece in first if piece.amount > ZERO]
        more = drawer.purse.take(wish, rest, want.grain, had) if rest > ZERO else []
        shared.append((wish, want, _merge([*first, *more])))
    return shared


def _least(wish: Wish, want: Draft) -> Decimal:
    """What lifts an account to its trigger, and is no less than one transfer may be."""
    action = wish.named.action
    assert isinstance(action, Lift)
    if wish.trigger is None:
        return want.amount
    gap = max(wish.trigger - wish.reading, action.min)
    return min(want.amount, round_up(gap, want.grain))


def _merge(pieces: list[Piece]) -> list[Piece]:
    """One piece a source: an account gets one transfer of each."""
    merged: dict[str, Piece] = {}
    for piece in pieces:
        before = merged.get(piece.part)
        amount = piece.amount + (before.amount if before else ZERO)
        merged[piece.part] = Piece(piece.part, amount, piece.coupon)
    return [piece for piece in merged.values() if piece.amount > ZERO]


def _observe(drawer: Drawer, wishes: list[Wish]) -> tuple[list[Transfer], list[Held]]:
    """What rules that only observe would have wanted, each by itself, and what held the others."""
    found: list[Transfer] = []
    holds: list[Held] = []
    for wish in sorted(wishes, key=lambda wish: (wish.named.rule.priority, _turn(wish))):
        drawn: list[Transfer] | Held
        if isinstance(wish.named.action, Lift):
            want = drawer.want(wish)
            if isinstance(want, Held):
                holds.append(want)
                continue
            drawn = drawer.alone(wish, want)
        else:
            drawn = _undecided(drawer.reclaim(wish), wish, drawer)
        drawer.undo(wish, drawn)
        _sort(drawn, found, holds)
    return sorted(found, key=_is_reclaim), holds


def _unreadable(observation: Observation) -> tuple[list[Unreadable], int]:
    """The accounts of which something that was asked for is not known, and how many were asked;
    those that the provider calls unmanageable are left out, here and there."""
    found: list[Unreadable] = []
    asked = 0
    for account in observation.accounts:
        if account.id not in observation.readings or _is_left_out(account, observation):
            continue
        asked += 1
        problem = _first_problem(account, observation)
        if problem is not None:
            found.append(problem)
    return sorted(found, key=lambda item: (item.account.label, item.account.id)), asked


def _is_left_out(account: Account, observation: Observation) -> bool:
    readings = observation.readings_of(account.id)
    known = [one for one in map(readings.of, Instrument) if one is not None]
    return bool(known) and all(getattr(one, "is_unmanageable", False) for one in known)


def _place(item: Held | Raised) -> tuple[str, str, str, str]:
    coupon = item.coupon if isinstance(item, Held) else None
    return (item.account.label, item.account.id, item.rule, (coupon and coupon.child_id) or "")


def _first_problem(account: Account, observation: Observation) -> Unreadable | None:
    readings = observation.readings_of(account.id)
    for instrument in Instrument:
        reading: Reading[object] | None = readings.of(instrument)  # type: ignore[assignment]  # any value will do
        if isinstance(reading, Unknown) and not reading.is_unmanageable:
            return Unreadable(account=account, reason=Hold.UNREAD, detail=reading.reason)
        if isinstance(reading, Stale):
            return Unreadable(account=account, reason=Hold.STALE, detail="")
    return None


def _master_line(observation: Observation, limits: Limits, transfers: list[Transfer]) -> MasterLine:
    cash = observation.master.cash
    if not isinstance(cash, Ok):
        return MasterLine(cash_before=None, cash_after=None, reserve=limits.reserve)
    change = ZERO
    for transfer in transfers:
        if transfer.instrument is Instrument.CASH and transfer.ask is None:
            is_out = transfer.direction is Direction.ALLOCATE
            change += -transfer.amount if is_out else transfer.amount
    return MasterLine(
        cash_before=cash.value, cash_after=cash.value + change, reserve=limits.reserve
    )

"""decide: what every rule says of every account it selects, holds included.

Pure: all rules see one observation and never each other's effect. Amounts are found later, in
`planning`; here a rule is asked whether it is due, triggered, in command of the unit, and held
by a rail.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from budgetd.core.decisions.caps import CapUse
from budgetd.core.decisions.decision import Decision, Held, NamedRule, Raised, Wish
from budgetd.core.decisions.due import Due, live_rules, when_due
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.funding import Funding
from budgetd.core.decisions.history import History
from budgetd.core.decisions.judging import Judge
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.outlook import Outlook
from budgetd.core.decisions.zeros import Zeros
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Account, Observation, Ok, Status
from budgetd.core.pause import pause_of
from budgetd.core.policies.policy import Mode, PolicySet
from budgetd.core.policies.schedule import Slot
from budgetd.core.policies.selector import admits, selects
from budgetd.core.reason import Ask, Hold

MASTER = Account(
    id="master", name="master", display_name="", status=Status.NORMAL, organization=None
)


@dataclass(slots=True)
class Decisions:
    """All of one cycle. `observed` are the wishes of rules in `mode: observe`."""

    made: list[Decision] = field(default_factory=list)
    observed: list[Wish] = field(default_factory=list)


def decide(
    policies: PolicySet, observation: Observation, limits: Limits, only: str | None = None
) -> Decisions:
    """Every rule's word on every account it selects; `only` asks one rule, due or not."""
    fleet = Fleet(observation.accounts)
    chosen: dict[str, list[tuple[NamedRule, Due]]] = defaultdict(list)
    decisions = Decisions()
    live = live_rules(policies, observation, limits, None)
    caps = CapUse(live, observation, limits.zone)
    is_watched = any(named.rule.accounts == "master" for named in live)
    funding = Funding(observation, policies, limits) if is_watched else None
    judge = judge_of(observation, limits, caps, funding)
    zeros = Zeros(observation, judge.outlook, limits)
    for named in live if only is None else live_rules(policies, observation, limits, only):
        due = when_due(named, observation, limits, only)
        if named.rule.accounts == "master" and due.is_due:
            said = _ask(_Case(judge, MASTER, limits, zeros), named, due)
            decisions.made += [item for item in said if not isinstance(item, Wish)]
        for account in fleet.select(named.rule.accounts):
            chosen[account.id].append((named, due))
    for account in observation.accounts:
        if account.id in chosen:
            _decide_account(_Case(judge, account, limits, zeros), chosen[account.id], decisions)
    return decisions


def judge_of(
    observation: Observation,
    limits: Limits,
    caps: CapUse | None = None,
    funding: Funding | None = None,
) -> Judge:
    """A judge on an observation, with our own past and what burns foretell."""
    history = History(observation, limits.reflected_after)
    return Judge(observation, history, Outlook(observation, history, limits.zone), caps, funding)


def decide_alone(
    named: NamedRule, account: Account, observation: Observation, limits: Limits
) -> Decisions:
    """What one rule says of one account when no other is asked and its time is now."""
    judge = judge_of(observation, limits)
    zeros = Zeros(observation, judge.outlook, limits)
    decisions = Decisions()
    _decide_account(_Case(judge, account, limits, zeros), [(named, Due(is_due=True))], decisions)
    return decisions


@dataclass(frozen=True, slots=True)
class _Case:
    judge: Judge
    account: Account
    limits: Limits
    zeros: Zeros


def _decide_account(case: _Case, rules: list[tuple[NamedRule, Due]], decisions: Decisions) -> None:
    wishes: dict[tuple[str, ...], list[Wish]] = defaultdict(list)
    for named, due in rules:
        for item in _ask(case, named, due):
            if not isinstance(item, Wish):
                decisions.made.append(item)
            elif named.rule.mode is Mode.OBSERVE:
                if item.hold is None:
                    decisions.observed.append(item)
                else:
                    decisions.made.append(item.held(item.hold))
            elif item.is_ahead(case.judge.observation.taken_at):
                # Announced before its time, a rule commands nothing yet.
                said = _rails(case, item)
                decisions.made.append(replace(said, period="") if isinstance(said, Held) else said)
            else:
                wishes[_controller(item)].append(item)
    commanding: list[Wish] = []
    directions: dict[Instrument, set[Direction | None]] = defaultdict(set)
    for rivals in wishes.values():
        winner, losers = _settle(rivals)
        decisions.made += losers
        # An overlap holds its own rules, and still contradicts whoever wants the other way.
        directions[rivals[0].named.instrument].add(rivals[0].named.direction)
        if winner is not None:
            commanding.append(winner)
    for wish in _refuse_contradictions(commanding, directions, decisions):
        decisions.made.append(_rails(case, wish))


def _ask(case: _Case, named: NamedRule, due: Due) -> Iterable[Decision]:
    """What the rule says of the account; an alert is silent in a window of its rule."""
    window = _window(case, named)
    for item in _asked(case, named, due):
        if window is None or not isinstance(item, Raised):
            yield item
            continue
        held = named.held(case.account, Hold.WINDOW, window[0], until=window[1])
        yield replace(held, reading=item.reading, period=item.period)


def _asked(case: _Case, named: NamedRule, due: Due) -> Iterable[Decision]:
    """Is the rule due for this account, is the account fit for it, does its trigger hold?"""
    slot = due.slot_of(named.name, case.account.id, case.judge.observation.decided)
    has_come = slot is not None and (due.is_extra or slot.at <= case.judge.observation.taken_at)
    period = slot.period if slot is not None and has_come else ""
    hold = unfit(named, case.account, case.limits)
    if hold is not None:
        return [replace(named.held(case.account, hold), period=period)]
    if not due.is_for(case.account.id) or (due.slots and slot is None):
        return [named.held(case.account, Hold.NOT_DUE, due.detail, until=due.next_at)]
    if slot is None:
        said = case.judge.judge(named, case.account, _parts(case, named, due.tick))
        return said if due.tick is None else (_once(case, item, due, due.tick) for item in said)
    return chain(_early(case, named, due, slot), _in_period(case, named, due, slot))


def _early(case: _Case, named: NamedRule, due: Due, slot: Slot) -> Iterator[Decision]:
    """What is to be announced of a slot that lies ahead, beside the one whose turn it is: its
    notice runs from its own time, whatever the earlier one is still waiting for."""
    ahead = due.slots[-1]
    is_ahead = ahead.at > case.judge.observation.taken_at and not due.is_extra
    if not is_ahead or ahead == slot or named.rule.mode is Mode.OBSERVE:
        return
    for item in _in_period(case, named, due, ahead):
        if isinstance(item, Wish):
            yield item


def _in_period(case: _Case, named: NamedRule, due: Due, slot: Slot) -> Iterator[Decision]:
    """What a calendar rule says, within the period of its slot; of a slot that lies ahead nothing
    is decided yet."""
    now = case.judge.observation.taken_at
    is_late = not due.is_extra
    is_ahead = is_late and slot.at > now
    is_real = is_late and not case.judge.observation.is_preview
    if is_real and not is_ahead and case.judge.is_from_before(named, case.account, slot.at):
        held = named.held(case.account, Hold.STALE, "read before the slot")
        yield replace(held, period=slot.period)
        return
    for item in case.judge.judge(named, case.account, _parts(case, named, slot.period)):
        if not isinstance(item, Wish):
            yield replace(item, period="" if is_ahead else slot.period)
            continue
        wish = replace(
            item,
            period=slot.period,
            late_since=slot.at if is_late else None,
            slot_at=slot.at if is_late else None,
        )
        yield _once(case, wish, due, slot.period)


def _parts(
    case: _Case, named: NamedRule, of: str | tuple[datetime, datetime] | None
) -> tuple[Move, ...]:
    """What has moved of a decision that is served in parts: by the plan that is carried out, or in
    the period, or since the tick, by a process that ended between two."""
    is_credit_home = named.action_name == "reclaim" and named.instrument is Instrument.CREDIT
    if not is_credit_home and named.action_name != "grant_coupons":
        return ()
    unit = Unit(account_id=case.account.id, instrument=named.instrument)
    found = case.judge.history.parts(named.name, unit, of)
    return tuple(move for move in found if move.direction is named.direction)


def _once(case: _Case, item: Decision, due: Due, of: str | tuple[datetime, datetime]) -> Decision:
    """What a rule says, unless it has moved the unit in the period before, or since the tick. Of a
    wish that is served in parts the rest goes on: a process may have ended between two. Where the
    slot is over, a person who asks for the rule finds its period used."""
    if not isinstance(item, Wish):
        return item
    unit, history = unit_of(item), case.judge.history
    is_whole = unit.instrument is Instrument.CASH or bool(unit.part)
    parts = frozenset() if is_whole else history.observation.planned
    fired = history.fired(item.named.name, unit, of=of, but=parts)
    for move in fired:
        if move.is_open:
            return waiting_for(move, item, history)
    if not fired:
        return item
    is_over = due.is_extra and all(slot.until <= history.now for slot in due.slots)
    # A rule that was edited since may have gone the other way.
    is_over = is_over or any(move.direction is not item.named.direction for move in fired)
    if not (is_whole or is_over) and item.named.action_name in ("reclaim", "grant_coupons"):
        return replace(item, served=fired)
    return item.held(Hold.NOT_DUE, until=due.next_at)


def unfit(named: NamedRule, account: Account, limits: Limits) -> Hold | None:
    """Why an account gets nothing of a rule, whatever it reads; None where it may."""
    is_top_up = named.action_name in ("top_up", "grant_coupons")
    is_normal = account.status is Status.NORMAL
    if (is_top_up and not is_normal) or not admits(named.rule.accounts, account):
        return Hold.NOT_NORMAL
    # An account that cannot be told from the forbidden ones is treated as one of them.
    moves = named.direction is not None
    if moves and limits.never is not None and selects(limits.never, account) is not False:
        return Hold.NEVER
    return None


def _controller(wish: Wish) -> tuple[str, ...]:
    """What is to be commanded by one rule: a unit and a direction."""
    child = wish.coupon.child_id if wish.coupon else None
    return (wish.named.instrument, wish.named.direction or "", child or "")


def _settle(rivals: list[Wish]) -> tuple[Wish | None, list[Held]]:
    """The one rule that commands a unit in one direction, and what the others are told."""
    first = min(wish.named.rule.priority for wish in rivals)
    leaders = [wish for wish in rivals if wish.named.rule.priority == first]
    losers = [
        wish.held(Hold.OUTRANKED, f"by {leaders[0].named.name}")
        for wish in rivals
        if wish.named.rule.priority != first
    ]
    if len(leaders) > 1:
        return None, losers + [
            wish.held(
                Hold.OVERLAP,
                "with " + ", ".join(w.named.name for w in leaders if w is not wish),
            )
            for wish in leaders
        ]
    return leaders[0], losers


def _refuse_contradictions(
    commanding: list[Wish],
    directions: Mapping[Instrument, set[Direction | None]],
    decisions: Decisions,
) -> list[Wish]:
    agreed = []
    for wish in commanding:
        instrument = wish.named.instrument
        if instrument is not Instrument.COUPON and len(directions[instrument]) > 1:
            decisions.made.append(wish.held(Hold.CONTRADICTION))
        else:
            agreed.append(wish)
    return agreed


def unit_of(wish: Wish) -> Unit:
    """The unit a wish is about as far as it is known: a child coupon, else all of the account's
    money of that instrument."""
    child = wish.coupon.child_id if wish.coupon else None
    return Unit(account_id=wish.account.id, instrument=wish.named.instrument, part=child or "")


def _rails(case: _Case, wish: Wish) -> Decision:
    """The wish itself, or the first rail that holds it."""
    if wish.hold is not None:
        return wish.held(wish.hold)
    history, unit, rule = case.judge.history, unit_of(wish), wish.named.rule
    observation = case.judge.observation
    pause = pause_of(observation.pauses, wish.named.name, wish.account.id, observation.taken_at)
    if pause is not None:
        return wish.held(Hold.PAUSED, pause.reason, until=pause.until)
    window = _window(case, wish.named)
    if window is not None:
        return wish.held(Hold.WINDOW, window[0], until=window[1])
    if wish.is_ahead(observation.taken_at):
        # What is announced now moves later, on what is known then.
        return wish
    doubt = case.zeros.doubt(unit.account_id, unit.instrument) if _is_lift(wish) else ""
    if doubt:
        return wish.held(Hold.SUDDEN_ZERO, doubt)
    for move in _blocking(history, wish, unit):
        return waiting_for(move, wish, history)
    refused = history.refused_until(wish.named.name, unit)
    if refused:
        return wish.held(Hold.REFUSED_LATELY, until=refused)
    cooling = history.cooldown_until(wish.named.name, unit, rule.cooldown)
    if cooling:
        return wish.held(Hold.COOLDOWN, until=cooling)
    if history.had_no_effect(unit, wish.trigger, wish.read_at, wish.served):
        return replace(wish, ask=Ask.NO_EFFECT)
    guarded = _guarded(case, wish)
    if guarded is not None:
        return guarded
    return replace(wish, ask=Ask.MODE) if rule.mode is Mode.PROPOSE else wish


def _is_lift(wish: Wish) -> bool:
    return wish.named.direction is Direction.ALLOCATE and wish.reading <= ZERO


def _guarded(case: _Case, wish: Wish) -> Decision | None:
    """What the rule's guard makes of a lift; None where it has none, or holds nothing."""
    guard, outlook = wish.named.rule.guard, case.judge.outlook
    if guard is None:
        return None
    about = (wish.account.id, wish.named.instrument, Ok(wish.reading, wish.read_at))
    if guard.idle_for is not None:
        idle = outlook.idle(*about)
        if idle is not None and idle >= guard.idle_for:
            return wish.held(Hold.IDLE, f"nothing spent for {idle.days}d")
    if guard.burn_spike is not None and outlook.is_spiking(*about, guard.burn_spike):
        return replace(wish, ask=Ask.BURN_SPIKE)
    return None


def _window(case: _Case, named: NamedRule) -> tuple[str, datetime] | None:
    """The window that the rule rests in, and its end; of several the last to end."""
    zone, now = named.rule.timezone or case.limits.zone, case.judge.observation.taken_at
    ends = [(window.end_at(now, zone), window.name) for window in named.rule.not_during or ()]
    end, name = max(((end, name) for end, name in ends if end is not None), default=(None, ""))
    return (name, end) if end is not None else None


def _blocking(history: History, wish: Wish, unit: Unit) -> Iterator[Move]:
    """The pending moves that hold this wish: its unit's own. Wishes that are served in several
    parts (coupons to grant, ledgers to reclaim from) are held part by part, in `planning`."""
    is_reclaim = wish.named.action_name == "reclaim"
    for move in history.pending(unit.account_id, unit.instrument):
        is_part = is_reclaim and move.direction is wish.named.direction
        match unit.instrument:
            case Instrument.CASH:
                yield move
            case Instrument.COUPON if unit.part and unit.part == move.unit.part:
                yield move
            case Instrument.CREDIT if not is_part:
                yield move


def waiting_for(move: Move, wish: Wish, history: History) -> Held:
    """The hold of a wish whose unit has a pending move: it is open, or no reading shows it."""
    if move.is_open:
        is_theirs = move.state is State.NEEDS_HUMAN
        stands = "needs a person" if is_theirs else f"is {move.state.replace('_', ' ')}"
        return wish.held(Hold.OPEN_INTENT, f"transfer {move.id} {stands}")
    return wish.held(Hold.UNREFLECTED, until=history.reflected_until(move))

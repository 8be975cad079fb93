"""What every plan keeps to, whatever the world: money, caps, bounds, order, and one controller."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.core.decisions.decision import Held
from budgetd.core.decisions.history import History
from budgetd.core.intent import Direction, Instrument, Move
from budgetd.core.moment import day_of, month_of, week_of
from budgetd.core.money import CENT, ZERO, from_minor, total
from budgetd.core.observation import Observation, Ok, Readings
from budgetd.core.plans.again import decide_again, promised_of
from budgetd.core.plans.outcome import settled_move
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import (
    GrantCoupons,
    Lift,
    PolicySet,
    Reclaim,
    ReclaimCoupons,
    Rule,
    RunwayTarget,
)
from budgetd.core.policies.selector import selects
from budgetd.core.reason import Hold

from .after import moved, read_anew
from .worlds import NOW, World, world_of

WORLDS = st.integers(0, 10**9).map(world_of)
MANY = settings(max_examples=150)


def rule_of(world: World, name: str) -> Rule:
    return dict(world.policies.rules())[name]


def in_groups(transfers: Iterable[Transfer]) -> Iterator[list[Transfer]]:
    """The transfers of one rule and account together: the parts of one wish."""
    groups: dict[tuple[str, str], list[Transfer]] = defaultdict(list)
    for transfer in transfers:
        groups[transfer.rule, transfer.account.id].append(transfer)
    yield from groups.values()


def everything(plan: Plan) -> list[Transfer]:
    return [*plan.transfers, *plan.observed, *(item.transfer for item in plan.withheld)]


@MANY
@given(WORLDS)
def test_the_master_never_gives_more_than_it_has(world: World) -> None:
    given_out: dict[tuple[Instrument, str], Decimal] = defaultdict(lambda: ZERO)
    for transfer in world.plan().moves:
        if transfer.direction is Direction.ALLOCATE:
            given_out[transfer.instrument, transfer.unit.part] += transfer.amount
    history = History(world.observation, world.limits.reflected_after)
    master = world.observation.master
    for (instrument, part), amount in given_out.items():
        reading = master.of(instrument)
        assert isinstance(reading, Ok)
        match instrument:
            case Instrument.CASH:
                has = reading.value - world.limits.reserve
            case Instrument.CREDIT:
                has = next(
                    item.available for item in reading.value if (item.expire_time or "") == part
                )
            case Instrument.COUPON:
                has = next(item.balance for item in reading.value if item.coupon_id == part)
        assert amount + history.pending_out(instrument, part) <= has


def used(world: World, whose: str, owner: str, sample: Transfer, span: str) -> Decimal:
    """What a cap counts before the plan, found move by move."""
    zone = world.limits.zone
    labels = {"day": day_of, "week": week_of, "month": month_of}

    def counts(move: Move) -> bool:
        mine = move.unit.account_id if whose == "account" else move.rule
        is_kind = (move.unit.instrument, move.direction) == (sample.instrument, sample.direction)
        if mine != owner or not is_kind or not move.counts:
            return False
        if span == "ever" or move.is_open:
            return True
        label = labels[span]
        return label(move.sent_at or move.made_at, zone) == label(NOW, zone)

    return total(move.amount for move in world.observation.moves if counts(move))


@MANY
@given(WORLDS)
def test_caps_hold(world: World) -> None:
    plan = world.plan()
    for transfer in plan.moves:
        caps = rule_of(world, transfer.rule).caps
        for name in sorted(caps.model_fields_set):
            whose, _, span = name.partition("_")
            span = span.removeprefix("per_")
            owner = transfer.account.id if whose == "account" else transfer.rule
            planned = total(
                other.amount
                for other in plan.moves
                if other.rule == transfer.rule
                and (whose == "rule" or other.account.id == transfer.account.id)
            )
            assert used(world, whose, owner, transfer, span) + planned <= getattr(caps, name)


@MANY
@given(WORLDS)
def test_amounts_are_whole_cents_above_nothing(world: World) -> None:
    for transfer in everything(world.plan()):
        assert transfer.amount > ZERO
        assert transfer.amount == transfer.amount.quantize(CENT)
        assert transfer.after >= ZERO
        assert transfer.short_by >= ZERO
        action = rule_of(world, transfer.rule).action
        if not isinstance(action, ReclaimCoupons):
            assert isinstance(action, Lift | Reclaim)
            assert transfer.amount >= action.min
            assert action.max is None or transfer.amount <= action.max
            grain = action.multiple_of or getattr(action, "add", None) or CENT
            assert transfer.amount % grain == ZERO


@MANY
@given(WORLDS)
def test_a_lift_ends_no_higher_than_its_target_and_one_step(world: World) -> None:
    for parts in in_groups(everything(world.plan())):
        action = rule_of(world, parts[0].rule).action
        if not isinstance(action, Lift):
            continue
        amount = total(part.amount for part in parts)
        # A grant under way counts as come, so that its reading is at least what is told.
        after = parts[0].reading + amount
        assert parts[-1].after == after
        if action.add is not None:
            assert action.when is not None
            assert action.when.below is not None
            assert after - action.add < action.when.below
        elif isinstance(action.to, RunwayTarget):
            assert action.to.at_most is not None
            assert after <= action.to.at_most
        else:
            assert action.to is not None
            assert after < action.to + (action.multiple_of or CENT)


@MANY
@given(WORLDS)
def test_a_reclaim_leaves_what_is_to_stay(world: World) -> None:
    for parts in in_groups(everything(world.plan())):
        action = rule_of(world, parts[0].rule).action
        if isinstance(action, Reclaim):
            assert isinstance(action.keep, Decimal)
            left = parts[0].reading - total(part.amount for part in parts)
            assert left >= action.keep
            assert parts[-1].after == left


@MANY
@given(WORLDS, st.randoms(use_true_random=False))
def test_a_plan_follows_from_what_is_known_alone(world: World, random: Random) -> None:
    plan = world.plan()
    assert world.plan() == plan
    policy = world.policies.policies[0]
    rules = random.sample(policy.rules, len(policy.rules))
    policies = (policy.model_copy(update={"rules": tuple(rules)}),)
    accounts = world.observation.accounts
    other = replace(
        world,
        policies=PolicySet(policies, world.policies.digest),
        observation=replace(
            world.observation, accounts=tuple(random.sample(accounts, len(accounts)))
        ),
    )
    assert other.plan() == plan


@MANY
@given(WORLDS)
def test_every_selected_account_hears_one_word_of_every_rule(world: World) -> None:
    plan = world.plan()
    for name, rule in world.policies.rules():
        for account in world.observation.accounts:
            mine = (name, account.id)
            words = {
                "moved": {t.id for t in plan.transfers if (t.rule, t.account.id) == mine},
                "observed": {t.id for t in plan.observed if (t.rule, t.account.id) == mine},
                "withheld": {
                    w.transfer.id
                    for w in plan.withheld
                    if (w.transfer.rule, w.transfer.account.id) == mine
                },
            }
            held = [item for item in plan.held if (item.rule, item.account.id) == mine]
            alerts = [item for item in plan.alerts if (item.rule, item.account.id) == mine]
            said = sum(bool(found) for found in words.values()) + len(held) + len(alerts)
            if not selects(rule.accounts, account):
                assert said == 0
            elif isinstance(rule.action, ReclaimCoupons) or rule.mode == "observe":
                assert said >= (0 if rule.mode == "observe" else 1)
            else:
                assert said == 1


@MANY
@given(WORLDS)
def test_no_unit_moves_both_ways_and_one_rule_commands_each_way(world: World) -> None:
    plan = world.plan()
    commanding: dict[tuple[str, Instrument], set[tuple[str, str]]] = defaultdict(set)
    for transfer in [*plan.transfers, *(item.transfer for item in plan.withheld)]:
        if transfer.instrument is not Instrument.COUPON:
            key = (transfer.account.id, transfer.instrument)
            commanding[key].add((transfer.rule, transfer.direction))
    assert all(len(rules) == 1 for rules in commanding.values())
    units = [transfer.unit for transfer in plan.transfers]
    assert len(units) == len(set(units))
    busy = {move.unit for move in world.observation.moves if move.is_open}
    assert not busy & set(units)


@MANY
@given(WORLDS)
def test_deciding_again_moves_what_was_planned(world: World) -> None:
    """As the plan is carried out item by item, each as settled as it will be."""
    later = NOW + timedelta(seconds=1)
    observation = replace(world.observation, taken_at=later)
    for transfer in world.plan().moves:
        again = decide_again(
            promised_of(transfer, NOW),
            world.frame,
            alone(observation, transfer),
            world.limits,
            None,
        )
        assert isinstance(again, Transfer), again
        assert (again.unit, again.amount, again.ask) == (transfer.unit, transfer.amount, None)
        observation = replace(
            observation,
            moves=(*observation.moves, as_move(transfer)),
            planned=observation.planned | {transfer.id},
        )


def alone(observation: Observation, transfer: Transfer) -> Observation:
    """The one account. What was read of the others still shows their moves to have arrived."""
    return replace(observation, accounts=(transfer.account,), fleet=observation.normal)


def as_move(transfer: Transfer) -> Move:
    child = "new" if transfer.instrument is Instrument.COUPON else None
    return replace(settled_move(transfer, NOW), child_coupon_id=child)


@MANY
@given(WORLDS)
def test_the_rest_of_a_plan_moves_on_readings_that_show_the_first_of_it(world: World) -> None:
    """What is decided in parts keeps its trigger and its caps, whichever part shows already."""
    observation = world.observation
    for number, transfer in enumerate(world.plan().moves, 1):
        at = NOW + number * timedelta(seconds=2)
        fresh = replace(read_anew(observation, at - timedelta(seconds=1)), taken_at=at)
        promised = promised_of(transfer, NOW)
        again = decide_again(promised, world.frame, alone(fresh, transfer), world.limits, None)
        # What comes home may leave so little that a foolish rule wants to give it back.
        is_torn = isinstance(again, Held) and again.reason is Hold.CONTRADICTION
        assert is_torn or (isinstance(again, Transfer) and again.ask is None), again
        observation = moved(observation, transfer, at)


@MANY
@given(WORLDS, st.integers(0, 200000).map(from_minor))
def test_a_better_reading_never_moves_more(world: World, change: Decimal) -> None:
    for transfer in world.plan().moves:
        if transfer.instrument is not Instrument.CASH:
            continue
        is_out = transfer.direction is Direction.ALLOCATE
        value = max(transfer.reading + (change if is_out else -change), ZERO)
        changed = replace(
            alone(world.observation, transfer),
            readings={
                **world.observation.readings,
                transfer.account.id: Readings(cash=Ok(value, NOW)),
            },
        )
        again = decide_again(promised_of(transfer, NOW), world.frame, changed, world.limits, None)
        if isinstance(again, Transfer):
            assert again.amount <= transfer.amount
            assert abs(again.after - again.reading) == again.amount


def test_worlds_are_worth_looking_at() -> None:
    """Enough of them move something in every way, or the properties would prove nothing."""
    seen: dict[object, int] = defaultdict(int)
    for number in range(1000):
        world = world_of(number)
        plan = world.plan()
        for kind in {(item.instrument, item.direction) for item in plan.moves}:
            seen[kind] += 1
        for reason in {item.reason for item in plan.held}:
            seen[reason] += 1
        seen["withheld"] += bool(plan.withheld)
        seen["proposal"] += bool(plan.proposals)
        seen["parts"] += any(
            len(parts) > 1 and isinstance(rule_of(world, parts[0].rule).action, GrantCoupons)
            for parts in in_groups(plan.moves)
        )
    kinds = [(instrument, way) for instrument in Instrument for way in Direction]
    wanted = ["master_short", "cap", "cooldown", "open_intent", "unreflected", "overlap"]
    wanted += ["outranked", "contradiction", "withheld", "proposal", "parts"]
    assert not [kind for kind in [*kinds, *wanted] if seen[kind] < 3]

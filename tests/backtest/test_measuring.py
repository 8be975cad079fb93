"""What is counted is what a walk over every reading counts; small pasts say what it means."""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from budgetd.core.backtest.lapsing import Lapsed, lapsed
from budgetd.core.backtest.measuring import backtest, marks_of, replayed
from budgetd.core.backtest.replaying import Replay
from budgetd.core.backtest.result import Backtest, Result
from budgetd.core.backtest.series import micros
from budgetd.core.backtest.world import Column, Ground, World, world_of
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import from_minor
from budgetd.core.observation import Sample, Status
from budgetd.core.policies.policy import Policy, PolicySet

from .pasts import SINCE, STEP, made
from .stepping import Stepped

HOUR = timedelta(hours=1)
ACCOUNT = replace(made(0).recorded.accounts[0], status=Status.NORMAL)
UNIT = Unit(account_id=ACCOUNT.id, instrument=Instrument.CASH)
LIMITS = replace(
    made(0).recorded.limits,
    reserve=Decimal("0.00"),
    approval_above=Decimal("20000.00"),
    per_cycle_amount=Decimal("100000.00"),
    per_day_amount=Decimal("100000.00"),
    reflected_after=timedelta(minutes=15),
)
LIFT = "top_up: {when: {below: 500.00}, to: 900.00}"


def policies(*rules: str) -> PolicySet:
    lines = ["version: 1", "policy: p", "rules:"]
    for number, rule in enumerate(rules):
        lines += [f"  - name: r{number}", "    accounts: all", f"    {rule}"]
    policy = read_model("\n".join(lines), "p.yaml", Policy)
    assert isinstance(policy, Policy)
    return PolicySet((policy,), digest="made")


def world(cents: Sequence[int], moves: tuple[Move, ...] = ()) -> World:
    """One account, read on the hour."""
    at = array("q", [micros(SINCE + HOUR * n) for n in range(len(cents))])
    column = Column(unit=UNIT, at=at, values=array("q", cents))
    ground = Ground(accounts=(ACCOUNT,), limits=LIMITS, currency="CNY", step=STEP)
    window = (micros(SINCE), micros(SINCE + HOUR * len(cents)))
    return world_of(ground, window, [column], (moves, {}))


def moved(at: datetime, amount: str, direction: Direction = Direction.ALLOCATE) -> Move:
    return Move(
        id=f"{at}",
        rule="p/r0",
        unit=UNIT,
        direction=direction,
        amount=Decimal(amount),
        state=State.SETTLED,
        made_at=at,
        sent_at=at,
        ended_at=at,
    )


def compared(past: World, *rules: str) -> tuple[Backtest, Result, Result]:
    chosen = policies(*rules)
    found = backtest(past, "acme", chosen, [("set", chosen)])
    return found, *found.results


@pytest.mark.parametrize("seed", range(12))
def test_time_and_money_are_what_a_walk_over_every_reading_counts(seed: int) -> None:
    past = made(seed)
    stepped = Stepped(past.recorded, past.policies).run()
    told, marks = replayed(past.world, "set", past.policies), marks_of(past.world, past.policies)
    below = dry = held = idle = 0
    for (account_id, instrument), log in stepped.log.items():
        if instrument is not Instrument.CASH:
            continue
        mark = marks.get(account_id)
        kept = set(past.world.series[account_id, instrument].at)
        for sample, following in pairwise(log):
            begins, ends = micros(sample.read_at), micros(following.read_at)
            value = int(sample.value * 100)
            # A look right after a move is no reading of its own: it tells what the one before left.
            begins = begins if begins in kept else max(one for one in kept if one < begins)
            if ends not in kept or begins < past.world.since or ends - begins > 2 * 86_400_000_000:
                continue
            length = ends - begins
            held += value * length
            dry += length if value <= 0 else 0
            if mark is not None and mark.below is not None:
                below += length if value < mark.below else 0
            if mark is not None and mark.enough is not None:
                idle += max(value - mark.enough, 0) * length
    window = past.world.until - past.world.since
    assert (told.below.micros, told.dry.micros) == (below, dry)
    assert (told.held, told.idle) == (from_minor(held // window), from_minor(idle // window))


def test_our_own_recorded_moves_are_taken_out_and_the_sets_put_in() -> None:
    # It spends 100.00 an hour; we gave 1,000.00 after the third reading.
    cents = [60_000, 50_000, 40_000, 130_000, 120_000, 110_000, 100_000]
    past = world(cents, (moved(SINCE + HOUR * 2.5, "1000.00"),))
    found, happened, told = compared(past, LIFT)
    assert (happened.transfers, happened.peak) == (1, Decimal("1000.00"))
    # Without it there are 400.00 left at the third reading: lifted to 900.00, then it lasts.
    assert (told.transfers, told.peak) == (1, Decimal("500.00"))
    assert told.peak_at == SINCE + HOUR * 2
    assert found.censored.micros == 0


def test_what_a_set_did_is_what_its_replay_does() -> None:
    dice = Random(7)  # noqa: S311 - the same past every time
    natural = [60_000]
    while len(natural) < 300:
        natural.append(natural[-1] - dice.randrange(4_000))
    chosen = policies(LIFT)
    # What would have been read without us, below 0.00 soon: it is fed again and again.
    fed = Replay(world(natural), chosen)
    moves = tuple(fed.run().moves)
    track = fed.tracks[ACCOUNT.id, Instrument.CASH]
    past = world([track.value(place) for place in range(len(natural))], moves)
    again = Replay(past, chosen).run()
    assert len(moves) > 5
    seen = [(one.made_at, one.amount) for one in moves]
    assert [(one.made_at, one.amount) for one in again.moves] == seen
    _, happened, told = compared(past, LIFT)
    assert replace(happened, name="", digest="", asked=None) == replace(
        told, name="", digest="", asked=None
    )


def test_money_of_strangers_stays() -> None:
    _, _, told = compared(world([60_000, 50_000, 250_000, 240_000]), LIFT)
    assert told.transfers == 0
    assert told.held == Decimal("900.00")


def test_time_at_zero_is_censored_and_nothing_is_spent_in_it() -> None:
    found, happened, told = compared(world([80_000, 30_000, 0, 0, 0, 90_000, 80_000]), LIFT)
    assert (found.censored.micros, found.censored.accounts) == (3 * 3_600_000_000, 1)
    assert happened.dry.micros == 3 * 3_600_000_000
    # 300.00 are lifted to 900.00, of which 300.00 are spent until it was recorded at 0.00.
    assert told.dry.micros == 0
    assert [way.amount for way in told.ways] == [Decimal("600.00")]


def test_nobody_spends_more_than_there_is() -> None:
    # Without the 1,000.00 that we gave it, the account runs dry, and does not go below 0.00.
    past = world([30_000, 120_000, 20_000, 220_000], (moved(SINCE + HOUR / 2, "1000.00"),))
    _, _, told = compared(past, "reclaim: {when: {above: 1500.00}, keep: 0.00}")
    assert told.dry.micros == 3_600_000_000
    assert [way.amount for way in told.ways] == [Decimal("2000.00")]


def test_a_proposal_is_counted_once_and_not_done() -> None:
    # A proposal lives for three hours here.
    _, happened, told = compared(world([40_000] * 6), LIFT + "\n    mode: propose")
    assert told.transfers == 0
    assert happened.asked is None
    assert told.asked is not None
    assert dict(told.asked.proposals) == {"mode": 2}
    assert told.below.micros == 5 * 3_600_000_000


def test_a_cap_that_holds_for_long_is_hit_once_and_a_smaller_transfer_too() -> None:
    caps = "\n    caps: {account_per_month: 600.00}"
    past = world([60_000, 40_000, 95_000, 85_000, 84_000], (moved(SINCE + HOUR * 1.5, "1000.00"),))
    _, _, told = compared(past, LIFT + caps)
    assert told.asked is not None
    # 500.00 at 400.00, then the 100.00 that are left at 450.00, then nothing, twice.
    assert [(way.transfers, way.amount) for way in told.ways] == [(2, Decimal("600.00"))]
    assert told.asked.cap_hits == 2


def test_what_moved_before_the_window_counts_for_caps() -> None:
    caps = "\n    caps: {account_per_month: 600.00}"
    before = moved(SINCE - HOUR * 5, "600.00")
    _, happened, told = compared(world([60_000, 40_000, 30_000], (before,)), LIFT + caps)
    assert (happened.transfers, told.transfers) == (0, 0)
    assert told.asked is not None
    assert told.asked.cap_hits == 1


def test_an_account_that_left_the_fleet_is_left_out_and_told() -> None:
    past = world([60_000, 40_000])
    other = Column(
        unit=Unit(account_id="gone", instrument=Instrument.CASH),
        at=array("q", [micros(SINCE)]),
        values=array("q", [1]),
    )
    ground = past.ground
    own = Column(unit=UNIT, at=array("q", [micros(SINCE)]), values=array("q", [60_000]))
    found = world_of(ground, (past.since, past.until), [own, other], ((), {}))
    assert found.strangers == 1
    assert list(found.series) == [(ACCOUNT.id, Instrument.CASH)]


def test_a_coupon_that_is_gone_with_money_in_it_and_not_by_us_was_lost() -> None:
    past = world([60_000] * 5)
    children = {"lost": 2, "there": 4, "empty": 2, "ours": 2}
    newest = [
        (replace(UNIT, instrument=Instrument.COUPON, part=part), Sample(SINCE + HOUR * n, left))
        for part, n in children.items()
        for left in [Decimal("0.00") if part == "empty" else Decimal("32.50")]
    ]
    listed = replace(UNIT, instrument=Instrument.COUPON)
    newest.append((listed, Sample(SINCE + HOUR * 4, Decimal("32.50"))))
    took = moved(SINCE + HOUR * 3, "32.50", Direction.RECLAIM)
    took = replace(took, unit=replace(listed, part="ours"))
    past = replace(past, moves=(took,))
    assert lapsed(past, newest) == Lapsed(coupons=1, amount=Decimal("32.50"))


def test_rules_about_coupons_are_left_out_by_name() -> None:
    coupons = "grant_coupons: {when: {below: 500.00}, to: 900.00}"
    found, _, told = compared(world([60_000, 40_000]), LIFT, coupons, "mode: observe\n    " + LIFT)
    assert dict(found.left_out) == {"set": ("p/r1",)}
    assert dict(told.by_rule) == {"p/r0": (1, Decimal("500.00"))}

"""Coupons that left an account's list with money in them, and not by us: what was lost.

Of a coupon its balance is kept, not when it ends: that it is gone tells that. It may not tell
lapsing from somebody's hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from budgetd.core.backtest.series import micros
from budgetd.core.backtest.world import World
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """How many coupons were lost, and what was left in them when they were last read."""

    coupons: int = 0
    amount: Decimal = ZERO


def lapsed(world: World, newest: Iterable[tuple[Unit, Sample]]) -> Lapsed:
    """The coupons lost in the window. `newest` are the last readings of coupons, one by one and,
    without a part, of all of an account's together: one that a later reading of the list lacks
    is gone."""
    known = [(unit, one) for unit, one in newest if unit.instrument is Instrument.COUPON]
    listed = {unit.account_id: one.read_at for unit, one in known if not unit.part}
    fleet = {account.id for account in world.ground.accounts}
    ours = {
        move.unit.part
        for move in world.moves
        if move.unit.instrument is Instrument.COUPON
        and move.direction is Direction.RECLAIM
        and move.counts
    }
    lost = [
        one.value
        for unit, one in known
        if unit.part
        and unit.part not in ours
        and unit.account_id in fleet
        and one.value > ZERO
        and world.since <= micros(one.read_at) < world.until
        and one.read_at < listed.get(unit.account_id, one.read_at)
    ]
    return Lapsed(coupons=len(lost), amount=total(lost))

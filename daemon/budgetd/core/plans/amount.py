"""The amount pipeline: want, clips, rounding, in a fixed order with every step kept.

Pure arithmetic on exact decimals. It may not know where a bound comes from.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from budgetd.core.decisions.decision import Wish
from budgetd.core.money import CENT, ZERO, format_amount, round_down, round_up
from budgetd.core.plans.plan import Step
from budgetd.core.policies.policy import (
    Lift,
    Reclaim,
    RunwayKeep,
    RunwayTarget,
)
from budgetd.core.reason import Hold


@dataclass(slots=True)
class Draft:
    """An amount on its way through the pipeline. `clipped_by` is the last clip that bit."""

    amount: Decimal
    grain: Decimal = CENT
    steps: list[Step] = field(default_factory=list)
    clipped_by: Hold | None = None
    target: Decimal | None = None

    def clip(self, step: str, bound: Decimal, hold: Hold, note: str) -> None:
        """Lowers the amount to a bound, and says so; a bound that does not bite says nothing."""
        if self.amount > bound:
            self.amount = max(bound, ZERO)
            self.clipped_by = hold
            self.steps.append(Step(step=step, amount=self.amount, note=note))

    def round_down(self) -> None:
        """Rounds down to the grain; never up."""
        rounded = round_down(self.amount, self.grain)
        if rounded != self.amount:
            self.amount = rounded
            note = f"down to whole {format_amount(self.grain)}"
            self.steps.append(Step(step="multiple_of", amount=rounded, note=note))

    def told(self) -> str:
        """The steps in one line: how the amount came to what it is."""
        return ", ".join(
            f"{step.step} {format_amount(step.amount)}: {step.note}" for step in self.steps
        )

    def hold(self, smallest: Decimal) -> Hold | None:
        """The hold of an amount that is zero or too small: for the clip that caused it."""
        if self.amount > ZERO and self.amount >= smallest:
            return None
        return self.clipped_by or Hold.BELOW_MIN


def lift(action: Lift, wish: Wish, pending: Decimal) -> Draft:
    """What a top-up or a grant wants, after `max` and `at_most`; `pending` is on its way."""
    expected = wish.reading + pending
    if action.add is not None:
        draft = _adds(action.add, wish, pending)
    else:
        draft = _to(action, expected, wish.aim)
    if action.max is not None:
        bound = action.max - pending
        draft.clip("max", bound, Hold.BELOW_MIN, f"max {format_amount(action.max)}")
    if isinstance(action.to, RunwayTarget) and action.to.at_most is not None:
        bound = action.to.at_most - expected
        note = f"at_most {format_amount(action.to.at_most)} - reading"
        draft.clip("at_most", bound, Hold.AT_MOST, note)
    return draft


def _adds(add: Decimal, wish: Wish, pending: Decimal) -> Draft:
    count = Decimal(1)
    if wish.trigger is not None:
        gap = wish.trigger - wish.reading - pending
        # What was given or is on its way may clear the trigger: then it is no wish any more.
        is_begun = pending > ZERO or wish.is_rest
        count = round_up(gap, add) / add if gap > ZERO else Decimal(0 if is_begun else 1)
    amount = (add * count).quantize(CENT)
    note = f"{count.to_integral_value()} x {format_amount(add)}"
    return Draft(amount, grain=add, steps=[Step(step="want", amount=amount, note=note)])


def _to(action: Lift, reading: Decimal, aim: Decimal | None) -> Draft:
    # Of a runway target the judge says what it comes to, and holds what comes to nothing known.
    target = aim if isinstance(action.to, RunwayTarget) else action.to
    assert target is not None
    want = max(target - reading, ZERO)
    note = f"to {format_amount(target)} - {format_amount(reading)}"
    draft = Draft(want, steps=[Step(step="want", amount=want, note=note)], target=target)
    if action.multiple_of is not None:
        draft.grain = action.multiple_of
        draft.amount = round_up(want, action.multiple_of)
        if draft.amount != want:
            note = f"up to whole {format_amount(action.multiple_of)}"
            draft.steps.append(Step(step="multiple_of", amount=draft.amount, note=note))
    return draft


def reclaim(action: Reclaim, wish: Wish, off: Decimal) -> Draft:
    """What a reclaim wants: reading - `keep`, less what is on its way or came after its slot."""
    reading = wish.reading
    keep = wish.aim if isinstance(action.keep, RunwayKeep) else action.keep
    assert keep is not None
    want = max(reading - off - keep, ZERO)
    note = f"{format_amount(reading)} - keep {format_amount(keep)}"
    if off:
        note += f" - {format_amount(off)} on its way or allocated since the slot"
    return Draft(
        want,
        grain=action.multiple_of or CENT,
        steps=[Step(step="want", amount=want, note=note)],
        target=keep,
    )

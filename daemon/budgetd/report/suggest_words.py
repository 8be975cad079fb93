"""Why a number is suggested, or none is, in the words of every format.

No number stands without its reason and its data. It may not judge, nor lay out anything.
"""

from collections.abc import Iterator
from datetime import timedelta

from budgetd.core.moment import format_duration
from budgetd.core.money import format_amount, show_amount
from budgetd.core.suggesting.needing import ENOUGH
from budgetd.core.suggesting.suggestion import (
    FEWEST_DAYS,
    Advice,
    ByRunway,
    Cause,
    Number,
    Outcome,
    Role,
    ShortCap,
    Wait,
)
from budgetd.report.phrases import count

REVIEW = "a cut of more than half"

_CAUSES = {
    Cause.READING: "a reading up to {} old",
    Cause.LASTING: "a trigger that must hold for {}",
    Cause.SLOT: "slots up to {} apart",
    Cause.WINDOW: "a window of {}",
    Cause.PERSON: "{} until somebody is there",
    Cause.COOLDOWN: "a cooldown of {}",
    Cause.SETTLING: "{} until a move shows",
}


def basis_words(advice: Advice, days: int) -> str:
    """`9 of 10 accounts known, 21 to 28 d seen, 14 transfers in 28 d`; empty without data."""
    basis = advice.basis
    if basis is None or not basis.selected:
        return ""
    least, most = int(basis.least_days), int(basis.most_days)
    seen = f", {most} d seen" if least == most else f", {least} to {most} d seen"
    known = f"{basis.known:,} of {count(basis.selected, 'account')} known"
    moved = f"{count(basis.transfers, 'transfer')} in {days} d"
    return f"{known}{seen if basis.known else ''}, {moved}"


def waits_words(waits: tuple[Wait, ...]) -> str:
    """`a reading up to 30m old, a cooldown of 1h`; empty where nothing is waited for."""
    return ", ".join(_CAUSES[one.cause].format(format_duration(one.length)) for one in waits)


def number_words(number: Number) -> str:
    """Why it should be so much, and which account decides."""
    label, length = number.account.label, format_duration(number.length)
    spends, middle = show_amount(number.spends), show_amount(number.middle)
    if number.is_edge:
        told = (
            f"outlasts {length} of {label}, which spends most: {spends} at the upper edge of its"
            f" band, {middle} in the middle"
        )
    else:
        below = "what stays" if number.role is Role.ABOVE else "the trigger"
        base = show_amount(number.base)
        told = (
            f"{below}, {base}, and {length} of {label}, which spends most: {spends} in the middle"
        )
    if number.bound:
        return f"{told}; {number.bound} ends it at {show_amount(number.new)}"
    return told


def outcome_words(advice: Advice) -> str:
    """Why no number is suggested; empty where one is."""
    match advice.outcome:
        case Outcome.SUGGESTED:
            return ""
        case Outcome.FITS:
            return "Its numbers fit what is spent."
        case Outcome.SHORT_HISTORY:
            return (
                f"The history is too short: {FEWEST_DAYS} days must have been seen of"
                f" {ENOUGH:.0%} of its accounts. Nothing is suggested."
            )
        case Outcome.UNEVEN:
            assert advice.by_runway is not None
            return _uneven(advice.by_runway)
        case Outcome.IDLE:
            return "Nothing was spent, which tells no number."
        case Outcome.NOBODY:
            return "It is about no account."
        case Outcome.REFUSED:
            return f"Left out, since `budgetd check` would say of it: {advice.note}"
        case Outcome.NO_NUMBER | Outcome.BOUNDED:
            return f"Nothing is suggested: {advice.note}."


def _uneven(found: ByRunway) -> str:
    lines = runway_yaml(found)
    return (
        f"Its accounts spend very differently: {found.widest.label} needs"
        f" {show_amount(found.most)}, the one in the middle {show_amount(found.usual)}. One number"
        f" for all is far too much for most. Days serve each by what it spends:"
        f" `{lines[0]}`, `{lines[1]}`; or rules of their own for accounts that are alike."
    )


def runway_yaml(found: ByRunway) -> tuple[str, str]:
    """The two lines of a rule in days."""
    trigger, target = _days(found.trigger), _days(found.target)
    if found.is_reclaim:
        return f"when: {{runway_above: {target}}}", f"keep: {{runway: {trigger}}}"
    most = format_amount(found.at_most)
    return f"when: {{runway_below: {trigger}}}", f"to: {{runway: {target}, at_most: {most}}}"


def _days(length: timedelta) -> str:
    return f"{length.days}d"


def cap_words(cap: ShortCap) -> str:
    """`account_per_day lets through less than is spent: 100.00, and R&D/web spends ...`."""
    who = f"{cap.account.label} spends" if cap.account else "all its accounts together spend"
    return (
        f"the cap {cap.name} lets through {show_amount(cap.bound)}, and {who}"
        f" {show_amount(cap.spends)} in {format_duration(cap.length)}: whether to raise it is"
        " for people to say"
    )


def reviews(advice: Advice) -> Iterator[Number]:
    """The numbers that a person must look at."""
    return (number for number in advice.numbers if number.is_cut)


def change_words(number: Number) -> str:
    """`500.00 → 1,300.00`."""
    return f"{show_amount(number.old)} → {show_amount(number.new)}"


def field_of(number: Number) -> str:
    """The field as people know it within its rule: `top_up.when.below`."""
    return number.place.where.partition(".")[2]

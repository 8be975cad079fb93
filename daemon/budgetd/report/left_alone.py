"""Why each account was left alone: every account that nothing moves for, by its reason.

It sorts what the plan says; it may not judge it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from budgetd.core.decisions.decision import Held
from budgetd.core.money import show_amount
from budgetd.core.observation import Account
from budgetd.core.plans.plan import Plan
from budgetd.core.reason import QUIET, Hold
from budgetd.report.rows import hold_note
from budgetd.report.summary import ACCOUNT_WIDE
from budgetd.report.words import HOLD_SENTENCES, HOLD_WORDS

MANY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """One account of a group; `note` is what the group's sentence does not say."""

    label: str
    id: str
    reading: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The accounts of one reason. An open group needs an eye and is shown unfolded."""

    title: str
    sentence: str
    accounts: tuple[Spared, ...]
    is_open: bool


def left_alone(plan: Plan, accounts: Iterable[Account], zone: ZoneInfo) -> tuple[Group, ...]:
    """The groups, those that need an eye first, the largest group last.

    An account for which something moves or is proposed is named only where another rule held it
    for a reason that needs an eye; an account that no rule selects stands in a group of its own.
    """
    moved = {transfer.account.id for transfer in plan.transfers}
    moved |= {item.transfer.account.id for item in plan.withheld}
    by_reason: dict[Hold, list[Held]] = defaultdict(list)
    for held in plan.held:
        if held.reason not in QUIET or held.account.id not in moved:
            by_reason[held.reason].append(held)
    ordered = sorted(by_reason, key=lambda reason: (reason in QUIET, len(by_reason[reason])))
    groups = [_group(reason, by_reason[reason], plan, zone) for reason in ordered]
    known = moved | {held.account.id for held in plan.held}
    known |= {raised.account.id for raised in plan.alerts}
    known |= {item.account.id for item in plan.unreadable}
    nobody = [account for account in accounts if account.id not in known]
    if nobody:
        groups.append(_unselected(nobody))
    return tuple(groups)


def _group(reason: Hold, holds: list[Held], plan: Plan, zone: ZoneInfo) -> Group:
    is_quiet = reason in QUIET
    is_once = is_quiet or reason in ACCOUNT_WIDE
    spared: dict[tuple[str, ...], Spared] = {}
    for number, held in enumerate(holds):
        key = (held.account.id, "" if is_once else str(number))
        spared.setdefault(key, _spared(held, plan, zone))
    return Group(
        title=HOLD_WORDS[reason],
        sentence=HOLD_SENTENCES[reason],
        accounts=tuple(spared.values()),
        is_open=not is_quiet and len(spared) <= MANY,
    )


def _spared(held: Held, plan: Plan, zone: ZoneInfo) -> Spared:
    note = hold_note(held, plan.taken_at, zone).removeprefix(HOLD_WORDS[held.reason])
    told = note.lstrip(": ")
    if held.reason not in ACCOUNT_WIDE:
        told = f"{held.rule} {told}".strip()
    return Spared(
        label=held.account.label,
        id=held.account.id,
        reading="" if held.reading is None else show_amount(held.reading),
        note="" if held.reason in QUIET else told,
    )


def _unselected(accounts: list[Account]) -> Group:
    return Group(
        title="no rule",
        sentence="No rule that was asked selects the account.",
        accounts=tuple(
            Spared(label=account.label, id=account.id, reading="", note="")
            for account in sorted(accounts, key=lambda account: account.label)
        ),
        is_open=False,
    )

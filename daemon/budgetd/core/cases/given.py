"""What people write in a case: accounts, readings over time, past moves, limits. Shapes alone.

Times are relative to the case's `at` or local to its zone; `staging` resolves them. It may not
decide, nor know what is expected.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Tag

from budgetd.core.documents.fields import (
    Amount,
    AmountOrZero,
    Document,
    Duration,
    Percent,
    Text,
    Whole,
    complain,
)
from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.moment import (
    FIRST_YEAR,
    LAST_YEAR,
    LocalMoment,
    MomentError,
    parse_dated,
    parse_duration,
    parse_moment,
)
from budgetd.core.money import AmountError, parse_amount
from budgetd.core.observation import Status
from budgetd.core.policies.selector import Match

UNREAD, UNMANAGEABLE = "unread", "unmanageable"
WORDS = (UNREAD, UNMANAGEABLE)
NOTHING = timedelta(0)
Point = timedelta | LocalMoment | datetime
"""An instant as it is written: so long after `at`, a local time, or an exact instant."""


def _moment(value: object, *, may_be_length: bool) -> Point:
    if isinstance(value, timedelta | LocalMoment | datetime):
        return value
    expected = "a time like '2026-11-30 22:45' or 2026-11-30T14:45:00Z"
    expected += f", of the years {FIRST_YEAR} to {LAST_YEAR}"
    expected += ", or 35d for so long after `at`" if may_be_length else ""
    if not isinstance(value, str):
        raise complain(expected, value)
    with suppress(MomentError):
        return parse_moment(value)
    with suppress(MomentError):
        return parse_dated(value)
    if may_be_length:
        with suppress(MomentError):
            return parse_duration(value)
    raise complain(expected, value)


At = Annotated[
    LocalMoment | datetime, BeforeValidator(lambda value: _moment(value, may_be_length=False))
]
Later = Annotated[
    timedelta | LocalMoment | datetime,
    BeforeValidator(lambda value: _moment(value, may_be_length=True)),
]


def _truth(value: object) -> object:
    if isinstance(value, bool):
        return value
    if value not in ("yes", "no", "true", "false"):
        raise complain("yes or no", value)
    return value in ("yes", "true")


Truth = Annotated[bool, BeforeValidator(_truth)]


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one thing, newest first: how long ago, and an amount or one of `WORDS`."""

    points: tuple[tuple[timedelta, Decimal | str], ...]


def _age(text: object) -> timedelta:
    if text == "now":
        return NOTHING
    found = re.fullmatch(r"-(.+)", text) if isinstance(text, str) else None
    try:
        return parse_duration(found[1] if found else "")
    except MomentError:
        raise complain("`now` or a time ago like -2d", text) from None


def _value(value: object) -> Decimal | str:
    if isinstance(value, str) and value in WORDS:
        return value
    expected = "an amount like 500.00, `unread` or `unmanageable`"
    if not isinstance(value, str):
        raise complain(expected, value)
    try:
        return parse_amount(value)
    except AmountError as problem:
        raise complain(expected, value, str(problem)) from None


def _series(value: object) -> object:
    if isinstance(value, Series):
        return value
    if not isinstance(value, dict):
        return Series(((NOTHING, _value(value)),))
    if not value:
        raise complain("readings by time, like {-1d: 900.00, now: 40.00}", value)
    points = {_age(age): _value(one) for age, one in value.items()}
    if len(points) < len(value):
        raise complain("one reading an instant", value, "two of these ages are the same")
    return Series(tuple(sorted(points.items())))


Readable = Annotated[Series, BeforeValidator(_series)]


class GivenLedger(Document):
    """One credit ledger; `available` is what can be moved, `amount` where it is left out."""

    amount: AmountOrZero | None = None
    available: AmountOrZero | None = None
    expires: Later | None = None


class GivenBurn(Document):
    """What is spent a day. `spread` is how far a single day lies from that, as a share of it
    (a standard deviation); `last_day` is what the last 24 hours took."""

    daily: AmountOrZero
    spread: Percent | None = None
    idle_for: Duration | None = None
    last_day: AmountOrZero | None = None


Spending = Annotated[
    GivenBurn,
    BeforeValidator(lambda value: {"daily": value} if isinstance(value, str) else value),
]


class GivenCoupon(Document):
    """One coupon: of the master, or of an account, which alone has a use for `burn`."""

    coupon: Text
    balance: AmountOrZero
    plan_name: Text = "plan"
    expires: Later | None = None
    use_limits: Truth = False
    burn: Spending | None = None


def _form(value: object) -> str:
    return "\0list" if isinstance(value, list | tuple) else "\0word"


Ledgers = Annotated[
    Annotated[tuple[GivenLedger, ...], Tag("\0list")]
    | Annotated[Decimal | str, BeforeValidator(_value), Tag("\0word")],
    Discriminator(_form),
]


def _word(value: object) -> object:
    if value not in WORDS:
        raise complain("a list of coupons, `unread` or `unmanageable`", value)
    return value


Coupons = Annotated[
    Annotated[tuple[GivenCoupon, ...], Tag("\0list")]
    | Annotated[str, BeforeValidator(_word), Tag("\0word")],
    Discriminator(_form),
]


class GivenReadings(Document):
    """What was read. `cash` is an amount, a word, or a series by time; `read` is how long ago."""

    cash: Readable | None = None
    credit: Ledgers | None = None
    coupons: Coupons | None = None
    read: Duration = NOTHING


def _org(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("/") or "*" in value:
        raise complain("a unit like /R&D/web, or / for the root", value)
    return value


class GivenAccount(GivenReadings):
    """An account under its login name, and what was read of it. Without `org` it is in the root.

    `burn` is of its cash; where it is left out, a series of three days or more shows one.
    `coupon_burn` is of all its coupons together.
    """

    id: Text | None = None
    org: Annotated[str, BeforeValidator(_org)] = "/"
    org_id: Text | None = None
    display_name: Text = ""
    status: Status = Status.NORMAL
    burn: Spending | None = None
    credit_burn: Spending | None = None
    coupon_burn: Spending | None = None


class GivenMove(Document):
    """A past move. `ago` is when it was sent; `ended` how long ago it ended, at once if left out.

    Direction, instrument and period are those of its rule where they are left out.
    """

    account: Text
    amount: Amount
    ago: Duration
    rule: Text | None = None
    direction: Direction | None = None
    instrument: Instrument | None = None
    of: Text = ""
    state: State = State.SETTLED
    ended: Duration | None = None
    reading: AmountOrZero | None = None
    period: Text | None = None


class GivenPause(Document):
    """What a person paused: a policy, a rule, an account; all where nothing is named."""

    rule: Text = ""
    account: Text = ""
    until: Later | None = None
    reason: Text = "paused"


class GivenAnnouncement(Document):
    """A reclaim of cash that was announced so long ago, and how much of it."""

    rule: Text
    account: Text
    amount: Amount
    ago: Duration
    period: Text | None = None


class GivenSlot(Document):
    """A calendar slot that is done for an account."""

    rule: Text
    account: Text
    period: Text


class GivenPerCycle(Document):
    """As `limits.per_cycle` of the config."""

    amount: Amount | None = None
    transfers: Whole | None = None
    share_of_accounts: Percent | None = None


class GivenPerDay(Document):
    """As `limits.per_day` of the config."""

    amount: Amount | None = None


class GivenLimits(Document):
    """The limits that a case sets, as in the config; the others are those in force."""

    reserve: AmountOrZero | None = None
    never: Match | None = None
    per_cycle: GivenPerCycle = GivenPerCycle()
    per_day: GivenPerDay = GivenPerDay()
    approval_above: Amount | None = None
    reflected_after: Duration | None = None
    unknown_readings: Percent | None = None
    sudden_zeros: Percent | None = None


DEFAULT_MASTER = GivenReadings(cash=Series(((NOTHING, Decimal("100000.00")),)))

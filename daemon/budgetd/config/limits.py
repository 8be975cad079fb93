"""The limits on budgetd itself, as people write them in the configuration.

Floors, ceilings and targets are about accounts and stand in policies. It may not apply limits:
the core does, on its own plain form of them.
"""

from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.fields import Amount, AmountOrZero, Document, Duration, Percent, Whole
from budgetd.core.moment import parse_duration
from budgetd.core.money import ZERO, parse_amount
from budgetd.core.policies.selector import Match, Selector


class PerCycle(Document):
    """Bounds of one cycle and the 15 minutes before it, each way by itself, gross."""

    amount: Amount = Field(parse_amount("100000.00"), description="each way; 100000.00")
    transfers: Whole = Field(100, description="a number of transfers; 100")
    share_of_accounts: Percent = Field(
        Decimal("0.5"),
        description="of all normal accounts; binds continuous and `every` rules that touch"
        " more than 10; 50%",
    )

    @field_validator("transfers")
    @classmethod
    def _at_least_one(cls, value: int) -> int:
        if value < 1:
            raise PydanticCustomError("field", "expected 1 or more transfers")
        return value


class PerDay(Document):
    """Bounds of any 24 hours: a guard has no midnight at which it doubles."""

    amount: Amount = Field(parse_amount("500000.00"), description="each way; 500000.00")


class LimitsSection(Document):
    """Guards on what budgetd may do, on by default; a key left out keeps its default."""

    reserve: AmountOrZero = Field(
        ZERO, description="cash the master never falls below by our hand; 0.00"
    )
    never: Selector | None = Field(
        None, description="a selector: accounts no rule may move money of; none"
    )
    per_cycle: PerCycle = Field(
        default_factory=PerCycle, description="bounds of one cycle and the 15 minutes before it"
    )
    per_day: PerDay = Field(default_factory=PerDay, description="bounds of any 24 hours")
    approval_above: Amount = Field(
        parse_amount("20000.00"),
        description="a transfer with what the account got the same way in 24 hours: above it,"
        " a person approves; 20000.00",
    )
    proposals_expire: Duration = Field(
        parse_duration("24h"), description="an open proposal ends after it; 24h"
    )
    reflected_after: Duration = Field(
        parse_duration("15m"),
        description="a settled move that no reading shows yet holds its unit so long; 15m",
    )
    sudden_zeros: Percent = Field(
        Decimal("0.05"),
        description="more of the fleet than this (and 3 accounts) at a sudden 0.00 within an"
        " hour: none of them acts; 5%",
    )
    unknown_readings: Percent = Field(
        Decimal("0.1"),
        description="more than this share (and 3 accounts) unreadable: nothing is decided; 10%",
    )

    @field_validator("never")
    @classmethod
    def _no_master(cls, value: object) -> object:
        if value == "master":
            raise PydanticCustomError("field", "the master is no account that rules move money of")
        return value

    def for_core(self, zone: ZoneInfo, polling: "Polling") -> Limits:
        """The same limits as the core takes them; `all` is a selector without conditions."""
        return Limits(
            zone=zone,
            reserve=self.reserve,
            never=Match() if isinstance(self.never, str) else self.never,
            per_cycle_amount=self.per_cycle.amount,
            per_cycle_transfers=self.per_cycle.transfers,
            per_cycle_share=self.per_cycle.share_of_accounts,
            per_day_amount=self.per_day.amount,
            approval_above=self.approval_above,
            reflected_after=self.reflected_after,
            unknown_readings=self.unknown_readings,
            sudden_zeros=self.sudden_zeros,
            act_within=polling.act_within,
            proposals_expire=self.proposals_expire,
        )


class Polling(Document):
    """How old a reading may be."""

    max_staleness: Duration = Field(
        parse_duration("30m"), description="an older reading decides nothing; 30m"
    )
    act_within: Duration = Field(
        parse_duration("2m"), description="a transfer rests on readings at most this old; 2m"
    )

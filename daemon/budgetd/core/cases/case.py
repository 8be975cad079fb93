"""A file of cases as people write it: what is known, and what must follow.

Everything is read through the same documents as policies are: exact amounts, unknown keys
refused. It may not run a case.
"""

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from budgetd.core.cases.given import (
    DEFAULT_MASTER,
    At,
    GivenAccount,
    GivenAnnouncement,
    GivenLimits,
    GivenMove,
    GivenPause,
    GivenReadings,
    GivenSlot,
    Later,
    Truth,
)
from budgetd.core.documents.fields import AmountOrZero, Document, Text, Texts, Version, Zone
from budgetd.core.intent import Direction, Instrument
from budgetd.core.reason import Ask, Hold, Why


class Item(Document):
    """One thing that is expected: the keys that are written count, the others may be anything."""

    @model_validator(mode="after")
    def _says_something(self) -> "Item":
        if not self.model_fields_set:
            raise PydanticCustomError("field", "an empty expectation; name an account at least")
        return self


class ExpectedTransfer(Item):
    """A movement. `of` is the coupon or the credit ledger it is of."""

    account: Text | None = None
    rule: Text | None = None
    amount: AmountOrZero | None = None
    action: Literal["top_up", "reclaim", "grant_coupons", "reclaim_coupons"] | None = None
    direction: Direction | None = None
    instrument: Instrument | None = None
    reason: Why | None = None
    reading: AmountOrZero | None = None
    after: AmountOrZero | None = None
    short_by: AmountOrZero | None = None
    of: Text | None = None
    period: Text | None = None
    steps: tuple[Text, ...] | None = None


class ExpectedProposal(ExpectedTransfer):
    """A movement that waits for a person, and why it asks."""

    asks: Ask | None = None


class ExpectedWithheld(ExpectedTransfer):
    """A movement whose batch a limit held back, and which limit."""

    limit: Text | None = None


class ExpectedHold(Item):
    """A rule that does nothing to an account, why, and until when."""

    account: Text | None = None
    rule: Text | None = None
    reason: Hold | None = None
    until: Later | None = None
    reading: AmountOrZero | None = None
    period: Text | None = None


class ExpectedAlert(Item):
    """An alert. `account: master` is the master's."""

    account: Text | None = None
    rule: Text | None = None
    severity: Literal["info", "warning", "critical"] | None = None
    reason: Why | Hold | None = None
    reading: AmountOrZero | None = None


class Expected(Document):
    """What must follow. Every transfer, proposal and withheld item that comes must be written,
    unless `others: fine`; alerts and observed transfers must where any is written; of holds those
    that are written must come."""

    transfers: tuple[ExpectedTransfer, ...] = ()
    proposals: tuple[ExpectedProposal, ...] = ()
    withheld: tuple[ExpectedWithheld, ...] = ()
    held: tuple[ExpectedHold, ...] = ()
    alerts: tuple[ExpectedAlert, ...] | None = None
    observed: tuple[ExpectedTransfer, ...] | None = None
    nothing: Truth = False
    others: Literal["fine"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Expected":
        written = self.model_fields_set - {"others", "nothing"}
        moving = written - {"held"}
        if self.nothing and moving:
            raise PydanticCustomError("field", "`nothing: true` and something at the same time")
        if not written and not self.nothing:
            raise PydanticCustomError(
                "field", "it expects nothing in particular; say `nothing: true` where that is meant"
            )
        return self


class Case(Document):
    """One case: the world at one instant, and what the policies in force must make of it."""

    name: Text
    about: Text | None = None
    at: At = Field(description="a local time, or an exact instant")
    timezone: Zone | None = None
    accounts: dict[str, GivenAccount]
    master: GivenReadings = DEFAULT_MASTER
    moves: tuple[GivenMove, ...] = ()
    paused: tuple[GivenPause, ...] = ()
    announced: tuple[GivenAnnouncement, ...] = ()
    decided: tuple[GivenSlot, ...] = ()
    loaded: dict[str, Later] = Field({}, description="since when a rule is known; else long since")
    limits: GivenLimits = GivenLimits()
    only: Text | None = None
    expect: Expected


class CaseFile(Document):
    """A file of cases, about the policies of its folder or about those that it names."""

    version: Version = Field(description="of this format")
    about: Text | None = None
    policies: Texts | None = Field(None, description="files; else every policy of the folder")
    timezone: Zone | None = Field(None, description="else the config's")
    limits: GivenLimits = Field(GivenLimits(), description="of all its cases")
    cases: tuple[Case, ...]

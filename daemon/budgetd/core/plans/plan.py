"""One cycle's plan: the ordered transfers, and what was held, withheld, unreadable, and why.

Nouns alone: `planning` makes them, `report` tells them, `execute` carries them out.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from budgetd.core.approval import Approved
from budgetd.core.decisions.decision import Held, Raised
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.observation import Account, Coupon
from budgetd.core.reason import Ask, Hold, Why

FORMAT = "budgetd.plan/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the amount pipeline: its name, what it left, and in words why."""

    step: str
    amount: Decimal
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement that a rule wants.

    `reading` is what the decision rests on, `after` what it will be, `target` what was aimed at
    (None where whole coupons or steps are moved), `short_by` how far short of the target a clip
    ended. With `ask` it is a proposal: nothing moves until a person approves. `unit_reading` is
    what the unit itself read (None for coupons), `period` the slot's label of a calendar rule,
    `approved` what a person agreed to, where it moves by that.
    """

    id: str
    rule: str
    action: str
    direction: Direction
    unit: Unit
    account: Account
    amount: Decimal
    currency: str
    reading: Decimal
    read_at: datetime
    target: Decimal | None
    after: Decimal
    short_by: Decimal
    why: Why
    steps: tuple[Step, ...]
    trigger: str = ""
    ask: Ask | None = None
    coupon: Coupon | None = None
    period: str = ""
    unit_reading: Decimal | None = None
    approved: Approved | None = None

    @property
    def instrument(self) -> Instrument:
        """What it moves."""
        return self.unit.instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A transfer whose batch a limit did not let through, and the proposal it belongs to."""

    transfer: Transfer
    limit: str
    proposal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An account of which something could not be read; nothing is assumed of it."""

    account: Account
    reason: Hold
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterLine:
    """What the plan does to the master's cash, and what it holds otherwise; None is not read."""

    cash_before: Decimal | None
    cash_after: Decimal | None
    reserve: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of one cycle. `transfers` stand in the order they are sent; those with `ask` are not.

    `observed` are the transfers that rules in `mode: observe` would have wanted. `only` is the one
    rule that was asked, due or not, `declined` what a person has said no to, by proposal.
    """

    enterprise: str
    mode: str
    taken_at: datetime
    expires_at: datetime
    policy_digest: str
    currency: str
    is_preview: bool
    transfers: tuple[Transfer, ...]
    held: tuple[Held, ...]
    withheld: tuple[Withheld, ...]
    alerts: tuple[Raised, ...]
    unreadable: tuple[Unreadable, ...]
    observed: tuple[Transfer, ...]
    accounts_read: int
    rules_count: int
    master: MasterLine
    only: str | None = None
    declined: frozenset[str] = frozenset()

    @property
    def moves(self) -> tuple[Transfer, ...]:
        """The transfers that need nobody's approval."""
        return tuple(transfer for transfer in self.transfers if transfer.ask is None)

    @property
    def proposals(self) -> tuple[Transfer, ...]:
        """The transfers that wait for a person."""
        return tuple(transfer for transfer in self.transfers if transfer.ask is not None)

    @property
    def is_limited(self) -> bool:
        """Whether a limit withheld a batch of it, or a transfer."""
        return bool(self.withheld) or any(
            transfer.ask is Ask.APPROVAL_ABOVE for transfer in self.proposals
        )

"""The guards on the daemon itself, as the core needs them; `config` reads them from the file."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.policies.selector import Match

RECENT = timedelta(minutes=15)
"""What `per_cycle` counts before the cycle, so that many small cycles are one large one."""

SMALL_BATCH = 10
"""A batch that touches no more accounts than this is not judged by its share of the fleet."""

FEW_UNREAD = 3
"""So many unreadable accounts never stop a cycle."""

PLAN_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Guards on what budgetd may do. Amounts are gross, each way by itself; shares are 0 to 1."""

    zone: ZoneInfo
    reserve: Decimal
    never: Match | None
    per_cycle_amount: Decimal
    per_cycle_transfers: int
    per_cycle_share: Decimal
    per_day_amount: Decimal
    approval_above: Decimal
    reflected_after: timedelta
    unknown_readings: Decimal
    act_within: timedelta
    sudden_zeros: Decimal = Decimal("0.05")
    proposals_expire: timedelta = timedelta(hours=24)

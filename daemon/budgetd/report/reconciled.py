"""What a comparison of ledger, records and readings found: one noun, and its exit code.

It may not compare: `core.reconciliation` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from budgetd.core.intent import Instrument
from budgetd.core.reconciliation import ALARMING, Change, Discrepancy, Sent
from budgetd.core.rises import Rise

ALARM, DOUBT = 1, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One window, from `begins` to `read_at`.

    `records` are how many were read of each instrument, `unread` why those of another were not.
    `confirmed` counts our transfers that have a record of their own, `awaited` those settled so
    lately that theirs may still come. `sent` are our transfers by id, `names` account names by id.
    """

    enterprise: str
    begins: datetime
    read_at: datetime
    records: Mapping[Instrument, int]
    unread: Mapping[Instrument, str]
    confirmed: int
    awaited: int
    discrepancies: tuple[Discrepancy, ...]
    doubtful: tuple[Sent, ...]
    rises: tuple[Rise, ...]
    sent: Mapping[str, Sent]
    names: Mapping[str, str]

    @property
    def alarming(self) -> tuple[Discrepancy, ...]:
        """What should stop all sending until somebody has looked."""
        return tuple(one for one in self.discrepancies if one.finding in ALARMING)

    @property
    def exit_code(self) -> int:
        """1 where something alarms or could not be compared, 7 where something is in doubt."""
        if self.alarming or self.unread:
            return ALARM
        return DOUBT if self.doubtful else 0


def record_label(change: Change) -> str:
    """A record by what it is called; one of coupons has no name of its own."""
    return change.id.partition("|")[0] if change.coupon_id else change.id

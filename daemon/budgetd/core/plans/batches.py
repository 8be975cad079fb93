"""Whether a limit lets a batch through: what one rule moves one way in one cycle.

A batch is judged whole. It may not change amounts.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from budgetd.core.decisions.decision import Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.limits import RECENT, SMALL_BATCH, Limits
from budgetd.core.intent import Direction
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Status
from budgetd.core.plans.plan import Transfer
from budgetd.core.policies.policy import Rule

DAY = timedelta(hours=24)


@dataclass(slots=True)
class Gate:
    """Counts what was let through so far, each way by itself."""

    history: History
    limits: Limits
    is_closed_by: str = ""
    normal: int | None = None
    passed: list[Transfer] = field(default_factory=list)
    sums: dict[Direction, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    counts: dict[Direction, int] = field(default_factory=lambda: defaultdict(int))
    moved: dict[tuple[Direction, timedelta], list[Decimal]] = field(default_factory=dict)

    def batches(self, drawn: Iterable[Transfer]) -> dict[str, list[Transfer]]:
        """What each rule would move by itself. When too little is known nothing is decided, not
        even what would be proposed."""
        found: dict[str, list[Transfer]] = defaultdict(list)
        for transfer in drawn:
            if (transfer.ask is None and transfer.approved is None) or self.is_closed_by:
                found[transfer.rule].append(transfer)
        return found

    def agreed(self, rule: str) -> frozenset[tuple[str, str]]:
        """The accounts, and what of them, that a person agreed to for a rule; when too little is
        known that is as good as nothing."""
        observation = self.history.observation
        return frozenset(
            (one.unit.account_id, one.unit.part)
            for one in observation.approvals
            if one.rule == rule and not self.is_closed_by and observation.taken_at < one.expires_at
        )

    def judge(self, rule: Rule, batch: list[Transfer]) -> str:
        """The limit that withholds the batch; empty where none does."""
        if not batch:
            return ""
        if self.is_closed_by:
            return self.is_closed_by
        direction = batch[0].direction
        amount = total(transfer.amount for transfer in batch)
        planned = self.sums[direction] + amount
        recent = self._moved(direction, RECENT)
        if planned + total(recent) > self.limits.per_cycle_amount:
            return "per_cycle.amount"
        if len(batch) + self.counts[direction] + len(recent) > self.limits.per_cycle_transfers:
            return "per_cycle.transfers"
        if self._is_too_wide(rule, batch):
            return "per_cycle.share_of_accounts"
        if planned + total(self._moved(direction, DAY)) > self.limits.per_day_amount:
            return "per_day.amount"
        return ""

    def let_through(self, batch: Iterable[Transfer]) -> None:
        """Books a batch that passed."""
        for transfer in batch:
            self.passed.append(transfer)
            self.sums[transfer.direction] += transfer.amount
            self.counts[transfer.direction] += 1

    def take_back(self, passed_before: int) -> None:
        """Unbooks all but the first so many transfers."""
        for transfer in self.passed[passed_before:]:
            self.sums[transfer.direction] -= transfer.amount
            self.counts[transfer.direction] -= 1
        del self.passed[passed_before:]

    def _is_too_wide(self, rule: Rule, batch: list[Transfer]) -> bool:
        if rule.schedule is not None and rule.schedule.is_calendar:
            return False
        touched = len({transfer.account.id for transfer in batch})
        if touched <= SMALL_BATCH:
            return False
        if self.normal is None:
            accounts = self.history.observation.accounts
            self.normal = sum(account.status is Status.NORMAL for account in accounts)
        return touched > self.limits.per_cycle_share * self.normal

    def _moved(self, direction: Direction, window: timedelta) -> list[Decimal]:
        if (direction, window) not in self.moved:
            self.moved[direction, window] = self._count(direction, window)
        return self.moved[direction, window]

    def _count(self, direction: Direction, window: timedelta) -> list[Decimal]:
        since = self.history.now - window
        return [
            move.amount
            for move in self.history.all_moves()
            if move.direction is direction
            and move.counts
            and (move.is_open or (move.sent_at or move.made_at) > since)
        ]

    def approvals(self) -> "Approvals":
        """What every account gets by the batches that passed, to be added to."""
        planned: dict[tuple[str, Direction], Decimal] = defaultdict(lambda: ZERO)
        for transfer in self.passed:
            planned[transfer.account.id, transfer.direction] += transfer.amount
        return Approvals(self.history, self.limits.approval_above, planned)


@dataclass(slots=True)
class Approvals:
    """Counts what each account gets each way, all instruments together."""

    history: History
    bound: Decimal
    planned: dict[tuple[str, Direction], Decimal]

    def is_above(self, wish: Wish, amount: Decimal) -> bool:
        """Whether an amount, with what the account got the same way in 24 hours and gets by this
        plan, is above the bound."""
        direction = wish.named.direction
        assert direction is not None
        got = self.history.moved_since(wish.account.id, direction, self.history.now - DAY)
        return got + self.planned[wish.account.id, direction] + amount > self.bound

    def needs_one(self, wish: Wish, amount: Decimal) -> bool:
        """Whether an amount is too much for a daemon alone. One that is not is counted from now
        on."""
        if self.is_above(wish, amount):
            return True
        assert wish.named.direction is not None
        self.planned[wish.account.id, wish.named.direction] += amount
        return False

"""Whether a limit lets a batch through: what one rule moves one way in one cycle.

A batch is judged whole. It may not change amounts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from budgetd.core.decisions.decision import Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.limits import RECENT, SMALL_BATCH, Limits
from budgetd.core.intent import Direction, Move
from budgetd.core.money import ZERO, total
from budgetd.core.plans.plan import Transfer
from budgetd.core.policies.policy import Rule

DAY = timedelta(hours=24)


@dataclass(slots=True)
class Gate:
    """Counts what was let through so far, each way by itself."""

    history: History
    limits: Limits
    is_closed_by: str = ""
    passed: list[Transfer] = field(default_factory=list)
    sums: dict[Direction, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    counts: dict[Direction, int] = field(default_factory=lambda: defaultdict(int))
    moved: dict[tuple[Direction, timedelta], list[Decimal]] = field(default_factory=dict)
    touched: dict[tuple[str, Direction], set[str]] | None = None

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
        """Whether a rule of a policy touches too much of the fleet, in this cycle and just before;
        what a person orders by hand is none."""
        name, direction = batch[0].rule, batch[0].direction
        if "/" not in name or (rule.schedule is not None and rule.schedule.is_calendar):
            return False
        before = self._touched().get((name, direction), set())
        touched = len(before.union(transfer.account.id for transfer in batch))
        if touched <= SMALL_BATCH:
            return False
        return touched > self.limits.per_cycle_share * self.history.observation.normal

    def _touched(self) -> dict[tuple[str, Direction], set[str]]:
        """The accounts that each rule has moved something of lately, each way by itself."""
        if self.touched is None:
            self.touched = defaultdict(set)
            for move in self._since(RECENT):
                self.touched[move.rule, move.direction].add(move.unit.account_id)
        return self.touched

    def _moved(self, direction: Direction, window: timedelta) -> list[Decimal]:
        if (direction, window) not in self.moved:
            self.moved[direction, window] = self._count(direction, window)
        return self.moved[direction, window]

    def _count(self, direction: Direction, window: timedelta) -> list[Decimal]:
        return [move.amount for move in self._since(window) if move.direction is direction]

    def _since(self, window: timedelta) -> Iterator[Move]:
        """What has moved within a time before now, or may yet."""
        since = self.history.now - window
        for move in self.history.all_moves():
            if move.counts and (move.is_open or (move.sent_at or move.made_at) > since):
                yield move

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

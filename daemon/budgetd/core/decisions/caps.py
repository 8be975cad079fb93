"""Caps: how much of each is used, by the ledger's moves and by a plan in the making.

A plan works on copies. It may not decide who goes first, nor what a cap holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from budgetd.core.decisions.decision import NamedRule, Wish
from budgetd.core.intent import Direction, Instrument, Move
from budgetd.core.moment import day_of, month_of, week_of
from budgetd.core.money import ZERO
from budgetd.core.observation import Account, Observation
from budgetd.core.policies.policy import Caps, Mode
from budgetd.core.policies.selector import selects

_SPANS = ("day", "week", "month")


class CapBook:
    """How much of every cap is used: by the ledger's moves, and by the plan so far."""

    def __init__(self, observation: Observation, zone: ZoneInfo) -> None:
        now = observation.taken_at
        self._labels = dict(
            zip(_SPANS, (label(now, zone) for label in (day_of, week_of, month_of)), strict=True)
        )
        self._zone = zone
        self._used: dict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
        for (account_id, instrument, direction), amount in observation.moved_before.items():
            self._used["account", account_id, instrument, direction, "ever"] += amount
        for move in observation.moves:
            if move.counts:
                spans = [span for span in _SPANS if self._falls_in(move, span)]
                self._add(
                    move.rule,
                    (move.unit.account_id, move.unit.instrument, move.direction),
                    move.amount,
                    [*spans, "ever"],
                )

    def copy(self) -> Self:
        """A book of its own with the same entries."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._used = self._used.copy()
        return twin

    def _falls_in(self, move: Move, span: str) -> bool:
        """An open move counts in every span from its making on; a closed one where it was sent."""
        label = {"day": day_of, "week": week_of, "month": month_of}[span]
        if move.is_open:
            return label(move.made_at, self._zone) <= self._labels[span]
        return label(move.sent_at or move.made_at, self._zone) == self._labels[span]

    def book(self, wish: Wish, amount: Decimal) -> None:
        """Charges a planned transfer."""
        self._add(wish.named.name, _key(wish), amount, [*_SPANS, "ever"])

    def _add(
        self,
        rule: str,
        key: tuple[str, Instrument, Direction],
        amount: Decimal,
        spans: list[str],
    ) -> None:
        account_id, instrument, direction = key
        for span in spans:
            self._used["account", account_id, instrument, direction, span] += amount
            self._used["rule", rule, instrument, direction, span] += amount

    def left(self, wish: Wish) -> tuple[Decimal, str] | None:
        """The least that a cap of the rule leaves, and that cap's name; None without caps."""
        bounds = [
            (max(bound - used, ZERO), name)
            for name, bound, used in self.used(wish.named, wish.account.id)
        ]
        return min(bounds) if bounds else None

    def used(self, named: NamedRule, account_id: str) -> list[tuple[str, Decimal, Decimal]]:
        """Every cap of a rule on an account: its name, its bound, and what is used of it."""
        caps = named.rule.caps
        if not caps.model_fields_set:
            return []
        assert named.direction is not None
        found = []
        for name in Caps.model_fields:
            bound = getattr(caps, name)
            if bound is not None:
                whose, _, span = name.partition("_")
                owner = account_id if whose == "account" else named.name
                key = (whose, owner, named.instrument, named.direction, span.removeprefix("per_"))
                found.append((name, bound, self._used[key]))
        return found


def _key(wish: Wish) -> tuple[str, Instrument, Direction]:
    named = wish.named
    assert named.direction is not None
    return wish.account.id, named.instrument, named.direction


class CapUse:
    """How much of the caps is used: what alerts ask about."""

    def __init__(
        self, rules: Sequence[NamedRule], observation: Observation, zone: ZoneInfo
    ) -> None:
        self._rules = [
            named
            for named in rules
            if named.direction is not None
            and named.rule.mode is not Mode.OBSERVE
            and named.rule.caps.model_fields_set
        ]
        self._observation = observation
        self._zone = zone

    @cached_property
    def _book(self) -> CapBook:
        return CapBook(self._observation, self._zone)

    def of_account(self, account: Account) -> Decimal | None:
        """The largest used share of the `account_*` caps of the rules that select an account;
        None where there are none."""
        return self._largest(
            (name, bound, used)
            for named in self._rules
            if selects(named.rule.accounts, account) is True
            for name, bound, used in self._book.used(named, account.id)
            if name.startswith("account_")
        )

    def of_rules(self) -> Decimal | None:
        """The largest used share of the `rule_*` caps of all rules; None where there are none."""
        return self._largest(
            (name, bound, used)
            for named in self._rules
            for name, bound, used in self._book.used(named, "")
            if name.startswith("rule_")
        )

    def _largest(self, caps: Iterable[tuple[str, Decimal, Decimal]]) -> Decimal | None:
        return max((used / bound for _, bound, used in caps), default=None)

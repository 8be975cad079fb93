"""A pause: nothing of ours is sent where it holds. A noun; the ledger keeps it.

It may not end one: a person does, or its own time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What may not move, why, by whom, until when.

    `rule` is a policy, a `policy/rule` or empty for all of them; `account_id` is empty for every
    account. A latched one was set by budgetd itself and ends by `resume --reason` alone; `until`
    None means that it does not end by itself.
    """

    id: str
    rule: str
    account_id: str
    reason: str
    by: str
    at: datetime
    until: datetime | None = None
    is_latched: bool = False

    def holds(self, rule: str, account_id: str, now: datetime) -> bool:
        """Whether it holds a move of that rule and account at that instant."""
        if self.until is not None and now >= self.until:
            return False
        is_rule = self.rule in ("", rule) or rule.startswith(f"{self.rule}/")
        return is_rule and self.account_id in ("", account_id)

    @property
    def scope(self) -> str:
        """What it is about, for people."""
        parts = [self.rule] if self.rule else []
        parts += [f"account {self.account_id}"] if self.account_id else []
        return ", ".join(parts) or "everything"


def pause_of(pauses: Iterable[Pause], rule: str, account_id: str, now: datetime) -> Pause | None:
    """The pause that holds a move, the latched ones first; None where it may go."""
    holding = [pause for pause in pauses if pause.holds(rule, account_id, now)]
    return min(holding, key=lambda pause: (not pause.is_latched, pause.at), default=None)

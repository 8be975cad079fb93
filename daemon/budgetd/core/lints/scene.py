"""What examples are made from: the rules, the limits, the moment, the accounts that are known.

It may not play anything: to look at a set of policies in which nothing is wrong, the engine need
not even be loaded, so nothing here may import it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from budgetd.core.decisions.limits import Limits
from budgetd.core.observation import Account
from budgetd.core.policies.policy import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What examples are made from: every rule by its full name, the zone, the moment, and the
    accounts that are known, if any."""

    rules: Mapping[str, Rule]
    limits: Limits
    now: datetime
    fleet: Sequence[Account] = ()

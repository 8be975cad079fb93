"""What the daemon hands to the page and the metrics for one look at them.

Nouns, and what is known of the master in the words of the standing. It may not ask the daemon,
the clock or the provider for anything more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Instrument
from budgetd.core.money import format_amount
from budgetd.core.observation import Observation, Ok, Readings, Stale
from budgetd.core.plans.plan import Plan
from budgetd.core.policies.policy import PolicySet
from budgetd.core.standing import Funds, Standing
from budgetd.ledger.store import Ledger
from budgetd.report.accounts_rows import Known, figures_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One API of the provider: calls that left since the start, those that met its quota (429),
    and the calls a second that it may get."""

    api: str
    calls: int
    throttled: int
    per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All of it, at the instant `now`.

    `observation` and `plan` are the newest, None before the first cycle; `policies` and `limits`
    those in force. `past` is a connection to the state file for reading, that nothing else uses:
    requests are answered in threads, one after the other. `max_staleness` is the configured one.
    """

    now: datetime
    standing: Standing
    policies: PolicySet
    limits: Limits
    past: Ledger
    zone: ZoneInfo
    currency: str
    max_staleness: timedelta
    observation: Observation | None = None
    plan: Plan | None = None
    quotas: tuple[Quota, ...] = ()


def funds_of(master: Readings, at: datetime) -> tuple[Funds, ...]:
    """What the master has to give of each instrument, as a standing tells it."""
    figures = figures_of(master, at)
    found = []
    for instrument in Instrument:
        figure, reading = figures[instrument], master.of(instrument)
        amount = figure.spendable if instrument is Instrument.CREDIT else figure.reclaimable
        is_known = figure.state is Known.OK and amount is not None
        found.append(
            Funds(
                instrument=str(instrument),
                available=format_amount(amount) if is_known and amount is not None else None,
                read_at=reading.read_at if isinstance(reading, Ok | Stale) else None,
                why="" if is_known else figure.why or str(figure.state),
            )
        )
    return tuple(found)


def is_late(seen: Seen) -> bool:
    """Whether a cycle came as far as a plan so long ago that the daemon is not doing its work:
    more than twice `max_staleness`. Before the first one the daemon's start counts."""
    worked_at = seen.standing.last and seen.standing.last.worked_at
    return seen.now - (worked_at or seen.standing.started_at) > 2 * seen.max_staleness

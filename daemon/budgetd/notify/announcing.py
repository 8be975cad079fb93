"""What a daemon tells after each cycle: what is new since people last heard, and no more.

It remembers what was told in this life. It may not decide what an alert is, nor move anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from budgetd.core.approval import Proposal, ProposalState
from budgetd.core.burn import FOREVER
from budgetd.core.decisions.alerting import Notice
from budgetd.core.decisions.decision import Announcement, Held
from budgetd.core.decisions.slots import Missed
from budgetd.core.intent import Instrument, Intent, State, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Observation, Ok
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.core.reconciliation import Discrepancy
from budgetd.core.telling import Message
from budgetd.ledger import proposals
from budgetd.ledger.past import Past
from budgetd.notify import saying
from budgetd.notify.digest import digest_of, seen_by
from budgetd.notify.notifier import Notifier
from budgetd.notify.saying import Now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STILL_AFTER = timedelta(hours=1)
FORGOTTEN = timedelta(days=40)
"""What is not the case any more may be said again after so long; a daemon lives for months."""
"""A cycle that stops for one reason again and again is told once, then hourly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One cycle that ended, whole or early. Without a plan it did not come so far."""

    at: datetime
    plan: Plan | None = None
    observation: Observation | None = None
    outcomes: Sequence[Outcome] = ()
    notices: tuple[Notice, ...] = ()
    missed: Sequence[Missed] = ()
    announced: Sequence[tuple[Held, Announcement]] = ()
    discrepancies: Sequence[Discrepancy] = ()
    stopped: str = ""


@dataclass(slots=True, kw_only=True)
class Announcer:
    """Tells a notifier. `begin` once, `cycle` after each cycle, `tell` for anything else."""

    notifier: Notifier
    zone: ZoneInfo
    currency: str
    _at: datetime = field(default=EPOCH, init=False)
    _heard: dict[str, datetime] = field(default_factory=dict)
    _stopped: tuple[str, datetime] | None = None
    _seen: tuple[str, ...] = ()

    def now(self, at: datetime) -> Now:
        """How things are written at that instant."""
        return Now(at=at, zone=self.zone, currency=self.currency)

    def begin(self, past: Past) -> None:
        """Proposals that wait already were told by who came before; what stops money from
        moving, and what a person alone can end, is told again in every life."""
        self._heard = {
            f"{one.id} {one.made_at} False": one.made_at
            for one in proposals.live(past)
            if one.state is ProposalState.OPEN
        }

    def tell(self, *messages: Message) -> None:
        """Hands messages on; never blocks, never raises."""
        for message in messages:
            self.notifier.tell(message)

    def cycle(self, past: Past, ended: Ended) -> None:
        """Everything of one cycle that people have not heard."""
        now = self.now(ended.at)
        self._at = ended.at
        self._heard = {name: at for name, at in self._heard.items() if ended.at - at < FORGOTTEN}
        self.tell(*saying.of_alerts(ended.notices, now))
        self.tell(*saying.of_refusals(ended.outcomes, now))
        for state in (State.IN_DOUBT, State.NEEDS_HUMAN):
            self.tell(*saying.of_doubts(self._new_doubts(past, state), state, now))
        self._proposals(past, ended, now)
        latched = [one for one in past.pauses() if one.is_latched and self._is_new(one.id)]
        self.tell(*saying.of_pauses(latched, now))
        self.tell(*saying.of_missed(ended.missed, now))
        self.tell(*saying.of_announced(ended.announced, now))
        differing = [one for one in ended.discrepancies if self._is_new(_name_of(one))]
        self.tell(*saying.of_discrepancies(differing, now))
        self._stop(ended.stopped, now)
        if ended.plan is not None and ended.observation is not None:
            self._seen = seen_by(ended.plan, ended.observation, now)

    def digest(self, past: Past, at: datetime, channels: tuple[str, ...]) -> None:
        """The daily digest for these channels: of the day, and of the last cycle, if there was
        one."""
        self.tell(digest_of(past, self._seen, self.now(at), channels))

    def _new_doubts(self, past: Past, state: State) -> list[Intent]:
        fresh = [one for one in past.in_state(state) if self._is_new(f"{one} {state}")]
        found = (past.intent(intent_id) for intent_id in fresh)
        return [intent for intent in found if intent is not None]

    def _proposals(self, past: Past, ended: Ended, now: Now) -> None:
        live = [one for one in proposals.live(past) if one.state is ProposalState.OPEN]
        ends = _ends(ended.observation, live, self.zone)
        waiting = [one for one in live if self._is_louder(one, saying.outlives(one, ends))]
        self.tell(*saying.of_proposals(waiting, ends, now))

    def _is_louder(self, one: Proposal, is_late: bool) -> bool:
        """Whether a proposal is new, or critical and was told before as one that may wait."""
        name = f"{one.id} {one.made_at}"
        return f"{name} True" not in self._heard and self._is_new(f"{name} {is_late}")

    def _stop(self, why: str, now: Now) -> None:
        if not why:
            self._stopped = None
            return
        before = self._stopped
        if before is None or before[0] != why or now.at - before[1] >= STILL_AFTER:
            self._stopped = (why, now.at)
            self.tell(saying.stopped(why, now))

    def _is_new(self, name: str) -> bool:
        is_new = name not in self._heard
        self._heard[name] = self._at
        return is_new


def _name_of(one: Discrepancy) -> str:
    return f"{one.finding} {one.intent_id} {one.change.id if one.change else ''}"


def _ends(
    observation: Observation | None, waiting: Sequence[Proposal], zone: ZoneInfo
) -> dict[str, datetime]:
    """When the cash of the accounts that proposals are about ends, at the upper edge of their
    burn: now, where they read 0.00; what has no known end is left out."""
    if observation is None:
        return {}
    found: dict[str, datetime] = {}
    now = observation.taken_at
    for account_id in {item.unit.account_id for one in waiting for item in one.items}:
        cash = observation.readings_of(account_id).cash
        burn = observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))
        if not isinstance(cash, Ok):
            continue
        if cash.value <= ZERO:
            found[account_id] = now
        elif burn is not None and (lasts := burn.runway(cash.value, now, zone).low) != FOREVER:
            found[account_id] = now + lasts
    return found

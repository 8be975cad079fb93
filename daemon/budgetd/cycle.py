"""The river: observe, decide, plan, commit, execute, look again. Safe to die at any line.

The only place where the whole of it is visible. Dry run and real run are the same code up to
the commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from budgetd import timekeeping
from budgetd.core.decisions.deciding import MASTER, decide
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.needs import needs
from budgetd.core.decisions.remembering import LOOKING_BACK, episodes_of, reach_of
from budgetd.core.decisions.rereading import Rereading
from budgetd.core.decisions.slots import Missed
from budgetd.core.forecast.sampling import sample_of, samples_of
from budgetd.core.intent import OPEN, Direction, Instrument, Intent, State, Unit
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Observation, Readings
from budgetd.core.plans.again import Promised
from budgetd.core.plans.consent import moot, proposals_of
from budgetd.core.plans.outcome import Outcome, outcome_of
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.reconciliation import Discrepancy
from budgetd.doubt import ends_logged
from budgetd.execute import SKEW_LIMIT_S, Executor, StopSendingError
from budgetd.ledger import alerts, forecasts, kept, looking, notices, proposals, slots
from budgetd.ledger.database import DiskFullError
from budgetd.ledger.readings import keep_readings, samples
from budgetd.ledger.store import FencedError, Ledger
from budgetd.logs import logger
from budgetd.observe import Observer, Wanted
from budgetd.provider.errors import ProviderError
from budgetd.provider.operations import MEMBERS
from budgetd.sighting import Sighting

CHAIN_CHECKED = 1000
NOTHING_READ = Readings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a cycle is told: the frame of its plan, the limits, the one rule asked for, if any.
    A daemon runs many cycles: its `every` rules are due once a tick, not always."""

    frame: Frame
    limits: Limits
    currency: str
    only: str | None = None
    is_daemon: bool = False


@dataclass(slots=True)
class Report:
    """What a cycle did, for people: each transfer's end, what stays open, why it stopped, the
    slots that ended without having been served, the reclaims that were announced, and where
    ledger and records differ. `left` transfers were decided and not begun, for it was time to
    read again. `seen` is what a next cycle may know."""

    observation: Observation
    plan: Plan | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    still_open: list[Intent] = field(default_factory=list)
    missed: tuple[Missed, ...] = ()
    announced: timekeeping.NewNotices = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    stopped: str = ""
    left: int = 0
    seen: Sighting | None = None


def blank_observation(
    settings: Settings, ledger: Ledger | None, now: datetime, *, is_preview: bool = False
) -> Observation:
    """What is known before anything is read: our own past, as the ledger has it."""
    blank = due_observation(settings, ledger, now, is_preview=is_preview)
    if ledger is None:
        return blank
    since = now - LOOKING_BACK
    moves = ledger.moves(since)
    reach = reach_of(settings.frame.policies, settings.limits)
    return replace(
        blank,
        moves=moves,
        samples=samples(ledger, now - reach, episodes_of(moves)),
        moved_before=ledger.moved_before(since),
        burns=forecasts.burns(ledger, now, settings.limits.zone),
    )


def due_observation(
    settings: Settings, ledger: Ledger | None, now: datetime, *, is_preview: bool = False
) -> Observation:
    """What says which rules are due, and so what is to be read: all of our past but the moves,
    readings and burns, which may be of a month."""
    blank = Observation(
        taken_at=now,
        currency=settings.currency,
        accounts=(),
        readings={},
        master=NOTHING_READ,
        is_preview=is_preview,
        began_at=now,
    )
    if ledger is None:
        return blank
    return replace(
        blank,
        first_loaded=kept.first_loaded(ledger),
        decided=kept.decided(ledger),
        over=slots.over(ledger),
        notices=notices.notices(ledger),
        served=kept.served(ledger) if settings.is_daemon else None,
        last_read=alerts.last_read(ledger, settings.frame.policies),
        pauses=ledger.pauses(),
        approvals=proposals.approvals(ledger),
        declined=proposals.declined(ledger, now),
    )


async def plan_cycle(
    settings: Settings, observer: Observer, blank: Observation, at: datetime | None = None
) -> tuple[Plan, Observation]:
    """The dry run: reads, decides, plans; writes nothing. `at` replaces the clock, not the
    readings."""
    moment = blank if at is None else replace(blank, taken_at=at)
    wanted = needs(settings.frame.policies, moment, settings.limits, settings.only)
    observation = await observer.fleet(wanted, blank)
    if at is not None:
        observation = replace(observation, taken_at=at)
    return plan_of(settings, observation), observation


def plan_of(settings: Settings, observation: Observation) -> Plan:
    """Decides and plans on an observation, wherever it came from."""
    decisions = decide(settings.frame.policies, observation, settings.limits, settings.only)
    return make_plan(settings.frame, decisions, observation, settings.limits)


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One cycle for real. The caller holds the cycle's lock and has the master switch on."""

    settings: Settings
    ledger: Ledger
    executor: Executor
    observer: Observer
    clock: Callable[[], datetime]
    progress: Callable[[Promised, Outcome | None], None] = lambda _item, _outcome: None
    is_stopping: Callable[[], bool] = lambda: False
    is_time_up: Callable[[], bool] = lambda: False

    async def begin(self) -> list[Intent]:
        """Takes the lead, then doubt first: drains what an earlier cycle left open. Returns what
        stays so. Raises `ForeignStateError`, and `StopSendingError` when nothing may be sent."""
        self.ledger.lead(self.settings.frame.enterprise)
        self._check_chain()
        rules = [name for name, _ in self.settings.frame.policies.rules()]
        kept.note_rules(self.ledger, rules, self.clock())
        with ends_logged(self.ledger):
            return await self.executor.recover()

    def _check_chain(self) -> None:
        """The newest events must follow from each other; the whole is `doctor`'s to check."""
        broken = looking.broken_link(self.ledger, newest=CHAIN_CHECKED)
        if broken is not None:
            reason = f"event {broken} does not follow from the one before: the ledger was changed"
            with self.ledger.writing():
                self.ledger.latch(reason, self.clock(), once=True)

    async def plan(self) -> Report:
        """Observes, keeps the readings, decides, plans. Nothing is promised yet."""
        self.executor.begin(self.ledger.last_seq())
        blank = blank_observation(self.settings, self.ledger, self.clock())
        plan, observation = await plan_cycle(self.settings, self.observer, blank)
        return self._planned(plan, observation)

    async def read(self, known: Sighting | None, since: datetime) -> Sighting:
        """Observes beside other processes, nothing locked: what is not known from `since` on, or
        has moved or had a slot since it was read. `decide` follows, under the lock."""
        seq = self.ledger.last_seq()
        # The rest is loaded when it is decided: a reading of minutes does not hold it.
        blank = due_observation(self.settings, self.ledger, self.clock())
        before = known.observation if known is not None else None
        young = known.unmoved(self.ledger) if known is not None else {}
        left = Rereading(
            needs=needs(self.settings.frame.policies, blank, self.settings.limits),
            known=young,
            since=since,
            now=blank.taken_at,
        )
        observation = await self.observer.fleet(left, blank, young, before)
        return Sighting(observation=observation, seq=seq)

    def decide(self, seen: Sighting) -> Report:
        """Decides and plans on what was read, and on what the ledger knows by now. What is moved
        then rests on readings of its own: no clock says in which order a reading that nothing
        locked and the moves and readings of others came."""
        self.executor.begin(self.ledger.last_seq())
        self.executor.reads_each = True
        blank = blank_observation(self.settings, self.ledger, self.clock())
        observation = replace(
            blank,
            accounts=seen.observation.accounts,
            readings=seen.observation.readings,
            master=seen.observation.master,
            began_at=seen.observation.began_at,
        )
        report = self._planned(plan_of(self.settings, observation), observation)
        report.seen = replace(seen, observation=observation)
        return report

    def _planned(self, plan: Plan, observation: Observation) -> Report:
        self._believe(observation)
        self._keep(observation)
        self._keep_proposals(plan)
        announced = self._keep_notices(plan, observation)
        logger().info(
            "planned",
            accounts_read=plan.accounts_read,
            unreadable=len(plan.unreadable),
            transfers=len(plan.moves),
            proposals=len(plan.proposals),
            withheld=len(plan.withheld),
            policies=plan.policy_digest,
        )
        found = self.executor.discrepancies
        return Report(plan=plan, observation=observation, announced=announced, discrepancies=found)

    def _keep_notices(self, plan: Plan, observation: Observation) -> timekeeping.NewNotices:
        """Announces the reclaims whose notice begins now, one line each."""
        policies = self.settings.frame.policies
        fresh = timekeeping.note_notices(self.ledger, plan, policies, observation)
        for held, one in fresh:
            logger().info(
                "reclaim_announced",
                rule=held.rule,
                account=held.account.id,
                name=held.account.name,
                instrument=str(one.unit.instrument),
                amount=format_amount(one.amount),
                until=format_instant(held.until) if held.until is not None else "",
            )
        return fresh

    async def observe(self, wanted: Wanted) -> Report:
        """Observes what a saved plan is about, and keeps the readings."""
        self.executor.begin(self.ledger.last_seq())
        blank = blank_observation(self.settings, self.ledger, self.clock())
        observation = await self.observer.fleet(wanted, blank)
        self._believe(observation)
        self._keep(observation)
        return Report(observation=observation)

    async def carry_out(self, report: Report, items: Sequence[Promised]) -> None:
        """Commits and executes item by item, then looks at what moved. Where time is up, what a
        reading or a slot asks for again is left; a tick that is served in part asks everybody
        anew, so that its rule's moves are all made."""
        ticking = {
            name
            for name, rule in self.settings.frame.policies.rules()
            if rule.schedule is not None and rule.schedule.every is not None
        }
        for item in items:
            if self.is_stopping():
                report.stopped = "budgetd was asked to stop"
                break
            goes_on = item.rule in ticking or _is_part(item, report.outcomes)
            if not goes_on and self.is_time_up():
                report.left += 1
                continue
            self.progress(item, None)
            try:
                outcome = await self.executor.carry_out(item, report.observation)
            except (StopSendingError, ProviderError, DiskFullError, FencedError) as stop:
                report.stopped = str(stop)
                is_known = self.ledger.intent(item.id) is not None
                state = self.ledger.state_of(item.id) if is_known else None
                outcome = outcome_of(item, state, note=report.stopped)
            report.outcomes.append(outcome)
            _log(outcome)
            self.progress(item, outcome)
            if report.stopped:
                break
        if report.left:
            logger().info("transfers_left", transfers=report.left)
        report.still_open = self.ledger.open_intents()
        if report.plan is not None:
            timekeeping.note_slots(self.ledger, report.plan, report.outcomes, self.clock())
        if not report.stopped:
            self.note_ticks(report)
            await self._look_again(report)

    def note_ticks(self, report: Report) -> None:
        """Remembers the ticks that this cycle has served, those where nothing moved too."""
        policies, limits = self.settings.frame.policies, self.settings.limits
        timekeeping.note_ticks(self.ledger, policies, report.observation, limits)

    def close_slots(self, observation: Observation) -> tuple[Missed, ...]:
        """Closes the slots that are over, on a fleet that this cycle has read; those that left
        somebody out are returned, once for ever. A clock that is off closes nothing."""
        if abs(self.observer.client.skew_s or 0) > SKEW_LIMIT_S:
            return ()
        frame, limits = self.settings.frame, self.settings.limits
        return timekeeping.close_slots(self.ledger, frame, observation, limits)

    async def _look_again(self, report: Report) -> None:
        """Reads the accounts that were moved, so that the next cycle sees the moves reflected."""
        moved: dict[str, frozenset[Instrument]] = {}
        for one in report.outcomes:
            if one.state is not State.SETTLED:
                continue
            moved[one.account.id] = moved.get(one.account.id, frozenset()) | {one.unit.instrument}
        try:
            readings = await self.observer.some(moved)
        except ProviderError as problem:
            # What moved has moved and is told; only the credential raises here.
            report.stopped = str(problem)
        else:
            self._keep(replace(report.observation, readings=readings))

    def _believe(self, observation: Observation) -> None:
        """Raises `ProviderError` for a list of accounts that is suddenly much shorter."""
        count = len(observation.accounts)
        if not kept.believes_fleet(self.ledger, count):
            raise ProviderError(
                MEMBERS.endpoint,
                message=f"lists {count} accounts, many fewer than last time; nothing is moved "
                "until a second cycle finds as few",
            )

    def _keep(self, observation: Observation) -> None:
        found = (
            pair
            for account_id, readings in observation.readings.items()
            for pair in samples_of(account_id, readings)
        )
        # The master's own is kept for replays; what it spends is what we move, and no burn.
        left = sample_of(observation.master, Instrument.CASH)
        master = Unit(account_id=MASTER.id, instrument=Instrument.CASH)
        keep_readings(self.ledger, chain(found, [(master, left)] if left is not None else ()))

    def _keep_proposals(self, plan: Plan) -> None:
        """Keeps what the plan asks of a person, and ends what it does not ask any more."""
        now, lifetime = self.clock(), self.settings.limits.proposals_expire
        rules = dict(self.settings.frame.policies.rules())
        known = proposals.live(self.ledger)
        asked = proposals_of(plan, lifetime)
        if known or asked:
            over = moot(plan, known, rules)
            proposals.drop(self.ledger, [one for one in known if one.id in over], now)
            proposals.propose(self.ledger, asked, now)


def _is_part(item: Promised, outcomes: Sequence[Outcome]) -> bool:
    """Whether it is of one decision with the transfer before it: of an account's ledgers, or from
    coupons of the master. A slot that has moved one of them asks for no more of them."""
    is_reclaim = item.direction is Direction.RECLAIM
    if not outcomes or (is_reclaim and item.unit.instrument is Instrument.COUPON):
        return False
    last = outcomes[-1]
    same = (last.rule, last.account.id, last.direction)
    return same == (item.rule, item.account.id, item.direction)


def _log(outcome: Outcome) -> None:
    """One line a transfer, when its turn has ended."""
    logger().info(
        "transfer_ended",
        transfer=outcome.id,
        rule=outcome.rule,
        account=outcome.account.id,
        name=outcome.account.name,
        direction=str(outcome.direction),
        instrument=str(outcome.unit.instrument),
        amount=format_amount(outcome.amount),
        state=str(outcome.state or "not_sent"),
        hold=str(outcome.hold or outcome.limit or ""),
        note=outcome.note,
    )


def exit_code(report: Report) -> int:
    """The exit code of what happened, by the order of the contract: 1, 7, 4, 5, 0."""
    states = {outcome.state for outcome in report.outcomes}
    if report.stopped or State.CANCELLED in states:
        return 1
    if report.still_open or states & OPEN:
        return 7
    if State.REFUSED in states:
        return 4
    was_limited = any(outcome.limit for outcome in report.outcomes)
    return 5 if was_limited or (report.plan is not None and report.plan.is_limited) else 0

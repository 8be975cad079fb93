"""One set of policies through a world: the real engine in each step that may have something to say.

Each move is settled at once and read again right after, as the daemon does. What a person would
have to agree to is counted and not done. It may not judge readings: `waking` says which must be
looked at, the engine what comes of them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush

from budgetd.core.approval import Proposal
from budgetd.core.backtest.burning import FOUND_EVERY, Burns, BurnsNow
from budgetd.core.backtest.knowing import Knowledge, lasts, zeros
from budgetd.core.backtest.memory import Memory
from budgetd.core.backtest.series import MICROSECOND, NEVER, Track, cents_of, instant, micros
from budgetd.core.backtest.waking import ANYWHERE, Bounds, Calendar, Watch, first_at, is_replayed
from budgetd.core.backtest.world import Key, World, history_of
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.trigger import asks_burn
from budgetd.core.intent import Instrument, Move, State
from budgetd.core.observation import Announced, Observation
from budgetd.core.plans.consent import moot, proposals_of
from budgetd.core.plans.decided import decided
from budgetd.core.plans.notice import withdrawn
from budgetd.core.plans.outcome import outcome_of, settled_move
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import Policy, PolicySet, Rule
from budgetd.core.policies.schedule import tick_of
from budgetd.core.reason import QUIET, Hold

_UNTOLD = QUIET | {Hold.UNREAD, Hold.NOT_NORMAL, Hold.NEVER}
"""Holds that no reading changes, or that say only that nothing is to be done."""

HoldKey = tuple[str, str, Hold]


@dataclass(slots=True, kw_only=True)
class Told:
    """What came of a replay: moves in order, the proposals that a person would have been asked,
    how often a hold began, by rule, account and reason, how many transfers a cap made smaller,
    and how many cycles the engine was asked in."""

    moves: list[Move] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    holds: dict[HoldKey, int] = field(default_factory=lambda: defaultdict(int))
    capped: int = 0
    asked: int = 0


class Replay:
    """Plays one set. `tracks` are what every unit came to."""

    def __init__(self, world: World, policies: PolicySet) -> None:
        self.world = world
        rules = [
            NamedRule(name=name, rule=rule) for name, rule in policies.rules() if is_replayed(rule)
        ]
        self.policies = policies_of(rules, policies.digest)
        self.tracks = {key: Track(series) for key, series in world.series.items()}
        self.memory = Memory(capped=frozenset(one.name for one in rules if _has_caps(one.rule)))
        self.told = Told()
        self._rules = {named.name: named for named in rules}
        self._chosen = _chosen(world, rules)
        self._calendar = Calendar(rules, world.ground.limits.zone, (world.since, world.until))
        lasting = self._chosen.lasting
        self._known = Knowledge(world, self.policies, self.tracks, self.memory, lasting)
        self._burns = Burns(world, self.tracks, self.memory)
        self._sets: dict[frozenset[str], PolicySet] = {}
        self._frame = Frame(enterprise="", mode="enforce", policies=self.policies)
        self._live: dict[str, Proposal] = {}
        self._attended: set[str] = set()
        self._held: dict[HoldKey, int] = {}
        self._queue: list[tuple[int, Key]] = []

    def run(self) -> Told:
        """Plays the window from its beginning to its end."""
        self._recall()
        for key, track in self.tracks.items():
            self._wake(key, track.series.begins)
        step: int | None = None
        while (step := self._next_after(step)) is not None:
            keys = []
            while self._queue and self._queue[0][0] == step:
                keys.append(heappop(self._queue)[1])
            self._cycle(step, sorted({key[0] for key in keys} | self._attended))
            for key in keys:
                place = self.world.place_in(key, step)
                assert place is not None
                self._wake(key, place + 1)
        return self.told

    def _next_after(self, step: int | None) -> int | None:
        """The next step in which anybody must be looked at: whom a proposal or a notice is about,
        in every one."""
        woken = self._queue[0][0] if self._queue else None
        if not self._attended or step is None:
            return woken
        following = self._known.step_after(step)
        return following if woken is None or following is None else min(woken, following)

    def _recall(self) -> None:
        """Our recorded moves from before the window are history: they stay."""
        for move in history_of(self.world):
            self.memory.keep(move)
        begins = instant(self.world.since)
        for track in self.tracks.values():
            for place, cents, move in track.series.own:
                if move.made_at < begins:
                    track.show(place, cents)

    def _wake(self, key: Key, place: int) -> None:
        """Notes the next step in which a unit must be looked at, from a place on."""
        track, at = self.tracks[key], self.tracks[key].series.at
        stop = len(at)
        if place >= stop:
            return
        watch, step = self._chosen.watch.get(key, Watch()), self.world.step
        done = self.memory.decided.get(key[0], set())
        for rule in watch.calendar:
            begins = self._calendar.next_for(rule, key[0], at[place], done)
            if begins != NEVER:
                stop = min(stop, first_at(at, begins, place, step))
        end = min(stop + 1, len(at))
        found = min(self._first(key, watch.bounds, place, end), stop)
        if found == len(at):
            return
        last = self.world.place_in(key, at[found] // step)
        assert last is not None
        track.first(found + 1, 0, NEVER, last + 1)
        heappush(self._queue, (at[found] // step, key))

    def _first(self, key: Key, bounds: Bounds, place: int, end: int) -> int:
        """The first place from there on, before `end`, at which a trigger may hold; else `end`."""
        track, at, step = self.tracks[key], self.tracks[key].series.at, self.world.step
        while bounds.lengths and place < end:
            now = instant(self.world.cycles[at[place] // step])
            low = max(bounds.low, self._burns.most(key, now, bounds.lengths))
            # The burn is another one from the step on in which it is found anew.
            anew = micros(tick_of(FOUND_EVERY, now) + FOUND_EVERY) // step
            stop = min(end, bisect_left(at, max(anew, at[place] // step + 1) * step, place))
            found = track.first(place, low, bounds.high, stop)
            if found < stop:
                return found
            place = stop
        return track.first(place, bounds.low, bounds.high, end)

    def _cycle(self, step: int, accounts: Sequence[str]) -> None:
        """One cycle: what is known, what is decided, what moves, what is remembered of it."""
        observation = self._known.observe(step, accounts)
        names = frozenset(name for one in accounts for name in self._chosen.rules.get(one, ()))
        burning = {one for one in accounts if self._asks_burn(one, step)}
        plan = self._plan(self._with_burns(observation, burning), accounts, names)
        if len(accounts) > len(burning) and len(accounts) > 1 and self._is_tight(plan):
            # Whose turn it is goes by how long money lasts, where there is too little of it.
            plan = self._plan(self._with_burns(observation, accounts), accounts, names)
        self.told.asked += 1
        for transfer in plan.moves:
            self._move(transfer, step, observation.taken_at)
        self._remember(plan, observation, step)

    def _asks_burn(self, account_id: str, step: int) -> bool:
        """Whether a rule that asks for a burn may hold on what is read of an account."""
        for key, bounds in self._chosen.burning.get(account_id, ()):
            place = self.world.place_in(key, step)
            if place is not None and bounds.reaches(self.tracks[key].value(place)):
                return True
        return False

    def _with_burns(self, observation: Observation, accounts: Collection[str]) -> Observation:
        """The same with the burns of these accounts, and of those whose 0.00 may be a rumour."""
        known = {*accounts, *zeros(observation)}
        if not known:
            return observation
        return replace(observation, burns=BurnsNow(self._burns, known, observation.taken_at))

    def _is_tight(self, plan: Plan) -> bool:
        """Whether somebody got less because of what another one took: then the order counts."""
        capped = self.memory.capped
        if any(
            held.reason is Hold.MASTER_SHORT or (held.reason is Hold.CAP and held.rule in capped)
            for held in plan.held
        ):
            return True
        return any(
            one.step == "exists" or (one.step == "cap" and item.rule in capped)
            for item in (*plan.transfers, *(withheld.transfer for withheld in plan.withheld))
            for one in item.steps
        )

    def _plan(
        self, observation: Observation, accounts: Sequence[str], names: frozenset[str]
    ) -> Plan:
        """What the engine makes of it. The rules that select nobody here, and the accounts that
        nobody looks at, say nothing that is remembered."""
        chosen = self._sets.get(names)
        if chosen is None:
            rules = [self._rules[name] for name in sorted(names)]
            chosen = self._sets[names] = policies_of(rules, self.policies.digest)
        asked = set(accounts)
        few = tuple(one for one in observation.accounts if one.id in asked)
        limits = self.world.ground.limits
        decisions = decide(chosen, replace(observation, accounts=few), limits)
        return make_plan(self._frame, decisions, observation, limits)

    def _move(self, transfer: Transfer, step: int, now: datetime) -> None:
        unit = transfer.unit
        move = replace(settled_move(transfer, now), ended_at=now + MICROSECOND)
        self.memory.keep(move)
        self.told.moves.append(move)
        self.told.capped += any(one.step == "cap" for one in transfer.steps)
        key, cents = (unit.account_id, unit.instrument), cents_of(move)
        track, place = self.tracks[key], self.world.place_in(key, step)
        assert place is not None
        track.put(place, cents)
        read_again = (self.world.cycles[step] + 1, track.value(place) + cents)
        track.looks.append(read_again)
        if unit.instrument is Instrument.CASH:
            self.memory.out += cents

    def _remember(self, plan: Plan, observation: Observation, step: int) -> None:
        """What the daemon keeps between cycles: slots that are done, notices, proposals."""
        outcomes = [outcome_of(one, State.SETTLED) for one in plan.moves]
        for rule, account_id, period in decided(plan, outcomes).done:
            self.memory.decided.setdefault(account_id, set()).add((rule, period))
        notices = self.memory.notices
        rules = {name: named.rule for name, named in self._rules.items()}
        for key in tuple(withdrawn(plan, observation, rules)):
            notices.pop(key, None)
        for held in plan.held:
            for one in held.announces:
                known = Announced(at=plan.taken_at, amount=one.amount)
                notices.setdefault((held.rule, one.unit, one.period), known)
        self._ask(plan)
        self._attended = {
            item.unit.account_id for proposal in self._live.values() for item in proposal.items
        } | {unit.account_id for _, unit, _ in notices}
        self._count_holds(plan, step)

    def _ask(self, plan: Plan) -> None:
        """Proposals live as the ledger lets them: one a unit or batch, until its time, or until
        nobody wants it any more."""
        asked = proposals_of(plan, self.world.ground.limits.proposals_expire)
        known = tuple(self._live.values())
        rules = {name: named.rule for name, named in self._rules.items()}
        over = set(moot(plan, known, rules)) if known else set()
        over |= {one.id for one in known if one.expires_at <= plan.taken_at}
        for name in over:
            del self._live[name]
        for proposal in asked:
            before = self._live.get(proposal.id)
            if before is None:
                self.told.proposals.append(proposal)
                self._live[proposal.id] = proposal
            else:
                self._live[proposal.id] = replace(before, items=proposal.items)

    def _count_holds(self, plan: Plan, step: int) -> None:
        """A hold that was there in the account's reading before is the same one."""
        for held in plan.held:
            if held.reason in _UNTOLD:
                continue
            name = (held.rule, held.account.id, held.reason)
            before = self._step_before((held.account.id, held.instrument), step)
            if self._held.get(name, NEVER) not in (before, step):
                self.told.holds[name] += 1
            self._held[name] = step

    def _step_before(self, key: Key, step: int) -> int | None:
        place = self.world.first_in(key, step)
        return self.tracks[key].series.at[place - 1] // self.world.step if place else None


def _has_caps(rule: Rule) -> bool:
    """Whether a rule has caps of its own, over all accounts."""
    return any(name.startswith("rule_") for name in rule.caps.model_fields_set)


def policies_of(rules: Sequence[NamedRule], digest: str) -> PolicySet:
    """These rules alone, under the names they have."""
    by_policy: dict[str, list[Rule]] = {}
    for named in rules:
        by_policy.setdefault(named.name.partition("/")[0], []).append(named.rule)
    made = (
        Policy.model_construct(version=1, policy=policy, rules=tuple(found))
        for policy, found in by_policy.items()
    )
    return PolicySet(tuple(made), digest)


@dataclass(slots=True)
class _Chosen:
    """What the rules select: what may wake each unit, the rules of each account, the units of
    which a trigger must have held for some time, and where rules that ask for a burn may hold."""

    watch: dict[Key, Watch] = field(default_factory=dict)
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lasting: set[Key] = field(default_factory=set)
    burning: dict[str, list[tuple[Key, Bounds]]] = field(default_factory=dict)


def _chosen(world: World, rules: Sequence[NamedRule]) -> _Chosen:
    found = _Chosen()
    fleet = Fleet(world.ground.accounts)
    for named in rules:
        when = getattr(named.action, "when", None)
        for account in fleet.select(named.rule.accounts):
            key = (account.id, named.instrument)
            if key not in world.series:
                continue
            found.watch[key] = found.watch.get(key, Watch()).with_rule(named)
            found.rules[account.id] = (*found.rules.get(account.id, ()), named.name)
            if lasts(when):
                found.lasting.add(key)
            if asks_burn(named.rule):
                alone = Watch().with_rule(named)
                bounds = ANYWHERE if alone.calendar else alone.bounds
                found.burning.setdefault(account.id, []).append((key, bounds))
    return found

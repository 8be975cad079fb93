"""Rules of the design, removed one at a time, to prove that the campaign would notice.

A mutant is a patch of the product inside this process while it lasts. It may not touch a file.
`python -m tests.simulation.mutants` looks for the seeds that kill each.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from budgetd import doubt, execute
from budgetd.core import answer as answers
from budgetd.core import reconciliation
from budgetd.core.answer import PAIRS, AnswerClass, Phase
from budgetd.core.decisions import deciding
from budgetd.core.decisions.history import History
from budgetd.core.intent import Intent, Move, State, Unit, join
from budgetd.core.money import ZERO
from budgetd.core.plans.batches import Gate
from budgetd.core.reconciliation import Proof, Sent, family_of
from budgetd.cycle import Cycle
from budgetd.doubt import Doubt
from budgetd.execute import Executor
from budgetd.ledger import kept, proposals, recovery, store
from budgetd.ledger.past import Past
from budgetd.ledger.store import Ledger
from budgetd.provider.moves import MoveRequest, move_request

from .campaign import run_seeds
from .processes import SimulatedLedger
from .script import script_of

Mutant = Callable[[], Any]
MUTANTS: dict[str, Mutant] = {}


@contextmanager
def patched(owner: Any, **values: Any) -> Iterator[None]:
    """Replaces attributes of a module or a class while it lasts."""
    before = {name: owner.__dict__[name] for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def _pairs(changed: dict[tuple[int, str], AnswerClass]) -> Iterator[None]:
    before = dict(PAIRS)
    PAIRS.update(changed)
    try:
        yield
    finally:
        PAIRS.clear()
        PAIRS.update(before)


def mutant(make: Mutant) -> Mutant:
    """Names a mutant by its function."""
    MUTANTS[make.__name__] = make
    return make


def _both(*patches: Any) -> ExitStack:
    stack = ExitStack()
    for one in patches:
        stack.enter_context(one)
    return stack


# W1, W2, W3


@mutant
def the_post_leaves_before_its_row() -> Any:
    async def attempt(self: Executor, intent: Intent, request: MoveRequest) -> Any:
        signed = self.client.sign_move(request)
        answer = await self.client.send_move(signed)
        number = self.ledger.record_attempt(intent.id, signed.signed_at, signed.body_hash)
        self.ledger.record_answer(intent.id, number, answer, self.clock())
        return answer

    return patched(Executor, _attempt=attempt)


@mutant
def a_move_is_signed_again_when_it_leaves() -> Any:
    async def attempt(self: Executor, intent: Intent, request: MoveRequest) -> Any:
        signed = self.client.sign_move(request)
        number = self.ledger.record_attempt(intent.id, signed.signed_at, signed.body_hash)
        await self.sleep(0)
        answer = await self.client.send_move(self.client.sign_move(request))
        self.ledger.record_answer(intent.id, number, answer, self.clock())
        return answer

    return patched(Executor, _attempt=attempt)


@mutant
def a_retry_has_a_new_key() -> Any:
    def request(self: Executor, intent: Intent) -> MoveRequest:
        made = move_request(
            intent.direction, intent.unit, intent.amount, intent.key, intent.coupon_id or None
        )
        is_again = self.ledger.attempts(intent.id)
        body = made.body.replace(intent.key.encode(), uuid4().hex.encode())
        return replace(made, body=body) if is_again else made

    return patched(Executor, _request=request)


@mutant
def several_intents_of_a_unit_are_open() -> Any:
    honest = SimulatedLedger.__init__

    def opened(self: SimulatedLedger, *given: Any) -> None:
        honest(self, *given)
        self.connection.execute("DROP INDEX IF EXISTS one_open_intent_per_unit")

    return _both(
        patched(deciding, _blocking=lambda *_: iter(())),
        patched(SimulatedLedger, __init__=opened),
    )


@mutant
def the_lead_is_not_checked() -> Any:
    return patched(Ledger, check_lead=lambda _self: None)


@mutant
def a_pause_is_not_checked_before_sending() -> Any:
    return patched(Ledger, check_pause=lambda *_: None)


@mutant
def a_pause_is_not_checked_before_promising() -> Any:
    honest_promise, honest_check = Ledger.promise, Ledger.check_pause

    def promise(self: Ledger, intent: Intent, **said: Any) -> None:
        with patched(Ledger, check_pause=lambda *_: None):
            honest_promise(self, intent, **said)

    return _both(
        patched(Ledger, promise=promise, check_pause=honest_check),
        patched(deciding, pause_of=lambda *_: None),
    )


@mutant
def an_alarm_stops_nothing() -> Any:
    return patched(Ledger, latch=lambda *_, **__: None)


@mutant
def a_key_seen_before_its_first_use_stops_nothing() -> Any:
    honest = Executor._alarm

    def alarm(self: Executor, intent: Intent, answer: Any, *more: Any) -> str:
        is_received = answer.answer_class is AnswerClass.RECEIVED_BEFORE
        return "" if is_received else honest(self, intent, answer, *more)

    return patched(Executor, _alarm=alarm)


# What an answer proves


@mutant
def a_time_out_is_a_refusal() -> Any:
    honest = answers.classify

    def classify(*, phase: Phase, **more: Any) -> AnswerClass:
        return AnswerClass.REFUSED if phase is Phase.SENT else honest(phase=phase, **more)

    return patched(answers, classify=classify)


@mutant
def a_server_error_is_a_refusal() -> Any:
    refused = AnswerClass.REFUSED
    return _pairs({(500, "CBC.0999"): refused, (504, "APIGW.0201"): refused})


@mutant
def try_again_later_is_a_refusal() -> Any:
    return _pairs({(400, "CBC.99000087"): AnswerClass.RETRYABLE})


@mutant
def a_known_key_is_a_success() -> Any:
    return _pairs({(400, "CBC.99007009"): AnswerClass.SETTLED})


@mutant
def the_last_answer_wins() -> Any:
    def last(given: list[AnswerClass | None]) -> State:
        return join(given[-1:])

    return patched(store, join=last)


@mutant
def a_refusal_after_doubt_is_a_refusal() -> Any:
    def late(given: list[AnswerClass | None]) -> State:
        is_refused = given and given[-1] in (AnswerClass.REFUSED, AnswerClass.CONTESTED)
        is_settled = AnswerClass.SETTLED in given
        return State.REFUSED if is_refused and not is_settled else join(given)

    return patched(store, join=late)


# After a restart


@mutant
def a_stale_promise_stays() -> Any:
    return patched(execute, cancel_unsent=lambda *_: [])


@mutant
def an_interrupted_sending_was_never_sent() -> Any:
    def refused(ledger: Ledger, at: datetime) -> list[str]:
        with ledger.writing():
            for intent in ledger.open_intents():
                if ledger.state_of(intent.id) is State.SENDING:
                    recovery._recover(ledger, intent.id, State.REFUSED, at, "never sent")
        return []

    return patched(execute, doubt_interrupted=refused)


# Sending again


@mutant
def never_means_same_key() -> Any:
    honest = Executor.__post_init__

    def post_init(self: Executor) -> None:
        honest(self)
        self.resends = True

    return patched(Executor, __post_init__=post_init)


@mutant
def the_same_key_is_sent_for_ever() -> Any:
    return patched(execute, MOST_SENDS=1000, RESEND_WITHIN=timedelta(days=1))


# Leaving doubt


@mutant
def what_is_not_found_is_void_at_once() -> Any:
    return patched(Sent, is_dead=lambda *_: True)


@mutant
def records_that_never_worked_are_believed() -> Any:
    return patched(Past, has_seen_records=lambda *_: True)


@mutant
def a_settled_move_needs_no_record_of_its_own() -> Any:
    honest = reconciliation.count

    def count(doubtful: Sequence[Sent], sent: Iterable[Sent], *more: Any) -> Any:
        return honest(doubtful, doubtful, *more[:2])

    return patched(doubt, count=count)


@mutant
def too_many_records_settle() -> Any:
    honest = reconciliation.count

    def count(doubtful: Sequence[Sent], sent: Iterable[Sent], *more: Any) -> Any:
        counted = honest(doubtful, sent, *more)
        alike = [one for one in more[0] if family_of(one) == doubtful[0].family]
        if counted.proof is not Proof.UNCLEAR or len(alike) < len(doubtful):
            return counted
        own = {one.id: change for one, change in zip(doubtful, reversed(alike), strict=False)}
        return replace(counted, proof=Proof.ALL_MOVED, own=own)

    return patched(doubt, count=count)


@mutant
def a_coupon_that_is_gone_came_home() -> Any:
    async def settle(self: Doubt, intent: Intent, evidence: dict[str, str]) -> None:
        self._resolve(intent.id, State.SETTLED, evidence)

    return _both(
        patched(Doubt, _settle_early=settle),
        patched(Doubt, _was_received=lambda *_: True),
    )


@mutant
def any_child_coupon_is_the_one() -> Any:
    return patched(Past, known_children=lambda *_: frozenset())


@mutant
def doubt_never_ends() -> Any:
    async def nothing(_self: Doubt) -> tuple[()]:
        return ()

    return patched(Doubt, reconcile=nothing)


# Deciding


@mutant
def caps_do_not_count_doubt() -> Any:
    return patched(Move, counts=property(lambda self: self.state is State.SETTLED))


@mutant
def limits_do_not_look_back() -> Any:
    return patched(Gate, _count=lambda *_: [])


@mutant
def what_is_settled_is_reflected() -> Any:
    return patched(History, is_reflected=lambda _self, move: move.ended_at is not None)


@mutant
def a_move_rests_on_what_was_read_beside_others() -> Any:
    """And that reading is taken to know all that anybody has read since."""
    honest, cycle = History.is_reflected, Cycle.decide

    def whoever_read_it(self: History, move: Any) -> bool:
        seen = self.observation
        self.observation = replace(seen, readings={})
        try:
            shown = honest(self, move)
        finally:
            self.observation = seen
        return shown or honest(self, move)

    def decide(self: Cycle, seen: Any) -> Any:
        report = cycle(self, seen)
        self.executor.reads_each = False
        return report

    return _both(patched(History, is_reflected=whoever_read_it), patched(Cycle, decide=decide))


@mutant
def a_clock_says_what_came_first() -> Any:
    """Which is not enough, though a reading does not know what was read later."""
    cycle = Cycle.decide

    def decide(self: Cycle, seen: Any) -> Any:
        report = cycle(self, seen)
        self.executor.reads_each = False
        return report

    return patched(Cycle, decide=decide)


@mutant
def a_refusal_is_repeated_at_once() -> Any:
    return patched(History, refused_until=lambda *_: None)


@mutant
def nothing_cools_down() -> Any:
    return patched(History, cooldown_until=lambda *_: None)


@mutant
def what_leaves_the_master_is_not_counted() -> Any:
    def nothing(*_: Any, **__: Any) -> Decimal:
        return ZERO

    return patched(History, pending_out=nothing)


@mutant
def a_period_is_used_twice() -> Any:
    honest = SimulatedLedger.__init__

    def opened(self: SimulatedLedger, *given: Any) -> None:
        honest(self, *given)
        self.connection.execute("DROP INDEX IF EXISTS once_a_period")

    return _both(
        patched(History, fired=lambda *_, **__: ()),
        patched(kept, note_decided=lambda *_: None),
        patched(SimulatedLedger, __init__=opened),
    )


@mutant
def a_tick_gives_twice() -> Any:
    honest = History.fired

    def fired(self: History, rule: str, unit: Unit, *, of: Any, but: Any) -> Any:
        return honest(self, rule, unit, of=of, but=but) if isinstance(of, str) else ()

    return patched(History, fired=fired)


@mutant
def an_approval_is_used_twice() -> Any:
    return patched(proposals, use=lambda *_: None)


def killers(name: str, seeds: Iterable[int]) -> list[int]:
    """The first two seeds on which a mutant breaks an invariant."""
    found: list[int] = []
    for seed in seeds:
        with MUTANTS[name]():
            is_broken = bool(run_seeds([seed], script_of).failed)
        if is_broken and not run_seeds([seed], script_of).failed:
            found.append(seed)
        if len(found) == 2:
            break
    return found


def main() -> None:
    """Prints the seeds that kill each mutant, or those named, among the first so many."""
    names = sys.argv[2:] or list(MUTANTS)
    for name in names:
        found = killers(name, range(int(sys.argv[1])))
        print(f'    "{name}": {tuple(found)},', flush=True)


if __name__ == "__main__":
    main()

"""Plays one script: starts processes, gives them turns, lets others act, heals, and asks the
oracle.

It may not judge.
"""

import random
import traceback
from datetime import timedelta
from functools import partial
from itertools import count

from budgetd.core.approval import ProposalState
from budgetd.core.intent import IllegalTransitionError, State
from budgetd.core.pause import Pause
from budgetd.ledger import proposals
from budgetd.ledger.adoption import adopt
from budgetd.ledger.database import LedgerError
from budgetd.ledger.home import ForeignStateError
from budgetd.ledger.switches import end_pause, set_pause
from budgetd.ledger.times import instant
from budgetd.sandbox.nouns import Instrument, Kind, Move, Refusal

from .enterprise import IDS
from .oracle import judge
from .processes import DEAD_TIME, NO_ROOM, Process
from .script import Event, Happening, Script
from .stage import Coverage, Killed, Stage
from .statefile import StateFile

OPEN_SIGNED_PAUSED = (
    "SELECT count(*) FILTER (WHERE state IN ('prepared', 'sending', 'in_doubt')), max(sent_at), "
    "EXISTS (SELECT 1 FROM pause WHERE ended_at IS NULL) FROM intent"
)
RESTART_S = 20.0
LONGEST_STOP_S = 8000.0
LOOK_S = 60.0
TOLD_WITHIN = timedelta(minutes=10)
RECORD_LAG = timedelta(minutes=30)
LONGEST_GAP = timedelta(hours=1)


def play(script: Script, state: StateFile, coverage: Coverage, *, tells: bool = False) -> Stage:
    """Plays a script to its end and has it judged; the stage holds what was violated."""
    random.seed(script.seed)
    stage = Stage(script, coverage)
    stage.keeps_story = tells
    state.empty()
    _Driver(stage, state).run()
    return stage


class _Driver:
    def __init__(self, stage: Stage, state: StateFile) -> None:
        self.stage = stage
        self.state = state
        self.desk = state.desk
        self.numbers = count()
        self.processes: dict[int, Process] = {}

    def run(self) -> None:
        """The whole schedule."""
        stage, script = self.stage, self.stage.script
        for number in range(script.processes):
            stage.later(number * 7.0, partial(self._start, number))
        for event in script.events:
            stage.later(event.at_s, partial(self._happen, event))
        stage.later(script.chaos_s, self._heal)
        while not stage.is_over:
            stage.play_next()
        judge(stage, self.desk.connection)
        if script.seed % 4 == 0:
            self._decide_what_is_left()
        for process in self.processes.values():
            process.end()
        stage.forget()

    def _decide_what_is_left(self) -> None:
        """A person looks into the provider's book and says what became of the rest."""
        left = self.desk.in_state(State.NEEDS_HUMAN)
        if not left:
            return
        self.desk.lead("acme")
        moved = {execution.post.key for execution in self.stage.executions}
        for intent_id in left:
            intent = self.desk.intent(intent_id)
            assert intent is not None
            after = State.SETTLED if intent.key in moved else State.VOID
            word, now = {"why": "seen in the console", "by": "person"}, self.stage.our_now()
            self.desk.resolve(intent_id, after, word, now, expects=State.NEEDS_HUMAN)

    # Turns

    def _start(self, number: int) -> None:
        self.processes[number] = Process(self.stage, number, self.state)
        self._turn(self.processes[number])

    def _turn(self, process: Process) -> None:
        """A process runs until something else is to happen first."""
        stage = self.stage
        if self.processes.get(process.number) is not process:
            return
        try:
            while not stage.is_over:
                length_s = process.life.send(None)
                stage.reach("wait")
                length_s += stage.stop_s()
                next_at_s = stage.next_at_s()
                if next_at_s is None or next_at_s <= stage.now_s + length_s:
                    stage.later(length_s, partial(self._turn, process))
                    return
                stage.now_s += length_s
        except Killed:
            self._end(process)
        except LedgerError as problem:
            self._ended_by(process, problem)
        except Exception as problem:
            # Two daemons at one time may find a step of theirs overtaken; one alone may not.
            self._ended_by(process, problem)
            if stage.script.processes == 1 or not isinstance(problem, IllegalTransitionError):
                place = traceback.extract_tb(problem.__traceback__)[-1]
                stage.violate("no crash", f"{problem!r} in {place.name}:{place.lineno}")

    def _ended_by(self, process: Process, problem: Exception) -> None:
        stage = self.stage
        stage.tell(f"{process.number} ends: {type(problem).__name__} {problem}")
        stage.coverage.note("ends", type(problem).__name__)
        if isinstance(problem, ForeignStateError):
            adopt(self.desk, "acme", by="person", reason="it is ours", at=stage.our_now())
        self._end(process)

    def _end(self, process: Process) -> None:
        process.end()
        del self.processes[process.number]
        stage = self.stage
        length_s = RESTART_S if stage.is_healed else stage.script.restart_s
        stage.stopped_until_s = max(stage.stopped_until_s, stage.now_s + length_s)
        stage.later(length_s, partial(self._start, process.number))

    # Others

    def _happen(self, event: Event) -> None:
        stage = self.stage
        stage.tell(f"{event.what} {event.who} {event.amount}")
        stage.coverage.note("happenings", event.what)
        book, now, account_id = stage.book, stage.now(), IDS[event.who]
        account = book.accounts[account_id]
        match event.what:
            case Happening.SPEND:
                book.spend(account_id, event.amount, now)
            case Happening.PAUSE:
                self._pause(event)
            case Happening.RESUME:
                self._resume()
            case Happening.APPROVE:
                self._approve()
            case Happening.USE_COUPON:
                for coupon in account.coupons.values():
                    used = min(event.amount, coupon.purse.amount)
                    coupon.purse.change(-used, now)
                    book.spent[Instrument.COUPON] += used
            case Happening.OWN_TOP_UP:
                book.fund(account_id, event.amount, now)
            case Happening.MASTER_PAYS_IN:
                book.fund(book.master.id, event.amount, now)
            case Happening.BY_HAND_OUT:
                self._by_hand(account_id, Kind.ALLOCATE, event.amount)
            case Happening.BY_HAND_HOME:
                self._by_hand(account_id, Kind.RECLAIM, event.amount)
            case Happening.STATUS:
                account.status = 3 if account.status == 1 else 1
            case Happening.CUSTODY:
                account.custody = not account.custody
            case Happening.CHECK_ITEMS:
                account.credit_check_items = () if account.credit_check_items else ("NO_CREDIT",)
            case Happening.DISK_FULL:
                self._fill_disk(event.amount / 100)
            case Happening.KILL:
                self._kill(event.who % stage.script.processes)

    def _by_hand(self, account_id: str, kind: Kind, amount: int) -> None:
        move = Move(
            kind=kind,
            customer_id=account_id,
            instrument=Instrument.CASH,
            amount=amount,
            by_hand=True,
        )
        try:
            self.stage.book.move(move, self.stage.now())
        except Refusal:
            return
        self.stage.by_hand[account_id, str(kind)] += amount

    def _pause(self, event: Event) -> None:
        now = self.stage.our_now()
        scope = event.amount % 4
        pause = Pause(
            id=f"pause-{next(self.numbers)}",
            rule=("", "p", "p/up", "")[scope],
            account_id=IDS[event.who] if scope == 3 else "",
            reason="a person said so",
            by="person",
            at=now,
            until=now + timedelta(minutes=5) if event.amount % 3 == 0 else None,
        )
        set_pause(self.desk, pause)

    def _resume(self) -> None:
        for pause in self.desk.pauses():
            self.stage.coverage.note("pauses", "latched" if pause.is_latched else "by a person")
            self.stage.tell(f"resumed: {pause.reason}")
            end_pause(self.desk, pause, "person", "looked at it", self.stage.our_now())

    def _approve(self) -> None:
        now = self.stage.our_now()
        for proposal in proposals.live(self.desk):
            if proposal.state is ProposalState.OPEN and now < proposal.expires_at:
                self.stage.approved[proposal.rule] += len(proposal.items)
                self.stage.coverage.note("happenings", "approved")
                proposals.approve(self.desk, proposal, "person", "", now)

    def _fill_disk(self, length_s: float) -> None:
        ledgers = [one.ledger for one in self.processes.values() if one.ledger is not None]
        for ledger in ledgers:
            ledger.room_bytes = NO_ROOM

        def empty() -> None:
            for ledger in ledgers:
                ledger.room_bytes = 0

        self.stage.later(min(length_s, 600.0), empty)

    def _kill(self, number: int) -> None:
        process = self.processes.get(number)
        if process is not None:
            self._end(process)

    # Peace

    def _heal(self) -> None:
        stage = self.stage
        is_waiting = stage.stopped_until_s > stage.now_s
        if is_waiting and stage.now_s < stage.script.chaos_s + LONGEST_STOP_S:
            stage.later(stage.stopped_until_s - stage.now_s, self._heal)
            return
        stage.healed_at = stage.now()
        stage.tell("faults end")
        self._resume()
        for account in stage.book.accounts.values():
            account.status, account.custody, account.credit_check_items = 1, False, ()
        for process in self.processes.values():
            if process.ledger is not None:
                process.ledger.room_bytes = 0
        stage.later(LOOK_S, self._look)

    def _look(self) -> None:
        """Peace ends when nothing is open any more, or everything had its time."""
        stage = self.stage
        assert stage.healed_at is not None
        found = self.desk.connection.execute(OPEN_SIGNED_PAUSED).fetchall()[0]
        is_open, signed_at, is_paused = found
        if is_paused:
            self._resume()
        deadline = stage.healed_at + timedelta(seconds=stage.script.interval_s)
        if signed_at is not None:
            deadline = max(deadline, instant(str(signed_at)) + DEAD_TIME)
        # What a replay moved is found by a cycle after the last doubt that may have explained it.
        cycles, found_by = stage.script.peaceful_cycles, stage.healed_at
        if is_open:
            # One that leads has to see to it; the first may find that it leads no more.
            cycles = max(cycles, len(self.processes) + 1)
        if stage.repeats:
            latest = max(one.moved.at for one in stage.repeats)
            cycles, found_by = 3, latest + TOLD_WITHIN + RECORD_LAG
        has_looked = stage.peaceful_cycles >= cycles and stage.now() >= found_by
        late = stage.now() - deadline - TOLD_WITHIN
        is_late = late > LONGEST_GAP or (late >= timedelta() and has_looked)
        stage.is_over = is_late or (has_looked and not is_open and not stage.underway)
        stage.later(LOOK_S, self._look)

"""After a cycle people hear what is new, in words, once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.ledger.intents import intent_of, leading, promise, send

from budgetd.config.notify import Kind
from budgetd.core.answer import AnswerClass
from budgetd.core.approval import Proposal, ProposedItem, proposal_id
from budgetd.core.decisions.alerting import Notice, Turn
from budgetd.core.decisions.deciding import Decisions
from budgetd.core.decisions.decision import Announcement, Held, Raised
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.slots import Missed
from budgetd.core.intent import Direction, Instrument, State, Unit
from budgetd.core.observation import Account, Observation, Ok, Readings, Status
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import PolicySet
from budgetd.core.reason import Hold, Why
from budgetd.core.reconciliation import Discrepancy, Finding
from budgetd.core.standing import Policies
from budgetd.core.telling import Event, Message, Severity
from budgetd.ledger import proposals
from budgetd.ledger.store import Ledger
from budgetd.notify import saying
from budgetd.notify.announcing import Announcer, Ended
from budgetd.notify.notifier import Notifier, Patience

from .messages import AT, channel_of

UNIT = Unit(account_id="a", instrument=Instrument.CASH)
ANNA = Account(id="a", name="anna", display_name="", status=Status.NORMAL, organization=None)
ZONE = ZoneInfo("Asia/Shanghai")
NOW = saying.Now(at=AT, zone=ZONE, currency="CNY")


class Heard:
    """What waits to be delivered by a channel that was not started."""

    def __init__(self) -> None:
        channel = channel_of(
            Kind.WEBHOOK, "https://hooks.acme.example", name="mail", digest=time(9)
        )
        self.notifier = Notifier("acme", [channel], lambda: AT, Patience(said_lately_s=0))
        self.seen: set[int] = set()

    def messages(self) -> list[Message]:
        """What was told since it was last asked."""
        fresh = [one for one in self.notifier.waiting if id(one) not in self.seen]
        self.seen |= {id(one) for one in fresh}
        return fresh

    def take(self) -> list[tuple[Event, Severity, str]]:
        """The same, in short."""
        return [(one.event, one.severity, one.title) for one in self.messages()]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = leading(tmp_path / "budgetd.db")
    yield opened
    opened.close()


def announcer_of(ledger: Ledger) -> tuple[Announcer, Heard]:
    heard = Heard()
    announcer = Announcer(notifier=heard.notifier, zone=ZONE, currency="CNY")
    announcer.begin(ledger)
    return announcer, heard


def proposal_of(**changes: Any) -> Proposal:
    item = ProposedItem(unit=UNIT, account_name="anna", amount=Decimal("2000.00"))
    made = Proposal(
        id=proposal_id("p/up", Direction.ALLOCATE, UNIT),
        rule="p/up",
        direction=Direction.ALLOCATE,
        ask="mode",
        limit="",
        currency="CNY",
        items=(item,),
        made_at=AT,
        expires_at=AT + timedelta(hours=24),
    )
    return replace(made, **changes)


def observed(cash: str) -> Observation:
    reading = Ok(Decimal(cash), AT)
    return Observation(
        taken_at=AT,
        currency="CNY",
        accounts=(ANNA,),
        readings={"a": Readings(cash=reading)},
        master=Readings(),
    )


def test_doubts_proposals_and_pauses_are_told_when_they_are_new(ledger: Ledger) -> None:
    announcer, heard = announcer_of(ledger)
    doubtful = promise(ledger, intent_of())
    send(ledger, doubtful, AnswerClass.UNKNOWN)
    proposals.propose(ledger, [proposal_of()], AT)
    with ledger.writing():
        ledger.latch("a key was seen before its first use", AT)
    announcer.cycle(ledger, Ended(at=AT, observation=observed("5.00")))
    assert heard.take() == [
        (Event.TRANSFER_IN_DOUBT, Severity.WARNING, "1 transfer in doubt: sent, not known"),
        (
            Event.PAUSE_LATCHED,
            Severity.CRITICAL,
            "paused, everything: a key was seen before its first use",
        ),
        (
            Event.PROPOSAL_WAITING,
            Severity.WARNING,
            "waits for approval: 2,000.00 CNY to 1 account, p/up",
        ),
    ]
    announcer.cycle(ledger, Ended(at=AT, observation=observed("5.00")))
    assert heard.take() == []
    # The proposal outlives what the account lives on, and then it does not any more.
    announcer.cycle(ledger, Ended(at=AT, observation=observed("0.00")))
    announcer.cycle(ledger, Ended(at=AT, observation=observed("5.00")))
    ((event, severity, _),) = heard.take()
    assert (event, severity) == (Event.PROPOSAL_WAITING, Severity.CRITICAL)


def test_another_life_tells_again_what_a_person_must_end_and_no_proposal(ledger: Ledger) -> None:
    proposals.propose(ledger, [proposal_of()], AT)
    with ledger.writing():
        ledger.latch("three intents need a person", AT)
    announcer, heard = announcer_of(ledger)
    announcer.cycle(ledger, Ended(at=AT))
    assert [event for event, _, _ in heard.take()] == [Event.PAUSE_LATCHED]


def test_a_withheld_batch_is_told_with_its_limit_and_its_command(ledger: Ledger) -> None:
    announcer, heard = announcer_of(ledger)
    batch = proposal_of(ask="limit", limit="per_cycle.amount")
    proposals.propose(ledger, [batch], AT)
    announcer.cycle(ledger, Ended(at=AT))
    (told,) = heard.messages()
    assert told.event is Event.BATCH_WITHHELD
    assert told.lines == (
        "more money than one cycle may move one way",
        f"`budgetd approve {batch.id}` until 2026-12-01 22:00",
        "anna: 2,000.00 CNY",
    )


def test_what_ledger_and_records_differ_about_is_told_once(ledger: Ledger) -> None:
    announcer, heard = announcer_of(ledger)
    lost = Discrepancy(finding=Finding.UNRECORDED, intent_id="i1")
    other = replace(lost, intent_id="i2")
    external = Discrepancy(finding=Finding.EXTERNAL)
    for found in ([lost], [lost], [lost, other], [external]):
        announcer.cycle(ledger, Ended(at=AT, discrepancies=found))
    title = "1 difference between ledger and records"
    warning = (Event.DISCREPANCY, Severity.WARNING, title)
    assert heard.take() == [warning, warning, (Event.DISCREPANCY, Severity.INFO, title)]


def test_what_lasts_is_told_once_and_what_comes_back_after_months_again(ledger: Ledger) -> None:
    announcer, heard = announcer_of(ledger)
    lasts, returns = (Discrepancy(finding=Finding.UNRECORDED, intent_id=name) for name in "ab")
    told = []
    for day in range(100):
        found = [lasts, returns] if day in (0, 30, 90) else [lasts]
        announcer.cycle(ledger, Ended(at=AT + timedelta(days=day), discrepancies=found))
        if heard.take():
            told.append(day)
    assert told == [0, 90]


def test_reclaims_whose_notice_begins_are_one_message_a_rule_with_when_and_how_to_object(
    ledger: Ledger,
) -> None:
    announcer, heard = announcer_of(ledger)
    until = AT + timedelta(days=3)
    hold = Held(
        rule="p/home", account=ANNA, instrument=Instrument.CASH, reason=Hold.NOTICE, until=until
    )
    one = Announcement(unit=UNIT, period="", amount=Decimal("2000.00"))
    part = replace(UNIT, instrument=Instrument.COUPON, part="c1")
    coupon = replace(one, unit=part, amount=Decimal("30.00"))
    announced = [(hold, one), (hold, coupon), (replace(hold, rule="p/other", until=None), one)]
    announcer.cycle(ledger, Ended(at=AT, announced=announced))
    first, other = heard.messages()
    assert (first.event, first.severity) == (Event.RECLAIM_ANNOUNCED, Severity.WARNING)
    assert first.title == "announced: 2,030.00 CNY from 1 account, p/home"
    assert first.lines == (
        "anna: cash 2,000.00 CNY at most, not before 2026-12-03 22:00",
        "anna: coupon 30.00 CNY at most, not before 2026-12-03 22:00",
        "`budgetd pause p/home` holds it",
    )
    assert other.lines[0] == "anna: cash 2,000.00 CNY at most"


def test_a_cycle_that_stops_is_told_once_then_hourly_and_anew_after_it_went_well(
    ledger: Ledger,
) -> None:
    announcer, heard = announcer_of(ledger)
    counts = []
    for minutes, why in [(0, "down"), (1, "down"), (61, "down"), (62, ""), (63, "down")]:
        announcer.cycle(ledger, Ended(at=AT + timedelta(minutes=minutes), stopped=why))
        counts.append(len(heard.take()))
    assert counts == [1, 0, 1, 0, 1]


def test_the_alerts_of_a_rule_are_one_message_with_a_line_an_account() -> None:
    raised = Raised(
        rule="p/low",
        account=ANNA,
        instrument=Instrument.CASH,
        severity="critical",
        reading=Decimal("5.00"),
        read_at=AT,
        why=Why.BELOW_TRIGGER,
    )
    notice = Notice(
        turn=Turn.RAISED,
        rule="p/low",
        account_id="a",
        account_name="anna",
        severity="critical",
        since=AT,
        raised=raised,
        channels=("on-call",),
    )
    unread = replace(notice, raised=replace(raised, reading=None, why=Hold.UNREAD))
    over = replace(notice, turn=Turn.OVER, raised=None, why="its rule is not in force any more")
    several = [replace(notice, account_id=str(number)) for number in range(50)]
    first, last, ended = saying.of_alerts([notice, *several, replace(unread, rule="q"), over], NOW)
    assert (first.event, first.severity, first.channels) == (
        Event.ALERT_RAISED,
        Severity.CRITICAL,
        ("on-call",),
    )
    assert first.title == "alert: p/low, 51 accounts"
    assert first.lines[0] == "anna: cash 5.00 CNY, below its trigger"
    assert (len(first.lines), first.lines[-1]) == (20, "and 32 more")
    assert last.lines == ("anna: cash no reading, not read for too long",)
    assert ended.title == "alert over: p/low, 1 account"
    assert ended.lines == ("anna, since 2026-11-30 22:00: its rule is not in force any more",)


def test_refusals_missed_slots_and_differences_are_worded() -> None:
    outcome = Outcome(
        id="1",
        rule="p/up",
        account=ANNA,
        direction=Direction.ALLOCATE,
        unit=UNIT,
        amount=Decimal("9.00"),
        state=State.REFUSED,
        note="CBC.99005003",
    )
    (told,) = saying.of_refusals([outcome, replace(outcome, state=State.SETTLED)], NOW)
    assert told.title == "the provider refused 1 transfer"
    assert told.lines == ("anna: top up +9.00, p/up: CBC.99005003",)
    missed = Missed(
        rule="p/month",
        period="2026-11",
        at=AT,
        until=AT,
        undone=3,
        selected=9,
        accounts=("anna", "ben"),
        reason=Hold.UNREAD,
        older=2,
    )
    (told,) = saying.of_missed([missed], NOW)
    assert told.title == "1 slot missed: p/month"
    assert told.lines == (
        "2026-11: undone for 3 accounts: anna, ben and 1 more, not read; 2 older slots as well",
    )
    (told,) = saying.of_discrepancies([Discrepancy(finding=Finding.DOUBLED, intent_id="i1")], NOW)
    assert (told.severity, told.lines[0]) == (
        Severity.CRITICAL,
        "a second record of one transfer, transfer i1",
    )


def test_a_reload_is_told_with_its_problems_or_its_digest() -> None:
    policies = Policies(
        digest="sha256:3f9c1e00", rules=4, loaded_at=AT, tried_at=AT, problems=("a.yaml:7: bad",)
    )
    refused = saying.refused(policies, NOW)
    assert (refused.event, refused.title) == (Event.RELOAD_REFUSED, "reload refused, 1 problem")
    assert refused.lines == ("a.yaml:7: bad", "policies 3f9c1e stay in force")
    assert saying.loaded(policies, NOW).title == "policies 3f9c1e in force, 4 rules"
    assert saying.began("enforce", policies, NOW).event is Event.DAEMON_STARTED
    assert saying.ended("", NOW).severity is Severity.INFO
    assert saying.ended("the disk is full", NOW).severity is Severity.CRITICAL


def nothing_moves(observation: Observation) -> Plan:
    """The plan of a cycle under no rule."""
    frame = Frame(enterprise="acme", mode="enforce", policies=PolicySet((), digest="sha256:0"))
    limits = Limits(
        zone=ZoneInfo("Asia/Shanghai"),
        reserve=Decimal(0),
        never=None,
        per_cycle_amount=Decimal(1),
        per_cycle_transfers=1,
        per_cycle_share=Decimal(1),
        per_day_amount=Decimal(1),
        approval_above=Decimal(1),
        reflected_after=timedelta(minutes=15),
        unknown_readings=Decimal(1),
        act_within=timedelta(minutes=2),
    )
    return make_plan(frame, Decisions(), observation, limits)


def test_the_digest_counts_the_last_day(ledger: Ledger) -> None:
    announcer, heard = announcer_of(ledger)
    for account in ("a", "b"):
        send(ledger, promise(ledger, intent_of(account)), AnswerClass.SETTLED)
    send(ledger, promise(ledger, intent_of("c")), AnswerClass.UNKNOWN)
    proposals.propose(ledger, [proposal_of()], AT)
    announcer.digest(ledger, AT, ("mail",))
    assert heard.messages()[-1].lines[-1] == "no cycle has ended yet"
    observation = observed("5.00")
    announcer.cycle(ledger, Ended(at=AT, plan=nothing_moves(observation), observation=observation))
    # One that is cut short says nothing of the fleet: what the last whole one saw stands.
    announcer.cycle(ledger, Ended(at=AT, stopped="the provider is out of reach"))
    announcer.digest(ledger, AT + timedelta(hours=1), ("mail",))
    told = heard.messages()[-1]
    assert (told.event, told.channels) == (Event.DIGEST, ("mail",))
    assert told.title == "digest of 2026-11-30 23:00"
    assert told.lines[:3] == (
        "allocate cash: 200.00 CNY in 2 transfers",
        "in doubt: 1 transfer, of a person: 0",
        f"waits for approval: {proposal_of().id}, p/up, until 2026-12-01 22:00",
    )
    assert told.lines[-1] == "least cash: anna 5.00 CNY"
    announcer.digest(ledger, AT + timedelta(days=2), ("mail",))
    assert "nothing was moved in 24 hours" in heard.messages()[-1].lines

"""What a daemon said of itself is read back as it was, or is nothing known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Direction, Instrument, State, Unit
from budgetd.core.observation import Sample
from budgetd.core.standing import Done, Funds, Next, Policies, Standing
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.standing import keep, newest
from budgetd.ledger.store import Ledger
from budgetd.ledger.tally import moved_since, tallies, trends

from .intents import AT, intent_of, later, promise, send

STANDING = Standing(
    enterprise="acme",
    mode="enforce",
    process=77,
    started_at=AT,
    at=later(minutes=5),
    policies=Policies(
        digest="sha256:3f9c1e", rules=4, loaded_at=AT, tried_at=AT, problems=("p.yaml:1: \u202ex",)
    ),
    next=(Next(what="production/keep-alive", at=later(minutes=15)),),
    last=Done(
        id="c1",
        began_at=AT,
        ended_at=later(seconds=4),
        accounts=40,
        accounts_read=39,
        unreadable=1,
        transfers={"settled": 2},
        moved={"allocate cash": "3600.00"},
        held={"cooldown": 1},
    ),
    master=(Funds(instrument="cash", available="5000.00", read_at=AT),),
)


def test_the_newest_standing_is_read_back_as_it_was_said(ledger: Ledger) -> None:
    assert newest(ledger).standing is None
    assert newest(ledger).why == ""
    keep(ledger, replace(STANDING, last=None))
    keep(ledger, STANDING)
    assert newest(ledger).standing == STANDING


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        "null",
        '{"enterprise": "acme"}',
        '{"enterprise": "acme", "mode": 1}',
        '{"at": "' + "9" * 100_000 + '"}',
        "[" * 100_000,
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_a_row_that_cannot_be_read_is_nothing_known_with_a_reason(
    ledger: Ledger, written: str
) -> None:
    with ledger.writing():
        ledger.connection.execute("INSERT INTO standing VALUES (1, 'x', ?)", (written,))
    said = newest(ledger)
    assert said.standing is None
    assert said.why


def test_an_instant_without_its_offset_is_no_instant(ledger: Ledger) -> None:
    keep(ledger, STANDING)
    with ledger.writing():
        ledger.connection.execute(
            "UPDATE standing SET value = replace(value, '2026-11-30T14:00:00Z', "
            "'2026-11-30T14:00:00')"
        )
    assert newest(ledger).why == "an instant without its offset"


def test_intents_are_counted_by_state_and_the_day_as_the_limits_count_it(ledger: Ledger) -> None:
    settled, doubted, refused = (promise(ledger, intent_of(name)) for name in "abc")
    send(ledger, settled, AnswerClass.SETTLED)
    send(ledger, doubted, AnswerClass.UNKNOWN)
    send(ledger, refused, AnswerClass.REFUSED)
    counted = {tally.state: (tally.count, tally.amount) for tally in tallies(ledger)}
    one = (1, Decimal("100.00"))
    assert counted == {State.SETTLED: one, State.IN_DOUBT: one, State.REFUSED: one}
    both = Decimal("200.00")
    assert moved_since(ledger, AT - timedelta(hours=1))[Direction.ALLOCATE] == both
    # What is in doubt counts however old it is; what is settled ends with its day.
    assert moved_since(ledger, later(hours=25)) == {
        Direction.ALLOCATE: Decimal("100.00"),
        Direction.RECLAIM: Decimal("0.00"),
    }


def test_a_trend_has_the_last_reading_of_each_quarter_of_a_day(ledger: Ledger) -> None:
    readings = [
        (
            Unit(account_id="a", instrument=Instrument.CASH),
            Sample(AT + timedelta(hours=hour), Decimal(hour)),
        )
        for hour in range(12)
    ]
    readings.append((Unit(account_id="b", instrument=Instrument.CASH), Sample(AT, Decimal("7.00"))))
    keep_readings(ledger, readings)
    found = trends(ledger, ["a", "x"], Instrument.CASH, AT)
    assert [str(sample.value) for sample in found["a"]] == ["3.00", "9.00", "11.00"]
    assert set(found) == {"a"}

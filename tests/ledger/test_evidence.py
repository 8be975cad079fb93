"""What the ledger has on one transfer beside its own rows."""

from decimal import Decimal
from pathlib import Path

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Instrument, State, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.evidence import chain_of, claim_of, family_of, readings_around, rising
from budgetd.ledger.readings import keep_readings

from .intents import AT, intent_of, later, leading, promise, send


def cash(account_id: str) -> Unit:
    return Unit(account_id=account_id, instrument=Instrument.CASH)


def sample(minute: int, value: str) -> Sample:
    return Sample(later(minutes=minute), Decimal(value))


def test_only_rises_are_found_and_nothing_else_rises_between_them(tmp_path: Path) -> None:
    ledger = leading(tmp_path / "budgetd.db")
    values = ["5.00", "9.00", "9.00", "7.00", "8.00", "3.00", "3.50", "3.60"]
    reads = [sample(minute, value) for minute, value in enumerate(values)]
    kept = [(cash("a"), one) for one in reads]
    kept += [
        (cash("b"), sample(0, "99.00")),
        (Unit(account_id="b", instrument=Instrument.COUPON), sample(1, "1.00")),
    ]
    keep_readings(ledger, kept)
    found = rising(ledger, AT)
    assert list(found) == [("a", Instrument.CASH)]
    told = found["a", Instrument.CASH]
    pairs = [(told[n].value, told[n + 1].value) for n in range(0, len(told), 2)]
    assert pairs == [
        (Decimal("5.00"), Decimal("9.00")),
        (Decimal("7.00"), Decimal("8.00")),
        (Decimal("3.00"), Decimal("3.50")),
        (Decimal("3.50"), Decimal("3.60")),
    ]
    between = [(told[n].value, told[n + 1].value) for n in range(1, len(told) - 1, 2)]
    assert all(after <= before for before, after in between)
    assert rising(ledger, later(minutes=5)) == {
        ("a", Instrument.CASH): (reads[5], reads[6], reads[6], reads[7])
    }


def test_the_readings_around_a_transfer_are_the_nearest_ones(tmp_path: Path) -> None:
    ledger = leading(tmp_path / "budgetd.db")
    intent = promise(ledger, intent_of())
    assert readings_around(ledger, intent, AT, AT) == (None, None)
    reads = [sample(minute, f"{minute + 10}.00") for minute in range(6)]
    keep_readings(ledger, [(cash("a"), one) for one in reads])
    around = readings_around(ledger, intent, later(minutes=2, seconds=1), later(minutes=4))
    assert around == (reads[2], reads[4])


def test_alike_are_those_that_no_record_tells_apart(tmp_path: Path) -> None:
    ledger = leading(tmp_path / "budgetd.db")
    mine, twin = (promise(ledger, intent_of(name)) for name in ("a", "b"))
    other = promise(ledger, intent_of("c", amount=Decimal("99.00")))
    unsent = promise(ledger, intent_of("d"))
    for intent in (mine, twin, other):
        send(ledger, intent, AnswerClass.SETTLED)
    own, alike = family_of(ledger, mine)
    assert own is not None
    assert own.id == mine.id
    assert [one.id for one in alike] == [twin.id]
    assert family_of(ledger, unsent) == (None, ())
    assert claim_of(ledger, mine.id) is None


def test_a_record_may_be_of_what_an_earlier_copy_of_it_had_refused(tmp_path: Path) -> None:
    ledger = leading(tmp_path / "budgetd.db")
    refusals = (AnswerClass.BUSY, AnswerClass.CONTESTED, AnswerClass.REFUSED)
    intents = {one: promise(ledger, intent_of(str(one))) for one in refusals}
    for answer_class, intent in intents.items():
        if send(ledger, intent, answer_class) is not State.REFUSED:
            send(ledger, intent, AnswerClass.REFUSED)
        assert ledger.state_of(intent.id) is State.REFUSED
    sent = {one.id: one.may_have_moved for one in ledger.sent(AT)}
    busy = {move.id: move.was_busy for move in ledger.moves(AT)}
    told = [(sent[intents[one].id], busy[intents[one].id]) for one in refusals]
    assert told == [(True, True), (True, False), (False, False)]


def test_a_changed_event_is_found_from_the_first_of_the_transfer_on(tmp_path: Path) -> None:
    ledger = leading(tmp_path / "budgetd.db")
    first = promise(ledger, intent_of("a"))
    second = promise(ledger, intent_of("b"))
    send(ledger, first, AnswerClass.SETTLED)
    assert chain_of(ledger, second.id) == (2, 2, None)
    assert chain_of(ledger, first.id) == (1, 4, None)
    ledger.connection.execute("DROP TRIGGER event_is_fixed")
    ledger.connection.execute("UPDATE event SET data = '{}' WHERE seq = 3")
    assert chain_of(ledger, first.id) == (1, 4, 3)
    assert chain_of(ledger, second.id) == (2, 2, 3)

"""What numbers of records prove, and what they do not: evidence by count, and discrepancies."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count as numbers
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.reconciliation import (
    DEAD_TIME,
    Change,
    Finding,
    Proof,
    Sent,
    compare,
    count,
    matched,
)

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
READ_AT = AT + DEAD_TIME
_serial = numbers(1)


def sent(state: State = State.IN_DOUBT, minute: float = 0, **changes: Any) -> Sent:
    """An intent of 100.00 of cash to an account, sent once at that minute."""
    at = AT + timedelta(minutes=minute)
    is_settled = state is State.SETTLED
    given: dict[str, Any] = {
        "id": f"t{next(_serial):04d}",
        "state": state,
        "instrument": Instrument.CASH,
        "direction": Direction.ALLOCATE,
        "amount": Decimal("100.00"),
        "coupon_id": "",
        "account_name": "acme_a",
        "first_at": at,
        "last_at": at,
        "ended_at": None if state is State.IN_DOUBT else at + timedelta(seconds=1),
        "is_by_answer": is_settled,
    }
    return Sent(**(given | changes))


def record(minute: float = 0, **changes: Any) -> Change:
    """A record of such a move."""
    given: dict[str, Any] = {
        "id": f"r{next(_serial):04d}",
        "at": AT + timedelta(minutes=minute),
        "instrument": Instrument.CASH,
        "direction": Direction.ALLOCATE,
        "amount": Decimal("100.00"),
    }
    return Change(**(given | changes))


def test_a_record_for_each_says_that_all_moved() -> None:
    doubtful, settled = sent(), sent(State.SETTLED, 1)
    found = count([doubtful], [doubtful, settled], [record(0), record(1)], READ_AT)
    assert (found.proof, found.records, found.settled, found.doubtful) == (Proof.ALL_MOVED, 2, 1, 1)


def test_records_of_the_settled_alone_say_that_none_moved() -> None:
    doubtful, settled = sent(), sent(State.SETTLED, 1)
    found = count([doubtful], [doubtful, settled], [record(1)], READ_AT)
    assert found.proof is Proof.NONE_MOVED


def test_one_record_of_two_in_doubt_proves_nothing_of_either() -> None:
    both = [sent(minute=0), sent(minute=2)]
    assert count(both, both, [record(1)], READ_AT).proof is Proof.UNCLEAR


def test_more_records_than_moves_are_a_persons_case() -> None:
    doubtful = sent()
    assert count([doubtful], [doubtful], [record(0), record(1)], READ_AT).proof is Proof.UNCLEAR


def test_fewer_records_than_settled_moves_prove_nothing() -> None:
    doubtful, settled = sent(), sent(State.SETTLED, 1)
    assert count([doubtful], [doubtful, settled], [], READ_AT).proof is Proof.UNCLEAR


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("100.01")},
        {"direction": Direction.RECLAIM},
        {"instrument": Instrument.CREDIT},
        {"at": AT - timedelta(minutes=3)},
        {"at": AT + timedelta(minutes=26)},
    ],
)
def test_what_cannot_be_the_move_is_not_counted(changes: dict[str, Any]) -> None:
    doubtful = sent()
    found = count([doubtful], [doubtful], [record(**changes)], READ_AT)
    assert (found.proof, found.records) == (Proof.NONE_MOVED, 0)


def test_a_coupon_comes_home_with_whatever_it_holds() -> None:
    kind: dict[str, Any] = {
        "instrument": Instrument.COUPON,
        "direction": Direction.RECLAIM,
        "coupon_id": "CP1",
    }
    doubtful = sent(**kind)
    less = record(amount=Decimal("31.20"), **kind)
    found = count([doubtful], [doubtful], [less], READ_AT)
    assert found.proof is Proof.ALL_MOVED
    assert found.own == {doubtful.id: less}
    other = record(**(kind | {"coupon_id": "CP2"}))
    assert count([doubtful], [doubtful], [other], READ_AT).proof is Proof.NONE_MOVED


def test_a_coupon_that_is_settled_has_the_record_of_its_amount() -> None:
    kind: dict[str, Any] = {
        "instrument": Instrument.COUPON,
        "direction": Direction.RECLAIM,
        "coupon_id": "CP1",
    }
    doubtful = sent(**kind, amount=Decimal("300.00"))
    settled = sent(State.SETTLED, 1, **kind, amount=Decimal("271.50"))
    whole = record(0, **(kind | {"amount": Decimal("300.00")}))
    less = record(1, **(kind | {"amount": Decimal("271.50")}))
    found = count([doubtful], [doubtful, settled], [whole, less], READ_AT)
    assert found.own == {doubtful.id: whole}


def test_a_move_across_the_edge_has_its_record_on_either_side() -> None:
    # Settled moves, one after the other for hours: nowhere is a clean edge.
    stream = [sent(State.SETTLED, minute) for minute in range(-120, 121, 2)]
    doubtful = sent(minute=1)
    records = [record(minute) for minute in range(-120, 121, 2)]
    late = AT + timedelta(hours=4)
    assert count([doubtful], [doubtful, *stream], records, late).proof is Proof.UNCLEAR


def test_the_window_grows_to_a_clean_edge() -> None:
    doubtful, before = sent(), sent(State.SETTLED, -4)
    found = count([doubtful], [doubtful, before], [record(-4)], READ_AT)
    assert (found.proof, found.settled) == (Proof.NONE_MOVED, 1)
    found = count([doubtful], [doubtful, before], [record(-4), record(0)], READ_AT)
    assert found.proof is Proof.ALL_MOVED


def test_what_was_settled_a_moment_ago_may_lack_its_record() -> None:
    doubtful, fresh = sent(), sent(State.SETTLED, 24)
    # The record is the doubtful one's, and the fresh one's is not there yet.
    read_at = AT + timedelta(minutes=25)
    found = count([doubtful], [doubtful, fresh], [record(0)], read_at)
    assert found.proof is Proof.UNCLEAR


def test_an_intent_that_needs_a_person_may_have_moved() -> None:
    doubtful, unclear = sent(), sent(State.NEEDS_HUMAN, 1)
    known = [doubtful, unclear]
    assert count([doubtful], known, [record(0)], READ_AT).proof is Proof.UNCLEAR
    assert count([doubtful], known, [record(0), record(1)], READ_AT).proof is Proof.ALL_MOVED
    assert count([doubtful], known, [], READ_AT).proof is Proof.NONE_MOVED


def test_what_was_refused_may_have_moved_by_a_copy_of_ours() -> None:
    doubtful, refused = sent(minute=1), sent(State.REFUSED, was_contested=True)
    known = [doubtful, refused]
    assert count([doubtful], known, [record(0)], READ_AT).proof is Proof.UNCLEAR
    assert count([doubtful], known, [], READ_AT + timedelta(minutes=1)).proof is Proof.NONE_MOVED
    plain = sent(State.REFUSED)
    assert count([doubtful], [doubtful, plain], [record(0)], READ_AT).proof is Proof.ALL_MOVED


def test_a_record_that_names_another_account_is_not_ours() -> None:
    doubtful = sent()
    elsewhere = sent(State.SETTLED, 500, account_name="acme_b", amount=Decimal("7.00"))
    known = [doubtful, elsewhere]
    assert count([doubtful], known, [record(account_name="acme_b")], READ_AT).proof is Proof.UNCLEAR
    for name in ("", "acme", "acme_a"):
        named = record(account_name=name)
        assert count([doubtful], known, [named], READ_AT).proof is Proof.ALL_MOVED


def test_every_doubtful_move_needs_a_record_in_its_own_window() -> None:
    early, late = sent(), sent(minute=20)
    both, when = [early, late], READ_AT + timedelta(minutes=20)
    # Two records that only the early one may have: one of them is somebody else's.
    assert count(both, both, [record(-1), record(1)], when).proof is Proof.UNCLEAR
    assert count(both, both, [record(1), record(30)], when).proof is Proof.ALL_MOVED


def test_two_records_of_one_account_are_not_two_accounts_moves() -> None:
    doubtful = [sent(account_name="acme_a"), sent(minute=1, account_name="acme_b")]
    when = READ_AT + timedelta(minutes=1)
    both = [record(0, account_name="acme_a"), record(1, account_name="acme_a")]
    assert count(doubtful, doubtful, both, when).proof is Proof.UNCLEAR
    each = [record(0, account_name="acme_b"), record(1, account_name="acme_a")]
    assert count(doubtful, doubtful, each, when).proof is Proof.ALL_MOVED


def test_a_record_that_is_claimed_proves_no_other() -> None:
    doubtful, settled = sent(), sent(State.SETTLED, 1)
    own = [record(0), record(1)]
    claims = {settled.id: own[0].id}
    found = count([doubtful], [doubtful, settled], own, READ_AT, claims)
    assert found.own == {doubtful.id: own[1]}


def test_where_records_name_members_a_strangers_name_is_not_ours() -> None:
    doubtful, settled = sent(), sent(State.SETTLED, 500)
    strange = record(account_name="acme_never_moved")
    known, own = [doubtful, settled], record(500)
    late = READ_AT + timedelta(hours=10)
    assert count([doubtful], known, [strange, own], late).proof is Proof.ALL_MOVED
    named = record(500, account_name="acme_a")
    assert count([doubtful], known, [strange, named], late).proof is Proof.UNCLEAR


@given(
    moved=st.lists(st.booleans(), min_size=1, max_size=4),
    settled=st.lists(st.integers(-200, 200), max_size=8),
    skew_s=st.integers(-119, 119),
    delay_s=st.lists(st.integers(0, 22 * 60), min_size=4, max_size=4),
)
def test_no_count_ever_calls_a_move_void_or_an_unmoved_one_settled(
    moved: list[bool], settled: list[int], skew_s: int, delay_s: list[int]
) -> None:
    """Every record is there, whenever a request was executed and however far our clock is off."""
    skew = timedelta(seconds=skew_s)
    doubtful = [sent(minute=3 * place) for place in range(len(moved))]
    known = [*doubtful, *(sent(State.SETTLED, minute) for minute in settled)]
    records = [
        record(at=one.first_at + timedelta(seconds=delay) + skew)
        for one, is_moved, delay in zip(doubtful, moved, delay_s, strict=False)
        if is_moved
    ]
    records += [record(at=AT + timedelta(minutes=minute) + skew) for minute in settled]
    found = count(doubtful, known, records, AT + timedelta(hours=6))
    if found.proof is Proof.NONE_MOVED:
        assert not any(moved)
    elif found.proof is Proof.ALL_MOVED:
        assert all(moved)
    elif not settled:
        assert any(moved)
        assert not all(moved)


def test_each_settled_move_takes_one_record_and_no_two_the_same() -> None:
    first, second = sent(State.SETTLED, 0), sent(State.SETTLED, 1)
    own = [record(1), record(0)]
    found = matched([second, first], own)
    assert sorted(found) == sorted([first.id, second.id])
    assert len(set(found.values())) == 2


def test_a_record_of_nobodys_is_external() -> None:
    stranger = record(600)
    compared = compare([sent(State.SETTLED)], [record(0), stranger], {}, READ_AT)
    assert len(compared.confirmed) == 1
    assert [(one.finding, one.change) for one in compared.discrepancies] == [
        (Finding.EXTERNAL, stranger)
    ]


@pytest.mark.parametrize("state", [State.REFUSED, State.CANCELLED, State.VOID])
def test_a_record_of_what_did_not_move_contradicts(state: State) -> None:
    over = sent(state)
    [found] = compare([over], [record(0)], {}, READ_AT).discrepancies
    assert (found.finding, found.intent_id) == (Finding.CONTRADICTED, over.id)


def test_a_second_record_of_one_move_is_a_double() -> None:
    settled = sent(State.SETTLED)
    own = record(0)
    [found] = compare([settled], [own, record(1)], {settled.id: own.id}, READ_AT).discrepancies
    assert (found.finding, found.intent_id) == (Finding.DOUBLED, settled.id)


def test_a_record_that_doubt_may_explain_is_left_alone() -> None:
    assert compare([sent()], [record(0)], {}, READ_AT).discrepancies == ()


def test_a_settled_move_without_a_record_is_told_where_records_work() -> None:
    settled, silent = sent(State.SETTLED), sent(State.SETTLED, 300, amount=Decimal("5.00"))
    late = READ_AT + timedelta(minutes=301)
    assert compare([silent], [], {}, late).discrepancies == ()
    compared = compare([settled, silent], [record(0)], {}, late)
    assert [(one.finding, one.intent_id) for one in compared.discrepancies] == [
        (Finding.UNRECORDED, silent.id)
    ]

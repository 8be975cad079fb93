"""The book: money is moved once or not at all, whatever the provider turns out to believe."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.sandbox.book import Book
from budgetd.sandbox.fleet import SMALLEST_FLEET, seeded_fleet
from budgetd.sandbox.nouns import Account, Instrument, Kind, Move, Moved, Refusal
from budgetd.sandbox.semantics import (
    CheckOrder,
    KeyMemory,
    RecordName,
    ReturnedCoupon,
    Semantics,
    semantics_of,
)
from budgetd.sandbox.snapshot import to_values

START = datetime(2026, 11, 10, 3, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def grown(**semantics: object) -> Book:
    return seeded_fleet(seed=3, start=START, accounts=20, semantics=Semantics(**semantics))


def named(book: Book, name: str) -> Account:
    return next(a for a in book.accounts.values() if a.display_name == name)


def cash(book: Book, name: str, amount: int, key: str | None = None, **more: object) -> Move:
    given_values = {"kind": Kind.ALLOCATE, "instrument": Instrument.CASH} | more
    return Move(customer_id=named(book, name).id, amount=amount, key=key, **given_values)


def refused(book: Book, move: Move, at: datetime = START) -> Refusal:
    before = to_values(book) | {"keys": None}
    with pytest.raises(Refusal) as caught:
        book.move(move, at)
    assert to_values(book) | {"keys": None} == before, "a refusal moved something"
    return caught.value


def test_a_key_is_taken_once_whatever_the_second_asks() -> None:
    book = grown()
    book.move(cash(book, "prod-web", 100, "k"), START)
    second = cash(book, "prod-db", 999, "k", kind=Kind.RECLAIM)
    assert refused(book, second).code == "CBC.99007009"


def test_keys_of_one_api_are_free_in_another_where_they_are_not_shared() -> None:
    book = grown(keys_shared=False)
    book.move(cash(book, "prod-db", 100, "k"), START)
    book.move(cash(book, "prod-db", 100, "k", kind=Kind.RECLAIM), START)
    assert len(book.moves) == 2


def test_a_refused_attempt_leaves_its_key_free_unless_receipt_burns_it() -> None:
    for keys, second_try in ((KeyMemory.ON_SUCCESS, None), (KeyMemory.ON_RECEIPT, "CBC.99007009")):
        book = grown(keys=keys)
        too_much = cash(book, "prod-web", book.master.cash.amount + 1, "k")
        assert refused(book, too_much).code == "CBC.99005003"
        fitting = replace(too_much, amount=100)
        if second_try is None:
            book.move(fitting, START)
        else:
            assert refused(book, fitting).code == second_try


def test_a_forgotten_key_moves_again() -> None:
    for book, later in (
        (grown(keys=KeyMemory.NEVER), START),
        (grown(keys_kept_s=60), START + 60 * SECOND),
    ):
        for at in (START, later):
            book.move(cash(book, "prod-web", 100, "k"), at)
        assert len(book.moves) == 2


def test_with_checks_first_a_replay_can_meet_an_empty_purse() -> None:
    for order, code in (
        (CheckOrder.KEY_FIRST, "CBC.99007009"),
        (CheckOrder.CHECKS_FIRST, "CBC.99005003"),
    ):
        book = grown(order=order)
        move = cash(book, "prod-db", named(book, "prod-db").cash.amount, "k", kind=Kind.RECLAIM)
        book.move(move, START)
        assert refused(book, move).code == code


def test_a_move_in_progress_makes_the_next_one_wait() -> None:
    book = grown(busy_s=5)
    book.move(cash(book, "prod-web", 100, "a"), START)
    waiting = cash(book, "prod-db", 100, "b")
    assert refused(book, waiting, START + 4 * SECOND).code == "CBC.99007461"
    book.move(waiting, START + 5 * SECOND)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("billing-custody", "CBC.99000086"),
        ("migration-2024", "CBC.99000043"),
        ("newcomer", "CBC.99000043"),
    ],
)
def test_accounts_that_are_not_ordinary_are_refused(name: str, code: str) -> None:
    book = grown()
    assert refused(book, cash(book, name, 100)).code == code


def test_an_unknown_account_does_not_exist() -> None:
    book = grown()
    move = Move(kind=Kind.ALLOCATE, customer_id="f" * 32, instrument=Instrument.CASH, amount=1)
    assert refused(book, move).code == "CBC.99000047"


def test_credit_needs_its_ledger_its_life_and_its_permission() -> None:
    book = grown()
    ends = next(iter(named(book, "prod-api").ledgers))
    assert ends is not None
    move = cash(book, "prod-api", 100, instrument=Instrument.CREDIT, ledger=ends)
    book.move(move, START)
    assert refused(book, replace(move, ledger=ends + SECOND)).code == "CBC.0100"
    assert refused(book, move, ends).code == "CBC.99007181"
    forbidden = replace(move, customer_id=named(book, "registry").id)
    refusal = refused(book, forbidden)
    assert refusal.code == "CBC.99007004"
    assert refusal.fail_check_items == ("NO_SHARE_CREDIT_TO_SUB_PERMISSION",)


def granted(book: Book) -> tuple[Move, Moved]:
    source = next(iter(book.master.coupons))
    move = Move(
        kind=Kind.GRANT,
        customer_id=named(book, "prod-db").id,
        instrument=Instrument.COUPON,
        coupon_id=source,
        amount=5000,
    )
    return move, book.move(move, START)


def test_a_coupon_comes_back_whole_and_once() -> None:
    for returned in ReturnedCoupon:
        book = grown(returned_coupon=returned)
        coupons = len(book.master.coupons)
        grant, moved = granted(book)
        back = replace(grant, kind=Kind.TAKE_BACK, amount=None, sub_coupon_id=moved.sub_coupon_id)
        assert book.move(back, START).amount == 5000
        assert refused(book, back).code == "CBC.99005003"
        assert len(book.master.coupons) == coupons + (returned is ReturnedCoupon.NEW)


def test_an_expired_coupon_is_neither_granted_nor_taken_back() -> None:
    book = grown()
    grant, moved = granted(book)
    end = book.master.coupons[grant.coupon_id or ""].expire_time
    assert refused(book, grant, end).code == "CBC.99000043"
    back = replace(grant, kind=Kind.TAKE_BACK, amount=None, sub_coupon_id=moved.sub_coupon_id)
    assert refused(book, back, end).code == "CBC.99005003"


def test_arrears_swallow_what_comes_in() -> None:
    book = grown()
    member = named(book, "streaming")
    before, debt = member.cash.amount, member.debt
    book.move(cash(book, "streaming", 5000), START)
    assert (member.cash.amount, member.debt) == (before + 5000 - debt, 0)


def test_records_appear_late_and_name_whom_they_are_told_to() -> None:
    for name in RecordName:
        book = grown(record_lag_s=60, record_name=name)
        book.move(cash(book, "prod-web", 100), START)
        assert book.visible_records(book.master.id, START + 59 * SECOND) == []
        (record,) = book.visible_records(book.master.id, START + 60 * SECOND)
        names = {"nobody": None, "master": "acme", "member": "acme_prod_web"}
        assert (record.amount, record.account_name) == (-100, names[name])


def test_a_purse_tells_what_it_was() -> None:
    book = grown()
    member = named(book, "prod-web")
    for second in range(3):
        book.move(cash(book, "prod-web", 100), START + second * SECOND)
    told = [member.cash.as_of(START + timedelta(seconds=s)) for s in (-1, 0, 1, 2, 9)]
    assert told == [1000, 1100, 1200, 1300, 1300]


def test_beliefs_are_read_from_words() -> None:
    assert semantics_of(("keys=never", "busy_s=5", "keys_shared=false")) == Semantics(
        keys=KeyMemory.NEVER, busy_s=5, keys_shared=False
    )
    for wrong in ("keys=", "busy_s=-1", "keys_shared=no", "keys_kept_s=x", "nothing=1"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            semantics_of((wrong,))


def test_the_same_seed_grows_the_same_fleet() -> None:
    values = [to_values(seeded_fleet(seed=s, start=START, accounts=60)) for s in (5, 5, 6)]
    assert values[0] == values[1] != values[2]


def test_the_fixed_cases_are_what_policies_are_tried_on() -> None:
    for accounts in (SMALLEST_FLEET, 40):
        book = seeded_fleet(seed=9, start=START, accounts=accounts)
        purses = {a.display_name: a.cash.amount for a in book.accounts.values()}
        assert len(purses) == accounts
        assert (purses["prod-web"], purses["prod-db"], purses["prod-api"]) == (1000, 49999, 50000)
        assert purses["idle"] == 500_000
        assert named(book, "prod-web").id.startswith("0")
        assert named(book, "prod-web").id.isdecimal()
        lives = [c.expire_time - START for c in named(book, "busy").coupons.values()]
        assert [life < timedelta(days=35) for life in lives] == [True, True, False]
        assert all(sums.holds for sums in book.conservation())


STEPS = st.lists(
    st.tuples(
        st.sampled_from((*Kind, "spend", "fund")),
        st.sampled_from((Instrument.CASH, Instrument.CREDIT)),
        st.integers(0, 15),
        st.integers(1, 300_000),
        st.sampled_from("abcdefgh"),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(KeyMemory), st.sampled_from(CheckOrder))
def test_not_a_cent_is_made_or_lost(
    steps: list[tuple[str, Instrument, int, int, str]], keys: KeyMemory, order: CheckOrder
) -> None:
    book = seeded_fleet(
        seed=1, start=START, accounts=16, semantics=Semantics(keys=keys, order=order)
    )
    members = list(book.accounts.values())
    for kind, instrument, place, amount, key in steps:
        member = members[place]
        if kind == "spend":
            book.spend(member.id, amount, START)
        elif kind == "fund":
            book.fund(member.id, amount, START)
        else:
            _try(book, _any_move(book, (Kind(kind), instrument, amount, key), member))
        assert all(sums.holds for sums in book.conservation())
    used = [moved.move.key for moved in book.moves]
    assert keys is KeyMemory.NEVER or len(used) == len(set(used))


def _any_move(book: Book, what: tuple[Kind, Instrument, int, str], member: Account) -> Move:
    kind, instrument, amount, key = what
    coupons = kind in (Kind.GRANT, Kind.TAKE_BACK)
    child = next(iter(member.coupons.values()), None)
    source = next(iter(book.master.coupons))
    return Move(
        kind=kind,
        customer_id=member.id,
        instrument=Instrument.COUPON if coupons else instrument,
        amount=None if kind is Kind.TAKE_BACK else amount,
        key=key,
        ledger=next(iter(book.master.ledgers)) if instrument is Instrument.CREDIT else None,
        coupon_id=child.source_id if child and kind is Kind.TAKE_BACK else source,
        sub_coupon_id=child.id if child else "none",
    )


def _try(book: Book, move: Move) -> None:
    recorded = len(book.records)
    try:
        book.move(move, START)
    except Refusal:
        assert len(book.records) == recorded
    else:
        assert len(book.records) == recorded + 2

"""The body of a move is exact, and nothing that the provider could misread is ever built."""

from decimal import Decimal

import pytest

from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.provider.errors import InvalidRequest
from budgetd.provider.moves import move_request

KEY = "5f0c2e8e9d1b4d0f8a7c6b5a49382716"
ID = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
HEAD = f'{{"customer_id":"{ID}",'
CASH = Unit(account_id=ID, instrument=Instrument.CASH)
LEDGER = Unit(account_id=ID, instrument=Instrument.CREDIT, part="2026-12-31T15:59:59Z")
PERMANENT = Unit(account_id=ID, instrument=Instrument.CREDIT)
GRANT = Unit(account_id=ID, instrument=Instrument.COUPON, part="M1")
CHILD = Unit(account_id=ID, instrument=Instrument.COUPON, part="A1")


@pytest.mark.parametrize(
    ("direction", "unit", "coupon_id", "path", "tail"),
    [
        (
            Direction.ALLOCATE,
            CASH,
            None,
            "transfer-amount",
            f'"amount":"100.00","trans_id":"{KEY}","balance_type":"BALANCE_TYPE_DEBIT"}}',
        ),
        (
            Direction.RECLAIM,
            CASH,
            None,
            "retrieve-amount",
            f'"amount":"100.00","trans_id":"{KEY}","balance_type":"BALANCE_TYPE_DEBIT"}}',
        ),
        (
            Direction.ALLOCATE,
            LEDGER,
            None,
            "transfer-amount",
            f'"amount":"100.00","trans_id":"{KEY}","balance_type":"BALANCE_TYPE_CREDIT",'
            '"expire_time":"2026-12-31T15:59:59Z"}',
        ),
        (
            Direction.RECLAIM,
            PERMANENT,
            None,
            "retrieve-amount",
            f'"amount":"100.00","trans_id":"{KEY}","balance_type":"BALANCE_TYPE_CREDIT"}}',
        ),
        (
            Direction.ALLOCATE,
            GRANT,
            None,
            "transfer-coupon",
            f'"coupon_id":"M1","amount":"100.00","trans_id":"{KEY}"}}',
        ),
        (
            Direction.RECLAIM,
            CHILD,
            "M1",
            "retrieve-coupon",
            f'"coupon_id":"M1","sub_coupon_id":"A1","trans_id":"{KEY}"}}',
        ),
    ],
)
def test_the_body_is_exact_to_the_byte(
    direction: Direction, unit: Unit, coupon_id: str | None, path: str, tail: str
) -> None:
    found = move_request(direction, unit, Decimal(100), KEY, coupon_id)
    assert found.operation.endpoint == f"POST /v2/enterprises/multi-accounts/{path}"
    assert found.body.decode() == HEAD + tail
    assert found == move_request(direction, unit, Decimal("100.00"), KEY, coupon_id)


@pytest.mark.parametrize(
    "amount", ["0", "-1", "0.001", "1.005", "1000000000000", "NaN", "Infinity"]
)
def test_an_amount_that_is_not_one_is_not_sent(amount: str) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        move_request(Direction.ALLOCATE, CASH, Decimal(amount), KEY)


@pytest.mark.parametrize("key", ["", "x", KEY.upper(), KEY + "0", KEY[:-1] + "\n", KEY[:-1] + "g"])
def test_a_key_that_is_not_32_hex_digits_is_not_sent(key: str) -> None:
    with pytest.raises(InvalidRequest, match="trans_id"):
        move_request(Direction.ALLOCATE, CASH, Decimal(1), key)


def test_a_reclaim_of_a_coupon_names_the_master_coupon() -> None:
    with pytest.raises(InvalidRequest, match="coupon_id is missing"):
        move_request(Direction.RECLAIM, CHILD, Decimal(1), KEY)


def test_a_ledger_is_named_by_an_instant_or_not_at_all() -> None:
    unit = Unit(account_id=ID, instrument=Instrument.CREDIT, part="2026-12-31 15:59")
    with pytest.raises(InvalidRequest, match="expire_time"):
        move_request(Direction.ALLOCATE, unit, Decimal(1), KEY)

"""A snapshot gives back exactly what was read, and anything else is refused at its place."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.core.burn import Burn
from budgetd.core.documents.problem import InvalidDocuments
from budgetd.core.intent import Instrument, Unit
from budgetd.core.moment import format_instant
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Readings,
    Stale,
    Status,
    Unknown,
)
from budgetd.report.snapshot import read_snapshot, snapshot_json

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
PATH = Path("snapshot.json")
ZONE = ZoneInfo("Asia/Shanghai")
BLANK = Observation(taken_at=AT, currency="CNY", accounts=(), readings={}, master=Readings())

instants = st.integers(0, 10**9).map(lambda ms: AT + timedelta(milliseconds=ms))
seconds = st.integers(0, 10**8).map(lambda s: AT + timedelta(seconds=s))
amounts = st.integers(0, 10**14 - 1).map(lambda minor: Decimal(minor).scaleb(-2))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcdef0123456789", min_size=1, max_size=12)


def ledger_of(expires_at: datetime | None, amount: Decimal | None, free: Decimal) -> CreditLedger:
    written = format_instant(expires_at) if expires_at else None
    return CreditLedger(expire_time=written, expires_at=expires_at, amount=amount, available=free)


ledgers = st.builds(ledger_of, st.none() | seconds, st.none() | amounts, amounts)


def coupons(child: st.SearchStrategy[Any]) -> st.SearchStrategy[Coupon]:
    return st.builds(
        Coupon,
        coupon_id=names,
        child_id=child,
        plan_name=texts,
        balance=amounts,
        effective_at=st.none() | instants,
        expires_at=st.none() | instants,
        has_use_limits=st.booleans(),
    )


def reading(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.builds(Ok, value, instants),
        st.builds(Stale, value, instants),
        st.builds(Unknown, texts, instants, is_unmanageable=st.booleans()),
    )


def readings(child: st.SearchStrategy[Any]) -> st.SearchStrategy[Readings]:
    return st.builds(
        Readings,
        cash=reading(amounts),
        credit=reading(st.lists(ledgers, max_size=3).map(tuple)),
        coupons=reading(st.lists(coupons(child), max_size=3).map(tuple)),
    )


accounts = st.builds(
    Account,
    id=names,
    name=texts,
    display_name=texts,
    status=st.sampled_from(Status),
    organization=st.none()
    | st.builds(Organization, id=names, name=texts, path=st.lists(texts, max_size=3).map(tuple)),
)


shares = st.integers(0, 10**9).map(lambda parts: Decimal(parts).scaleb(-6))
burns = st.builds(
    Burn,
    at=instants,
    value=amounts,
    level=shares,
    growth=st.integers(-999_999, 10**6).map(lambda parts: Decimal(parts).scaleb(-6)),
    weekdays=st.tuples(*[shares] * 7),
    **dict.fromkeys(("spread", "doubt", "drift", "skew", "days_observed"), shares),
    idle=st.integers(0, 10**7).map(lambda s: timedelta(seconds=s)),
    lately=st.none() | shares,
)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    fleet = draw(st.lists(accounts, max_size=5, unique_by=lambda account: account.id))
    fleet.sort(key=lambda account: account.id)
    read = {account.id: draw(readings(names)) for account in fleet if draw(st.integers(0, 3)) > 0}
    units = [
        Unit(account_id=account.id, instrument=instrument, part=part)
        for account in fleet
        for instrument, part in ((Instrument.CASH, ""), (Instrument.COUPON, "K1"))
    ]
    return replace(
        BLANK,
        taken_at=draw(instants),
        accounts=tuple(fleet),
        readings=read,
        master=draw(readings(st.none())),
        burns={unit: draw(burns) for unit in units if draw(st.booleans())},
    )


@settings(max_examples=60, deadline=None)
@given(observations())
def test_what_was_read_comes_back_exactly(observation: Observation) -> None:
    text = snapshot_json(observation, ZONE)
    assert text.isascii()
    assert read_snapshot(text.encode(), PATH, BLANK) == observation


def test_what_the_ledger_knows_is_kept() -> None:
    blank = replace(BLANK, first_loaded={"a/b": AT}, is_preview=True)
    found = read_snapshot(sample().encode(), PATH, blank)
    assert (found.first_loaded, found.is_preview) == ({"a/b": AT}, True)


def test_older_snapshots_leave_burns_to_the_ledger() -> None:
    unit = Unit(account_id="a", instrument=Instrument.CASH)
    known = {unit: Burn(at=AT, value=Decimal("1.00"), level=Decimal(2))}
    document = json.loads(sample())
    written = read_snapshot(sample().encode(), PATH, replace(BLANK, burns=known))
    assert written.burns == {unit: SAMPLE_BURN}
    for account in document["accounts"]:
        del account["burns"]
    older = read_snapshot(json.dumps(document).encode(), PATH, replace(BLANK, burns=known))
    assert older.burns == known


SAMPLE_BURN = Burn(
    at=AT, value=Decimal("8.00"), level=Decimal("0.25"), idle=timedelta(hours=1), lately=Decimal(3)
)


def sample() -> str:
    """A snapshot of two accounts with something of everything."""
    ledger = ledger_of(AT, None, Decimal("3.00"))
    coupon = Coupon(
        coupon_id="C1",
        child_id="K1",
        plan_name="spring",
        balance=Decimal("9.50"),
        effective_at=None,
        expires_at=AT,
    )
    unit = Organization(id="5", name="R&D", path=("R&D",))
    both = tuple(
        Account(id=i, name=f"n{i}", display_name="", status=Status.NORMAL, organization=unit)
        for i in ("a", "b")
    )
    first = Readings(
        cash=Ok(Decimal("1.00"), AT), credit=Stale((ledger,), AT), coupons=Ok((coupon,), AT)
    )
    read = {"a": first, "b": Readings(cash=Unknown("no answer", AT))}
    spent = {Unit(account_id="a", instrument=Instrument.CASH): SAMPLE_BURN}
    return snapshot_json(replace(BLANK, accounts=both, readings=read, burns=spent), ZONE)


def refusal(text: str | bytes) -> str:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    with pytest.raises(InvalidDocuments) as refused:
        read_snapshot(data, PATH, BLANK)
    assert len(refused.value.problems) == 1
    return refused.value.problems[0].headline()


def changed(old: str, new: str) -> str:
    assert old in sample()
    return sample().replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"value": "1.00"', '"value": 1.00', "accounts[0].readings.cash.value: amounts are texts"),
        ('"value": "1.00"', '"value": 1', "accounts[0].readings.cash.value: amounts are texts"),
        ('"value": "1.00"', '"value": NaN', "accounts[0].readings.cash.value: amounts are texts"),
        ('"value": "1.00"', '"value": "-1.00"', "value: signs are not accepted"),
        ('"value": "1.00"', '"value": "1e3"', "value: exponents are not accepted"),
        ('"value": "1.00"', '"value": "1.001"', "value: an amount has at most two decimals"),
        ('"value": "1.00"', '"value": null', "value: expected a text"),
        ('"state": "stale"', '"state": "fresh"', "readings.credit.state: expected ok, stale or"),
        ('"unmanageable": false', '"unmanageable": 0', "unmanageable: expected true or false"),
        ('"child_id": "K1"', '"child_id": null', "coupons.value[0].child_id: an account's coupon"),
        ('"status": "normal"', '"status": "gone"', "accounts[0].status: expected one of normal"),
        ('"id": "b"', '"id": "a"', "accounts[1].id: this account stands twice"),
        ('"id": "b"', '"id": ""', "accounts[1].id: not an identifier"),
        ('"id": "b"', '"id": "b", "id": "b"', "accounts[1]: the key 'id' is given twice"),
        ('"id": "b"', '"id": "b", "extra": 1', "accounts[1]: unknown key 'extra'"),
        ('"display_name": "",', "", "accounts[0].display_name: missing"),
        ('"name": "na"', '"name": "\\ud800"', "accounts[0].name: a text with half a character"),
        ("budgetd.snapshot/1", "budgetd.snapshot/2", "format: expected budgetd.snapshot/1"),
        ('"currency": "CNY"', '"currency": "USD"', "currency: the configured currency is CNY"),
        ('"expire_time": "2026-11-30T14:00:00Z"', '"expire_time": "2026-11-30"', "expire_time: "),
        (
            '"expire_time": "2026-11-30T14:00:00Z"',
            '"expire_time": "2026-11-30T22:00:00+08:00"',
            "value[0].expire_time: expected an instant like",
        ),
        ('"taken_at": "', '"taken_at": "x', "taken_at: expected an instant like"),
        ('"taken_at": "2026', '"taken_at": "9999', "Z, of the years 1970 to 9000"),
        ('"read_at": "2026', '"read_at": "0001', "read_at: expected an instant like"),
        ('"level": "0.25"', '"level": 0.25', "burns[0].level: expected a text"),
        ('"level": "0.25"', '"level": "1e3"', "burns[0].level: expected a decimal like 0.25"),
        ('"level": "0.25"', '"level": "-0.25"', "burns[0].level: expected 0 or more"),
        ('"growth": "0"', '"growth": "-1"', "burns[0].growth: expected more than -1"),
        ('"weekdays": [', '"weekdays": ["1",', "burns[0].weekdays: expected seven shares"),
        ('"idle_s": 3600', '"idle_s": "3600"', "burns[0].idle_s: expected a whole number"),
        ('"idle_s": 3600', '"idle_s": 3600.5', "burns[0].idle_s: expected a whole number"),
        ('"part": ""', '"part": "", "more": ""', "burns[0]: unknown key 'more'"),
        ('"path": [', '"path": [1,', "accounts[0].organization.path[0]: expected a text"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(old: str, new: str, said: str) -> None:
    found = refusal(changed(old, new))
    assert found.startswith("snapshot.json: ")
    assert said in found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "expected an object"),
        (b"{}", "format: missing"),
        (b'{"format": 1}', "format: expected a text"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 100_000, "expected an object"),
        (b'{"format": "a", "format": "b"}', "the key 'format' is given twice"),
        (b" " * (64 * 1024 * 1024 + 1), "larger than 64 MiB"),
    ],
)
def test_what_is_no_snapshot_is_refused(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_a_file_that_was_cut_off_says_where() -> None:
    text = sample()[:-40]
    lines = text.count("\n") + 1
    assert refusal(text).startswith(f"snapshot.json:{lines}:")


def test_every_cut_is_refused() -> None:
    text = json.dumps(json.loads(sample()))
    for end in range(0, len(text) - 1, 7):
        refusal(text[:end])

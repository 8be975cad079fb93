"""The client and the sandbox agree: every API, moves of every kind, and the fleet in full."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.observation import Status
from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import AuthenticationFailed, ProviderError
from budgetd.provider.iam import TokenLogin
from budgetd.provider.moves import move_request
from budgetd.provider.signing import AccessKey
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.identity import SANDBOX_DOMAIN, SANDBOX_PASSWORD, SANDBOX_USER
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    clock = MovableClock()
    sandbox = Sandbox(
        book=seeded_fleet(seed=7, start=clock.now()),
        clock=clock,
        quota=Quota(QUOTAS, multiplier=0),
    )
    started = RunningSandbox(sandbox).start()
    yield started
    started.stop()


def client_of(running: RunningSandbox, **options: Any) -> Client:
    key = AccessKey(id=SANDBOX_AK, secret=SANDBOX_SK)
    options = {"credentials": key, "requests_per_second": 1000} | options
    return Client(
        endpoint=running.url,
        currency="CNY",
        clock=running.sandbox.clock.now,
        backoff_s=0.01,
        **options,
    )


async def test_every_reading_api_answers_in_documented_form(
    running: RunningSandbox, example_of: Callable[[str], dict[str, Any]]
) -> None:
    async with client_of(running) as client:
        members = await client.read_all(ops.MEMBERS)
        normal = next(one.id for one in members if one.status is Status.NORMAL)
        for operation in ops.OPERATIONS:
            if operation.role is not ops.Role.READ:
                continue
            params = example_of(operation.name)
            if "sub_customer_id" in params:
                params = {**params, "sub_customer_id": normal}
            if operation.paging is None:
                assert await client.read(operation, **params) is not None
            else:
                assert isinstance(await client.read_all(operation, **params), tuple)


async def test_the_members_have_their_place_in_the_tree(running: RunningSandbox) -> None:
    async with client_of(running) as client:
        tree = await client.read(ops.ORGANIZATIONS, recursive_query=1)
        members = await client.read_all(ops.MEMBERS)
    accounts = [one.account(tree.by_id()) for one in members]
    assert len(accounts) == len({one.id for one in accounts}) > 5
    assert all(one.organization is not None for one in accounts)


async def test_cash_moves_there_and_back_once(running: RunningSandbox) -> None:
    async with client_of(running) as client:
        members = await client.read_all(ops.MEMBERS)
        found = None
        for one in members:
            try:
                before = await client.read(ops.MEMBER_CASH, sub_customer_id=one.id)
            except ProviderError:
                continue
            unit = Unit(account_id=one.id, instrument=Instrument.CASH)
            give = client.sign_move(
                move_request(Direction.ALLOCATE, unit, Decimal("12.34"), "0" * 31 + "1")
            )
            found = await client.send_move(give)
            if found.answer_class is AnswerClass.SETTLED:
                break
        assert found is not None
        assert found.answer_class is AnswerClass.SETTLED
        after = await client.read(ops.MEMBER_CASH, sub_customer_id=one.id)
        assert after == before + Decimal("12.34")
        again = await client.send_move(give)
        assert again.answer_class is AnswerClass.RECEIVED_BEFORE
        take = move_request(Direction.RECLAIM, unit, Decimal("12.34"), "0" * 31 + "2")
        assert (await client.send_move(client.sign_move(take))).answer_class is AnswerClass.SETTLED
        assert await client.read(ops.MEMBER_CASH, sub_customer_id=one.id) == before


async def test_a_coupon_is_granted_and_taken_back(running: RunningSandbox) -> None:
    async with client_of(running) as client:
        coupons = await client.read_all(ops.MASTER_COUPONS)
        coupon = max(coupons, key=lambda one: one.balance)
        granted = None
        for number, one in enumerate(await client.read_all(ops.MEMBERS)):
            unit = Unit(account_id=one.id, instrument=Instrument.COUPON, part=coupon.coupon_id)
            grant = move_request(Direction.ALLOCATE, unit, Decimal("1.50"), f"{number:032x}")
            granted = await client.send_move(client.sign_move(grant))
            if granted.answer_class is AnswerClass.SETTLED:
                break
        assert granted is not None
        assert granted.child_coupon_id
        children = await client.read_all(ops.MEMBER_COUPONS, sub_customer_id=one.id)
        assert granted.child_coupon_id in {child.child_id for child in children}
        unit = Unit(account_id=one.id, instrument=Instrument.COUPON, part=granted.child_coupon_id)
        take = move_request(Direction.RECLAIM, unit, Decimal("1.50"), "f" * 32, coupon.coupon_id)
        taken = await client.send_move(client.sign_move(take))
        assert (taken.answer_class, taken.amount) == (AnswerClass.SETTLED, Decimal("1.50"))


async def test_a_login_reads_what_a_key_reads(running: RunningSandbox) -> None:
    login = TokenLogin(
        iam_endpoint=running.url,
        user=SANDBOX_USER,
        password=SANDBOX_PASSWORD,
        domain=SANDBOX_DOMAIN,
    )
    async with client_of(running) as by_key, client_of(running, credentials=login) as by_login:
        assert await by_login.read_all(ops.MEMBERS) == await by_key.read_all(ops.MEMBERS)


async def test_a_wrong_secret_is_told_once(running: RunningSandbox) -> None:
    wrong = AccessKey(id=SANDBOX_AK, secret="wrong")
    async with client_of(running, credentials=wrong) as client:
        for _ in range(10):
            with pytest.raises(AuthenticationFailed):
                await client.read(ops.BALANCES)
    async with client_of(running) as client:
        await client.read(ops.BALANCES)

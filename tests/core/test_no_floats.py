"""Money is never a float: one that is planted anywhere on an amount's path raises."""

import ast
import decimal
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import budgetd
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import (
    exact,
    from_minor,
    parse_amount,
    round_down,
    round_up,
    to_minor,
    total,
)
from budgetd.core.observation import Coupon, CreditLedger, Ok, Readings, Sample
from budgetd.core.policies.policy import Policy
from budgetd.ledger.rows import amount_of
from budgetd.provider import wire
from budgetd.provider.errors import ProviderError

from .cases import Case
from .worlds import NOW, READ_AT, World

RAISED = (decimal.FloatOperation, TypeError, AttributeError, AssertionError)
PACKAGE = Path(budgetd.__file__).parent
TIMES_AND_SHARES = {
    "cli/accounts_create.py": "how often it looks",
    "cli/apply.py": "how long it tends",
    "cli/sandbox.py": "latency",
    "config/notify.py": "likeness of two words",
    "core/cases/naming.py": "likeness of two words",
    "core/documents/placing.py": "likeness of two words",
    "execute.py": "waits and skew",
    "ledger/database.py": "waits",
    "ledger/locks.py": "waits",
    "notify/mail.py": "waits",
    "notify/notifier.py": "waits",
    "provider/client.py": "timeouts",
    "sandbox/gateway.py": "latency",
    "sandbox/quota.py": "the window of the quota",
    "sandbox/running.py": "waits",
    "service/agenda.py": "how often it looks",
    "service/daemon.py": "waits and beats",
    "service/reloading.py": "how often it looks",
    "service/turn.py": "how often it looks",
    "web/metrics.py": "what Prometheus stores",
    "web/server.py": "waits",
}
RULES = [
    {"name": "r", "accounts": "all", "top_up": {"when": {"below": "500.00"}, "to": "900.00"}},
    {
        "name": "s",
        "accounts": "all",
        "top_up": {"instrument": "credit", "when": {"below": "500.00"}, "to": "900.00"},
        "caps": {"account_ever": "900.00"},
    },
    {
        "name": "t",
        "accounts": "all",
        "grant_coupons": {"when": {"below": "500.00"}, "to": "900.00"},
        "caps": {"account_ever": "900.00"},
    },
]


def world() -> World:
    """An account that gets money of every kind, with a past."""
    case = Case.model_validate({"about": "x", "accounts": {}, "rules": RULES, "expect": {}})
    account = Case.model_validate({"about": "x", "accounts": {"a": {}}, "expect": {}})
    observation = replace(
        account.observation(),
        readings={"a": _readings("a")},
        master=_readings(None),
        moves=(_move(),),
        moved_before={("a", Instrument.CREDIT, Direction.ALLOCATE): Decimal("1.00")},
    )
    return World(policies=case.policy_set(), observation=observation, limits=case.limits.limits())


def _readings(owner: str | None, **changes: Any) -> Readings:
    of_account = owner is not None
    value = Decimal("100.00") if of_account else Decimal("5000.00")
    given = {"cash": value, "amount": value, "available": value, "balance": value, **changes}
    ledger = CreditLedger(
        expire_time=None, expires_at=None, amount=given["amount"], available=given["available"]
    )
    coupon = Coupon(
        coupon_id="m1",
        child_id="c1" if of_account else None,
        plan_name="plan",
        balance=given["balance"],
        effective_at=None,
        expires_at=None,
    )
    return Readings(
        cash=Ok(given["cash"], READ_AT),
        credit=Ok((ledger,), READ_AT),
        coupons=Ok((coupon,), READ_AT),
    )


def _move(**changes: Any) -> Move:
    given = {"amount": Decimal("10.00"), "reading": Decimal("95.00"), **changes}
    return Move(
        id="m",
        rule="x/x",
        unit=Unit(account_id="a", instrument=Instrument.CASH),
        direction=Direction.ALLOCATE,
        state=State.SETTLED,
        made_at=NOW - timedelta(minutes=2),
        sent_at=NOW - timedelta(minutes=2),
        ended_at=NOW - timedelta(minutes=1),
        **given,
    )


def _in_account(name: str) -> Callable[[World], World]:
    return lambda given: _known(given, readings={"a": _readings("a", **{name: 100.0})})


def _in_master(name: str) -> Callable[[World], World]:
    return lambda given: _known(given, master=_readings(None, **{name: 5000.0}))


def _in_limits(name: str) -> Callable[[World], World]:
    return lambda given: replace(given, limits=replace(given.limits, **{name: 1000.5}))


def _known(given: World, **changes: Any) -> World:
    return replace(given, observation=replace(given.observation, **changes))


KEY = ("a", Instrument.CREDIT, Direction.ALLOCATE)
PLANTS: dict[str, Callable[[World], World]] = {
    "cash": _in_account("cash"),
    "credit amount": _in_account("amount"),
    "coupon balance": _in_account("balance"),
    "master cash": _in_master("cash"),
    "master credit available": _in_master("available"),
    "master coupon balance": _in_master("balance"),
    "move amount": lambda given: _known(given, moves=(_move(amount=10.5),)),
    "move reading": lambda given: _known(given, moves=(_move(reading=95.5),)),
    "older moves": lambda given: _known(given, moved_before={KEY: 1.5}),
    "reserve": _in_limits("reserve"),
    "per cycle": _in_limits("per_cycle_amount"),
    "per day": _in_limits("per_day_amount"),
    "approval": _in_limits("approval_above"),
}


def test_the_world_moves_every_instrument_without_a_float() -> None:
    assert {item.instrument for item in world().plan().moves} == set(Instrument)


@pytest.mark.parametrize("name", PLANTS)
def test_a_float_in_what_is_known_raises(name: str) -> None:
    with pytest.raises(RAISED):
        PLANTS[name](world()).plan()


def test_a_float_in_a_kept_reading_raises() -> None:
    rule = {
        **RULES[0],
        "top_up": {"when": {"below": "500.00", "for": "2 readings"}, "to": "900.00"},
    }
    case = Case.model_validate(
        {"about": "x", "accounts": {"a": {"cash": "1.00"}}, "rules": [rule], "expect": {}}
    )
    samples = {("a", Instrument.CASH): (Sample(NOW - timedelta(minutes=5), 1.5),)}  # type: ignore[arg-type]  # planted
    with pytest.raises(RAISED):
        case.plan(case.policy_set(), replace(case.observation(), samples=samples))


@pytest.mark.parametrize(
    "work",
    [
        lambda: exact(1.5),
        lambda: to_minor(1.5),
        lambda: parse_amount(1.5),
        lambda: total([Decimal(1), 1.5]),
        lambda: round_down(Decimal(1), 0.5),
        lambda: round_up(1.5, Decimal(1)),
        lambda: Decimal(*[1.5]),
        lambda: Decimal(1) < 1.5,
        lambda: amount_of(150.0),
        lambda: from_minor(150.5),
    ],
)
def test_arithmetic_and_rows_refuse_a_float(work: Callable[[], object]) -> None:
    with pytest.raises(RAISED):
        work()


def test_threads_refuse_a_float_too() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(RAISED):
        pool.submit(lambda: Decimal(1) + 1.5).result()  # type: ignore[operator]  # planted


@pytest.mark.parametrize("place", ["below", "to"])
def test_a_rule_refuses_a_float(place: str) -> None:
    top_up: dict[str, Any] = {"when": {"below": "500.00"}, "to": "900.00"}
    if place == "to":
        top_up["to"] = 900.0
    else:
        top_up["when"] = {"below": 500.0}
    rule = {"name": "r", "accounts": "all", "top_up": top_up}
    with pytest.raises(ValidationError, match="an amount like"):
        Policy.model_validate({"version": "1", "policy": "p", "rules": [rule]})


def test_amounts_of_the_wire_are_exact() -> None:
    place = wire.Place(endpoint="amount", currency="CNY")
    exactly = json.loads('{"amount": 0.29}', parse_float=Decimal)["amount"]
    assert wire.amount(exactly, place) == Decimal("0.29")
    with pytest.raises(ProviderError, match="a number is documented"):
        wire.amount(0.29, place)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"


def test_no_module_on_the_path_of_an_amount_makes_a_float() -> None:
    found = {name for name, tree in _modules() if any(map(_is_float, ast.walk(tree)))}
    assert found == set(TIMES_AND_SHARES), sorted(found ^ set(TIMES_AND_SHARES))


def test_no_decimal_is_built_from_a_float() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("Decimal", "from_float")
        and (any(map(_is_float, node.args)) or getattr(node.func, "attr", "") == "from_float")
    ]
    assert not wrong

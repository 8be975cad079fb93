"""budgetd against a server that knows nothing of it: right to the cent, and nothing disallowed."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from .plain_server import Bank, Member, PlainServer
from .site import AK, SK, Site

POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {org: "/R&D/**"}
    top_up: {when: {below: 500.00}, to: 2000.00, multiple_of: 0.50}
  - name: home
    accounts: {org: /Projects}
    reclaim: {when: {above: 1000.00}, keep: 200.10}
  - name: lend
    accounts: {name: web}
    top_up: {instrument: credit, when: {below: 100.00}, to: 333.33}
  - name: unlend
    accounts: {name: idle}
    reclaim: {instrument: credit, when: {above: 100.00}, keep: 0.01}
  - name: give
    accounts: {name: db}
    grant_coupons: {when: {below: 50.00}, to: 60.60}
  - name: ungive
    accounts: {name: idle}
    reclaim_coupons: {when: {balance_at_least: 1.00}}
"""
WANTED = {
    ("transfer-amount", "web", "1990.00"),
    ("transfer-amount", "db", "1500.50"),
    ("transfer-amount", "web", "333.33"),
    ("transfer-coupon", "db", "60.60"),
    ("retrieve-amount", "idle", "4799.91"),
    ("retrieve-amount", "idle", "899.99"),
    ("retrieve-coupon", "idle", "32.07"),
}


def bank(more: int) -> Bank:
    members = {
        "0" * 32: Member("web", "5001", Decimal("10.00")),
        "b" * 32: Member("db", "5001", Decimal("499.99")),
        "c" * 32: Member("api", "5001", Decimal("500.00")),
        "d" * 32: Member("idle", "5002", Decimal("5000.01"), Decimal("900.00")),
    }
    members |= {
        f"{number:032x}": Member(f"more-{number}", "5002", Decimal("777.77"))
        for number in range(1, more + 1)
    }
    members["d" * 32].coupons["CHILDOLD"] = ("CP1", Decimal("32.07"))
    return Bank(members, Decimal("100000.00"), Decimal("5000.00"), {"CP1": Decimal("1000.00")})


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[PlainServer]:
    with PlainServer(bank(getattr(request, "param", 0)), AK, SK) as started:
        yield started


@pytest.fixture
def plain_site(tmp_path: Path, server: PlainServer) -> Site:
    made = Site(tmp_path, server.url)
    made.write(policy=POLICY)
    return made


def total(held: Bank) -> Decimal:
    coupons = sum((left for one in held.members.values() for _, left in one.coupons.values()))
    members = sum(one.cash + one.credit for one in held.members.values())
    return held.cash + held.credit + sum(held.coupons.values()) + members + coupons


@pytest.mark.parametrize("server", [120], indirect=True)
def test_plan_and_apply_move_to_the_cent_what_was_shown_and_only_once(
    plain_site: Site, server: PlainServer
) -> None:
    before = total(server.bank)
    result = plain_site.run("plan", "--detailed-exitcode")
    assert result.exit_code == 3, result.output
    assert server.posts() == []
    result = plain_site.run("apply", "--yes")
    assert result.exit_code == 0, result.output
    assert set(server.bank.moves) == WANTED
    assert len(server.bank.moves) == len(WANTED)
    assert total(server.bank) == before
    assert server.bank.cash == Decimal("100000.00") - Decimal("3490.50") + Decimal("4799.91")
    result = plain_site.run("apply", "--yes")
    assert result.exit_code == 0, result.output
    assert len(server.posts()) == len(WANTED)
    keys = [said["trans_id"] for _, said in server.posts()]
    assert len(set(keys)) == len(keys)
    assert server.complaints == []


def test_a_saved_plan_moves_the_same(plain_site: Site, server: PlainServer) -> None:
    path = str(plain_site.saved())
    assert plain_site.run("apply", path, "--yes").exit_code == 0
    assert set(server.bank.moves) == WANTED
    assert plain_site.run("apply", path, "--yes").exit_code == 6
    assert len(server.posts()) == len(WANTED)
    assert server.complaints == []


@pytest.mark.parametrize(
    ("misfortune", "nth"), [*(("lost", nth) for nth in range(1, 8)), ("late", 1), ("late", 6)]
)
def test_an_answer_lost_or_late_once_moves_nothing_twice(
    plain_site: Site, server: PlainServer, misfortune: str, nth: int
) -> None:
    server.misfortunes[nth] = misfortune
    result = plain_site.run("apply", "--yes")
    assert result.exit_code == 0, result.output
    assert sorted(server.bank.moves) == sorted(WANTED)
    assert plain_site.run("apply", "--yes").exit_code == 0
    assert sorted(server.bank.moves) == sorted(WANTED)
    assert server.complaints == []


def test_an_answer_lost_without_resending_is_doubt_and_stays_one_call(
    plain_site: Site, server: PlainServer
) -> None:
    plain_site.write(policy=POLICY, resend="never")
    server.misfortunes[1] = "lost"
    result = plain_site.run("apply", "--yes")
    assert result.exit_code == 7, result.output
    assert plain_site.run("apply", "--yes").exit_code == 7
    assert sorted(server.bank.moves) == sorted(WANTED)
    assert len(server.posts()) == len(WANTED)
    assert server.complaints == []


def test_a_wrong_key_stops_after_one_refusal(plain_site: Site, server: PlainServer) -> None:
    (plain_site.home / "keys" / "sk").write_text("wrong")
    assert plain_site.run("apply", "--yes").exit_code == 1
    assert len(server.complaints) == 1
    assert server.calls == []

"""Moves by hand: all of the amount or nothing, under the same limits, with a reason kept."""

import json

import pytest

from budgetd.core.intent import State
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Account
from budgetd.sandbox.running import RunningSandbox

from .site import Site


def account(running: RunningSandbox, name: str) -> Account:
    return next(one for one in running.sandbox.book.accounts.values() if one.name == name)


def by_hand(site: Site, *arguments: str) -> tuple[int, str]:
    result = site.run("transfer", *arguments, "--reason", "because", "--yes")
    return result.exit_code, result.output


def test_money_goes_out_and_comes_home_to_the_cent(site: Site, running: RunningSandbox) -> None:
    web, idle = account(running, "acme_prod_web"), account(running, "acme_idle")
    assert by_hand(site, "acme_prod_web", "1234.56")[0] == 0
    assert by_hand(site, idle.id, "0.99", "--reclaim")[0] == 0
    assert web.cash.amount == 10_00 + 1234_56
    assert idle.cash.amount == 5000_00 - 99
    assert site.states() == [State.SETTLED, State.SETTLED]


def test_the_reason_and_the_person_are_kept(site: Site, running: RunningSandbox) -> None:
    assert by_hand(site, "acme_prod_web", "5.00")[0] == 0
    listed = json.loads(site.run("transfers", "list", "--format", "json").output)
    shown = site.run("transfers", "show", listed["transfers"][0]["id"], "--format", "json").output
    assert "because" in shown
    assert listed["transfers"][0]["rule"] == "by hand"
    assert account(running, "acme_prod_web").cash.amount == 15_00


def test_the_reason_and_the_person_are_kept_harmless(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "op\x1b[31mer")
    told = site.run("transfer", "acme_prod_web", "5.00", "--reason", "a\n\u202eb", "--yes")
    assert told.exit_code == 0, told.output
    listed = json.loads(site.run("transfers", "list", "--format", "json").output)
    shown = site.run("transfers", "show", listed["transfers"][0]["id"], "--format", "json").output
    kept = json.loads(shown)["events"][0]["data"]
    assert (kept["by"], kept["reason"]) == ("op\\x1b[31mer", "a \\u202eb")


def test_a_second_move_of_a_unit_waits_until_the_first_is_shown(
    site: Site, running: RunningSandbox
) -> None:
    running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.STALE_READ, method="GET", path="retrieve-amount", times=50)
    )
    assert by_hand(site, "acme_prod_web", "5.00")[0] == 0
    code, said = by_hand(site, "acme_prod_web", "5.00")
    assert code == 1
    assert "last move not shown yet" in said
    assert account(running, "acme_prod_web").cash.amount == 15_00


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        ("reserve: 102995.00", 1, "master short of money"),
        ("per_cycle: {amount: 9.00}", 5, "limits.per_cycle.amount"),
        ("per_day: {amount: 9.00}", 5, "limits.per_day.amount"),
        ("never: {name: acme_prod_web}", 1, "never, by limits.never"),
    ],
)
def test_the_limits_hold_a_person_too(
    site: Site, running: RunningSandbox, limits: str, code: int, words: str
) -> None:
    site.write(limits=limits)
    if limits.startswith("reserve"):
        text = (site.home / "config.yaml").read_text().replace("reserve: 10.00, ", "")
        (site.home / "config.yaml").write_text(text)
    found, said = by_hand(site, "acme_prod_web", "10.00")
    assert (found, words in said) == (code, True), said
    assert account(running, "acme_prod_web").cash.amount == 10_00


def test_whoever_orders_it_has_approved_it(site: Site, running: RunningSandbox) -> None:
    site.write(limits="approval_above: 1.00")
    assert by_hand(site, "acme_prod_web", "10.00")[0] == 0
    assert account(running, "acme_prod_web").cash.amount == 20_00


def test_a_dry_run_shows_it_and_moves_nothing(site: Site, running: RunningSandbox) -> None:
    site.write(mode="dry_run")
    code, said = by_hand(site, "acme_prod_web", "10.00")
    assert code == 5
    assert "10.00 -> 20.00" in said
    assert account(running, "acme_prod_web").cash.amount == 10_00


def test_coupons_are_granted_from_the_one_named_and_come_home_whole(
    site: Site, running: RunningSandbox
) -> None:
    master, web = running.sandbox.book.master, account(running, "acme_prod_web")
    coupon = max(master.coupons.values(), key=lambda one: one.purse.amount)
    before = coupon.purse.amount
    assert by_hand(site, "acme_prod_web", "12.50", "--coupon", coupon.id)[0] == 0
    assert coupon.purse.amount == before - 12_50
    child = next(one for one in web.coupons.values() if one.purse.amount == 12_50)
    code, said = by_hand(site, "acme_prod_web", "5.00", "--coupon", child.id, "--reclaim")
    assert (code, "comes home whole: it holds 12.50" in said) == (1, True), said
    assert by_hand(site, "acme_prod_web", "12.50", "--coupon", child.id, "--reclaim")[0] == 0
    assert child.purse.amount == 0


def test_credit_moves_in_the_ledger_that_is_named(site: Site, running: RunningSandbox) -> None:
    api = account(running, "acme_prod_api")
    before = {ends: ledger.purse.amount for ends, ledger in api.ledgers.items()}
    ends = next(found for found in before if found is not None)
    named = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert by_hand(site, "acme_prod_api", "50.00", "--credit", "--ledger", named)[0] == 0
    assert api.ledgers[ends].purse.amount == before[ends] + 50_00
    assert api.ledgers[None].purse.amount == before[None]
    assert by_hand(site, "acme_busy", "7.00", "--credit", "--reclaim")[0] == 1
    code, said = by_hand(site, "acme_warehouse", "800.00", "--credit", "--reclaim")
    assert (code, "several ledgers" in said) == (1, True), said
    # Without a name the ledger that ends first gives.
    assert by_hand(site, "acme_warehouse", "700.00", "--credit", "--reclaim")[0] == 0
    left = {found.purse.amount for found in account(running, "acme_warehouse").ledgers.values()}
    assert left == {69_72, 384_86}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("acme_prod_web", "5e2"), "AMOUNT"),
        (("acme_prod_web", "0.00"), "more than 0.00"),
        (("acme_prod_web", "5.00", "--ledger", "x"), "--ledger is for --credit"),
        (("acme_prod_web", "5.00", "--credit", "--coupon", "x"), "one of them"),
        (("nobody", "5.00"), "no account is called nobody"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    site: Site, running: RunningSandbox, arguments: tuple[str, ...], words: str
) -> None:
    code, said = by_hand(site, *arguments)
    assert (code, words in said) == (2, True), said
    assert running.sandbox.book.moves == []


def test_more_than_there_is_does_not_come_home(site: Site, running: RunningSandbox) -> None:
    code, said = by_hand(site, "acme_idle", "5000.01", "--reclaim")
    assert (code, "it has 5,000.00" in said) == (1, True), said
    assert running.sandbox.book.moves == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--coupon", "nope"), "the master has no coupon nope"),
        (("--coupon", "nope", "--reclaim"), "acme_busy has no coupon nope"),
        (("--credit", "--ledger", "2026"), "the master has no credit ledger that ends 2026"),
        (("--credit", "--ledger", "2026", "--reclaim"), "acme_busy has no credit ledger that ends"),
    ],
)
def test_a_coupon_or_ledger_that_is_not_there_is_said_with_those_that_are(
    site: Site, running: RunningSandbox, arguments: tuple[str, ...], words: str
) -> None:
    code, said = by_hand(site, "acme_busy", "5.00", *arguments)
    assert (code, words in said) == (2, True), said
    assert "it has " in said
    if arguments == ("--coupon", "nope"):
        assert all(one.id in said for one in running.sandbox.book.master.coupons.values())
    assert running.sandbox.book.moves == []


def test_what_the_master_cannot_give_is_told_with_what_it_can(
    site: Site, running: RunningSandbox
) -> None:
    master = running.sandbox.book.master
    code, said = by_hand(site, "acme_prod_web", "9999999.00")
    words = "master short of money: the master can give 99,990.00; nothing was moved"
    assert (code, words in said) == (1, True), said
    coupon = min(master.coupons.values(), key=lambda one: one.purse.amount)
    there = f"{coupon.purse.amount / 100:,.2f}"
    code, said = by_hand(site, "acme_prod_web", "9999999.00", "--coupon", coupon.id)
    assert (code, f"the master can give {there};" in said) == (1, True), said
    most = max(ledger.purse.amount for ledger in master.ledgers.values())
    code, said = by_hand(site, "acme_prod_api", "9999999.00", "--credit")
    assert (code, f"the master can give {most / 100:,.2f};" in said) == (1, True), said

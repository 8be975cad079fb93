"""`accounts` shows what was read and says what was not; its JSON is what `plan` decides on."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from rich.cells import cell_len

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.burn import Burn
from budgetd.core.decisions.funding import Funding
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.observation import (
    Account,
    Observation,
    Ok,
    Organization,
    Readings,
    Status,
    Unknown,
)
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.report.accounts_csv import accounts_csv
from budgetd.report.accounts_rows import fleet_rows
from budgetd.report.accounts_text import account_text, accounts_text, funded_text
from budgetd.report.screen import Screen
from budgetd.report.snapshot import read_snapshot, snapshot_json
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Account as SandboxAccount
from budgetd.sandbox.running import RunningSandbox

ZONE = ZoneInfo("Asia/Shanghai")
HOSTILE = "a\x1b[2J\u202egnp\u200b\n=cmd|'/c calc'!A1"


def line_of(result: Result, name: str) -> str:
    assert result.exit_code == 0, result.output
    return next(line for line in result.stdout.splitlines() if name in line)


def account_of(running: RunningSandbox, name: str) -> SandboxAccount:
    book = running.sandbox.book
    return next(account for account in book.accounts.values() if account.name == name)


def test_every_account_is_shown_with_what_is_reclaimable(run, running: RunningSandbox) -> None:
    result = run("accounts")
    assert "5,000.00" in line_of(result, "Projects/acme_idle")
    assert "awaiting activation" in line_of(result, "acme_newcomer")
    assert "not read" in line_of(result, "acme_newcomer")
    assert "unmanageable" in line_of(result, "acme_billing_custody")
    assert "cash 100,000.00" in line_of(result, "Master can give")
    assert "of 11 accounts" in line_of(result, "Reclaimable: ")
    for account in running.sandbox.book.accounts.values():
        assert account.name in result.stdout
    assert not any(seen.method == "POST" for seen in running.sandbox.seen)


def test_an_unreadable_account_is_unknown_and_never_zero(run, running: RunningSandbox) -> None:
    idle = account_of(running, "acme_idle")
    order = FaultOrder(
        kind=FaultKind.ERROR_500_BEFORE, path="/retrieve-amount", contains=idle.id, times=100
    )
    running.sandbox.faults.order(order)
    result = run("accounts")
    line = line_of(result, "Projects/acme_idle")
    assert "unknown" in line
    assert "0.00" not in line.split("unknown")[0]
    assert "CBC.0999" in line_of(result, "? Projects/acme_idle")
    assert "1 unreadable" in line_of(result, "In no sum")
    found = json.loads(run("accounts", "--format", "json").stdout)
    told = next(one for one in found["accounts"] if one["id"] == idle.id)
    assert told["readings"]["cash"]["state"] == "unknown"
    assert "value" not in told["readings"]["cash"]


def test_what_is_unknown_is_an_empty_cell_in_csv() -> None:
    fleet = fleet_of(["a", "b"])
    rows = list(csv.DictReader(io.StringIO(accounts_csv(fleet, fleet_rows(fleet, (), ZONE)))))
    assert [row["cash_reclaimable"] for row in rows] == ["999999999999.99", ""]
    assert [row["cash_state"] for row in rows] == ["ok", "unknown"]
    assert rows[1]["note"] == "500 CBC.0999 (Other error.), 3 times"


def test_one_account_is_shown_with_its_ledgers_and_coupons(run, running: RunningSandbox) -> None:
    result = run("accounts", "--account", "acme_busy")
    assert result.exit_code == 0
    assert "32.50 spring campaign" in result.stdout
    assert "1,240.00 reclaimable" in result.stdout
    assert "acme_idle" not in result.stdout
    idle = account_of(running, "acme_idle")
    assert not any(idle.id in seen.query for seen in running.sandbox.seen)
    by_id = run("accounts", "--account", account_of(running, "acme_prod_api").id)
    assert "permanent: " in by_id.stdout
    assert "spendable" in by_id.stdout


def test_an_account_that_is_not_there_is_told_with_its_neighbours(run) -> None:
    result = run("accounts", "--account", "acme_bsy")
    assert result.exit_code == 2
    assert "did you mean acme_busy" in result.stderr
    assert result.stdout == ""


def test_a_plan_can_be_made_on_what_was_read(run, running: RunningSandbox, tmp_path: Path) -> None:
    kept = tmp_path / "fleet.json"
    kept.write_text(run("accounts", "--format", "json").stdout)
    account_of(running, "acme_prod_web").cash.amount = 9_999_00
    result = run("plan", "--snapshot", str(kept), "--format", "json")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["preview"] is True
    moves = {one["account"]["name"]: one for one in plan["transfers"]}
    assert (moves["acme_prod_web"]["reading"], moves["acme_prod_web"]["amount"]) == (
        "10.00",
        "1990.00",
    )


def test_a_snapshot_that_was_edited_is_refused_with_its_place(run, tmp_path: Path) -> None:
    kept = tmp_path / "fleet.json"
    text = run("accounts", "--format", "json").stdout
    kept.write_text(text.replace('"value": "10.00"', '"value": 10.00'))
    result = run("plan", "--snapshot", str(kept))
    assert result.exit_code == 2
    assert "readings.cash.value: amounts are texts" in result.stderr


def test_what_the_json_holds_is_what_was_read(run, running: RunningSandbox) -> None:
    data = run("accounts", "--format", "json").stdout.encode()
    blank = Observation(
        taken_at=datetime(2026, 1, 1, tzinfo=UTC),
        currency="CNY",
        accounts=(),
        readings={},
        master=Readings(),
    )
    found = read_snapshot(data, Path("fleet.json"), blank)
    assert {one.id for one in found.accounts} == set(running.sandbox.book.accounts)
    web = account_of(running, "acme_prod_web")
    cash = found.readings_of(web.id).cash
    assert isinstance(cash, Ok)
    assert cash.value == Decimal("10.00")
    unit = next(one for one in found.accounts if one.id == web.id).organization
    assert unit is not None
    assert unit.path == ("R&D",)


def test_a_refused_credential_fails_without_a_second_call(
    run, running: RunningSandbox, tmp_path: Path
) -> None:
    (tmp_path / "sk").write_text("wrong")
    result = run("accounts")
    assert result.exit_code == 1
    assert "APIGW.0301" in result.stderr
    assert "wrong" not in result.output
    assert len(running.sandbox.seen) <= 1


@pytest.mark.parametrize("style", ["text", "json", "csv"])
def test_a_hostile_name_cannot_act(run, running: RunningSandbox, style: str) -> None:
    for account in running.sandbox.book.accounts.values():
        account.name, account.display_name = HOSTILE, HOSTILE
    result = run("accounts", "--format", style)
    assert result.exit_code == 0
    seen = result.stdout.replace("\r\n", "\n")
    assert not any(bad in seen for bad in ("\x1b", "\u202e", "\u200b", "\r"))
    if style == "csv":
        cells = next(csv.reader(io.StringIO(seen.split("\n", 1)[1])))
        assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    else:
        assert "\\u202e" in seen


def test_a_hostile_plan_name_cannot_act(run, running: RunningSandbox) -> None:
    busy = account_of(running, "acme_busy")
    for coupon in busy.coupons.values():
        coupon.plan_name = HOSTILE
    result = run("accounts", "--account", "acme_busy")
    assert result.exit_code == 0
    assert not any(bad in result.stdout for bad in ("\x1b", "\u202e", "\u200b"))


def fleet_of(names: list[str]) -> Observation:
    """Accounts with readings of every kind."""
    at = datetime(2026, 11, 30, tzinfo=UTC)
    unit = Organization(id="5", name="组织", path=("组织", "R&D"))
    accounts = tuple(
        Account(id=f"{i:032}", name=name, display_name="", status=Status.NORMAL, organization=unit)
        for i, name in enumerate(names)
    )
    unread = Unknown("GET /v2/x answered 500 CBC.0999 (Other error.), 3 times", at)
    kinds = (
        Readings(cash=Ok(Decimal("999999999999.99"), at), credit=Ok((), at), coupons=Ok((), at)),
        Readings(cash=unread, credit=unread, coupons=unread),
    )
    return Observation(
        taken_at=at + timedelta(seconds=5),
        currency="CNY",
        accounts=accounts,
        readings={one.id: kinds[i % 2] for i, one in enumerate(accounts)},
        master=Readings(cash=unread),
    )


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_longer_than_the_screen(width: int) -> None:
    fleet = fleet_of(["a", "名" * 40, "prod-web-" * 8, HOSTILE])
    screen = Screen(width=width, zone=ZONE)
    rows = fleet_rows(fleet, (), ZONE)
    for text in (
        accounts_text(fleet, rows, screen, enterprise="acme"),
        account_text(fleet, rows, screen),
    ):
        assert max(cell_len(line) for line in text.splitlines()) <= width
        assert "unknown" in text


def test_a_wide_screen_has_the_ids_and_a_narrow_one_the_names() -> None:
    fleet = fleet_of(["prod-web", "prod-db"])
    rows = fleet_rows(fleet, (), ZONE)
    wide = accounts_text(fleet, rows, Screen(width=200, zone=ZONE), enterprise="acme")
    narrow = accounts_text(fleet, rows, Screen(width=80, zone=ZONE), enterprise="acme")
    assert all(account.id in wide for account in fleet.accounts)
    assert "prod-web" in narrow
    assert "999,999,999,999.99" in narrow
    assert "coupons" in next(line for line in narrow.splitlines() if "account  " in line)


def test_an_empty_fleet_is_shown_as_one() -> None:
    text = accounts_text(fleet_of([]), (), Screen(width=80, zone=ZONE), enterprise="acme")
    assert "0 accounts" in text
    assert "cash 0.00 of 0 accounts" in text


def test_the_last_transfer_is_shown_with_its_way_and_its_state() -> None:
    fleet = fleet_of(["prod-web", "prod-db"])
    made_at = datetime(2026, 11, 29, 16, 30, tzinfo=UTC)
    moves = tuple(
        Move(
            id=str(number),
            rule="a/b",
            unit=Unit(account_id=fleet.accounts[0].id, instrument=Instrument.CASH),
            direction=direction,
            amount=Decimal("1500.00"),
            state=state,
            made_at=made_at + timedelta(hours=number),
        )
        for number, (direction, state) in enumerate(
            [(Direction.ALLOCATE, State.SETTLED), (Direction.RECLAIM, State.IN_DOUBT)]
        )
    )
    wide = Screen(width=200, zone=ZONE)
    rows = fleet_rows(fleet, moves, ZONE)
    text = accounts_text(fleet, rows, wide, enterprise="acme")
    assert "-1,500.00 in doubt 2026-11-30 01:30" in text
    assert "+1,500.00" not in text
    assert "+1,500.00 2026-11-30 00:30" in account_text(
        fleet, fleet_rows(fleet, moves[:1], ZONE), wide
    )
    cells = list(csv.DictReader(io.StringIO(accounts_csv(fleet, rows))))
    told = {row["account"]: row["last_transfer_amount"] for row in cells}
    assert told == {"prod-web": "-1500.00", "prod-db": ""}


def test_what_rules_keep_stands_beside_what_lasts_alone() -> None:
    bare = fleet_of(["prod-web", "other"])
    at, cash = bare.taken_at, Decimal("1000.00")
    web, other = sorted(bare.accounts, key=lambda account: account.name != "prod-web")
    units = {one.id: Unit(account_id=one.id, instrument=Instrument.CASH) for one in (web, other)}
    burn = Burn(at=at, value=cash, level=Decimal(100))
    fleet = replace(
        bare,
        master=Readings(cash=Ok(Decimal("2500.00"), at)),
        readings={one: Readings(cash=Ok(cash, at)) for one in units},
        burns=dict.fromkeys(units.values(), burn),
    )
    text = """version: 1
policy: p
rules:
  - {name: r, accounts: {name: prod-web}, top_up: {when: {below: 5.00}, to: 9.00}}
"""
    policy = read_model(text, "p.yaml", Policy)
    assert isinstance(policy, Policy)
    funding = Funding(fleet, PolicySet((policy,), ""), LimitsSection().for_core(ZONE, Polling()))
    rows = fleet_rows(fleet, (), ZONE, funding)
    screen = Screen(width=200, zone=ZONE)
    lines = accounts_text(fleet, rows, screen, enterprise="a").splitlines()
    told = next(line for line in lines if "prod-web" in line)
    assert "10 d (10 d to 10 d)  25 d master" in told
    assert "master" not in next(line for line in lines if "other  " in line)
    assert "with rules    25 d, as long as the master lasts" in account_text(fleet, rows, screen)
    assert funded_text(funding, screen) == (
        "The master's cash less the reserve lasts 25 d at the burn of the account that it feeds.\n"
    )
    cells = {row["account"]: row for row in csv.DictReader(io.StringIO(accounts_csv(fleet, rows)))}
    assert (cells["prod-web"]["kept_s"], cells["prod-web"]["kept_until"]) == ("2160000", "master")
    assert (cells["other"]["kept_s"], cells["other"]["kept_until"]) == ("", "")
    document = json.loads(snapshot_json(fleet, ZONE, funding))
    ahead = {one["name"]: one["ahead"] for one in document["accounts"]}
    assert ahead["prod-web"]["kept_s"]["middle"] == 2160000
    assert (ahead["other"]["kept_s"], ahead["other"]["kept_until"]) == (None, None)


def test_a_burn_and_a_runway_never_stand_without_their_bands() -> None:
    bare = fleet_of(["prod-web", "unread", "asleep", "unknown"])
    at, cash = bare.taken_at, Decimal("1000.00")
    known = {
        "prod-web": Burn(at=at, value=cash, level=Decimal(100), spread=Decimal("0.09")),
        "unread": Burn(at=at, value=cash, level=Decimal(100), spread=Decimal("0.09")),
        "asleep": Burn(at=at, value=cash, level=Decimal(0)),
    }
    ids = {account.name: account.id for account in bare.accounts}
    fleet = replace(
        bare,
        readings={ids[name]: Readings(cash=Ok(cash, at)) for name in ("prod-web", "asleep")},
        burns={
            Unit(account_id=ids[name], instrument=Instrument.CASH): burn
            for name, burn in known.items()
        },
    )
    rows = fleet_rows(fleet, (), ZONE)
    lines = accounts_text(fleet, rows, Screen(width=200, zone=ZONE), enterprise="a").splitlines()
    told = {name: next(line for line in lines if f"{name}  " in line) for name in ids}
    assert "100.00 (61.55 to 138.45)" in told["prod-web"]
    assert "10 d (8 d to 11 d)" in told["prod-web"]
    assert "100.00 (61.55 to 138.45)" in told["unread"]
    assert " d (" not in told["unread"]
    assert "idle" in told["asleep"]
    assert "(" not in told["unknown"]
    cells = {row["account"]: row for row in csv.DictReader(io.StringIO(accounts_csv(fleet, rows)))}
    assert cells["prod-web"]["burn_a_day_high"] == "138.45"
    assert cells["prod-web"]["runway_s"] == "864000"
    assert (cells["asleep"]["burn_a_day"], cells["asleep"]["runway_s"]) == ("0.00", "")
    assert cells["unknown"]["burn_a_day"] == ""
    document = json.loads(snapshot_json(fleet, ZONE))
    ahead = {one["name"]: one["ahead"] for one in document["accounts"]}
    assert ahead["prod-web"]["runway_s"]["middle"] == 864000
    assert ahead["unread"]["runway_s"] is None
    assert ahead["unknown"] is None

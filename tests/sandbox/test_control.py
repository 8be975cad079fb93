"""The control surface, the state file and the command, by what they leave behind."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.running import RunningSandbox
from budgetd.sandbox.snapshot import SnapshotError, from_values, to_values
from budgetd.sandbox.statefile import load_state, save_state

START = datetime(2026, 11, 10, 3, 0, 0, tzinfo=UTC)
Start = Callable[..., RunningSandbox]
Plain = Callable[[RunningSandbox], httpx.Client]


def post(plain: httpx.Client, what: str, **content: object) -> httpx.Response:
    return plain.post(f"/_sandbox/{what}", json=content)


def by_name(plain: httpx.Client, name: str) -> dict[str, object]:
    accounts = plain.get("/_sandbox/state").json()["accounts"]
    return next(a for a in accounts if a["display_name"] == name)


def test_the_state_shows_every_balance_and_move(plain: httpx.Client) -> None:
    web = by_name(plain, "prod-web")
    assert web["cash"] == "10.00"
    moved = post(plain, "move", kind="allocate", account=web["id"], amount="5.50")
    assert moved.json()["amount"] == "5.50"
    state = plain.get("/_sandbox/state").json()
    assert [(m["kind"], m["amount"], m["by_hand"]) for m in state["moves"]] == [
        ("allocate", "5.50", True)
    ]
    assert state["conserved"] is True
    assert by_name(plain, "prod-web")["cash"] == "15.50"


def test_spending_drains_and_then_owes(plain: httpx.Client) -> None:
    web = by_name(plain, "prod-web")["id"]
    assert post(plain, "spend", account=web, amount="12.00").json() == {"paid": "10.00"}
    after = by_name(plain, "prod-web")
    assert (after["cash"], after["debt"]) == ("0.00", "2.00")
    post(plain, "fund", account=web, amount="7.00")
    assert by_name(plain, "prod-web")["own_cash"] == "7.00"
    assert plain.get("/_sandbox/state").json()["conserved"] is True


def test_a_coupon_can_be_moved_by_hand(plain: httpx.Client) -> None:
    busy = by_name(plain, "busy")
    child = busy["coupons"][0]
    names = {"coupon_id": child["source_id"], "sub_coupon_id": child["id"]}
    moved = post(plain, "move", kind="take_back", account=busy["id"], **names)
    assert moved.json()["amount"] == "32.50"
    again = post(plain, "move", kind="take_back", account=busy["id"], **names)
    assert again.json()["error_code"] == "CBC.99005003"


def test_the_clock_can_be_set_and_advanced(running: RunningSandbox, plain: httpx.Client) -> None:
    post(plain, "clock", set="2027-01-01T00:00:00Z")
    told = post(plain, "clock", advance_s=90).json()["now"]
    assert told.startswith("2027-01-01T00:01:3")
    assert running.sandbox.clock.now().year == 2027
    post(plain, "clock", advance_s=-3600)
    assert running.sandbox.clock.now().year == 2026


def test_a_token_ends_with_the_sandboxes_day(plain: httpx.Client) -> None:
    path = "/v2/accounts/customer-accounts/balances"
    assert plain.get(path).status_code == 200
    post(plain, "clock", advance_s=24 * 3600)
    answer = plain.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0307")


def test_faults_can_be_ordered_diced_and_cleared(plain: httpx.Client) -> None:
    path = "/v2/accounts/customer-accounts/balances"
    post(plain, "faults", orders=[{"kind": "error_500_before", "path": "balances", "nth": 2}])
    assert [plain.get(path).status_code for _ in range(3)] == [200, 500, 200]
    post(plain, "faults", rates=[{"kind": "throttled", "rate": "1"}])
    assert plain.get(path).status_code == 429
    post(plain, "faults", clear=1)
    assert plain.get(path).status_code == 200


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("faults", {"orders": [{"kind": "gremlins"}]}),
        ("faults", {"rates": [{"kind": "slow", "rate": "2"}]}),
        ("spend", {"account": "nobody", "amount": "1.00"}),
        ("spend", {"account": "0123456789abcdef0123456789abcdef", "amount": "1.00"}),
        ("move", {"kind": "allocate", "account": "nobody", "amount": "1.00"}),
        ("clock", {"set": "tomorrow"}),
        ("clock", {"advance_s": "1.5"}),
    ],
)
def test_a_wrong_order_is_refused(
    what: str, content: dict[str, object], plain: httpx.Client
) -> None:
    assert post(plain, what, **content).status_code == 400


def test_a_page_in_a_browser_is_not_heard(plain: httpx.Client) -> None:
    answer = plain.post(
        "/_sandbox/clock", json={"advance_s": 5}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


def test_a_clock_runs_from_its_start_at_its_speed() -> None:
    real = [START]
    clock = MovableClock(lambda: real[0], start=START + timedelta(days=1), speed=Decimal(60))
    real[0] += timedelta(seconds=2)
    assert clock.now() == START + timedelta(days=1, minutes=2)
    clock.set(START)
    real[0] += timedelta(seconds=1)
    assert clock.now() == START + timedelta(minutes=1)


def test_a_book_survives_its_file_to_the_last_value(tmp_path: Path) -> None:
    book = seeded_fleet(seed=4, start=START)
    member = next(iter(book.accounts.values()))
    book.spend(member.id, 2_000, START)
    save_state(book, tmp_path / "state.json")
    loaded = load_state(tmp_path / "state.json")
    assert to_values(loaded) == to_values(book)
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]
    assert all(sums.holds for sums in loaded.conservation())


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    whole = json.dumps(to_values(seeded_fleet(seed=4, start=START)))
    for text in ("", "[]", "{}", whole[:-10], whole.replace('"serial"', '"cereal"')):
        (tmp_path / "state.json").write_text(text)
        with pytest.raises(SnapshotError):
            load_state(tmp_path / "state.json")
    with pytest.raises(SnapshotError):
        from_values({"format": "budgetd.sandbox/2"})


def test_a_move_is_in_the_file_before_it_is_answered(
    started: Start, plain_of: Plain, tmp_path: Path
) -> None:
    running = started(state_file=tmp_path / "state.json")
    member = next(iter(running.sandbox.book.accounts))
    body = {"customer_id": member, "amount": "1.00", "trans_id": "k"}
    path = "/v2/enterprises/multi-accounts/transfer-amount"
    assert plain_of(running).post(path, json=body).status_code == 204
    loaded = load_state(tmp_path / "state.json")
    assert [moved.move.key for moved in loaded.moves] == ["k"]
    assert set(loaded.keys) == {"k"}


def command(*flags: str) -> list[str]:
    code = "from budgetd.cli.sandbox import command; command()"
    return [sys.executable, "-c", code, *flags]


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    flags = ("--port", "0", "--accounts", "20", "--state", str(state), "--no-quota")
    with subprocess.Popen(command(*flags), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:[0-9]+", first)
        assert url is not None, first
        state_of = httpx.get(f"{url[0]}/_sandbox/state", trust_env=False).json()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert len(state_of["accounts"]) == 20
    assert "SANDBOXAK0000000000" in rest
    assert len(load_state(state).accounts) == 20


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--fault", "gremlins=1"), "the kinds are lost_before"),
        (("--belief", "keys=sometimes"), "one of on_success, on_receipt, never"),
        (("--belief", "luck=1"), "unknown belief 'luck'"),
        (("--fault", "slow=2"), "the rate is from 0 to 1"),
        (("--host", "0.0.0.0"), "loopback only"),  # noqa: S104 - what must be refused
        (("--clock", "2026-01-01T00:00:00"), "lacks an offset"),
        (("--latency", "NaN"), "is not from 0 to 3600"),
    ],
)
def test_a_wrong_flag_is_refused_in_words(flags: tuple[str, str], words: str) -> None:
    done = subprocess.run(command(*flags), capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr

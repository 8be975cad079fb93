"""`plan` and `apply` as a script meets them: what moves, what is said, and the exit codes."""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import Result

from budgetd.report.plan_json import plan_digest
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import AK, POLICY, SK, Site

CREDIT = """\
version: 1
policy: p
rules:
  - name: lend
    accounts: {name: acme_registry}
    top_up: {instrument: credit, when: {below: 500.00}, to: 1000.00}
"""


GIFT = """\
version: 1
policy: p
rules:
  - name: gift
    accounts: {name: acme_idle}
    top_up: {add: 100.00}
    schedule: {dates: [2099-01-01], at: "10:00"}
"""


def cash(running: RunningSandbox) -> dict[str, int]:
    book = running.sandbox.book
    wanted = ("prod-web", "prod-db", "idle")
    found = {one.display_name: one.cash.amount for one in book.accounts.values()}
    return {"master": book.master.cash.amount} | {name: found[name] for name in wanted}


BEFORE = {"master": 103_000_00, "prod-web": 10_00, "prod-db": 499_99, "idle": 5000_00}
AFTER = {"master": 104_309_99, "prod-web": 2000_00, "prod-db": 2000_00, "idle": 200_00}


def posts(running: RunningSandbox) -> int:
    moves = [seen for seen in running.sandbox.seen if "multi-accounts" in seen.path]
    return sum(seen.method == "POST" for seen in moves)


def refused(result: Result, code: int, words: str) -> None:
    """An exit with this code that says why and shows no traceback."""
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_plan_moves_nothing_and_an_apply_moves_to_the_cent_and_once(
    site: Site, running: RunningSandbox
) -> None:
    assert site.run("plan").exit_code == 0
    assert site.run("plan", "--detailed-exitcode").exit_code == 3
    assert cash(running) == BEFORE
    result = site.run("apply", "--yes")
    assert result.exit_code == 0, result.output
    assert cash(running) == AFTER
    assert site.run("plan", "--detailed-exitcode").exit_code == 0
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(running) == AFTER
    assert posts(running) == 3


@pytest.mark.parametrize("style", ["text", "json", "html", "markdown", "csv"])
def test_every_format_tells_the_same_transfers(site: Site, style: str) -> None:
    result = site.run("plan", "--format", style)
    assert result.exit_code == 0
    for told in ("1990.00", "1500.01", "4800.00"):
        assert told in result.stdout.replace(",", "")
    assert "prod_web" in result.stdout.replace("\\", "")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("has_state", [False, True])
def test_a_plan_writes_nothing(site: Site, has_state: bool) -> None:
    if has_state:
        assert site.run("apply", "--yes").exit_code == 0

    def contents() -> dict[str, bytes]:
        # The slots file is the quota that all processes of one state share, plans included.
        files = [path for path in site.home.rglob("*") if path.is_file()]
        return {str(one): one.read_bytes() for one in files if one.suffix != ".slots"}

    before = contents()
    assert site.run("plan").exit_code == 0
    assert site.run("explain", "acme_idle").exit_code == 0
    assert site.run("transfers").exit_code == 0
    assert contents() == before


def test_a_saved_plan_is_carried_out_once(site: Site, running: RunningSandbox) -> None:
    path = site.saved()
    assert path.stat().st_mode & 0o777 == 0o600
    result = site.run("apply", str(path), "--yes")
    assert result.exit_code == 0, result.output
    assert cash(running) == AFTER
    refused(site.run("apply", str(path), "--yes"), 6, "carried out before")
    assert cash(running) == AFTER


def test_a_saved_plan_moves_the_smaller_amount_or_nothing(
    site: Site, running: RunningSandbox
) -> None:
    path = site.saved()
    found = {one.display_name: one for one in running.sandbox.book.accounts.values()}
    now = running.sandbox.clock.now()
    found["prod-web"].cash.change(1000_00, now)
    running.sandbox.book.spend(found["idle"].id, 2000_00, now)
    running.sandbox.book.spend(found["prod-db"].id, 100_00, now)
    assert site.run("apply", str(path), "--yes").exit_code == 0
    after = cash(running)
    assert after["prod-web"] == 1010_00
    assert after["idle"] == 200_00
    assert after["prod-db"] == 399_99 + 1500_01


def forged(path: Path, **changes: object) -> str:
    """A plan with other words and a digest that fits: whoever can write it can do that."""
    document = json.loads(path.read_text()) | changes
    document["plan_digest"] = plan_digest(document)
    path.write_text(json.dumps(document))
    return str(path)


def test_a_plan_that_is_no_longer_what_was_shown_is_refused(
    site: Site, running: RunningSandbox
) -> None:
    path = site.saved()
    text = path.read_text()
    path.write_text(text.replace('"1990.00"', '"9990.00"'))
    refused(site.run("apply", str(path), "--yes"), 6, "changed after it was saved")
    path.write_text(text)
    expired = forged(path, expires_at="2020-01-01T00:00:00Z")
    refused(site.run("apply", expired, "--yes"), 6, "expired")
    path.write_text(text)
    refused(site.run("apply", forged(path, enterprise="other"), "--yes"), 6, "plan of other")
    path.write_text(text)
    site.write(policy=POLICY.replace("2000.00", "2500.00"))
    refused(site.run("apply", str(path), "--yes"), 6, "policies or limits have changed")
    site.write()
    assert cash(running) == BEFORE
    assert site.run("apply", str(path), "--yes").exit_code == 0


@pytest.mark.parametrize(
    "options", [("--at", "2031-01-01 00:00"), ("--policies", "policies"), ("--at", "2020-01-01")]
)
def test_a_preview_is_never_carried_out(
    site: Site, running: RunningSandbox, options: tuple[str, str]
) -> None:
    name, value = options
    path = site.saved(name, str(site.home / value) if name == "--policies" else value)
    refused(site.run("apply", str(path), "--yes"), 6, "preview")
    assert cash(running) == BEFORE


def test_a_plan_on_recorded_readings_is_a_preview(site: Site, running: RunningSandbox) -> None:
    snapshot = site.home / "fleet.json"
    snapshot.write_text(site.run("accounts", "--format", "json").stdout)
    path = site.saved("--snapshot", str(snapshot))
    assert len(json.loads(path.read_text())["transfers"]) == 3
    refused(site.run("apply", str(path), "--yes"), 6, "preview")
    assert cash(running) == BEFORE


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "other/1"}', "\x00", "é" * 9])
def test_what_is_no_plan_exits_2(site: Site, text: str) -> None:
    path = site.home / "plan.json"
    path.write_text(text)
    refused(site.run("apply", str(path), "--yes"), 2, str(path))


def test_a_plan_cut_off_or_missing_exits_2(site: Site) -> None:
    path = site.saved()
    path.write_text(path.read_text()[:-40])
    refused(site.run("apply", str(path), "--yes"), 2, "cut off")
    path.write_bytes(b"\xff\xfe")
    refused(site.run("apply", str(path), "--yes"), 2, "UTF-8")
    path.unlink()
    refused(site.run("apply", str(path), "--yes"), 2, "there is no such file")


def test_without_a_terminal_and_without_yes_nothing_is_asked_or_moved(
    site: Site, running: RunningSandbox
) -> None:
    refused(site.run("apply"), 2, "--yes")
    refused(site.run("apply", str(site.saved())), 2, "--yes")
    assert cash(running) == BEFORE
    assert not site.state.exists()


def test_under_dry_run_nothing_moves(site: Site, running: RunningSandbox) -> None:
    site.write(mode="dry_run")
    path = site.saved()
    for arguments in (("apply", "--yes"), ("apply",), ("apply", str(path), "--yes")):
        refused(site.run(*arguments), 5, "nothing was moved")
    site.write(mode="dry_run", policy=POLICY.replace("500.00", "5.00").replace("1000", "9000"))
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(running) == BEFORE
    assert not site.state.exists()


def test_a_limit_that_withholds_exits_5(site: Site, running: RunningSandbox) -> None:
    site.write(limits="per_cycle: {amount: 3500.00}")
    assert site.run("plan").exit_code == 5
    assert site.run("plan", "--detailed-exitcode").exit_code == 5
    assert site.run("apply", "--yes").exit_code == 5
    # The reclaim of 4,800.00 was withheld whole; the top-ups of 3,490.01 went on.
    assert cash(running) == AFTER | {"idle": 5000_00, "master": 99_509_99}


def test_a_refusal_of_the_provider_exits_4(site: Site) -> None:
    site.write(policy=CREDIT)
    result = site.run("apply", "--yes")
    assert result.exit_code == 4, result.output
    assert "NO_SHARE_CREDIT_TO_SUB_PERMISSION" in result.output
    assert site.states() == ["refused"]


def test_doubt_exits_7_and_stands_before_a_used_plan(site: Site, running: RunningSandbox) -> None:
    site.write(resend="never")
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.LOST_AFTER, method="POST"))
    path = site.saved()
    result = site.run("apply", str(path), "--yes")
    assert result.exit_code == 7, result.output
    assert site.states() == ["in_doubt", "settled", "settled"]
    again = site.run("apply", str(path), "--yes")
    assert again.exit_code == 7
    assert "carried out before" in again.stderr
    assert "in doubt: transfer" in again.stderr
    assert cash(running) == AFTER


def test_a_provider_out_of_reach_exits_1(site: Site, running: RunningSandbox) -> None:
    running.stop()
    refused(site.run("plan"), 1, "did not answer")
    refused(site.run("apply", "--yes"), 1, "did not answer")


def test_wrong_keys_exit_1_and_are_not_shown(site: Site, running: RunningSandbox) -> None:
    (site.home / "keys" / "sk").write_text("another-planted-secret")
    for arguments in (("plan",), ("apply", "--yes"), ("explain", "acme_idle")):
        result = site.run(*arguments)
        refused(result, 1, "401")
        assert "another-planted-secret" not in result.output
        assert AK not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--rule", "p/nobody"), "no rule 'p/nobody'"),
        (("apply", "--yes", "--rule", "p/nobody"), "no rule 'p/nobody'"),
        (("explain", "nobody"), "there is no account nobody"),
        (("explain", "acme_idle", "--rule", "p/nobody"), "no rule 'p/nobody'"),
        (("transfers", "show", "ffff"), "there is no transfer ffff"),
        (("plan", "--at", "soon"), "expected a time like"),
        (("plan", "--at", ""), "expected a time like"),
        (("plan", "--at", "0001-01-01"), "of the years 1970 to 9000"),
        (("plan", "--at", "9999-12-31T23:59:59Z"), "of the years 1970 to 9000"),
        (("explain", "acme_idle", "--at", "0001-01-01T00:00:00+08:00"), "of the years 1970"),
        (("plan", "--nonsense"), "No such option"),
        (("transfers", "list", "--limit", "0"), "--limit"),
    ],
)
def test_what_is_not_there_exits_2(site: Site, arguments: tuple[str, ...], words: str) -> None:
    refused(site.run(*arguments), 2, words)


@pytest.mark.parametrize("command", ["plan", "apply", "transfers", "explain"])
def test_invalid_documents_exit_2_with_their_places(site: Site, command: str) -> None:
    more = {"apply": ["--yes"], "explain": ["acme_idle"]}.get(command, [])
    config = site.home / "config.yaml"
    config.write_text(config.read_text().replace("mode: enforce", "mode: yes"))
    refused(site.run(command, *more), 2, f"{config}:2:")
    site.write(policy=POLICY.replace("500.00", "5e2"))
    if command != "transfers":
        refused(site.run(command, *more), 2, "exponents are not accepted")


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be one" * 90])
def test_a_state_file_that_is_none_exits_1_and_moves_nothing(
    site: Site, running: RunningSandbox, content: bytes
) -> None:
    site.state.write_bytes(content)
    for arguments in (("plan",), ("apply", "--yes"), ("transfers",), ("explain", "acme_idle")):
        refused(site.run(*arguments), 1, str(site.state))
    assert site.state.read_bytes() == content
    assert cash(running) == BEFORE


def test_a_state_folder_that_is_missing_exits_1(site: Site, running: RunningSandbox) -> None:
    (site.home / "state").rmdir()
    refused(site.run("apply", "--yes"), 1, "state")
    assert cash(running) == BEFORE


@pytest.mark.parametrize("place", ["nowhere/plan.json", "config.yaml/plan.json"])
def test_a_place_that_cannot_be_written_to_exits_1(site: Site, place: str) -> None:
    result = site.run("plan", "--out", str(site.home / place))
    refused(result, 1, place)


def test_what_lies_where_a_plan_is_kept_is_replaced_only_where_it_is_a_file(site: Site) -> None:
    pipe, link, target = (site.home / name for name in ("pipe", "link.json", "target.json"))
    os.mkfifo(pipe)
    refused(site.run("plan", "--out", str(pipe)), 1, "name a file")
    assert pipe.is_fifo()
    target.write_text("old")
    link.symlink_to(target)
    assert site.run("plan", "--out", str(link)).exit_code == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["format"] == "budgetd.plan/1"


@pytest.mark.parametrize(("kind", "words"), [("pipe", "FIFO"), ("/dev/zero", "device")])
def test_a_plan_that_would_never_end_is_not_read(site: Site, kind: str, words: str) -> None:
    path = site.home / kind
    if kind == "pipe":
        os.mkfifo(path)
    refused(site.run("apply", str(path), "--yes"), 2, words)


@pytest.mark.parametrize("command", ["plan", "check", "diff", "suggest"])
@pytest.mark.parametrize(("kind", "words"), [("pipe", "a FIFO"), ("/dev/zero", "a device")])
def test_readings_that_would_never_end_are_not_read(
    site: Site, command: str, kind: str, words: str
) -> None:
    path, policies = site.home / kind, str(site.home / "policies")
    if kind == "pipe":
        os.mkfifo(path)
    between = {"diff": (policies, policies)}.get(command, ())
    result = site.run(command, *between, "--snapshot", str(path))
    refused(result, 2, f"{kind}: expected a file, found {words}")


def test_readings_that_come_through_a_pipe_are_read(site: Site) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"{}")
    os.close(writer)
    refused(site.run("plan", "--snapshot", f"/dev/fd/{reader}"), 2, "format: missing")
    os.close(reader)


@pytest.mark.parametrize("style", ["text", "markdown", "html"])
def test_a_plan_that_is_kept_does_not_advise_to_keep_it(site: Site, style: str) -> None:
    shown = site.run("plan", "--format", style)
    assert "Keep this plan with --out FILE" in " ".join(shown.stdout.split())
    kept = site.run("plan", "--format", style, "--out", str(site.home / "plan.json"))
    assert "Nothing was moved." in kept.stdout
    assert "--out" not in kept.stdout
    assert "carry it out with `budgetd apply" in kept.stderr


def test_a_dry_run_of_apply_advises_nothing_that_apply_cannot_do(site: Site) -> None:
    site.write(mode="dry_run")
    shown = site.run("apply")
    assert "under `mode: dry_run` nothing will be." in " ".join(shown.stdout.split())
    assert "--out" not in shown.stdout


def test_one_rule_can_be_asked_alone(site: Site, running: RunningSandbox) -> None:
    assert site.run("apply", "--yes", "--rule", "p/home").exit_code == 0
    assert cash(running) == BEFORE | {"idle": 200_00, "master": 107_800_00}


def test_a_saved_plan_asks_the_one_rule_again_that_it_was_made_of(
    site: Site, running: RunningSandbox
) -> None:
    site.write(policy=GIFT)
    path = site.saved("--rule", "p/gift")
    result = site.run("apply", str(path), "--yes")
    assert result.exit_code == 0, result.output
    assert cash(running) == BEFORE | {"idle": 5100_00, "master": 102_900_00}
    for command in (("plan",), ("apply", "--yes")):
        result = site.run(*command, "--rule", "p/gift")
        assert "p/gift moves nothing: its period is used (1)" in result.stderr
    assert cash(running)["idle"] == 5100_00


def test_the_ledger_is_listed_and_a_life_is_told(site: Site) -> None:
    assert site.run("transfers").exit_code == 0
    site.run("apply", "--yes")
    listed = json.loads(site.run("transfers", "list", "--format", "json").stdout)
    entries = listed["transfers"] if isinstance(listed, dict) else listed
    assert len(entries) == 3
    one = entries[0]["id"]
    told = site.run("transfers", "show", one[:10])
    assert told.exit_code == 0
    life = json.loads(site.run("transfers", "show", one, "--format", "json").stdout)
    assert one in json.dumps(life)
    assert len(site.run("transfers", "list", "--limit", "1").stdout) < len(
        site.run("transfers").stdout
    )


def test_explain_tells_every_rule_of_an_account(site: Site) -> None:
    told = site.run("explain", "acme_prod_web")
    assert told.exit_code == 0
    assert "p/up" in told.stdout
    assert "1,990.00" in told.stdout
    assert json.loads(site.run("explain", "acme_prod_web", "--format", "json").stdout)


def test_results_can_be_read_by_machines(site: Site) -> None:
    document = json.loads(site.run("apply", "--yes", "--format", "json").stdout)
    assert document["format"] == "budgetd.results/1"
    assert sorted(one["amount"] for one in document["results"]) == ["1500.01", "1990.00", "4800.00"]
    assert {one["state"] for one in document["results"]} == {"settled"}
    assert document["totals"]["cash"] == {"allocate": "3490.01", "reclaim": "4800.00"}


def test_no_secret_is_in_any_output_log_plan_or_state(site: Site, running: RunningSandbox) -> None:
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.ERROR_500_AFTER, method="POST", times=2))
    told = [site.run("plan", "--format", "json"), site.run("explain", "acme_idle")]
    path = site.saved()
    told += [site.run("apply", str(path), "--yes"), site.run("apply", str(path), "--yes")]
    told += [site.run("transfers"), site.run("transfers", "list", "--format", "json")]
    (site.home / "keys" / "sk").write_text("wrong" * 8)
    told += [site.run("plan"), site.run("apply", "--yes")]
    (site.home / "keys" / "sk").write_text(SK)
    everything = [result.output for result in told]
    everything += [
        file.read_bytes().decode("latin-1")
        for file in site.home.rglob("*")
        if file.is_file() and file.parent.name != "keys"
    ]
    for text in everything:
        assert SK not in text
        assert AK not in text
        assert not re.search("SDK-HMAC-SHA256 Access", text)

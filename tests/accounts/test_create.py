"""`accounts create` opens one account, once; the password is nowhere but in the request."""

import logging
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from budgetd.cli.accounts_create import find_unit
from budgetd.core.observation import Organization
from budgetd.sandbox.enterprise import SANDBOX_CODE
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .conftest import PASSWORD

MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"
CODES = "/v2/enterprises/multi-accounts/sm-verification-code"
BASE = ("accounts", "create", "--name", "acme_new", "--organization", "/R&D/Platform")


@pytest.fixture
def create(run, tmp_path: Path):
    """Runs `accounts create` as a script does."""

    def invoke(*words: str):
        secret = f"file:{tmp_path}/password"
        return run(*BASE, "--password-from", secret, "--yes", *words)

    return invoke


def posts(running: RunningSandbox, path: str) -> list[int]:
    """The statuses of the POSTs that reached this path."""
    return [
        seen.status for seen in running.sandbox.seen if seen.method == "POST" and seen.path == path
    ]


def opened(running: RunningSandbox):
    return [one for one in running.sandbox.book.accounts.values() if one.name == "acme_new"]


def test_an_account_on_the_masters_phone_needs_no_code(create, running: RunningSandbox) -> None:
    result = create("--own-phone", "--display-name", "New", "--permission", "READ_CONSUME_BILL")
    assert result.exit_code == 0, result.output
    (account,) = opened(running)
    assert result.stdout == f"{account.id}\n"
    assert (account.display_name, account.org_id, account.custody) == ("New", "5002", False)
    assert account.shows_bills
    assert posts(running, CODES) == []
    assert PASSWORD not in result.output


def test_an_account_with_a_phone_of_its_own_needs_the_code(
    create, run, running: RunningSandbox
) -> None:
    sent = run("accounts", "send-code", "--name", "acme_new", "--phone", "13800000000")
    assert sent.exit_code == 0, sent.output
    result = create("--phone", "13800000000", "--code", SANDBOX_CODE, "--custody")
    assert result.exit_code == 0, result.output
    assert [account.custody for account in opened(running)] == [True]
    assert (posts(running, CODES), posts(running, MEMBERS)) == ([204], [204])


def test_a_wrong_code_opens_nothing_and_says_the_cure(create, running: RunningSandbox) -> None:
    result = create("--phone", "13800000000", "--code", "000000")
    assert result.exit_code == 1
    assert "CBC.99000026" in result.stderr
    assert "the code is wrong; ask for a new one" in result.stderr
    assert opened(running) == []
    assert posts(running, MEMBERS) == [400]


def test_without_a_terminal_a_missing_code_is_told_and_nothing_sent(
    create, running: RunningSandbox
) -> None:
    result = create("--phone", "13800000000")
    assert result.exit_code == 2
    assert "--code (`budgetd accounts send-code`" in result.stderr
    assert len(running.sandbox.seen) == 0


def test_without_a_terminal_a_missing_password_and_yes_are_told(run, running) -> None:
    result = run(*BASE, "--own-phone")
    assert result.exit_code == 2
    assert "--password-from" in result.stderr
    assert "--yes" in result.stderr
    assert len(running.sandbox.seen) == 0


@pytest.mark.parametrize("words", [("create",), ("send-code",)])
def test_a_dry_run_opens_nothing_and_sends_no_code(
    run, create, config: Path, running: RunningSandbox, words: tuple[str]
) -> None:
    config.write_text(config.read_text().replace("mode: enforce", "mode: dry_run"))
    if words == ("create",):
        result = create("--own-phone")
    else:
        result = run("accounts", "send-code", "--name", "acme_new", "--phone", "1")
    assert result.exit_code == 5
    assert "mode: dry_run" in result.stderr
    assert len(running.sandbox.seen) == 0


@pytest.mark.parametrize(
    "kind", [FaultKind.LOST_AFTER, FaultKind.ERROR_500_AFTER, FaultKind.TIMEOUT_504_AFTER]
)
def test_an_unknown_outcome_is_said_and_nothing_is_sent_again(
    create, running: RunningSandbox, kind: FaultKind
) -> None:
    running.sandbox.faults.order(FaultOrder(kind=kind, method="POST", path=MEMBERS, times=9))
    result = create("--own-phone")
    assert result.exit_code == 7
    assert "budgetd accounts --account acme_new" in result.stderr
    assert len(posts(running, MEMBERS)) == 1
    again = create("--own-phone")
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert len(opened(running)) == len(posts(running, MEMBERS)) == 1


def test_a_throttled_attempt_opens_nothing_and_is_not_repeated(create, running) -> None:
    order = FaultOrder(kind=FaultKind.THROTTLED, method="POST", path=MEMBERS)
    running.sandbox.faults.order(order)
    result = create("--own-phone")
    assert result.exit_code == 1
    assert "no account was opened" in result.stderr
    assert opened(running) == []
    assert posts(running, MEMBERS) == [429]


def test_an_account_that_is_not_listed_yet_is_waited_for(create, running: RunningSandbox) -> None:
    # The first look comes before the POST; the look after it fails three times and is repeated.
    order = FaultOrder(kind=FaultKind.ERROR_500_BEFORE, method="GET", path=MEMBERS, nth=2, times=1)
    running.sandbox.faults.order(order)
    result = create("--own-phone")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{opened(running)[0].id}\n"


def test_an_organization_that_is_not_there_is_told_with_those_that_are(run, tmp_path) -> None:
    words = [*BASE, "--own-phone", "--yes", "--password-from", f"file:{tmp_path}/password"]
    words[words.index("/R&D/Platform")] = "/R&D/Plattform"
    result = run(*words)
    assert result.exit_code == 2
    assert "/R&D/Platform (5002)" in result.stderr


def test_two_units_of_one_path_are_told_apart_by_id_alone() -> None:
    units = [
        Organization(id="1", name="", path=()),
        Organization(id="2", name="A", path=("A",)),
        Organization(id="3", name="A", path=("A",)),
    ]
    assert find_unit(units, "/A") is None
    assert find_unit(units, "3") is units[2]
    assert find_unit(units, "/") is units[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either --phone NUMBER or --own-phone"),
        (("--phone", "1", "--own-phone"), "either --phone NUMBER or --own-phone"),
        (("--own-phone", "--code", "1"), "--code belongs to --phone"),
        (("--own-phone", "--custody", "--permission", "READ_FINANCE_INFO"), "under --custody"),
    ],
)
def test_what_cannot_be_meant_is_refused(create, running, words, said) -> None:
    result = create(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(running.sandbox.seen) == 0


@pytest.mark.parametrize(
    "password", ["short", "x" * 33, " padded-pass", "pässwörter-1", "tab\there-1"]
)
def test_a_password_that_cannot_be_one_is_refused_and_not_shown(
    create, running: RunningSandbox, tmp_path: Path, password: str
) -> None:
    (tmp_path / "password").write_text(password)
    result = create("--own-phone")
    assert result.exit_code == 2
    assert password not in result.output
    assert len(running.sandbox.seen) == 0


def test_a_password_given_as_an_argument_is_refused_and_not_shown(run) -> None:
    result = run(*BASE, "--own-phone", "--yes", "--password-from", PASSWORD)
    assert result.exit_code == 2
    assert PASSWORD not in result.output


def test_a_password_can_come_from_the_environment_or_a_credential(
    run, running: RunningSandbox, tmp_path: Path
) -> None:
    words = (*BASE, "--own-phone", "--yes", "--password-from")
    assert run(*words, "env:NOT_SET").exit_code == 2
    assert run(*words, "credential:password").exit_code == 2
    assert run(*words, "credential:../password").exit_code == 2
    found = run(*words, "credential:password", env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.exit_code == 0, found.output
    words = tuple("acme_other" if word == "acme_new" else word for word in words)
    assert run(*words, "env:SECRET", env={"SECRET": PASSWORD}).exit_code == 0
    assert len(running.sandbox.book.accounts) == 16


def test_a_password_the_provider_refuses_is_in_no_output_and_no_log(
    create, running: RunningSandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "password").write_text("onlyletters")
    result = create("--own-phone")
    assert result.exit_code == 1
    assert "CBC.99000036" in result.stderr
    assert "choose another" in result.stderr
    assert "onlyletters" not in result.output + caplog.text
    assert not any("onlyletters" in seen.body for seen in running.sandbox.seen)


def talk(words: list[str], answers: list[tuple[str, str]]) -> tuple[int, str, bytes]:
    """Runs the command on a terminal of its own: its exit code, what was seen, its arguments."""
    ours, theirs = pty.openpty()
    code = "from budgetd.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    arguments, seen = b"", ""
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.2)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                seen += os.read(ours, 4096).decode()
            except OSError:
                break
            if answers and answers[0][0] in seen.rpartition("\n")[2]:
                arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
                seen += "\n"
        return process.wait(30), seen, arguments
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_on_a_terminal_password_and_code_are_asked_for(
    config: Path, running: RunningSandbox
) -> None:
    words = ["--config", str(config), *BASE, "--phone", "13800000000"]
    answers = [
        ("Password of the new account", PASSWORD),
        ("Repeat", PASSWORD),
        ("Open the account acme_new", "y"),
        ("The code that was sent", SANDBOX_CODE),
    ]
    code, seen, arguments = talk(words, answers)
    assert code == 0, seen
    assert opened(running)[0].id in seen
    assert "/R&D/Platform (financially independent; phone 13800000000)" in seen
    assert PASSWORD not in seen
    assert b"acme_new" in arguments
    assert PASSWORD.encode() not in arguments
    assert (posts(running, CODES), posts(running, MEMBERS)) == ([204], [204])


def test_a_no_on_the_terminal_opens_nothing(config: Path, running: RunningSandbox) -> None:
    words = ["--config", str(config), *BASE, "--own-phone"]
    answers = [("Password", PASSWORD), ("Repeat", PASSWORD), ("Open the account", "n")]
    code, seen, _ = talk(words, answers)
    assert code == 1
    assert "nothing was done" in seen
    assert posts(running, MEMBERS) == []

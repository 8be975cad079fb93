"""The first hour of somebody new: the README's own files and commands, on the sandbox they name."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from budgetd.cli import main
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox

from .site import BUDGETD

ROOT = Path(__file__).parents[2]
HOUR = (
    (ROOT / "README.md").read_text("utf-8").partition("## The first hour")[2].partition("\n## ")[0]
)
FILE = re.compile(r"`first/(\S+\.yaml)`[^`]*(?:`[^`\n]+`[^`]*)*?```yaml\n(.*?)```", re.DOTALL)
ENDS = {"status": 1}
SAYS = {
    "check": ("no rule is about 26 accounts of 40", "1 policy, 2 rules, 1 warning: valid"),
    "test": ("1 case in 1 file: all pass",),
    "plan": ("R&D/acme_prod_web", "+2,000.00", "below 500.00", "kept as plan.json"),
    "plan --rule": ("- coupon", "R&D/acme_dev_etl_23"),
    "apply": ("+2,000.00  settled", "Everything that was sent is settled."),
    "explain": ("2,010.00 is 1,510.00 away", "next slot"),
    "transfers": ("acme_prod_web", "+2,000.00  settled"),
    "status": ("The daemon does not run",),
    "diff": ("acme_prod_api cash nothing → +1,500.00 production/keep-alive",),
}


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    clock = MovableClock()
    book = seeded_fleet(seed=1, start=clock.now())
    with RunningSandbox(Sandbox(book=book, clock=clock, quota=Quota(QUOTAS, multiplier=0))) as one:
        yield one


@pytest.fixture
def first(tmp_path: Path, running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the README has it written, and the shell in it."""
    (tmp_path / "policies").mkdir()
    files = dict(FILE.findall(HOUR))
    assert set(files) == {
        "config.yaml",
        "policies/production.yaml",
        "policies/production_test.yaml",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("http://127.0.0.1:8480", running.url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUDGETD_CONFIG", raising=False)
    monkeypatch.setenv("AK", SANDBOX_AK)
    monkeypatch.setenv("SK", SANDBOX_SK)
    return tmp_path


def commands() -> list[list[str]]:
    block = HOUR.rpartition("```\n")[0].rpartition("```\n")[2]
    lines = (line.partition(" #")[0] for line in block.splitlines())
    return [shlex.split(part) for line in lines for part in line.split(";") if part.strip()]


def say(*words: str) -> str:
    # What a person says at a terminal, a script says with --yes.
    asked = ["--yes"] if words[0] == "apply" else []
    result = CliRunner().invoke(main, [*words, *asked])
    assert result.exit_code == ENDS.get(words[0], 0), result.output
    return result.output


def test_the_first_hour_goes_as_the_readme_says(first: Path, running: RunningSandbox) -> None:
    told = {}
    for program, *words in commands():
        if program == "cp":
            shutil.copytree(first / words[1], first / words[2])
            edited = first / words[2] / "production.yaml"
            edited.write_text(edited.read_text().replace("below: 500.00", "below: 501.00"))
            continue
        assert program == "budgetd"
        name = "plan --rule" if "--rule" in words else words[0]
        told[name] = say(*words)
    assert set(told) == set(SAYS)
    lacking = [
        (name, words) for name, all_ in SAYS.items() for words in all_ if words not in told[name]
    ]
    assert not lacking, "\n".join(f"{name}: {words}\n{told[name]}" for name, words in lacking)
    web = next(one for one in running.sandbox.book.accounts.values() if one.name == "acme_prod_web")
    assert web.cash.amount == 2010_00
    transfer = json.loads(say("transfers", "--format", "json"))["transfers"][0]["id"]
    assert told["transfers"].startswith(transfer)
    assert "It moved, once." in say("transfers", "prove", transfer)


def test_three_usual_mistakes_are_told_at_their_lines(first: Path) -> None:
    policy = first / "policies" / "production.yaml"
    text = policy.read_text()
    for good, bad in (("500.00", "5e2"), ("multiple_of", "multipel_of"), ("1h", "60")):
        assert good in text
        text = text.replace(good, bad, 1)
    policy.write_text(text)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 2
    for words in (
        "expected an amount like 500.00, found '5e2'",
        "unknown key 'multipel_of'; did you mean 'multiple_of'?",
        "a duration needs a unit: s, m, h, d or w",
        "3 problems; nothing was loaded.",
    ):
        assert words in result.stdout


def on_a_terminal(*words: str) -> str:
    """What a command shows on a terminal of 80 columns."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    command = [str(BUDGETD), *words]
    with subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL) as process:
        os.close(follower)
        shown = bytearray()
        # Where the last of its programs has gone, a terminal ends with an error.
        with suppress(OSError):
            while part := os.read(leader, 4096):
                shown += part
        os.close(leader)
    assert process.returncode == 0, shown
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


@pytest.mark.usefixtures("first")
def test_what_a_terminal_of_80_columns_shows_fits_into_it() -> None:
    for words in (("plan",), ("explain", "acme_prod_web")):
        told = on_a_terminal(*words)
        assert "keep-alive" in told or "acme_prod_web" in told
        assert max(map(len, told.splitlines())) <= 80, told

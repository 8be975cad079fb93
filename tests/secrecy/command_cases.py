"""The command line over a provider that repeats secrets, in this process and as its own.

It owns which commands are run and how they are made to fail. Of a process it also looks at the
arguments that everybody may see, and at the core it would leave.
"""

import asyncio
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from budgetd.cli import main

from .case import Case, Found
from .enterprise import Enterprise, enterprise, files_below, furnish, meddling, serving
from .network import Echoing
from .telling import Output, logged, told_by
from .wire_cases import found

BUDGETD = Path(sysconfig.get_path("scripts")) / "budgetd"
FORMATS = ("text", "json", "html", "markdown", "csv")
CREATE = ("accounts", "create", "--name", "acme_new", "--organization", "/R&D/Platform", "--yes")
PASSWORDS = ("file:{home}/password", "env:CAMPAIGN_PASSWORD", "credential:password", "{password}")


def words_of(case: Case, home: Path) -> tuple[str, ...]:
    """A command."""
    rng = case.rng
    style = rng.choice(FORMATS)
    source = rng.choice(PASSWORDS).format(home=home, password=case.planted.member_password)
    create = (*CREATE, "--password-from", source)
    return rng.choice(
        (
            ("plan", "--format", style),
            ("plan", "--out", str(home / "plan.json")),
            ("doctor",),
            ("doctor", "--format", "json"),
            ("accounts",),
            ("accounts", "--format", "json"),
            ("apply", "--yes"),
            ("apply", "--yes", "--format", "json"),
            ("check",),
            ("explain", "acme_prod_web"),
            ("suggest",),
            ("suggest", "--format", "json"),
            (*create, "--own-phone"),
            (*create, "--own-phone", "--permission", "READ_CONSUME_BILL"),
            (*create, "--phone", "13800000000", "--code", case.planted.code),
            ("accounts", "send-code", "--name", "acme_new", "--phone", "13800000000"),
        )
    )


def _secrets(case: Case, words: Sequence[str]) -> dict[str, str]:
    """What this command knows; what it was never told it cannot keep to itself."""
    names = ["secret_key"]
    if "create" in words:
        names.append("member_password")
    if "--code" in words:
        names.append("code")
    return case.planted.of(*names)


def _environment(case: Case, home: Path) -> dict[str, str]:
    return {
        "CREDENTIALS_DIRECTORY": str(home),
        "CAMPAIGN_PASSWORD": case.planted.member_password,
        "CAMPAIGN_ak": case.planted.access_key,
        "CAMPAIGN_sk": case.planted.secret_key,
    }


def _meddled(case: Case, made: Enterprise, echoing: Echoing, words: Sequence[str]) -> None:
    """The provider repeats what it hears, but lets no transfer be in doubt: doubt, and reads that
    fail, are waited for in real time."""
    odds = {"GET": case.rng.choice((0.0, 0.0, 0.02, 0.2)), "POST": 0.8}
    if "apply" in words:
        odds["POST"] = 0.0
    made.shell.meddling = meddling(echoing, case.rng, odds)


async def command(case: Case) -> Found:
    """One command in this process; what it prints, logs, writes and raises."""
    with TemporaryDirectory(dir=case.folder) as folder:
        home = Path(folder)
        made = enterprise(home, case.planted)
        words = words_of(case, home)
        secrets = _secrets(case, words)
        echoing = Echoing(case.rng, tuple(secrets.values()))
        _meddled(case, made, echoing, words)
        with serving(made.shell) as url, logged(case.rng) as log:
            _furnish(case, made, url)
            outputs = await asyncio.to_thread(_invoke, case, made, words)
            outputs += log.outputs
        outputs += [(name, data) for name, data in _written(home)]
    return found(echoing, secrets, outputs)


def _furnish(case: Case, made: Enterprise, url: str) -> None:
    furnish(
        made,
        case.planted,
        endpoint=url,
        style=case.rng.choice(("json", "text")),
        kind=case.rng.choice(("file:", "credential:", "env:CAMPAIGN_")),
    )


def _invoke(case: Case, made: Enterprise, words: Sequence[str]) -> list[Output]:
    result = CliRunner().invoke(
        main, ["--config", str(made.config), *words], env=_environment(case, made.home)
    )
    outputs: list[Output] = [("stdout", result.stdout), ("stderr", result.stderr)]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        outputs += told_by(result.exception)
    return outputs


def _written(home: Path) -> list[Output]:
    """Everything that lies there and was not planted there."""
    ours = ("ak", "sk", "password")
    return [(name, data) for name, data in files_below(home) if name not in ours]


async def process(case: Case) -> Found:
    """One command as a process of its own, at its most talkative."""
    with TemporaryDirectory(dir=case.folder) as folder:
        home = Path(folder)
        made = enterprise(home, case.planted)
        words = words_of(case, home)
        while case.planted.member_password in words or "--code" in words:
            # What a person gives as an argument is seen by everybody; that is not our doing.
            words = words_of(case, home)
        secrets = _secrets(case, words)
        echoing = Echoing(case.rng, tuple(secrets.values()))
        _meddled(case, made, echoing, words)
        with serving(made.shell) as url:
            _furnish(case, made, url)
            outputs = await asyncio.to_thread(_run, case, made, words)
        outputs += _written(home)
    return found(echoing, secrets, outputs)


def _run(case: Case, made: Enterprise, words: Sequence[str]) -> list[Output]:
    talkative = {
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONDEVMODE": "1",
        "HTTPX_LOG_LEVEL": "trace",
        "PYTHONFAULTHANDLER": "1",
    }
    chosen = {name: value for name, value in talkative.items() if case.rng.random() < 0.3}
    running = subprocess.Popen(
        [sys.executable, str(BUDGETD), "--config", str(made.config), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **_environment(case, made.home), **chosen},
        cwd=made.home,
    )
    seen: set[bytes] = set()
    while running.poll() is None:
        with suppress(OSError):
            seen.add(Path(f"/proc/{running.pid}/cmdline").read_bytes())
            seen.add(Path(f"/proc/{running.pid}/comm").read_bytes())
        with suppress(subprocess.TimeoutExpired):
            running.wait(0.05)
    stdout, stderr = running.communicate()
    assert seen
    return [
        ("stdout", stdout),
        ("stderr", stderr),
        *(("arguments", one) for one in sorted(seen)),
    ]

"""Whole cycles over a provider that repeats secrets: plans, results, log, and the state file.

The ledger, the cycle and the sandbox are the real ones; time is the sandbox's.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from click.testing import CliRunner

from budgetd.cli import main
from budgetd.cli.plan import FORMATS, Look, render
from budgetd.core.answer import PAIRS
from budgetd.core.plans.again import promised_of
from budgetd.cycle import Cycle
from budgetd.execute import StopSendingError
from budgetd.ledger.store import Ledger
from budgetd.provider.client import Client
from budgetd.provider.errors import ProviderError
from budgetd.report.results_json import results_json
from budgetd.wiring import cycle_of, observer_of, open_documents

from .case import Case, Found
from .enterprise import Enterprise, Meddling, enterprise, files_below, furnish, meddling
from .hostile import Spoken, echo
from .network import Echoing
from .telling import Output, logged, told_by
from .wire_cases import Hasty, found, key_of, one_authority

ODDS = {"POST": 0.7, "GET": 0.01}


async def cycle(case: Case) -> Found:
    """Two cycles on one state; then everything that can be said of it is asked for."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key", *(["security_token"] if key.security_token else []))
    echoing = Echoing(case.rng, tuple(secrets.values()))
    outputs: list[Output] = []
    with TemporaryDirectory(dir=case.folder) as folder, logged(case.rng) as log:
        made = enterprise(Path(folder), case.planted, key.security_token)
        furnish(made, case.planted)
        made.shell.meddling = _meddling(echoing)
        for _ in range(2):
            async with Client(
                endpoint="http://127.0.0.1",
                credentials=key,
                currency="CNY",
                clock=made.sandbox.clock.now,
                requests_per_second=1000,
                backoff_s=0.0,
                slots=Hasty(),
                transport=httpx.ASGITransport(app=made.shell),
                ca_file=one_authority(),
            ) as client:
                outputs += await _cycle(made, client)
        outputs += log.outputs
        outputs += await asyncio.to_thread(_asked, made.config, _ids(made))
    return found(echoing, secrets, outputs)


def _meddling(echoing: Echoing) -> Meddling:
    """Echoes, most of them under a status and a code that the tables know: others end a cycle."""
    rng = echoing.rng
    meddle = meddling(echoing, rng, ODDS)

    def answer(request: httpx.Request) -> Spoken | None:
        said = meddle(request)
        if said is None or request.method == "GET" or rng.random() < 0.2:
            return said
        status, code = rng.choice(sorted(pair for pair in PAIRS if pair[0] is not None))
        content = {"error_code": code, "error_msg": echo(rng, echoing.known(request))}
        headers = {**said.headers, "content-type": "application/json"}
        return Spoken(status=int(status or 0), headers=headers, body=json.dumps(content).encode())

    return answer


async def _cycle(made: Enterprise, client: Client) -> list[Output]:
    clock = made.sandbox.clock

    async def sleep(length_s: float) -> None:
        clock.advance(timedelta(seconds=length_s))

    opened = open_documents(str(made.config))
    ledger = Ledger(made.home / "state" / "budgetd.db", may_write=True)
    outputs: list[Output] = []
    try:
        made_cycle = cycle_of(opened, observer_of(opened.config, client, clock.now), ledger)
        made_cycle.executor.sleep = sleep
        outputs += await _carried_out(made_cycle, made)
    except (StopSendingError, ProviderError) as error:
        outputs += told_by(error)
    finally:
        outputs += files_below(made.home / "state")
        ledger.close()
    return [*outputs, *files_below(made.home / "state")]


async def _carried_out(made_cycle: Cycle, made: Enterprise) -> list[Output]:
    opened = open_documents(str(made.config))
    await made_cycle.begin()
    report = await made_cycle.plan()
    plan = report.plan
    assert plan is not None
    outputs: list[Output] = [
        (f"plan as {style}", render(opened, plan, report.observation, Look(style=style)))
        for style in FORMATS
    ]
    await made_cycle.carry_out(report, [promised_of(one, plan.expires_at) for one in plan.moves])
    outputs.append(("results", results_json(report.outcomes, plan, stopped=report.stopped)))
    outputs.append(("report", repr(report)))
    return outputs


def _ids(made: Enterprise) -> list[str]:
    ledger = Ledger(made.home / "state" / "budgetd.db", may_write=False)
    try:
        return [str(row[0]) for row in ledger.connection.execute("SELECT id FROM intent")]
    finally:
        ledger.close()


def _asked(config: Path, ids: list[str]) -> list[Output]:
    """What the commands say of the ledger."""
    words = [["transfers"], ["transfers", "list", "--format", "json"]]
    for one in ids:
        words += [["transfers", "show", one], ["transfers", "show", one, "--format", "json"]]
    outputs: list[Output] = []
    for command in words:
        result = CliRunner().invoke(main, ["--config", str(config), *command])
        assert result.exit_code == 0, (command, result.output, result.exception)
        outputs.append((" ".join(command[:2]), result.output))
    return outputs

"""`budgetd sandbox`: the provider's API on loopback, with a seeded fleet, until interrupted.

It may not do anything the sandbox itself does not do; it reads flags and prints where to point.
"""

import asyncio
import contextlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from budgetd.sandbox.faults import FaultKind
    from budgetd.sandbox.gateway import Sandbox


def _instant(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time like 2026-11-30T14:00:00Z") from error
    if instant.tzinfo is None:
        raise click.BadParameter(f"{text!r} lacks an offset, as in 2026-11-30T14:00:00Z")
    return instant.astimezone(UTC)


def _number(_context: click.Context, _parameter: click.Parameter, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise click.BadParameter(f"{text!r} is no number") from error
    if not number.is_finite() or not 0 <= number <= 3600:
        raise click.BadParameter(f"{text!r} is not from 0 to 3600")
    return number


@click.command("sandbox")
@click.option("--port", default=8480, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--seed", default=1, show_default=True, type=int, help="The fleet's.")
@click.option("--accounts", default=40, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the book in this file; it is loaded when it exists.",
)
@click.option("--quota/--no-quota", default=True, show_default=True, help="10 calls a second.")
@click.option("--latency", default="0", callback=_number, help="Seconds every answer takes.")
@click.option("--fault", multiple=True, metavar="KIND=RATE", help="As lost_after=0.05; repeatable.")
@click.option("--fault-seed", default=0, show_default=True, type=int)
@click.option(
    "--belief",
    multiple=True,
    metavar="NAME=VALUE",
    help="What is undocumented, as keys=never, busy_s=5, record_lag_s=60; repeatable.",
)
@click.option(
    "--clock",
    callback=_instant,
    metavar="TIME",
    help="Start with this time instead of the real one.",
)
@click.option("--speed", default="1", callback=_number, help="Sandbox seconds in a real second.")
@click.option(
    "--start",
    callback=_instant,
    metavar="TIME",
    help="The time the fleet is as of; else the clock's.",
)
def command(**flags: Any) -> None:
    """Serves the provider's API on loopback: fleet, faults, quota, clock."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_sandbox(flags), flags["host"], flags["port"]))


def _sandbox(flags: dict[str, Any]) -> "Sandbox":
    from budgetd.sandbox.clock import MovableClock
    from budgetd.sandbox.faults import FaultPlan
    from budgetd.sandbox.fleet import seeded_fleet
    from budgetd.sandbox.gateway import Sandbox
    from budgetd.sandbox.operations import QUOTAS
    from budgetd.sandbox.quota import Quota
    from budgetd.sandbox.semantics import semantics_of
    from budgetd.sandbox.snapshot import SnapshotError
    from budgetd.sandbox.statefile import load_state, save_state

    clock = MovableClock(start=flags["clock"], speed=flags["speed"])
    state: Path | None = flags["state"]
    try:
        semantics = semantics_of(flags["belief"])
    except ValueError as error:
        raise click.UsageError(f"--belief: {error}") from error
    try:
        if state is not None and state.exists():
            book = load_state(state, semantics)
        else:
            start = flags["start"] or clock.now()
            book = seeded_fleet(
                seed=flags["seed"],
                start=start,
                accounts=flags["accounts"],
                semantics=semantics,
            )
        if state is not None:
            save_state(book, state)
    except (OSError, SnapshotError) as error:
        raise click.UsageError(f"--state: {error}") from error
    return Sandbox(
        book=book,
        clock=clock,
        quota=Quota(QUOTAS, multiplier=1 if flags["quota"] else 0),
        faults=FaultPlan(rates=_rates(flags["fault"]), seed=flags["fault_seed"]),
        latency_s=float(flags["latency"]),
        state_file=state,
    )


def _rates(given: tuple[str, ...]) -> "dict[FaultKind, int]":
    from budgetd.sandbox.control import rate_per_million
    from budgetd.sandbox.faults import FaultKind
    from budgetd.sandbox.nouns import Refusal

    rates = {}
    for text in given:
        kind, _, rate = text.partition("=")
        if kind not in tuple(FaultKind):
            known = ", ".join(FaultKind)
            raise click.UsageError(f"--fault: unknown kind {kind!r}; the kinds are {known}")
        try:
            rates[FaultKind(kind)] = rate_per_million(rate)
        except Refusal as error:
            raise click.UsageError(f"--fault: {text!r}: the rate is from 0 to 1") from error
    return rates


async def _serve(sandbox: "Sandbox", host: str, port: int) -> None:
    from budgetd.sandbox.running import serve
    from budgetd.sandbox.server import create_app

    try:
        async with serve(create_app(sandbox), host, port) as url:
            click.echo(_welcome(sandbox, url))
            await asyncio.Event().wait()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error}") from error


def _welcome(sandbox: "Sandbox", url: str) -> str:
    from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK

    book = sandbox.book
    return f"""\
The sandbox serves {len(book.accounts)} accounts on {url}

  config       provider:
                 endpoint: {url}
                 credentials: {{access_key: env:AK, secret_key: env:SK}}
  shell        export AK={SANDBOX_AK}
               export SK={SANDBOX_SK}
  master id    {book.master.id}

  its book     curl {url}/_sandbox/state
  its clock    curl -d '{{"advance_s": 3600}}' {url}/_sandbox/clock
  a fault      curl -d '{{"orders": [{{"kind": "lost_after", "method": "POST"}}]}}' \
{url}/_sandbox/faults

Stop it with Ctrl-C."""

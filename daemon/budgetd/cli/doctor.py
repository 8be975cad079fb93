"""`budgetd doctor`: is everything fit to move money? One line each, with the cure.

It reads and reports; it repairs nothing and moves nothing.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import click

from budgetd.cli.doctor_state import Finding, state_findings
from budgetd.cli.speaking import FAILED, USAGE, failures
from budgetd.core.documents.problem import InputError

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.observe import Observer


@click.command("doctor")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, style: str) -> None:
    """Config, policies, credentials, clock, permissions, quota, disk, ledger, pauses, doubt.

    One line each, with the cure where something is not well.
    Exits 1 where something is not well, 2 where the policies are not valid. Reads a handful of
    APIs once; moves nothing.
    """
    with failures():
        from budgetd.config import find_config, load_config

        config = load_config(find_config(ctx.obj))
        findings, is_valid = _policies(config)
        findings += asyncio.run(_examine(config))
        if style == "json":
            click.echo(json.dumps(_document(findings), indent=2))
        else:
            _print(findings)
        is_well = all(one.is_well for one in findings)
        ctx.exit(USAGE if not is_valid else 0 if is_well else FAILED)


def _document(findings: list[Finding]) -> dict[str, object]:
    """`budgetd.doctor/1`: `cure` is null where nothing is to be done."""
    return {
        "format": "budgetd.doctor/1",
        "well": all(one.is_well for one in findings),
        "findings": [
            {"name": one.name, "well": one.is_well, "says": one.says, "cure": one.cure or None}
            for one in findings
        ],
    }


def _print(findings: list[Finding]) -> None:
    from budgetd.report.harmless import harmless

    width = max(len(one.name) for one in findings)
    for one in findings:
        mark = "ok" if one.is_well else "!!"
        if sys.stdout.isatty():
            mark = click.style(mark, fg="green" if one.is_well else "red", bold=True)
        click.echo(f"{mark}  {one.name:{width}}  {harmless(one.says)}")
        if one.cure:
            click.echo(f"    {'':{width}}  -> {one.cure}")


async def _examine(config: "Config") -> list[Finding]:
    findings = list(state_findings(config))
    findings += [one async for one in _provider(config)]
    return findings


def _policies(config: "Config") -> tuple[list[Finding], bool]:
    """What is said of the policies on the disk, and whether they are valid. Where they are not,
    the rest is looked at all the same: a daemon works on with those from before."""
    from budgetd.config import load_policies

    try:
        loaded = load_policies(config.policies, config)
    except InputError as refused:
        cure = "correct the files, try them with `budgetd check`; a daemon keeps what it has"
        findings = [
            Finding(name="policies", is_well=False, says=one.headline(), cure=cure)
            for one in refused.problems
            if not one.is_warning
        ]
        return findings, False
    count = sum(1 for _ in loaded.policy_set.rules())
    digest = loaded.policy_set.digest.removeprefix("sha256:")[:6]
    says = [f"{count} rules on the disk, {config.mode} ({digest})"]
    says += [warning.headline() for warning in loaded.warnings]
    return [Finding(name="policies", is_well=True, says=line) for line in says], True


async def _provider(config: "Config") -> AsyncIterator[Finding]:
    from budgetd.clock import now
    from budgetd.provider.errors import AuthenticationFailed
    from budgetd.wiring import observer_of, open_client

    async with open_client(config, now, may_write=False) as client:
        observer = observer_of(config, client, now)
        try:
            for name, look in _looks(observer):
                yield await _look(name, look)
        except AuthenticationFailed as refused:
            yield Finding(
                name="credentials",
                is_well=False,
                says=str(refused),
                cure="check access key, secret key and this clock; more than five failures lock "
                "the key for five minutes",
            )
            return
        yield _clock(client.skew_s)
    rate = config.provider.requests_per_second
    yield Finding(name="quota", is_well=True, says=f"{rate} requests a second and API, paced")


def _looks(observer: "Observer") -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    """What is read of the provider, once each: the permissions that a cycle needs."""
    from budgetd.provider import operations

    client = observer.client

    async def member(operation: object) -> object:
        page = await client.read(operations.MEMBERS, offset=0, limit=1)
        if not page.rows:
            return None
        account = page.rows[0].id
        if operation is operations.MEMBER_CASH:
            return await client.read(operations.MEMBER_CASH, sub_customer_id=account)
        return await client.read_all(operations.MEMBER_COUPONS, sub_customer_id=account)

    return [
        ("organizations", lambda: client.read(operations.ORGANIZATIONS, recursive_query=1)),
        ("members", lambda: client.read(operations.MEMBERS, offset=0, limit=1)),
        ("master cash", lambda: client.read(operations.MASTER_CASH)),
        ("master credit", lambda: client.read_all(operations.MASTER_CREDIT)),
        ("master coupons", lambda: client.read_all(operations.MASTER_COUPONS)),
        ("member cash", lambda: member(operations.MEMBER_CASH)),
        ("member coupons", lambda: member(operations.MEMBER_COUPONS)),
    ]


async def _look(name: str, look: Callable[[], Awaitable[object]]) -> Finding:
    from budgetd.provider.errors import (
        AccessDenied,
        AuthenticationFailed,
        MalformedAnswer,
        ProviderError,
        ServerFault,
        Throttled,
        Unmanageable,
        Unreachable,
    )

    try:
        await look()
    except Unmanageable as problem:
        return Finding(name=name, is_well=True, says=f"readable; one account is not: {problem}")
    except AuthenticationFailed:
        raise
    except ProviderError as problem:
        cure = "see docs/operations.md"
        if isinstance(problem, MalformedAnswer):
            cure = "is it the provider who answers at `provider.endpoint`, with nothing in between?"
        elif isinstance(problem, AccessDenied):
            cure = "grant the user businessUnitFinance view and update (docs/provider.md)"
        elif isinstance(problem, ServerFault | Throttled):
            cure = "nothing of ours: the provider is down or slow; every cycle tries it again"
        elif isinstance(problem, Unreachable):
            cure = "check endpoint, name resolution, firewall and certificates"
        return Finding(name=name, is_well=False, says=str(problem), cure=cure)
    return Finding(name=name, is_well=True, says="readable")


def _clock(skew_s: float | None) -> Finding:
    if skew_s is None:
        return Finding(name="clock", is_well=True, says="the provider sent no Date to compare")
    is_well = abs(skew_s) <= 60
    return Finding(
        name="clock",
        is_well=is_well,
        says=f"{abs(skew_s):.0f} s off the provider's",
        cure=""
        if is_well
        else "synchronize it (chrony, systemd-timesyncd); at 120 s nothing moves",
    )

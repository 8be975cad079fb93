"""`budgetd check`: every problem of the config and the policies, each at its place.

It may not judge: config and validation do. It prints.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

import click

from budgetd.cli.speaking import USAGE, failures, has_colour
from budgetd.config import (
    Config,
    InvalidDocuments,
    Loaded,
    calendar_warnings,
    config_warnings,
    find_config,
    load_policies,
    open_config,
    read_credentials,
)
from budgetd.core.documents.problem import InvalidCredentials, Problem
from budgetd.core.intent import Instrument
from budgetd.core.observation import Account, Ok


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What an examination found; `config` and `loaded` are None where they are refused."""

    problems: tuple[Problem, ...]
    config: Config | None = None
    loaded: Loaded | None = None

    @property
    def is_valid(self) -> bool:
        """Whether nothing is refused; warnings may stand."""
        return not any(not problem.is_warning for problem in self.problems)


@click.command("check")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.option("--credentials", is_flag=True, help="Also: are the credentials where they should be?")
@click.option("--online", is_flag=True, help="Also against the live fleet; reads, moves nothing.")
@click.pass_context
def command(ctx: click.Context, style: str, credentials: bool, online: bool) -> None:
    """Are the config and the policies valid? Every problem at once, warnings too.

    Exits 0, or 2 where anything is refused; warnings alone keep 0.
    """
    with failures():
        found = examine(ctx.obj, with_credentials=credentials or online)
        if online and found.is_valid and found.config and found.loaded:
            seen = asyncio.run(check_online(found.config, found.loaded))
            problems = tuple(sorted((*found.problems, *seen)))
            found = Examined(problems=problems, config=found.config, loaded=found.loaded)
        if style == "json":
            click.echo(_as_json(found))
        else:
            _print_text(found)
        ctx.exit(0 if found.is_valid else USAGE)


def examine(option: str | None, *, with_credentials: bool = False) -> Examined:
    """Everything that is wrong with a config and its policies, and both if nothing is."""
    try:
        written = open_config(find_config(option))
    except InvalidDocuments as refused:
        return Examined(problems=refused.problems)
    config = written.model
    from budgetd.clock import now

    problems = list(config_warnings(written))
    loaded: Loaded | None = None
    try:
        loaded = load_policies(config.policies, config)
        problems += loaded.warnings
        today = now().astimezone(config.timezone).date()
        problems += calendar_warnings(written, loaded, today)
    except InvalidDocuments as refused:
        problems += refused.problems
    if with_credentials:
        problems += _credential_problems(config)
    return Examined(problems=tuple(sorted(problems)), config=config, loaded=loaded)


class _FleetAlone:
    """Wants the list of accounts and the master's cash, and no account's readings."""

    master = frozenset({Instrument.CASH})

    def of(self, accounts: Sequence[Account]) -> dict[str, frozenset[Instrument]]:
        return {}


async def check_online(config: Config, loaded: Loaded) -> list[Problem]:
    """What the live fleet shows of valid policies. Raises `ProviderError` where it is unread."""
    from budgetd.clock import now
    from budgetd.core.policies.fleet_check import judge_fleet
    from budgetd.cycle import blank_observation
    from budgetd.wiring import Opened, observer_of, open_client

    settings = Opened(config=config, loaded=loaded).settings()
    blank = blank_observation(settings, None, now(), is_preview=True)
    async with open_client(config, now, may_write=False) as client:
        fleet = await observer_of(config, client, now).fleet(_FleetAlone(), blank)
    cash = fleet.master.cash
    return judge_fleet(
        loaded.written,
        config.timezone,
        fleet.accounts,
        master_cash=cash.value if isinstance(cash, Ok) else None,
    )


def _credential_problems(config: Config) -> Sequence[Problem]:
    try:
        read_credentials(config)
    except InvalidCredentials as refused:
        return refused.problems
    return ()


def _print_text(found: Examined) -> None:
    for problem in found.problems:
        click.echo(problem.render(is_coloured=has_colour()))
    errors = sum(not problem.is_warning for problem in found.problems)
    warnings = len(found.problems) - errors
    noted = f", {_count(warnings, 'warning')}" if warnings else ""
    if not found.is_valid or found.loaded is None:
        click.echo(f"{_count(errors, 'problem')}{noted}; nothing was loaded.")
        return
    rules = sum(1 for _ in found.loaded.policy_set.rules())
    policies = len(found.loaded.policy_set.policies)
    total = f"{policies} {'policy' if policies == 1 else 'policies'}, {_count(rules, 'rule')}"
    click.echo(f"{total}{noted}: valid ({short_digest(found.loaded)}).")


def short_digest(loaded: Loaded) -> str:
    """The six digits by which people know a set of policies."""
    return loaded.policy_set.digest.removeprefix("sha256:")[:6]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(found: Examined) -> str:
    digest = found.loaded.policy_set.digest if found.loaded and found.is_valid else None
    return json.dumps(
        {
            "format": "budgetd.check/1",
            "valid": found.is_valid,
            "policy_digest": digest,
            "problems": [problem.as_json() for problem in found.problems],
        },
        ensure_ascii=False,
        indent=2,
    )

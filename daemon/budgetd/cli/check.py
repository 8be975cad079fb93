"""`budgetd check`: every problem of the config and the policies, each at its place.

It may not judge: config and validation do. It prints.
"""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import FAILED, USAGE, failures, has_colour
from budgetd.config import (
    Config,
    InvalidDocuments,
    Loaded,
    calendar_warnings,
    config_warnings,
    find_config,
    load_policies,
    open_calendar,
    open_config,
    open_policies,
    read_credentials,
)
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import InvalidCredentials, Problem
from budgetd.core.observation import Observation, Ok
from budgetd.core.policies.policy import Policy

if TYPE_CHECKING:
    from budgetd.core.lints.linting import Fleet

Secrets = Callable[[Config], object]
"""Reads some secrets of a config. Raises `InvalidCredentials`."""


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
@click.option("--format", "style", type=click.Choice(["text", "lines", "json"]), default="text")
@click.option(
    "--credentials",
    is_flag=True,
    help="Also: are the secrets, of channels too, where they should be?",
)
@click.option("--online", is_flag=True, help="Also against the live fleet; reads, moves nothing.")
@click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also against a recorded fleet (`budgetd accounts --format json`).",
)
@click.option("--strict", is_flag=True, help="Exit 1 where a warning stands.")
@click.pass_context
def command(
    ctx: click.Context,
    style: str,
    credentials: bool,
    online: bool,
    snapshot: Path | None,
    strict: bool,
) -> None:
    """Are the config and the policies valid? Every problem at once, warnings too.

    Warnings of a kind come with an example that the engine has played; a comment sets one aside:
    # budgetd: allow LINT until 2027-01-31 because REASON

    Exits 0, or 2 where anything is refused; warnings alone keep 0, with --strict they exit 1.
    """
    with failures():
        secrets = secrets_of(of_channels=credentials, of_provider=credentials or online)
        with uncollected():
            found = examine(ctx.obj, secrets)
        if found.is_valid and found.config and found.loaded:
            fleet = None
            if online:
                import asyncio

                fleet = asyncio.run(read_fleet(found.config, found.loaded))
            elif snapshot is not None:
                fleet = recorded_fleet(found.config, found.loaded, snapshot)
            if fleet is not None:
                found = examine(ctx.obj, secrets, fleet)
        match style:
            case "json":
                click.echo(_as_json(found))
            case "lines":
                for problem in found.problems:
                    click.echo(problem.as_line())
            case _:
                _print_text(found)
        is_noisy = strict and bool(found.problems)
        ctx.exit(USAGE if not found.is_valid else FAILED if is_noisy else 0)


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage while a set of policies is read: all of it is kept until the end, and
    a fifth of the time would go into looking through it again and again. What is there afterwards
    is passed over from then on, at the end of the process too."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def secrets_of(*, of_channels: bool, of_provider: bool) -> Sequence[Secrets]:
    """What reads the secrets that are looked for: `run` needs them all, a look at the live fleet
    those of the provider alone."""
    found: list[Secrets] = [read_credentials] if of_provider else []
    if of_channels:
        from budgetd.config.channels import read_channels

        found.append(read_channels)
    return found


def examine(
    option: str | None, secrets: Sequence[Secrets], fleet: "Fleet | None" = None
) -> Examined:
    """Everything that is wrong with a config, its policies and the secrets that are looked for,
    and both if nothing is; with a fleet also what that shows."""
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
        problems += _linted(loaded.written, loaded.warnings, config, fleet)
        today = now().astimezone(config.timezone).date()
        problems += calendar_warnings(written, loaded, today)
    except InvalidDocuments as refused:
        problems += _with_examples(refused.problems, config)
    for read in secrets:
        try:
            read(config)
        except InvalidCredentials as refused:
            problems += refused.problems
    return Examined(problems=tuple(sorted(problems)), config=config, loaded=loaded)


def _linted(
    written: Sequence[Written[Policy]],
    problems: Sequence[Problem],
    config: Config,
    fleet: "Fleet | None",
) -> Sequence[Problem]:
    """The problems with examples, and what else the engine shows; less what people allow."""
    from budgetd.clock import now
    from budgetd.core.lints.linting import Setting, lint

    setting = Setting(limits=config.guards(), now=now().replace(microsecond=0), fleet=fleet)
    return lint(written, problems, setting)


def _with_examples(problems: Sequence[Problem], config: Config) -> Sequence[Problem]:
    """The problems of policies that are refused; where each by itself can be read, what they
    would do to each other is shown, too."""
    calendar, unread = open_calendar(config)
    context = {"calendar": calendar, "windows": config.windows_by_name()}
    written, refused = open_policies(config.policies, context)
    return problems if refused or unread else _linted(written, problems, config, None)


async def read_fleet(config: Config, loaded: Loaded) -> "Fleet":
    """The live fleet, without its readings. Raises `ProviderError` where it is unread."""
    from budgetd.clock import now
    from budgetd.core.decisions.needs import Named
    from budgetd.wiring import observer_of, open_client

    blank = _blank(config, loaded)
    async with open_client(config, now, may_write=False) as client:
        fleet = await observer_of(config, client, now).fleet(Named.of_units(()), blank)
    return _fleet_of(config, fleet)


def recorded_fleet(config: Config, loaded: Loaded, path: Path) -> "Fleet":
    """The fleet of a recorded reading. Raises `InvalidDocuments`."""
    from budgetd.cli.recorded import recorded

    snapshot = recorded(path, _blank(config, loaded))
    return _fleet_of(config, snapshot)


def _blank(config: Config, loaded: Loaded) -> Observation:
    """What is known before a fleet is read: our own past, if there is any."""
    from budgetd.clock import now
    from budgetd.cycle import blank_observation
    from budgetd.wiring import Opened, open_past

    settings = Opened(config=config, loaded=loaded).settings()
    with open_past(config) as ledger:
        return blank_observation(settings, ledger, now(), is_preview=True)


def _fleet_of(config: Config, observation: Observation) -> "Fleet":
    from budgetd.core.lints.linting import Fleet

    cash = observation.master.cash
    return Fleet(
        accounts=observation.accounts,
        master_cash=cash.value if isinstance(cash, Ok) else None,
        burns=observation.burns if observation.burns or config.state.exists() else None,
    )


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

"""`budgetd check`: every problem of the config and the policies, each at its place.

It may not judge: config and validation do. It prints.
"""

import json
import sys
from collections.abc import Sequence

import click

from budgetd.config import (
    Config,
    InvalidDocuments,
    Loaded,
    config_warnings,
    find_config,
    load_policies,
    open_config,
    read_credentials,
)
from budgetd.core.problem import InvalidCredentials, Problem

INVALID = 2


@click.command("check")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.option("--credentials", is_flag=True, help="Also: are the credentials where they should be?")
@click.pass_context
def command(ctx: click.Context, style: str, credentials: bool) -> None:
    """Are the config and the policies valid? Every problem at once, warnings too.

    Exits 0, or 2 where anything is refused; warnings alone keep 0.
    """
    problems, loaded = examine(ctx.obj, with_credentials=credentials)
    is_valid = not any(not problem.is_warning for problem in problems)
    if style == "json":
        click.echo(_as_json(problems, loaded, is_valid=is_valid))
    else:
        _print_text(problems, loaded, is_valid=is_valid)
    ctx.exit(0 if is_valid else INVALID)


def examine(
    option: str | None, *, with_credentials: bool = False
) -> tuple[list[Problem], Loaded | None]:
    """Everything that is wrong with a config and its policies, and the policies if nothing is."""
    problems: list[Problem] = []
    try:
        written = open_config(find_config(option))
    except InvalidDocuments as refused:
        return list(refused.problems), None
    problems += config_warnings(written)
    config = written.model
    loaded: Loaded | None = None
    try:
        loaded = load_policies(config.policies, config)
        problems += loaded.warnings
    except InvalidDocuments as refused:
        problems += refused.problems
    if with_credentials:
        problems += _credential_problems(config)
    return sorted(problems), loaded


def _credential_problems(config: Config) -> Sequence[Problem]:
    try:
        read_credentials(config)
    except InvalidCredentials as refused:
        return refused.problems
    return ()


def _print_text(problems: Sequence[Problem], loaded: Loaded | None, *, is_valid: bool) -> None:
    is_coloured = sys.stdout.isatty()
    for problem in problems:
        click.echo(problem.render(is_coloured=is_coloured))
    errors = sum(not problem.is_warning for problem in problems)
    warnings = len(problems) - errors
    noted = f", {_count(warnings, 'warning')}" if warnings else ""
    if not is_valid or loaded is None:
        click.echo(f"{_count(errors, 'problem')}{noted}; nothing was loaded.")
        return
    rules = sum(1 for _ in loaded.policy_set.rules())
    policies = len(loaded.policy_set.policies)
    total = f"{policies} {'policy' if policies == 1 else 'policies'}, {_count(rules, 'rule')}"
    click.echo(f"{total}{noted}: valid ({short_digest(loaded)}).")


def short_digest(loaded: Loaded) -> str:
    """The six digits by which people know a set of policies."""
    return loaded.policy_set.digest.removeprefix("sha256:")[:6]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(problems: Sequence[Problem], loaded: Loaded | None, *, is_valid: bool) -> str:
    return json.dumps(
        {
            "format": "budgetd.check/1",
            "valid": is_valid,
            "policy_digest": loaded.policy_set.digest if loaded and is_valid else None,
            "problems": [problem.as_json() for problem in problems],
        },
        ensure_ascii=False,
        indent=2,
    )

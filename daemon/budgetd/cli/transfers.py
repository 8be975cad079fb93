"""`budgetd transfers`: the ledger, read beside whatever is running; `resolve` alone writes."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from budgetd.cli.speaking import USAGE, failures, say, screen_of
from budgetd.cli.transfers_prove import prove
from budgetd.cli.transfers_resolve import resolve

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.intent import Move
    from budgetd.ledger.store import Ledger

F = TypeVar("F", bound=Callable[..., object])
FORMAT = click.Choice(["text", "json"])


def _listing(function: F) -> F:
    """The options of the list, which is what `transfers` alone shows."""
    for option in (
        click.option("--format", "style", type=FORMAT, default="text"),
        click.option("--open", "is_open", is_flag=True, help="Those that may still move money."),
        click.option(
            "--limit",
            default=50,
            show_default=True,
            type=click.IntRange(1, 100_000),
            help="At most.",
        ),
    ):
        function = option(function)
    return function


@click.group("transfers", invoke_without_command=True)
@_listing
@click.pass_context
def command(ctx: click.Context, limit: int, is_open: bool, style: str) -> None:
    """The ledger: every transfer and what became of it; the newest first."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show_list, limit=limit, is_open=is_open, style=style)
    elif (limit, is_open, style) != (50, False, "text"):
        name = ctx.invoked_subcommand
        raise click.UsageError(f"options of `{name}` stand behind it: transfers {name} ...")


command.add_command(prove)
command.add_command(resolve)


@command.command("list")
@_listing
@click.pass_context
def show_list(ctx: click.Context, limit: int, is_open: bool, style: str) -> None:
    """The newest transfers first."""
    with failures():
        from budgetd.ledger import looking
        from budgetd.report.transfers_json import moves_json
        from budgetd.report.transfers_text import transfers_text

        config, ledger = _open(ctx)
        moves = _moves(ledger, limit + 1, is_open=is_open) if ledger else []
        names = looking.account_names(ledger) if ledger else {}
        is_cut = len(moves) > limit
        if style == "json":
            click.echo(json.dumps(moves_json(moves[:limit], names), indent=2))
        elif not moves:
            click.echo("No transfer is open." if is_open else "No transfer was ever made.")
        else:
            screen = screen_of(config.timezone)
            click.echo(transfers_text(moves[:limit], names, screen, is_cut=is_cut), nl=False)


def _moves(ledger: "Ledger", count: int, *, is_open: bool) -> "list[Move]":
    from budgetd.ledger import looking

    if not is_open:
        return looking.newest(ledger, count)
    found = [ledger.move(intent.id) for intent in ledger.open_intents()]
    return list(reversed(found))[:count]


@command.command("show")
@click.argument("transfer_id", metavar="ID")
@click.option("--format", "style", type=FORMAT, default="text")
@click.pass_context
def show_one(ctx: click.Context, transfer_id: str, style: str) -> None:
    """The life of one transfer, in plain words. The start of its ID is enough."""
    with failures():
        from budgetd.cli.transfers_prove import life_of
        from budgetd.report.transfers_json import life_json
        from budgetd.report.transfers_text import transfer_life

        config, ledger = _open(ctx)
        life = life_of(ledger, transfer_id) if ledger else None
        if life is None:
            if ledger is None:
                say(f"error: there is no transfer {transfer_id}: nothing was ever moved")
            ctx.exit(USAGE)
        if style == "json":
            click.echo(json.dumps(life_json(life), indent=2))
            return
        click.echo(transfer_life(life, config.timezone), nl=False)


def _open(ctx: click.Context) -> "tuple[Config, Ledger | None]":
    from budgetd.config import find_config, load_config
    from budgetd.wiring import open_past

    config = load_config(find_config(ctx.obj))
    return config, ctx.with_resource(open_past(config))

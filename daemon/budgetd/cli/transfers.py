"""`budgetd transfers`: the ledger, read beside whatever is running."""

import json
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import USAGE, failures, say, screen_of

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.ledger.store import Ledger

FORMAT = click.Choice(["text", "json"])


@click.group("transfers", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """The ledger: every transfer and what became of it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show_list)


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--format", "style", type=FORMAT, default="text")
@click.pass_context
def show_list(ctx: click.Context, limit: int = 50, style: str = "text") -> None:
    """The newest transfers first."""
    with failures():
        from budgetd.ledger import looking
        from budgetd.report.transfers_json import moves_json
        from budgetd.report.transfers_text import transfers_text

        config, ledger = _open(ctx)
        moves = looking.newest(ledger, limit + 1) if ledger else []
        names = looking.account_names(ledger) if ledger else {}
        is_cut = len(moves) > limit
        if style == "json":
            click.echo(json.dumps(moves_json(moves[:limit], names), indent=2))
            return
        screen = screen_of(config.timezone)
        click.echo(transfers_text(moves[:limit], names, screen, is_cut=is_cut), nl=False)


@command.command("show")
@click.argument("transfer_id", metavar="ID")
@click.option("--format", "style", type=FORMAT, default="text")
@click.pass_context
def show_one(ctx: click.Context, transfer_id: str, style: str) -> None:
    """The life of one transfer, in plain words. The start of its ID is enough."""
    with failures():
        from budgetd.ledger import looking
        from budgetd.report.transfers_json import life_json
        from budgetd.report.transfers_text import transfer_life

        config, ledger = _open(ctx)
        found = looking.find(ledger, transfer_id) if ledger else []
        if ledger is None or len(found) != 1:
            why = f"{len(found)} transfers begin with" if found else "there is no transfer"
            say(f"error: {why} {transfer_id}")
            ctx.exit(USAGE)
        intent = ledger.intent(found[0])
        assert intent is not None
        move, attempts = ledger.move(intent.id), ledger.attempts(intent.id)
        events = ledger.events(intent.id)
        if style == "json":
            click.echo(json.dumps(life_json(intent, move, attempts, events), indent=2))
            return
        click.echo(transfer_life(intent, move, attempts, events, config.timezone), nl=False)


def _open(ctx: click.Context) -> "tuple[Config, Ledger | None]":
    from budgetd.config import find_config, load_config
    from budgetd.wiring import open_past

    config = load_config(find_config(ctx.obj))
    ledger = open_past(config)
    if ledger is not None:
        ctx.call_on_close(ledger.close)
    return config, ledger

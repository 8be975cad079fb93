"""`budgetd adopt`: a person says that a restored, copied or moved state is the one to use."""

from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import agrees, can_ask, said, who
from budgetd.cli.speaking import LOCK_WAIT_S, USAGE, failures, say
from budgetd.core.moment import format_minute, format_second

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.ledger.store import Ledger


@click.command("adopt")
@click.option("--reason", required=True, help="What happened; kept in the ledger for ever.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.pass_context
def command(ctx: click.Context, reason: str, yes: bool) -> None:
    """Makes a state file at home here that was restored from a backup, copied or moved.

    Until then it moves nothing. Afterwards everything is paused for 45 minutes, so that what was
    sent and is missing in it shows in readings before anything moves.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.ledger.locks import cycle_lock
        from budgetd.ledger.store import Ledger

        config, words = load_config(find_config(ctx.obj)), said(reason)
        if not words:
            raise click.UsageError("--reason: say what happened to the file")
        if not config.state.exists():
            say(f"error: there is no state at {config.state}; restore a backup there first")
            ctx.exit(USAGE)
        with cycle_lock(config.state, wait_s=LOCK_WAIT_S):
            ledger = Ledger(config.state, may_write=True)
            try:
                ctx.exit(_adopt(config, ledger, words, is_agreed=yes))
            finally:
                ledger.close()


def _adopt(config: "Config", ledger: "Ledger", reason: str, *, is_agreed: bool) -> int:
    from budgetd.clock import now
    from budgetd.ledger.adoption import adopt
    from budgetd.ledger.home import strangeness

    why = strangeness(ledger.connection, ledger.path, config.enterprise)
    if not why:
        click.echo(f"{config.state} is at home here; there is nothing to adopt.")
        return 0
    _tell(config, ledger, why)
    if not is_agreed and not can_ask():
        say("error: no terminal to ask at; say --yes to adopt it without being asked")
        return USAGE
    if not is_agreed and not agrees("Stop every other budgetd first. Adopt it?"):
        say("nothing was changed; nothing moves until it is adopted")
        return 0
    pause = adopt(ledger, config.enterprise, by=who(), reason=reason, at=now())
    if pause is not None and pause.until is not None:
        until = format_minute(pause.until, config.timezone)
        click.echo(
            f"Adopted by {pause.by}. Everything is paused until {until}: by then readings show "
            "what was sent and is missing here.\nLook now with `budgetd reconcile` and `budgetd "
            "plan`; `budgetd resume` ends the pause earlier, if you know better."
        )
    return 0


def _tell(config: "Config", ledger: "Ledger", why: str) -> None:
    """What is strange about the file, and what it knows."""
    from budgetd.ledger.adoption import newest_event

    click.echo(f"{config.state}: {why}.")
    newest = newest_event(ledger)
    if newest is not None:
        click.echo(f"Its last event is of {format_second(newest, config.timezone)}.")
    count = len(ledger.open_intents())
    noun = "transfer is" if count == 1 else "transfers are"
    click.echo(f"{count} {noun} open in it." if count else "No transfer is open in it.")
    click.echo("What was moved after that event is missing in it; caps and limits forget it too.")

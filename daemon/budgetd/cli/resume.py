"""`budgetd resume`: ends pauses; one that budgetd latched itself only with a reason."""

import json
from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import said, who
from budgetd.cli.speaking import USAGE, failures, say, screen_of
from budgetd.core.moment import format_minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetd.config import Config
    from budgetd.core.pause import Pause
    from budgetd.ledger.store import Ledger


@click.command("resume")
@click.argument("rule", metavar="[POLICY[/RULE]]", required=False)
@click.option("--account", metavar="ID_OR_NAME", help="The pauses of that account alone.")
@click.option("--reason", help="What was found; a latched pause does not end without.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(
    ctx: click.Context, rule: str | None, account: str | None, reason: str | None, style: str
) -> None:
    """Ends the pauses of a policy, a rule or an account; without a name, all of them.

    A latched pause was set by budgetd itself because something must be looked at first.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.ledger.store import Ledger

        config, words = load_config(find_config(ctx.obj)), said(reason)
        if not config.state.exists():
            click.echo(_nothing([], style))
            return
        ledger = Ledger(config.state, may_write=True)
        try:
            ctx.exit(_resume(config, ledger, _matching(ledger, rule, account), words, style))
        finally:
            ledger.close()


def _nothing(left: "Sequence[Pause]", style: str) -> str:
    from budgetd.report.pauses import pauses_json

    if style == "json":
        return json.dumps(pauses_json(left) | {"ended": []}, indent=2)
    return "No such pause is in force." if left else "Nothing is paused."


def _matching(ledger: "Ledger", rule: str | None, account: str | None) -> "list[Pause]":
    """The pauses in force that are of this rule or below this policy, and of this account."""
    from budgetd.cli.scope import account_id_of, known_names
    from budgetd.clock import now
    from budgetd.report.pauses import in_force

    pauses = in_force(ledger.pauses(), now())
    if rule is not None:
        pauses = [one for one in pauses if one.rule == rule or one.rule.startswith(f"{rule}/")]
    if account is not None:
        known = {one.account_id: "" for one in pauses if one.account_id} | known_names(ledger)
        account_id = account_id_of(account, known)
        pauses = [one for one in pauses if one.account_id == account_id]
    return pauses


def _resume(
    config: "Config", ledger: "Ledger", ending: "list[Pause]", reason: str, style: str
) -> int:
    from budgetd.cli.scope import known_names
    from budgetd.clock import now
    from budgetd.ledger.switches import end_pause
    from budgetd.report.pauses import in_force, pauses_json, pauses_text, scope_text

    names, screen = known_names(ledger), screen_of(config.timezone)
    latched = [one for one in ending if one.is_latched]
    if latched and not reason:
        click.echo(pauses_text(latched, names, screen), nl=False)
        say(
            "error: nothing was resumed. Look at it first, then say what you found: "
            "`budgetd resume --reason TEXT`; see docs/operations.md, When it stops by itself"
        )
        return USAGE
    ended = [one for one in ending if end_pause(ledger, one, who(), reason, now())]
    left = in_force(ledger.pauses(), now())
    if style == "json":
        ids = [one.id for one in ended]
        click.echo(json.dumps(pauses_json(left) | {"ended": ids}, indent=2))
        return 0
    if not ended:
        click.echo(_nothing(left, style))
    for one in ended:
        since = format_minute(one.at, config.timezone)
        click.echo(f"resumed  {scope_text(one, names)}, paused since {since} by {one.by}")
    if left:
        say("still in force:")
        click.echo(pauses_text(left, names, screen), nl=False)
    return 0

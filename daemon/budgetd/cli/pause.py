"""`budgetd pause`: the kill switch, for all, a policy, a rule or an account.

It works beside whatever is running and waits for nobody.
"""

import json
from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import said, who
from budgetd.cli.speaking import failures, parse_at, say, screen_of

if TYPE_CHECKING:
    from datetime import datetime

    from budgetd.config import Config
    from budgetd.core.pause import Pause
    from budgetd.ledger.store import Ledger


@click.command("pause")
@click.argument("rule", metavar="[POLICY[/RULE]]", required=False)
@click.option("--account", metavar="ID_OR_NAME", help="That account alone.")
@click.option("--until", "until_text", metavar="TIME", help="It ends then by itself.")
@click.option("--reason", help="Why; shown wherever the pause holds something.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(
    ctx: click.Context,
    rule: str | None,
    account: str | None,
    until_text: str | None,
    reason: str | None,
    style: str,
) -> None:
    """Holds every transfer, or those of a policy, a rule or an account.

    In force before the next sending, also of a cycle that is under way, and kept across
    restarts. Decisions are still made and shown. `budgetd resume` ends it.
    """
    with failures():
        from budgetd.cli.scope import check_rule_name
        from budgetd.clock import now
        from budgetd.config import find_config, load_config
        from budgetd.ledger.store import Ledger

        config = load_config(find_config(ctx.obj))
        if rule is not None:
            check_rule_name(config, rule)
        until = _until(config, until_text, now())
        words = said(reason)
        ledger = Ledger(config.state, may_write=True)
        try:
            made = _pause(ledger, rule, account, until, words)
            _show(config, ledger, made, style)
        finally:
            ledger.close()


def _until(config: "Config", text: str | None, now: "datetime") -> "datetime | None":
    if text is None:
        return None
    try:
        until = parse_at(text, config.timezone)
    except click.UsageError as problem:
        raise click.UsageError(problem.message.replace("--at", "--until", 1)) from None
    if until <= now:
        raise click.UsageError(f"--until: {text} is over; give a time to come")
    return until


def _pause(
    ledger: "Ledger",
    rule: str | None,
    account: str | None,
    until: "datetime | None",
    reason: str,
) -> "Pause":
    """Sets the pause; the same one again changes nothing."""
    from uuid import uuid4

    from budgetd.cli.scope import account_id_of, known_names
    from budgetd.clock import now
    from budgetd.core.pause import Pause
    from budgetd.ledger.switches import set_pause
    from budgetd.report.pauses import in_force

    account_id = account_id_of(account, known_names(ledger)) if account is not None else ""
    made = Pause(
        id=uuid4().hex[:12],
        rule=rule or "",
        account_id=account_id,
        reason=reason or "no reason given",
        by=who(),
        at=now(),
        until=until,
    )
    for known in in_force(ledger.pauses(), made.at):
        is_same = (known.rule, known.account_id) == (made.rule, made.account_id)
        if is_same and not known.is_latched and known.until == until and not reason:
            say(f"{made.scope}: paused already, nothing was changed")
            return known
    set_pause(ledger, made)
    return made


def _show(config: "Config", ledger: "Ledger", made: "Pause", style: str) -> None:
    from budgetd.cli.scope import known_names
    from budgetd.clock import now
    from budgetd.report.pauses import in_force, pauses_json, pauses_text

    pauses = in_force(ledger.pauses(), now())
    if style == "json":
        click.echo(json.dumps(pauses_json(pauses) | {"set": made.id}, indent=2))
        return
    click.echo(pauses_text(pauses, known_names(ledger), screen_of(config.timezone)), nl=False)
    longer = [one for one in pauses if _outlasts(one, made)]
    if longer:
        say("note: an earlier pause holds the same for longer; `budgetd resume` ends it")
    if str(config.mode) == "dry_run":
        say("mode: dry_run in the config: nothing moves anyway")


def _outlasts(other: "Pause", made: "Pause") -> bool:
    """Whether another pause holds all of what was paused after that one is over."""
    if other.id == made.id or made.until is None:
        return False
    holds_rule = other.rule in ("", made.rule) or made.rule.startswith(f"{other.rule}/")
    holds_account = other.account_id in ("", made.account_id)
    return holds_rule and holds_account and (other.until is None or other.until > made.until)

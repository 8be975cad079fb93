"""`budgetd explain`: every rule and one account: why it acts, holds, or does not select it."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import USAGE, failures, parse_at, say, screen_of

if TYPE_CHECKING:
    from budgetd.core.observation import Account, Observation
    from budgetd.wiring import Opened


@click.command("explain")
@click.argument("account")
@click.option("--rule", metavar="POLICY/RULE", help="That rule alone, due or not.")
@click.option("--at", "at_text", metavar="TIME", help="At another moment, past or future.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(
    ctx: click.Context, account: str, rule: str | None, at_text: str | None, style: str
) -> None:
    """Every rule that selects ACCOUNT (its id or its name), and why it acts or holds; then the
    rules that do not, and by which key.

    Reads that account alone and judges it alone: what others take first from the master or from
    a rule's cap is not seen. Nothing is moved.
    """
    with failures():
        from budgetd.cli.plan import check_rule
        from budgetd.wiring import open_documents

        opened = open_documents(ctx.obj)
        check_rule(opened, rule)
        at = parse_at(at_text, opened.config.timezone) if at_text is not None else None
        ctx.exit(asyncio.run(_explain(opened, account, rule, at, style)))


async def _explain(
    opened: "Opened", wanted: str, rule: str | None, at: datetime | None, style: str
) -> int:
    from budgetd.core.decisions.funding import Funding
    from budgetd.core.plans.explaining import explain
    from budgetd.report.explain_json import explain_json
    from budgetd.report.explain_text import explain_text

    settings = opened.settings(rule)
    fleet, found = await _observe(opened, wanted, rule, at)
    if len(found) != 1:
        why = f"{len(found)} accounts are called" if found else "there is no account"
        say(f"error: {why} {wanted}; `budgetd accounts` lists them with their ids")
        return USAGE
    looked_at = fleet.taken_at
    fleet = replace(fleet, taken_at=at or looked_at)
    asked = replace(fleet, accounts=found)
    funding = Funding(fleet, settings.frame.policies, settings.limits)
    told = explain(settings.frame, asked, settings.limits, rule)
    zone = opened.config.timezone
    if style == "json":
        click.echo(explain_json(told, asked, looked_at, zone, funding), nl=False)
    else:
        screen = screen_of(zone)
        click.echo(explain_text(told, asked, looked_at, screen, funding), nl=False)
    return 0


async def _observe(
    opened: "Opened", wanted: str, rule: str | None, at: datetime | None
) -> "tuple[Observation, tuple[Account, ...]]":
    """The readings of one account beside the list of all, and whom the word may mean."""
    from budgetd.clock import now
    from budgetd.core.decisions.needs import One
    from budgetd.cycle import blank_observation
    from budgetd.wiring import observer_of, open_client, open_past

    with open_past(opened.config) as ledger:
        settings = opened.settings(rule)
        blank = blank_observation(settings, ledger, at or now(), is_preview=at is not None)
        async with open_client(opened.config, now, may_write=False) as client:
            observer = observer_of(opened.config, client, now)
            rules = tuple(rule.accounts for _, rule in settings.frame.policies.rules())
            one = One(wanted=wanted, selectors=rules)
            observation = await observer.fleet(one, blank)
    found = tuple(one for one in observation.accounts if wanted in (one.id, one.name))
    return observation, found

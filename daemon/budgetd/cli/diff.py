"""`budgetd diff`: what a policy edit changes, in money, on today's readings. Changes nothing."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import PROPOSED, failures, reading_progress, screen_of

if TYPE_CHECKING:
    from budgetd.core.plans.plan import Plan
    from budgetd.wiring import Opened


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Decide on recorded readings (`budgetd accounts --format json`).",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 where the two differ.")
@click.pass_context
def command(
    ctx: click.Context,
    old: str,
    new: str,
    style: str,
    snapshot: Path | None,
    detailed_exitcode: bool,
) -> None:
    """What the policies of NEW would do otherwise than those of OLD, on the same readings.

    Each is a folder, a file, or REV or REV:path of the repository that the policies lie in.
    """
    with failures():
        from budgetd.core.plans.comparing import compare
        from budgetd.wiring import open_documents_at

        opened = (open_documents_at(ctx.obj, old), open_documents_at(ctx.obj, new))
        before, after = asyncio.run(_plans(*opened, snapshot))
        found = compare(before, after)
        if style == "json":
            from budgetd.report.diff_json import diff_json

            told = json.dumps(diff_json(before, after, found), ensure_ascii=False, indent=1) + "\n"
        else:
            from budgetd.report.diff_text import diff_text

            told = diff_text(after, found, screen_of(opened[0].config.timezone))
        click.echo(told, nl=False)
        ctx.exit(PROPOSED if detailed_exitcode and found.differs else 0)


async def _plans(old: "Opened", new: "Opened", snapshot: Path | None) -> "tuple[Plan, Plan]":
    """Both plans, on one reading of the fleet."""
    from dataclasses import replace

    from budgetd.cli.recorded import recorded
    from budgetd.clock import now
    from budgetd.core.decisions.needs import needs
    from budgetd.core.decisions.union import Union
    from budgetd.cycle import blank_observation, plan_of
    from budgetd.wiring import observer_of, open_client, open_past

    config, at = old.config, now()
    one, other = old.settings(), new.settings()
    with open_past(config) as ledger:
        blank = blank_observation(one, ledger, at, is_preview=True)
        second = blank_observation(other, ledger, at, is_preview=True)
        if snapshot is not None:
            seen = recorded(snapshot, blank)
        else:
            both = Union(
                one=needs(one.frame.policies, blank, one.limits),
                other=needs(other.frame.policies, second, other.limits),
            )
            with reading_progress() as progress:
                async with open_client(config, now, may_write=False) as client:
                    seen = await observer_of(config, client, now, progress).fleet(both, blank)
        same = replace(seen, samples=second.samples, last_read=second.last_read)
        return plan_of(one, seen), plan_of(other, same)

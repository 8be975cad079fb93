"""`budgetd plan`: the dry run. Reads, decides, shows; changes nothing."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import (
    LIMITED,
    PROPOSED,
    failures,
    parse_at,
    reading_progress,
    say,
    screen_of,
)

if TYPE_CHECKING:
    from budgetd.core.observation import Observation
    from budgetd.core.plans.plan import Plan
    from budgetd.wiring import Opened

FORMATS = ["text", "json", "html", "markdown", "csv"]


@click.command("plan")
@click.option("--format", "style", type=click.Choice(FORMATS), default="text")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save it for apply.")
@click.option("--at", "at_text", metavar="TIME", help="Preview another moment, past or future.")
@click.option("--rule", metavar="POLICY/RULE", help="That rule alone, due or not.")
@click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Decide on recorded readings (`budgetd accounts --format json`).",
)
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Preview other policies.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 where something would move.")
@click.pass_context
def command(
    ctx: click.Context,
    style: str,
    out: Path | None,
    at_text: str | None,
    rule: str | None,
    snapshot: Path | None,
    policies: Path | None,
    detailed_exitcode: bool,
) -> None:
    """What would move now, and why everything else would not. Nothing is moved.

    A plan made with --at, --snapshot or --policies is a preview, which `apply` refuses.
    """
    with failures():
        from budgetd.wiring import open_documents

        opened = open_documents(ctx.obj, policies)
        at = parse_at(at_text, opened.config.timezone) if at_text is not None else None
        request = Request(opened, rule, at, snapshot, policies is not None)
        ctx.exit(_plan(request, style, out, is_detailed=detailed_exitcode))


class Request:
    """What a plan was asked for."""

    def __init__(
        self,
        opened: "Opened",
        rule: str | None,
        at: datetime | None,
        snapshot: Path | None,
        has_other_policies: bool,
    ) -> None:
        self.opened = opened
        self.settings = opened.settings(rule)
        self.at = at
        self.snapshot = snapshot
        self.is_preview = has_other_policies or at is not None or snapshot is not None
        check_rule(opened, rule)


def check_rule(opened: "Opened", rule: str | None) -> None:
    """Raises `UsageError` for the name of a rule that there is not."""
    names = [name for name, _ in opened.loaded.policy_set.rules()]
    if rule is not None and rule not in names:
        raise click.UsageError(f"--rule: no rule {rule!r}; there are {', '.join(names)}")


def _plan(request: Request, style: str, out: Path | None, *, is_detailed: bool) -> int:
    from budgetd.cli.keeping import keep
    from budgetd.report.plan_json import plan_json

    begun = time.monotonic()
    plan, observation = asyncio.run(make(request))
    took = timedelta(seconds=time.monotonic() - begun)
    look = Look(style=style, took=took, can_keep=out is None)
    click.echo(render(request.opened, plan, observation, look), nl=False)
    tell_alone(plan)
    if out is not None:
        keep(out, plan_json(plan))
        until = plan.expires_at.astimezone(request.opened.config.timezone)
        kept = f"kept as {out}"
        carry = f"; carry it out with `budgetd apply {out}` until {until:%H:%M}"
        say(kept if plan.is_preview else kept + carry)
    if plan.is_limited:
        return LIMITED
    return PROPOSED if is_detailed and plan.transfers else 0


def tell_alone(plan: "Plan") -> None:
    """Says why the one rule that a person asked for does nothing, where no row tells: quiet holds
    stand in none."""
    from collections import Counter

    from budgetd.core.reason import Hold
    from budgetd.report.summary import loud_holds
    from budgetd.report.words import HOLD_WORDS

    told = (plan.transfers, plan.withheld, plan.observed, plan.alerts, tuple(loud_holds(plan)))
    if plan.only is None or any(told):
        return
    if not plan.held:
        say(f"{plan.only} is asked about no account: it selects none, or is out of its `valid`")
        return
    counted = Counter(
        (held.detail or "its period is used")
        if held.reason is Hold.NOT_DUE
        else HOLD_WORDS[held.reason]
        for held in plan.held
    )
    why = ", ".join(f"{words} ({number:,})" for words, number in counted.most_common())
    say(f"{plan.only} moves nothing: {why}")


async def make(request: Request) -> "tuple[Plan, Observation]":
    """The plan, on the live fleet or on recorded readings."""
    from dataclasses import replace

    from budgetd.cli.recorded import recorded
    from budgetd.clock import now
    from budgetd.cycle import blank_observation, plan_cycle, plan_of
    from budgetd.wiring import observer_of, open_client, open_past

    config = request.opened.config
    with open_past(config) as ledger:
        blank = blank_observation(
            request.settings, ledger, request.at or now(), is_preview=request.is_preview
        )
        if request.snapshot is not None:
            observation = recorded(request.snapshot, blank)
            if request.at is not None:
                observation = replace(observation, taken_at=request.at)
            return plan_of(request.settings, observation), observation
        with reading_progress() as progress:
            async with open_client(config, now, may_write=False) as client:
                observer = observer_of(config, client, now, progress)
                return await plan_cycle(request.settings, observer, blank, request.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a plan is shown: in which format, how long reading took where that is told, and whether
    the reader can still keep it."""

    style: str
    took: timedelta | None = None
    can_keep: bool = False


def render(opened: "Opened", plan: "Plan", observation: "Observation", look: Look) -> str:
    """The plan in one of the formats; those for people tell how long money lasts, too."""
    from budgetd.core.decisions.lasting import lasting
    from budgetd.report.ahead import lasting_lines

    zone, limits = opened.config.timezone, opened.config.guards()
    if look.style not in ("json", "csv"):
        ahead = tuple(lasting_lines(lasting(observation, opened.loaded.policy_set, limits)))
    match look.style:
        case "json":
            from budgetd.report.plan_json import plan_json

            return plan_json(plan)
        case "html":
            from budgetd.report.page import page_of
            from budgetd.report.plan_html import plan_html

            return plan_html(page_of(plan, observation, zone, can_keep=look.can_keep), ahead)
        case "markdown":
            from budgetd.report.plan_markdown import plan_markdown

            return plan_markdown(plan, zone, ahead, can_keep=look.can_keep)
        case "csv":
            from budgetd.report.plan_csv import plan_csv

            return plan_csv(plan, zone)
        case _:
            from budgetd.report.phrases import closing_of
            from budgetd.report.plan_text import plan_text
            from budgetd.report.summary import summary_of

            closing = closing_of(plan, summary_of(plan), can_keep=look.can_keep)
            screen = screen_of(zone)
            return plan_text(plan, screen, read_in=look.took, closing=closing, ahead=ahead)

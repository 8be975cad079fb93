"""`budgetd backtest`: recorded readings replayed through one or several sets. Changes nothing."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import failures, say, screen_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from budgetd.config import Config
    from budgetd.core.backtest.result import Backtest
    from budgetd.core.backtest.world import Ground, World
    from budgetd.core.intent import Unit
    from budgetd.core.moment import LocalMoment
    from budgetd.core.observation import Account, Sample
    from budgetd.ledger.store import Ledger
    from budgetd.wiring import Opened

WINDOW = timedelta(days=28)
"""What is replayed where nobody says from when on."""

CONFIGURED = "configured"


@click.command("backtest")
@click.option("--from", "from_text", metavar="TIME", help="Its beginning; 28 days before its end.")
@click.option("--to", "to_text", metavar="TIME", help="Its end; a bare date is included. Now.")
@click.option(
    "--policies",
    "sets",
    multiple=True,
    metavar="SET",
    help="A folder, a file, REV or REV:path; may be repeated. The configured set.",
)
@click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The fleet from a file (`budgetd accounts --format json`), not from the provider.",
)
@click.option("--format", "style", type=click.Choice(["text", "json", "html"]), default="text")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
@click.pass_context
def command(
    ctx: click.Context,
    from_text: str | None,
    to_text: str | None,
    sets: tuple[str, ...],
    snapshot: Path | None,
    style: str,
    out: Path | None,
) -> None:
    """What policies would have done with what was recorded, beside what really happened.

    Recorded spending is replayed, our own recorded moves are taken out, the set's are put in.
    Accounts are chosen by what the fleet's list says of them today.
    """
    with failures():
        from budgetd.cli.keeping import tell_or_keep
        from budgetd.core.backtest.measuring import backtest
        from budgetd.wiring import open_documents, open_documents_at

        force = open_documents(ctx.obj)
        window = _window(force.config.timezone, from_text, to_text)
        chosen = [(where, open_documents_at(ctx.obj, where).loaded.policy_set) for where in sets]
        world, newest = _past(force, window, snapshot)
        in_force = force.loaded.policy_set
        enterprise = force.config.enterprise
        if sys.stderr.isatty():
            say(f"replaying {world.readings:,} readings ...")
        compared = chosen or [(CONFIGURED, in_force)]
        found = backtest(world, enterprise, in_force, compared, newest)
        told = _told(found, force.config, style)
        tell_or_keep(told, out)


def _window(
    zone: "ZoneInfo", from_text: str | None, to_text: str | None
) -> tuple[datetime, datetime]:
    from budgetd.clock import now

    ends = _instant(zone, "--to", to_text, lambda moment: moment.after(zone)) or now()
    begins = _instant(zone, "--from", from_text, lambda moment: moment.first(zone))
    begins = begins or ends - WINDOW
    if begins >= ends:
        raise click.UsageError("--from must be before --to (which is now where it is left out)")
    return begins, ends


def _instant(
    zone: "ZoneInfo", option: str, text: str | None, means: "Callable[[LocalMoment], datetime]"
) -> datetime | None:
    from budgetd.cli.speaking import parse_at
    from budgetd.core.moment import MomentError, parse_moment

    if text is None:
        return None
    try:
        return means(parse_moment(text))
    except MomentError:
        return parse_at(text, zone, option)


def _past(
    force: "Opened", window: tuple[datetime, datetime], snapshot: Path | None
) -> "tuple[World, list[tuple[Unit, Sample]]]":
    """What was recorded, with the fleet as it is today, and the newest reading of each unit."""
    from budgetd.core.backtest.world import Ground
    from budgetd.ledger.readings import newest
    from budgetd.wiring import open_past

    config = force.config
    with open_past(config) as ledger:
        if ledger is None:
            raise click.UsageError(f"nothing was ever recorded in {config.state}")
        accounts = asyncio.run(_fleet(force, ledger, snapshot))
        ground = Ground(
            accounts=accounts,
            limits=config.guards(),
            currency=config.currency,
            step=config.polling.max_staleness / 2,
        )
        return _recorded(ground, ledger, window), list(newest(ledger).items())


def _recorded(ground: "Ground", ledger: "Ledger", window: tuple[datetime, datetime]) -> "World":
    from budgetd.core.backtest.world import (
        LOOKS_BACK,
        NothingRecordedError,
        cut_to,
        world_of,
    )
    from budgetd.core.forecast.estimating import LOOKS_BACK as BURN_LOOKS_BACK
    from budgetd.ledger.columns import columns

    begins, ends = window
    found = tuple(columns(ledger, begins - BURN_LOOKS_BACK, ends))
    try:
        known_since = begins - LOOKS_BACK
        past = (ledger.moves(known_since), ledger.moved_before(known_since))
        return world_of(ground, cut_to(window, found), found, past)
    except NothingRecordedError:
        raise click.UsageError(
            f"no reading of an account of the fleet was kept between {begins:%Y-%m-%d %H:%M}Z "
            f"and {ends:%Y-%m-%d %H:%M}Z"
        ) from None


async def _fleet(force: "Opened", ledger: "Ledger", snapshot: Path | None) -> "tuple[Account, ...]":
    """The accounts as the list has them today; nothing is read of them."""
    from budgetd.cli.recorded import recorded
    from budgetd.clock import now
    from budgetd.core.decisions.needs import Named
    from budgetd.cycle import blank_observation
    from budgetd.wiring import observer_of, open_client

    blank = blank_observation(force.settings(), ledger, now(), is_preview=True)
    if snapshot is not None:
        return recorded(snapshot, blank).accounts
    async with open_client(force.config, now, may_write=False) as client:
        observer = observer_of(force.config, client, now)
        return (await observer.fleet(Named.of_units(()), blank)).accounts


def _told(found: "Backtest", config: "Config", style: str) -> str:
    if style == "json":
        from budgetd.report.backtest_json import backtest_json

        return json.dumps(backtest_json(found), ensure_ascii=False, indent=1) + "\n"
    if style == "html":
        from budgetd.report.backtest_html import backtest_html

        return backtest_html(found, config.timezone)
    from budgetd.report.backtest_text import backtest_text

    return backtest_text(found, screen_of(config.timezone))

"""`budgetd status`: what the daemon last did, next does, holds and waits for.

From the state file alone, read beside the running daemon: it asks neither the daemon nor the
provider, and changes nothing.
"""

import json
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import FAILED, failures, screen_of

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.ledger.store import Ledger
    from budgetd.report.status import Told

RECENT = 5


@click.command("status")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, style: str) -> None:
    """What the daemon does: is it running, its last cycle, what comes next, what waits.

    Exits 0 where a daemon runs and does its work, and 1 where none runs or no cycle has made a plan
    for longer than twice polling.max_staleness.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.wiring import open_past

        config = load_config(find_config(ctx.obj))
        with open_past(config) as past:
            told = _told(config, past)
        if style == "json":
            from budgetd.report.status_json import status_json

            click.echo(json.dumps(status_json(told), indent=2))
        else:
            from budgetd.report.status_text import status_text

            click.echo(status_text(told, screen_of(config.timezone)), nl=False)
        if not told.is_well:
            ctx.exit(FAILED)


def _told(config: "Config", past: "Ledger | None") -> "Told":
    from budgetd.clock import now
    from budgetd.core.intent import State
    from budgetd.ledger import looking, proposals
    from budgetd.ledger.locks import is_daemon_running
    from budgetd.ledger.standing import newest
    from budgetd.ledger.tally import account_names, open_moves
    from budgetd.report.pauses import in_force
    from budgetd.report.status import Told

    at, is_running = now(), is_daemon_running(config.state)
    late_after = 2 * config.polling.max_staleness
    if past is None:
        return Told(
            now=at,
            is_running=is_running,
            standing=None,
            currency=config.currency,
            late_after=late_after,
            names={},
        )
    said = newest(past)
    doubtful = (State.NEEDS_HUMAN, State.IN_DOUBT)
    doubts = tuple(move for move in open_moves(past) if move.state in doubtful)
    recent = tuple(looking.newest(past, RECENT))
    pauses = tuple(in_force(past.pauses(), at))
    known = {move.unit.account_id for move in (*doubts, *recent)}
    return Told(
        now=at,
        is_running=is_running,
        standing=said.standing,
        unread=said.why,
        currency=config.currency,
        late_after=late_after,
        proposals=tuple(one for one in proposals.live(past) if at < one.expires_at),
        doubts=doubts,
        unproven=past.unproven(),
        pauses=pauses,
        recent=recent,
        names=account_names(past, known | {pause.account_id for pause in pauses}),
    )

"""`budgetd approve`: a person's yes to a proposal; the next cycle carries it out.

An approval bounds what moves and never moves anything itself.
"""

from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import agrees, can_ask, said, who
from budgetd.cli.proposing import FORMAT, one_proposal, show_json, show_one, show_waiting
from budgetd.cli.speaking import USAGE, failures, say
from budgetd.core.moment import format_minute

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.approval import Proposal
    from budgetd.ledger.store import Ledger


@click.command("approve")
@click.argument("proposal_id", metavar="[ID]", required=False)
@click.option("--reason", help="Why; kept with the approval.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--format", "style", type=FORMAT, default="text")
@click.pass_context
def command(
    ctx: click.Context, proposal_id: str | None, reason: str | None, yes: bool, style: str
) -> None:
    """Agrees to a proposal as it is shown. Without an ID: what waits.

    The next cycle decides it again on fresh readings and moves the smaller of the two amounts,
    or nothing. The start of the ID is enough.
    """
    with failures():
        from budgetd.config import find_config, load_config

        config = load_config(find_config(ctx.obj))
        if proposal_id is None:
            show_waiting(config, style)
            return
        words = said(reason)
        with one_proposal(ctx, config, proposal_id) as (ledger, proposal):
            if style == "text":
                show_one(config, ledger, proposal)
            if _is_approved(config, proposal):
                if style == "json":
                    show_json(ledger, proposal)
                return
            if not yes and (style == "json" or not can_ask()):
                say("error: no terminal to ask at; look at it first, then say --yes")
                ctx.exit(USAGE)
            if not yes and not agrees("Approve it?"):
                say("nothing was approved")
                return
            _approve(config, ledger, proposal, words)
            if style == "json":
                show_json(ledger, proposal)


def _is_approved(config: "Config", proposal: "Proposal") -> bool:
    from budgetd.core.approval import ProposalState

    if proposal.state is not ProposalState.APPROVED or proposal.decided_at is None:
        return False
    when = format_minute(proposal.decided_at, config.timezone)
    say(f"{proposal.id} was approved by {proposal.decided_by} at {when}; nothing was changed")
    return True


def _approve(config: "Config", ledger: "Ledger", proposal: "Proposal", reason: str) -> None:
    from budgetd.clock import now
    from budgetd.ledger.proposals import approve

    by = who()
    approve(ledger, proposal, by, reason, now())
    until = format_minute(proposal.expires_at, config.timezone)
    say(
        f"approved by {by}. The next cycle (`budgetd apply`) decides it again and moves at most "
        f"this, or nothing, until {until}"
    )
    if str(config.mode) == "dry_run":
        say("mode: dry_run in the config: it waits for `mode: enforce`")

"""`budgetd reject`: a person's no to a proposal. Nothing moves by it."""

import click

from budgetd.cli.asking import said, who
from budgetd.cli.proposing import FORMAT, one_proposal, show_json, show_one, show_waiting
from budgetd.cli.speaking import USAGE, failures, say
from budgetd.core.moment import format_minute


@click.command("reject")
@click.argument("proposal_id", metavar="[ID]", required=False)
@click.option("--reason", help="Why; kept with the rejection.")
@click.option("--format", "style", type=FORMAT, default="text")
@click.pass_context
def command(ctx: click.Context, proposal_id: str | None, reason: str | None, style: str) -> None:
    """Declines a proposal. Without an ID: what waits. The start of the ID is enough.

    Its rule does not ask again before the proposal would have ended by itself.
    """
    with failures():
        from budgetd.clock import now
        from budgetd.config import find_config, load_config
        from budgetd.core.approval import ProposalState
        from budgetd.ledger.proposals import reject

        config = load_config(find_config(ctx.obj))
        if proposal_id is None:
            show_waiting(config, style)
            return
        words = said(reason)
        with one_proposal(ctx, config, proposal_id) as (ledger, proposal):
            if style == "text":
                show_one(config, ledger, proposal)
            if proposal.state is ProposalState.APPROVED:
                say(
                    f"error: it was approved by {proposal.decided_by} already; "
                    f"`budgetd pause {proposal.rule}` holds it until it expires"
                )
                ctx.exit(USAGE)
            by = who()
            reject(ledger, proposal, by, words, now())
            if style == "json":
                show_json(ledger, proposal)
            ends = format_minute(proposal.expires_at, config.timezone)
            say(f"rejected by {by}. The rule does not ask again before {ends}")

"""What `approve` and `reject` share: the list, finding one proposal, showing what became of it.

It may not decide one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import USAGE, failures, say, screen_of

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.approval import Proposal
    from budgetd.core.pause import Pause
    from budgetd.ledger.store import Ledger

FORMAT = click.Choice(["text", "json"])
ENDED = 200


def show_waiting(config: "Config", style: str) -> None:
    """Every proposal that is open or approved, on stdout."""
    from budgetd.clock import now
    from budgetd.ledger import proposals
    from budgetd.report.proposals_json import proposals_json
    from budgetd.report.proposals_text import proposals_text
    from budgetd.wiring import open_past

    with open_past(config) as past:
        found = [one for one in proposals.live(past) if now() < one.expires_at] if past else []
    if style == "json":
        click.echo(json.dumps(proposals_json(found), indent=2))
        return
    click.echo(proposals_text(found, screen_of(config.timezone), now()), nl=False)


@contextmanager
def one_proposal(
    ctx: click.Context, config: "Config", wanted: str
) -> "Iterator[tuple[Ledger, Proposal]]":
    """The ledger and the one proposal that waits under this id, of which the start is enough.
    Exits 2 where there is none, or several, and says what became of one that is over."""
    from budgetd.ledger import proposals
    from budgetd.ledger.store import Ledger

    with failures():
        if not config.state.exists():
            say("error: nothing was ever proposed; `budgetd apply` keeps what a plan proposes")
            ctx.exit(USAGE)
        ledger = Ledger(config.state, may_write=True)
        try:
            prefix = wanted if wanted.startswith("p-") else f"p-{wanted}"
            found = [one for one in proposals.live(ledger) if one.id.startswith(prefix)]
            if len(found) != 1:
                ended = [
                    one for one in proposals.newest(ledger, ENDED) if one.id.startswith(prefix)
                ]
                say(f"error: {_why_not(wanted, found, ended)}")
                ctx.exit(USAGE)
            yield ledger, found[0]
        finally:
            ledger.close()


def _why_not(wanted: str, found: "list[Proposal]", ended: "list[Proposal]") -> str:
    from budgetd.report.proposals_text import state_sentence

    if found:
        return f"{len(found)} proposals begin with {wanted}; `budgetd approve` lists them"
    if ended:
        last = ended[0]
        by = f" by {last.decided_by}" if last.decided_by else ""
        return f"proposal {last.id} is not open any more: {state_sentence(last)}{by}"
    return (
        f"no proposal {wanted} waits. `budgetd approve` lists those that do; what `budgetd plan` "
        "shows is kept by the next `budgetd apply`"
    )


def show_one(config: "Config", ledger: "Ledger", proposal: "Proposal") -> None:
    """One proposal in full, with the pauses that hold it, on stdout."""
    from budgetd.clock import now
    from budgetd.report.proposals_text import proposal_text

    held = _holding(ledger, proposal)
    click.echo(proposal_text(proposal, screen_of(config.timezone), now(), held), nl=False)


def _holding(ledger: "Ledger", proposal: "Proposal") -> "list[Pause]":
    from budgetd.clock import now

    return [
        pause
        for pause in ledger.pauses()
        if any(pause.holds(proposal.rule, item.unit.account_id, now()) for item in proposal.items)
    ]


def show_json(ledger: "Ledger", proposal: "Proposal") -> None:
    """The proposal as it stands now, as JSON."""
    from budgetd.ledger import proposals
    from budgetd.report.proposals_json import proposals_json

    known = [one for one in proposals.newest(ledger, ENDED) if one.id == proposal.id]
    click.echo(json.dumps(proposals_json(known[:1]), indent=2))

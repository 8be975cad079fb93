"""`budgetd transfers prove`: the evidence of one transfer, what it proves, and what it does not."""

import json
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import USAGE, failures, say, screen_of

if TYPE_CHECKING:
    from budgetd.ledger.store import Ledger
    from budgetd.report.life import Evidence, Life


@click.command("prove")
@click.argument("transfer_id", metavar="ID")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def prove(ctx: click.Context, transfer_id: str, style: str) -> None:
    """What is known of one transfer, and what that does and does not prove.

    Reads the ledger alone. The start of the ID is enough.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.report.proof_json import proof_json
        from budgetd.report.proof_text import proof_text
        from budgetd.wiring import open_past

        config = load_config(find_config(ctx.obj))
        ledger = ctx.with_resource(open_past(config))
        if ledger is None:
            say(f"error: there is no transfer {transfer_id}: nothing was ever moved")
            ctx.exit(USAGE)
        life = life_of(ledger, transfer_id)
        if life is None:
            ctx.exit(USAGE)
        evidence = evidence_of(ledger, life)
        if style == "json":
            click.echo(json.dumps(proof_json(evidence), indent=2))
            return
        click.echo(proof_text(evidence, screen_of(config.timezone)), nl=False)


def life_of(ledger: "Ledger", wanted: str) -> "Life | None":
    """The one transfer whose id begins so; None, said to people, where there is none or several."""
    from budgetd.clock import now
    from budgetd.core.pause import pause_of
    from budgetd.ledger import looking
    from budgetd.ledger.evidence import claim_of
    from budgetd.report.life import Life

    found = looking.find(ledger, wanted)
    if len(found) != 1:
        why = f"{len(found)} transfers begin with" if found else "there is no transfer"
        say(f"error: {why} {wanted}; `budgetd transfers` lists them")
        return None
    intent = ledger.intent(found[0])
    assert intent is not None
    return Life(
        intent=intent,
        move=ledger.move(intent.id),
        attempts=tuple(ledger.attempts(intent.id)),
        events=tuple(ledger.events(intent.id)),
        claim=claim_of(ledger, intent.id),
        pause=pause_of(ledger.pauses(), intent.rule, intent.account_id, now()),
    )


def evidence_of(ledger: "Ledger", life: "Life") -> "Evidence":
    """A life with what stands around it in the ledger."""
    from budgetd.ledger.evidence import chain_of, family_of, readings_around
    from budgetd.report.life import Chain, Evidence

    intent, attempts = life.intent, life.attempts
    left_at = attempts[0].signed_at if attempts else intent.made_at
    over_at = life.move.ended_at or (attempts[-1].signed_at if attempts else intent.made_at)
    before, after = readings_around(ledger, intent, left_at, over_at)
    sent, family = family_of(ledger, intent)
    first, last, broken = chain_of(ledger, intent.id)
    return Evidence(
        life=life,
        chain=Chain(first=first, last=last, broken=broken),
        sent=sent,
        before=before,
        after=after,
        family=family,
    )

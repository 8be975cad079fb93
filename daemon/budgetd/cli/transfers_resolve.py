"""`budgetd transfers resolve`: a person's word on a transfer that no evidence could decide.

The word is kept with its reason; it moves nothing and cannot be taken back.
"""

from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import agrees, can_ask, said, who
from budgetd.cli.speaking import FAILED, LIMITED, LOCK_WAIT_S, USAGE, failures, say, screen_of

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.intent import State
    from budgetd.ledger.store import Ledger
    from budgetd.report.life import Evidence


@click.command("resolve")
@click.argument("transfer_id", metavar="ID")
@click.option("--settled", "moved", flag_value="settled", help="It moved, once.")
@click.option("--void", "moved", flag_value="void", help="It did not move and never will.")
@click.option("--reason", required=True, help="How that is known; kept as the proof.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.pass_context
def resolve(
    ctx: click.Context, transfer_id: str, moved: str | None, reason: str, yes: bool
) -> None:
    """Says what became of a transfer that needs a person. Look in the provider's records first.

    Only for one that needs a person, or that is in doubt beyond its dead time. Final: a
    correction is a new transfer.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.core.intent import State
        from budgetd.ledger.locks import cycle_lock
        from budgetd.ledger.store import Ledger

        config, words = load_config(find_config(ctx.obj)), said(reason)
        if moved is None:
            raise click.UsageError("say --settled (it moved) or --void (it did not)")
        if not words:
            raise click.UsageError("--reason: say how that is known")
        if not config.state.exists():
            say(f"error: there is no transfer {transfer_id}: nothing was ever moved")
            ctx.exit(USAGE)
        if str(config.mode) == "dry_run":
            say("error: under `mode: dry_run` no transfer is changed; nothing was")
            ctx.exit(LIMITED)
        with cycle_lock(config.state, wait_s=LOCK_WAIT_S):
            ledger = Ledger(config.state, may_write=True)
            try:
                wanted = (transfer_id, State(moved), words)
                ctx.exit(_resolve(config, ledger, wanted, is_agreed=yes))
            finally:
                ledger.close()


def _resolve(
    config: "Config", ledger: "Ledger", wanted: "tuple[str, State, str]", *, is_agreed: bool
) -> int:
    from budgetd.cli.transfers_prove import evidence_of, life_of
    from budgetd.clock import now
    from budgetd.report.proof_text import proof_text
    from budgetd.report.words import STATE_WORDS

    transfer_id, after, reason = wanted
    life = life_of(ledger, transfer_id)
    if life is None:
        return USAGE
    evidence = evidence_of(ledger, life)
    why_not = _why_not(config, evidence)
    if why_not:
        say(f"error: transfer {life.intent.id} {why_not}; nothing was changed")
        return USAGE
    click.echo(proof_text(evidence, screen_of(config.timezone)), nl=False)
    if not is_agreed and not can_ask():
        say("error: no terminal to ask at; look at the evidence, then say --yes")
        return USAGE
    told = "it moved, once" if str(after) == "settled" else "it did not move and never will"
    if not is_agreed and not agrees(f"Keep for ever that {told}?"):
        say("nothing was changed")
        return 0
    ledger.lead(config.enterprise)
    before = life.move.state
    word = {"why": reason, "by": who(), "was": str(before)}
    found = ledger.resolve(life.intent.id, after, word, now(), expects=before)
    if found is not after:
        say(f"error: it is {STATE_WORDS[found]} by now; nothing was changed")
        return FAILED
    click.echo(f"transfer {life.intent.id} is {STATE_WORDS[after]}, by the word of {word['by']}.")
    return 0


def _why_not(config: "Config", evidence: "Evidence") -> str:
    """Why a person may not decide it (yet); empty where one may."""
    from budgetd.clock import now
    from budgetd.core.intent import FINAL, State
    from budgetd.core.reconciliation import DEAD_TIME
    from budgetd.report.words import STATE_WORDS

    state, sent = evidence.life.move.state, evidence.sent
    if state in FINAL:
        return f"is {STATE_WORDS[state]}, and that is final; a correction is a new transfer"
    if state is State.PREPARED:
        return "was never sent: the next cycle withdraws it"
    if state is State.SENDING:
        return "was interrupted while it was sent: the next `budgetd apply` looks after it first"
    if state is State.IN_DOUBT and sent is not None and not sent.is_dead(now()):
        until = (sent.last_at + DEAD_TIME).astimezone(config.timezone)
        return (
            f"may still move: the next cycle after {until:%Y-%m-%d %H:%M} decides it by the "
            "provider's records, a person only then"
        )
    return ""

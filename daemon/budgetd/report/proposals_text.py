"""Proposals as people read them: what would move, why a person is asked, until when.

It may not decide one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.approval import Proposal, ProposalState, ProposedItem
from budgetd.core.intent import Direction
from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount, total
from budgetd.core.pause import Pause
from budgetd.core.reason import Ask
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count, signed
from budgetd.report.rows import VERBS
from budgetd.report.screen import Screen, fit, flow_parts, pad, print_lines
from budgetd.report.words import ASK_WORDS, limit_name, limit_words

MOST_ITEMS = 200
_FEW = 5

STATE_SENTENCES: dict[ProposalState, str] = {
    ProposalState.OPEN: "waits for a person",
    ProposalState.APPROVED: "approved; the next cycle carries it out",
    ProposalState.REJECTED: "rejected",
    ProposalState.EXPIRED: "expired",
    ProposalState.MOOT: "over: its rule would not act any more",
    ProposalState.DONE: "carried out",
}


def state_sentence(proposal: Proposal) -> str:
    """What became of a proposal; one that is done may have moved in part, or not at all."""
    is_whole = all(item.intent_id for item in proposal.items)
    if proposal.state is ProposalState.DONE and not is_whole:
        return "over: what is left of it would not move any more"
    return STATE_SENTENCES[proposal.state]


def proposals_text(proposals: Sequence[Proposal], screen: Screen, now: datetime) -> str:
    """What waits, the oldest first: a head, why, and the first few transfers of each."""
    if not proposals:
        return "No proposal waits.\n"
    lines: list[Text] = []
    for proposal in proposals:
        lines += _proposal(proposal, screen, now, _FEW)
    lines += [Text(), Text("Decide with `budgetd approve ID` or `budgetd reject ID`.")]
    return print_lines(lines, screen)


def proposal_text(
    proposal: Proposal, screen: Screen, now: datetime, held: Sequence[Pause] = ()
) -> str:
    """One proposal with all of its transfers, and the pauses that would hold it."""
    lines = _proposal(proposal, screen, now, MOST_ITEMS)
    for pause in held:
        told = harmless(f"  paused: {pause.scope}: {pause.reason}; it waits for the pause to end")
        lines.append(Text(fit(told, screen.room), style="bold yellow"))
    return print_lines(lines, screen)


def _proposal(proposal: Proposal, screen: Screen, now: datetime, most: int) -> list[Text]:
    style = "cyan" if proposal.state is ProposalState.OPEN else ""
    lines = [
        Text(line, style=style if not number else "")
        for number, line in enumerate(flow_parts(_head(proposal), screen.room))
    ]
    lines += [
        Text(f"  {line}") for line in flow_parts(_why(proposal, screen, now), screen.room - 2)
    ]
    shown = proposal.items[:most]
    verb = VERBS[shown[0].unit.instrument, proposal.direction] if shown else ""
    amounts = [_signed(proposal, item) for item in shown]
    size = max(map(len, amounts), default=0)
    names = [fit(_name(item), max(screen.room - size - 24, 16)) for item in shown]
    width = max(map(cell_len, names), default=0)
    for name, amount, item in zip(names, amounts, shown, strict=True):
        part = f"  {harmless(item.unit.part)}" if item.unit.part else ""
        line = f"    {verb:8}{pad(name, width)}  {pad(amount, size, right=True)}{part}"
        lines.append(Text(fit(line, screen.room)))
    if len(proposal.items) > most:
        lines.append(Text(f"    {len(proposal.items) - most:,} more; `--format json` has all"))
    return lines


def _head(proposal: Proposal) -> Iterator[str]:
    yield f"{proposal.id}  {harmless(proposal.rule)}"
    amount = show_amount(total(item.amount for item in proposal.items))
    way = "to accounts" if proposal.direction is Direction.ALLOCATE else "home"
    yield f"{amount} {proposal.currency} {way} in {count(len(proposal.items), 'transfer')}"


def _why(proposal: Proposal, screen: Screen, now: datetime) -> Iterator[str]:
    if proposal.limit:
        yield f"over {limit_name(proposal.limit)}: {limit_words(proposal.limit)}"
    else:
        yield f"asked because: {ASK_WORDS[Ask(proposal.ask)]}"
    yield f"proposed {_age(now - proposal.made_at)} ago"
    if proposal.state is not ProposalState.OPEN:
        by = f" by {harmless(proposal.decided_by)}" if proposal.decided_by else ""
        reason = f" ({harmless(proposal.reason)})" if proposal.reason else ""
        yield f"{state_sentence(proposal)}{by}{reason}"
    yield f"until {format_minute(proposal.expires_at, screen.zone)}"


def _age(length: timedelta) -> str:
    minutes = max(int(length.total_seconds()) // 60, 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _name(item: ProposedItem) -> str:
    return harmless(item.account_name or item.unit.account_id)


def _signed(proposal: Proposal, item: ProposedItem) -> str:
    is_out = proposal.direction is Direction.ALLOCATE
    return signed(item.amount if is_out else -item.amount)

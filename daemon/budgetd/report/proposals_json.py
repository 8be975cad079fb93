"""Proposals for machines: `budgetd.proposals/1`, amounts as text, times as RFC 3339.

It may not decide one.
"""

from collections.abc import Sequence

from budgetd.core.approval import Proposal
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount

Json = dict[str, object]


def proposals_json(proposals: Sequence[Proposal]) -> Json:
    """A list of proposals; `limit`, `decided_by`, `decided_at` and an item's `transfer` are null
    where there is none."""
    return {
        "format": "budgetd.proposals/1",
        "proposals": [_proposal(proposal) for proposal in proposals],
    }


def _proposal(proposal: Proposal) -> Json:
    decided_at = proposal.decided_at
    return {
        "id": proposal.id,
        "rule": proposal.rule,
        "direction": str(proposal.direction),
        "ask": proposal.ask,
        "limit": proposal.limit or None,
        "currency": proposal.currency,
        "made_at": format_instant(proposal.made_at),
        "expires_at": format_instant(proposal.expires_at),
        "state": str(proposal.state),
        "decided_by": proposal.decided_by or None,
        "decided_at": format_instant(decided_at) if decided_at else None,
        "reason": proposal.reason,
        "transfers": [
            {
                "account": {"id": item.unit.account_id, "name": item.account_name},
                "instrument": str(item.unit.instrument),
                "part": item.unit.part or None,
                "amount": format_amount(item.amount),
                "transfer": item.intent_id or None,
            }
            for item in proposal.items
        ],
    }

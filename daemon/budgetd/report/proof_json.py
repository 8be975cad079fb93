"""The evidence of one transfer for machines: `budgetd.proof/1`.

It may not judge: `proof` does.
"""

from hashlib import sha256

from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Sample
from budgetd.report.life import Evidence
from budgetd.report.proof import verdict_of
from budgetd.report.transfers_json import life_fields

Json = dict[str, object]


def proof_json(evidence: Evidence) -> Json:
    """A transfer as in `budgetd.transfer/1`, the evidence beside it, and its worth in words.

    `alike` are the transfers that no record could tell from it; `window` is where its movement
    would be booked, null of one that never left.
    """
    intent, verdict = evidence.life.intent, verdict_of(evidence)
    sent = evidence.sent
    return {
        "format": "budgetd.proof/1",
        "transfer": life_fields(evidence.life),
        "operation": intent.operation,
        "body": intent.body.decode("utf-8", "replace"),
        "body_sha256": sha256(intent.body).hexdigest(),
        "read_at": format_instant(intent.read_at),
        "reading_before": _sample(evidence.before),
        "reading_after": _sample(evidence.after),
        "window": None if sent is None else [format_instant(at) for at in sent.window],
        "alike": [{"id": one.id, "state": str(one.state)} for one in evidence.family],
        "chain": {
            "first": evidence.chain.first,
            "last": evidence.chain.last,
            "broken": evidence.chain.broken,
        },
        "basis": str(verdict.basis),
        "checks": [{"check": check, "holds": holds} for check, holds in verdict.checks],
        "proves": verdict.proves,
        "leaves_open": verdict.leaves_open,
    }


def _sample(sample: Sample | None) -> Json | None:
    if sample is None:
        return None
    return {"value": format_amount(sample.value), "read_at": format_instant(sample.read_at)}

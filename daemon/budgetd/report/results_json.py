"""What carrying a plan out did, as data: the document `budgetd.results/1`.

It may not judge an answer: it tells the states that the ledger holds.
"""

import json
from collections.abc import Iterable, Sequence

from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.money import format_amount, total
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.report.plan_json import plan_document

FORMAT = "budgetd.results/1"
Json = dict[str, object]


def results_json(outcomes: Sequence[Outcome], plan: Plan | None, *, stopped: str = "") -> str:
    """The document as ASCII text without a line break at its end.

    Amounts are text with two decimals. `state` is null where nothing was promised; then `hold`
    or `limit` may say why. `totals` are of what settled. `stopped` is why the cycle ended early,
    or null; `plan` the plan that was carried out, where there was a fresh one.
    """
    document: Json = {
        "format": FORMAT,
        "stopped": stopped or None,
        "results": [_result(outcome) for outcome in outcomes],
        "totals": _totals(outcomes),
        "plan": plan_document(plan) if plan is not None else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=True)


def _result(outcome: Outcome) -> Json:
    return {
        "id": outcome.id,
        "rule": outcome.rule,
        "direction": outcome.direction.value,
        "instrument": outcome.unit.instrument.value,
        "part": outcome.unit.part or None,
        "account": {"id": outcome.account.id, "name": outcome.account.name},
        "amount": format_amount(outcome.amount),
        "state": outcome.state.value if outcome.state else None,
        "hold": outcome.hold.value if outcome.hold else None,
        "limit": outcome.limit or None,
        "note": outcome.note,
    }


def _totals(outcomes: Iterable[Outcome]) -> Json:
    settled = [outcome for outcome in outcomes if outcome.state is State.SETTLED]
    return {
        instrument.value: {
            direction.value: format_amount(
                total(
                    outcome.amount
                    for outcome in settled
                    if outcome.direction is direction and outcome.unit.instrument is instrument
                )
            )
            for direction in Direction
        }
        for instrument in Instrument
    }

"""What became of cases, for programs: `budgetd.test/1`.

It may not run cases.
"""

import json
from collections.abc import Sequence

from budgetd.core.cases.coverage import RuleCoverage
from budgetd.report.cases_text import Ran, executed, failed


def cases_json(ran: Sequence[Ran], rules: Sequence[RuleCoverage] | None) -> str:
    """Every case with its differences, and the coverage if asked for."""
    document: dict[str, object] = {
        "format": "budgetd.test/1",
        "executed": executed(ran),
        "failed": failed(ran),
        "cases": [
            {
                "path": one.written.path,
                "line": one.written.tree.find(("cases", index, "name")).mark.line,
                "name": result.case.name,
                "passed": not result.failures,
                "failures": [
                    {**one.problem(index, failure).as_json(), "why": list(failure.why)}
                    for failure in result.failures
                ],
            }
            for one in ran
            for index, result in enumerate(one.results)
        ],
    }
    if rules is not None:
        document["coverage"] = [_rule(row) for row in rules]
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _rule(row: RuleCoverage) -> dict[str, object]:
    return {
        "rule": row.rule,
        "exercised": row.is_exercised,
        "fired": row.fired,
        "held": {str(hold): count for hold, count in row.held},
        "rails": dict(row.rails),
    }

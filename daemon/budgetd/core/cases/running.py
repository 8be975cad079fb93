"""A case through the real engine, and what was expected beside what came.

The engine is `decide` and `make_plan`, as in every cycle. It may not read files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budgetd.core.cases.case import Case, CaseFile, Item
from budgetd.core.cases.happened import Happened, happened
from budgetd.core.cases.staging import Ground, Stage, instant, stage
from budgetd.core.decisions.deciding import decide
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame, make_plan

Path = tuple[str | int, ...]
FULL = ("transfers", "proposals", "withheld", "alerts", "observed")
"""Lists that must name everything that came; `alerts` and `observed` where they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One difference, at a path of the case: what was expected, what came, and why it came."""

    path: Path
    message: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One case that was run."""

    case: Case
    stage: Stage
    plan: Plan
    failures: tuple[Failure, ...]


def run_case(ground: Ground, file: CaseFile, case: Case) -> Result:
    """What the policies in force make of the case, and where that is not what it expects."""
    made = stage(ground, file, case)
    only = ground.full_name(case.only) if case.only is not None else None
    decisions = decide(ground.policies, made.observation, made.limits, only)
    frame = Frame(enterprise="case", mode="enforce", policies=ground.policies)
    plan = make_plan(frame, decisions, made.observation, made.limits)
    came = happened(plan, made, ground)
    failures = tuple(_failures(_Asked(case, ground, made), came))
    return Result(case=case, stage=made, plan=plan, failures=failures)


@dataclass(frozen=True, slots=True)
class _Asked:
    case: Case
    ground: Ground
    stage: Stage

    def keys(self, item: Item) -> dict[str, object]:
        """The written keys of an expectation, as what came bears them."""
        found: dict[str, object] = {}
        for key in item.model_fields_set:
            value = getattr(item, key)
            if key == "rule":
                value = self.ground.full_name(value) or value
            elif key == "until":
                value = instant(value, self.stage.limits.zone, self.stage.at)
            found[key] = value
        return found


def _failures(asked: _Asked, came: Happened) -> Iterator[Failure]:
    expect = asked.case.expect
    for name in (*FULL, "held"):
        items: Sequence[Item] | None = getattr(expect, name)
        there = came.of(name)
        wanted = [asked.keys(item) for item in items or ()]
        pairs = _match(wanted, there)
        left = [index for index in range(len(there)) if index not in pairs.values()]
        for index in range(len(wanted)):
            if index not in pairs:
                best = _nearest(wanted[index], there, left)
                if best is not None:
                    left.remove(best)
                yield _missing(name, index, wanted[index], came, best)
        is_closed = name in FULL and (items is not None or expect.nothing)
        if is_closed and expect.others is None:
            yield from (_stray(name, index, came, asked) for index in left)


def _match(wanted: list[dict[str, object]], came: list[dict[str, object]]) -> dict[int, int]:
    """As many expectations as possible, each with one thing of its own that fits it."""
    owner: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for other in range(len(came)):
            if other in tried or not _fits(wanted[index], came[other]):
                continue
            tried.add(other)
            if other not in owner or place(owner[other], tried):
                owner[other] = index
                return True
        return False

    for index in range(len(wanted)):
        place(index, set())
    return {index: other for other, index in owner.items()}


def _fits(wanted: dict[str, object], there: dict[str, object]) -> bool:
    return all(there.get(key) == value for key, value in wanted.items())


def _nearest(
    wanted: dict[str, object], there: list[dict[str, object]], left: list[int]
) -> int | None:
    """Of what is left, what differs in the fewest keys, of the same account and rule."""
    same = [key for key in ("account", "rule") if key in wanted]
    near = [one for one in left if all(wanted[key] == there[one].get(key) for key in same)]
    wrong = {
        one: sum(there[one].get(key) != value for key, value in wanted.items()) for one in near
    }
    return min(near, key=lambda one: wrong[one], default=None)


def _missing(
    name: str, index: int, wanted: dict[str, object], came: Happened, nearest: int | None
) -> Failure:
    """An expectation that nothing meets, beside what comes nearest to it."""
    path: Path = ("expect", name, index)
    if nearest is None:
        return Failure(
            path=path,
            message=f"expected {came.tell(name, wanted)}; it did not come",
            why=came.instead(wanted),
        )
    best = came.of(name)[nearest]
    wrong = [key for key, value in wanted.items() if best.get(key) != value]
    told = [
        f"{key} {came.show(wanted[key])}, came {came.show(best.get(key))}" for key in sorted(wrong)
    ]
    return Failure(
        path=(*path, sorted(wrong)[0]),
        message=f"expected {'; '.join(told)}",
        why=came.why(best),
    )


def _stray(name: str, index: int, came: Happened, asked: _Asked) -> Failure:
    there = came.of(name)[index]
    is_written = name in asked.case.expect.model_fields_set
    return Failure(
        path=("expect", name) if is_written else ("expect",),
        message=f"not expected, and came: {came.tell(name, there)}",
        why=came.why(there),
    )

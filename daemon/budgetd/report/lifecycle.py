"""The life of an intent as a page: drawn from the table of lawful steps, never beside it.

It may not know a step that `core.intent` does not.
"""

from collections.abc import Iterator

from budgetd.core.intent import FINAL, TRANSITIONS, State

_MEANINGS: dict[State, str] = {
    State.PREPARED: "promised in the ledger; no byte has left",
    State.SENDING: "an attempt is written down; the request may be anywhere",
    State.IN_DOUBT: "it may have moved",
    State.NEEDS_HUMAN: "the evidence contradicts itself, or does not suffice",
    State.SETTLED: "it moved, once; booked with the amount that really moved",
    State.REFUSED: "the provider says that it did not move",
    State.CANCELLED: "withdrawn before anything could move",
    State.VOID: "proven never to have happened",
}
_CAUSES: dict[tuple[State, State], str] = {
    (State.PREPARED, State.SENDING): "its turn: a row for the attempt, then the first byte",
    (State.PREPARED, State.CANCELLED): "a restart, a pause, its expiry, or patience that ended",
    (State.PREPARED, State.REFUSED): "the provider stayed busy until patience ended",
    (State.SENDING, State.SETTLED): "the answer says that it moved",
    (State.SENDING, State.REFUSED): "the answer says that it did not, and no earlier one is open",
    (State.SENDING, State.IN_DOUBT): "no answer, one that proves nothing, or the process died",
    (State.SENDING, State.PREPARED): "not executed, and the same key may be sent again",
    (State.IN_DOUBT, State.SENDING): "the same key again, at most four times in ten minutes",
    (State.IN_DOUBT, State.SETTLED): "evidence, a late answer, or a person after the dead time",
    (State.IN_DOUBT, State.VOID): "no evidence after the dead time, or a person then",
    (State.IN_DOUBT, State.NEEDS_HUMAN): "evidence after the dead time that does not decide it",
    (State.IN_DOUBT, State.REFUSED): "the missing answer came late: it did not move",
    (State.IN_DOUBT, State.PREPARED): "the missing answer came late: not executed",
    (
        State.NEEDS_HUMAN,
        State.SETTLED,
    ): "`budgetd transfers resolve ID --settled`, or a late answer",
    (State.NEEDS_HUMAN, State.VOID): "`budgetd transfers resolve ID --void`",
}

_HEAD = """\
# The life of a transfer

This page is drawn from the table of lawful steps in `daemon/budgetd/core/intent.py`; a test keeps
it equal. A step that is not here raises before anything is written, and the database refuses to
leave a final state. How doubt is left is told in [operations.md](operations.md).
"""


def lifecycle_markdown() -> str:
    """The whole page: the drawing, what each state means, and what causes each step."""
    lines = [_HEAD, "```", *_drawing(), "```", "", "## States", ""]
    lines += ["| state | meaning | final |", "| --- | --- | --- |"]
    lines += [
        f"| `{state}` | {_MEANINGS[state]} | {'yes' if state in FINAL else ''} |" for state in State
    ]
    lines += ["", "## Steps", "", "| from | to | because |", "| --- | --- | --- |"]
    lines += [
        f"| `{before}` | `{after}` | {_CAUSES[before, after]} |"
        for before in State
        for after in State
        if after in TRANSITIONS[before]
    ]
    return "\n".join(lines) + "\n"


def _drawing() -> Iterator[str]:
    """Each state with the ways out of it; a final one stands between double bars."""
    width = max(len(_name(state)) for state in State if state not in FINAL)
    yield f"{'decided':{width}} ----> {_name(State.PREPARED)}"
    for state in State:
        ways = [after for after in State if after in TRANSITIONS[state]]
        if not ways:
            continue
        yield ""
        for number, after in enumerate(ways):
            head = f"{_name(state):{width}} --" if not number else " " * (width + 3)
            joint = "+" if len(ways) > 1 else "-"
            yield f"{head}{joint}--> {_name(after)}"
            if number + 1 < len(ways):
                yield f"{' ' * (width + 3)}|"


def _name(state: State) -> str:
    return f"|| {state} ||" if state in FINAL else f"( {state} )"

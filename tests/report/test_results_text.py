"""What carrying a plan out did, told in the states that the ledger holds."""

import pytest
from rich.cells import cell_len

from budgetd.core.intent import State
from budgetd.report.result import Result
from budgetd.report.results_text import results_text
from budgetd.report.screen import Screen

from .golden import golden
from .plans import HOSTILE, SHANGHAI, account, plan_of, realistic_plan, transfer

STATES = (
    State.SETTLED,
    State.REFUSED,
    State.IN_DOUBT,
    State.CANCELLED,
    State.VOID,
    State.SETTLED,
)
NOTES = {
    State.REFUSED: "CBC.99003162: the master has too little, says the provider",
    State.IN_DOUBT: "no answer within 30 s",
}


def results() -> list[Result]:
    moves = realistic_plan().moves
    return [
        Result(transfer_id=move.id, state=state, amount=move.amount, note=NOTES.get(state, ""))
        for move, state in zip(moves, STATES, strict=True)
    ]


def screen(width: int) -> Screen:
    return Screen(width=width, zone=SHANGHAI)


@pytest.mark.parametrize("width", [80, 200])
def test_results_read_as_the_golden_file_does(width: int) -> None:
    assert results_text(realistic_plan(), results(), screen(width)) == golden(
        f"results_{width}.txt"
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    text = results_text(realistic_plan(), results(), screen(width))
    assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("state", list(State))
def test_only_what_settled_is_told_as_moved(state: State) -> None:
    plan = plan_of(transfer(account("a", number=1), "1.00", "2.00"))
    only = Result(transfer_id=plan.moves[0].id, state=state, amount=plan.moves[0].amount)
    text = results_text(plan, [only], screen(80))
    assert ("1.00 moved to accounts" in text) == (state is State.SETTLED)


def test_doubt_is_the_last_word_even_beside_refusals() -> None:
    assert "in doubt" in results_text(realistic_plan(), results(), screen(200)).splitlines()[-1]
    refused = [item for item in results() if item.state is not State.IN_DOUBT]
    text = results_text(realistic_plan(), refused, screen(200))
    assert text.endswith("The provider refused some transfers; nothing of them moved.\n")


def test_a_result_of_a_transfer_that_the_plan_does_not_know_is_told_by_its_id() -> None:
    stray = Result(transfer_id="deadbeef", state=State.SETTLED, amount=results()[0].amount)
    assert "deadbeef" in results_text(plan_of(), [stray], screen(80))


def test_what_did_not_settle_is_shown_before_a_long_list_ends() -> None:
    moves = [transfer(account(f"a{n}", number=n + 1), "1.00", "2.00") for n in range(300)]
    states = [State.SETTLED] * 299 + [State.REFUSED]
    told = [
        Result(transfer_id=move.id, state=state, amount=move.amount)
        for move, state in zip(moves, states, strict=True)
    ]
    text = results_text(plan_of(*moves), told, screen(100))
    assert "refused" in text.splitlines()[0]
    assert "100 more" in text


def test_nothing_done_is_said() -> None:
    assert results_text(plan_of(), [], screen(80)) == "Nothing was moved.\n"


def test_a_providers_words_do_not_act_on_the_terminal() -> None:
    plan = plan_of(transfer(account("a", number=1), "1.00", "2.00"))
    told = Result(
        transfer_id=plan.moves[0].id,
        state=State.REFUSED,
        amount=plan.moves[0].amount,
        note=HOSTILE,
    )
    assert "\x1b" not in results_text(plan, [told], screen(80))

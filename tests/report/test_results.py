"""What carrying a plan out did, told in the states that the ledger holds."""

import json
from decimal import Decimal

import pytest
from rich.cells import cell_len

from budgetd.core.intent import OPEN, State
from budgetd.core.plans.outcome import Outcome
from budgetd.core.reason import Hold
from budgetd.report.results_json import results_json
from budgetd.report.results_text import progress_line, results_text
from budgetd.report.screen import Screen

from .golden import golden
from .plans import HOSTILE, SHANGHAI, account, outcome, realistic_plan, transfer

ONE = transfer(account("a", number=1), "1.00", "2.00")


def outcomes() -> list[Outcome]:
    first, second, third, fourth, fifth, sixth = realistic_plan().moves
    return [
        outcome(first, State.SETTLED),
        outcome(second, State.REFUSED, note="CBC.99003162: the master has too little"),
        outcome(third, State.IN_DOUBT, note="no answer within 30 s; the same key is sent again"),
        outcome(fourth, State.CANCELLED),
        outcome(fifth, None, hold=Hold.PAUSED, note="by hand"),
        outcome(sixth, None, limit="per_day.amount"),
    ]


def screen(width: int) -> Screen:
    return Screen(width=width, zone=SHANGHAI)


@pytest.mark.parametrize("width", [80, 200])
def test_results_read_as_the_golden_file_does(width: int) -> None:
    assert results_text(outcomes(), screen(width)) == golden(f"results_{width}.txt")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    whole = outcome(ONE, State.SETTLED, amount=Decimal("99999999999.99"))
    text = results_text([*outcomes(), whole], screen(width))
    assert max(cell_len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("state", [*State, None])
def test_only_what_settled_is_told_as_moved(state: State | None) -> None:
    told = [outcome(ONE, state)]
    text = results_text(told, screen(80))
    assert ("1.00 moved to accounts" in text) == (state is State.SETTLED)
    assert ("in doubt" in text.splitlines()[-2]) == (state in OPEN)
    totals = json.loads(results_json(told, None))["totals"]
    assert (totals["cash"]["allocate"] == "1.00") == (state is State.SETTLED)


def test_doubt_is_the_last_word_even_beside_refusals() -> None:
    assert "in doubt" in results_text(outcomes(), screen(200)).splitlines()[-1]
    sure = [item for item in outcomes() if item.state is not State.IN_DOUBT]
    text = results_text(sure, screen(200))
    assert text.endswith("The provider refused some transfers; nothing of them moved.\n")


def test_what_did_not_settle_is_shown_before_a_long_list_ends() -> None:
    told = [outcome(ONE, State.SETTLED)] * 299 + [outcome(ONE, State.REFUSED)]
    text = results_text(told, screen(100))
    assert "refused" in text.splitlines()[0]
    assert "100 more" in text


def test_nothing_done_is_said() -> None:
    assert results_text([], screen(80)) == "Nothing was moved.\n"


def test_a_providers_words_do_not_act_on_the_terminal() -> None:
    hostile = outcome(transfer(account(HOSTILE), "1.00", "2.00"), State.REFUSED, note=HOSTILE)
    for text in (
        results_text([hostile], screen(80)),
        progress_line(hostile),
        results_json([hostile], None),
    ):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "\n" not in progress_line(hostile)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (0, "= top up R&D/prod-web +2,000.00 settled"),
        (1, "! top up R&D/prod-db +1,600.00 refused: CBC.99003162: the master has too little"),
        (4, "- reclaim Projects/idle -4,800.00 held: paused; by hand"),
        (5, "- coupon Projects/busy -32.50 withheld: over limits.per_day.amount"),
    ],
)
def test_an_end_is_told_in_one_line_as_it_comes(number: int, line: str) -> None:
    assert progress_line(outcomes()[number]) == line


def test_results_as_data_carry_state_hold_and_limit_apart() -> None:
    document = json.loads(results_json(outcomes(), realistic_plan(), stopped="the disk is full"))
    assert list(document) == ["format", "stopped", "results", "totals", "plan"]
    assert document["format"] == "budgetd.results/1"
    assert document["stopped"] == "the disk is full"
    assert document["plan"]["format"] == "budgetd.plan/1"
    assert [(entry["state"], entry["hold"], entry["limit"]) for entry in document["results"]] == [
        ("settled", None, None),
        ("refused", None, None),
        ("in_doubt", None, None),
        ("cancelled", None, None),
        (None, "paused", None),
        (None, None, "per_day.amount"),
    ]
    assert document["results"][5]["part"] == "CC0001"
    assert document["totals"]["cash"] == {"allocate": "2000.00", "reclaim": "0.00"}

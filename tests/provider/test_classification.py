"""Each answer to a move is in its class, and every row of the error tables has one."""

import csv
from pathlib import Path

import pytest

from budgetd.core.answer import PAIRS, AnswerClass, Phase, classify, knows_pair

FILE = Path(__file__).parent / "errors.csv"
ROWS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))

# What the table says about the outcome, and the class that follows from it.
FOLLOWS = {
    "known:not_moved": AnswerClass.REFUSED,
    "unknown": AnswerClass.UNKNOWN,
    "stated_failed:verify": AnswerClass.CONTESTED,
    "known:not_moved_by_this_call": AnswerClass.CONTESTED,
    "earlier_attempt_recorded:verify": AnswerClass.RECEIVED_BEFORE,
    "known:not_moved_by_this_call;earlier_pending": AnswerClass.BUSY,
}
MOVES = ("POST transfer-amount", "POST retrieve-amount", "POST transfer-coupon", "POST retrieve")


def _of_a_move(row: dict[str, str]) -> bool:
    if row["http_status"] in ("0", "200") or row["outcome_known"].startswith("n/a"):
        return False
    if row["outcome_known"] in ("known:not_created", "unknown_no_money"):
        return False
    is_ours = any(part.strip().startswith(MOVES) for part in row["api"].split(";"))
    is_general = row["api"].startswith(("any", "partner", "some", "a billing"))
    is_relation = row["error_code"] in ("CBC.99000086", "CBC.99000047")
    return is_ours or is_general or is_relation


def _classify(status: int, code: str, success: int = 204, shape: bool = True) -> AnswerClass:
    return classify(
        phase=Phase.ANSWERED,
        status=status,
        code=code,
        success_status=success,
        is_documented_shape=shape,
    )


def _knows(status: int, code: str, success: int = 204, shape: bool = True) -> bool:
    return knows_pair(
        phase=Phase.ANSWERED,
        status=status,
        code=code,
        success_status=success,
        is_documented_shape=shape,
    )


@pytest.mark.parametrize("row", [row for row in ROWS if _of_a_move(row)], ids=str)
def test_every_documented_pair_of_a_move_has_the_class_its_row_implies(
    row: dict[str, str],
) -> None:
    status, code = int(row["http_status"]), row["error_code"]
    expected = FOLLOWS[row["outcome_known"]]
    if status == 429:
        expected = AnswerClass.RETRYABLE
    if code == "CBC.99007004":
        # Its row says "not moved"; an earlier copy of ours could be why the check fails.
        expected = AnswerClass.CONTESTED
    assert _classify(status, code) is expected
    assert _knows(status, code)


def test_no_pair_is_in_the_table_that_the_documentation_does_not_have() -> None:
    documented = {(int(row["http_status"]), row["error_code"]) for row in ROWS}
    assert set(PAIRS) <= documented


@pytest.mark.parametrize("code", sorted({code for _, code in PAIRS}))
def test_a_known_code_under_another_status_proves_nothing(code: str) -> None:
    for status in range(100, 600):
        if (status, code) not in PAIRS:
            assert _classify(status, code) is AnswerClass.UNKNOWN
            assert not _knows(status, code)


@pytest.mark.parametrize("code", ["CBC.7001", "CBC.7004", "CBC.7181", "CBC.99007461"])
def test_codes_of_the_retired_api_are_not_ours(code: str) -> None:
    assert _classify(500, code) is AnswerClass.UNKNOWN
    assert not _knows(500, code)


@pytest.mark.parametrize("code", ["", "CBC.0999", "CBC.0100", "APIGW.0201", "CBC.99007009"])
def test_no_5xx_ever_proves_anything(code: str) -> None:
    assert {_classify(status, code) for status in range(500, 600)} == {AnswerClass.UNKNOWN}


def test_a_status_without_a_code_proves_nothing() -> None:
    proves = {one for one in range(100, 600) if _classify(one, "") is not AnswerClass.UNKNOWN}
    assert proves == {204, 404, 413, 414, 494}


@pytest.mark.parametrize("status", [404, 413, 414, 494])
def test_what_no_backend_can_have_seen_was_not_executed(status: int) -> None:
    assert _classify(status, "") is AnswerClass.REFUSED
    assert _knows(status, "")


@pytest.mark.parametrize(
    ("status", "success", "shape", "expected"),
    [
        (204, 204, True, AnswerClass.SETTLED),
        (204, 204, False, AnswerClass.UNKNOWN),
        (200, 204, True, AnswerClass.UNKNOWN),
        (200, 200, True, AnswerClass.SETTLED),
        (200, 200, False, AnswerClass.UNKNOWN),
        (204, 200, True, AnswerClass.UNKNOWN),
        (201, 200, True, AnswerClass.UNKNOWN),
        (202, 204, True, AnswerClass.UNKNOWN),
    ],
)
def test_only_the_documented_success_settles(
    status: int, success: int, shape: bool, expected: AnswerClass
) -> None:
    assert _classify(status, "", success, shape) is expected
    assert _knows(status, "", success, shape) == (expected is AnswerClass.SETTLED)


def test_a_success_that_carries_an_error_code_settles_nothing() -> None:
    assert _classify(200, "CBC.0100", 200) is AnswerClass.UNKNOWN
    assert _classify(200, "CBC.0000", 200) is AnswerClass.SETTLED


@pytest.mark.parametrize(
    ("phase", "expected"),
    [(Phase.NOT_SENT, AnswerClass.RETRYABLE), (Phase.SENT, AnswerClass.UNKNOWN)],
)
def test_the_phase_comes_before_the_status(phase: Phase, expected: AnswerClass) -> None:
    found = classify(phase=phase, status=204, code="", success_status=204, is_documented_shape=True)
    assert found is expected

"""Every reason has words, and nothing that hides in a name stays hidden."""

from enum import StrEnum

import pytest

from budgetd.core.intent import State
from budgetd.core.reason import Ask, Hold, Why
from budgetd.report.harmless import harmless
from budgetd.report.words import (
    ASK_WORDS,
    HOLD_SENTENCES,
    HOLD_WORDS,
    STATE_WORDS,
    WHY_WORDS,
    limit_words,
)


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        (HOLD_WORDS, Hold),
        (HOLD_SENTENCES, Hold),
        (WHY_WORDS, Why),
        (ASK_WORDS, Ask),
        (STATE_WORDS, State),
    ],
)
def test_every_member_of_a_closed_list_has_its_own_words(
    words: dict[StrEnum, str], closed: type[StrEnum]
) -> None:
    assert set(words) == set(closed)
    assert all(words.values())
    assert len(set(words.values())) == len(words)


def test_a_short_phrase_fits_a_narrow_row_and_a_sentence_ends() -> None:
    assert max(len(words) for words in HOLD_WORDS.values()) < 42
    assert all(sentence.endswith(".") for sentence in HOLD_SENTENCES.values())


def test_a_limit_without_words_of_its_own_is_named() -> None:
    assert limit_words("per_cycle.amount") == "more money than one cycle may move one way"
    assert limit_words("per_moon") == "limits.per_moon"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("prod-web", "prod-web"),
        ("生产环境", "生产环境"),
        ("Zoë & Söhne", "Zoë & Söhne"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u200bb\ufeffc\u00add", "a\\u200bb\\ufeffc\\xadd"),
        ("a\ud800b", "a\\ud800b"),
        ("a\U000e0041b", "a\\U000e0041b"),
    ],
)
def test_what_a_reader_cannot_see_is_written_out(name: str, shown: str) -> None:
    assert harmless(name) == shown

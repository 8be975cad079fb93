"""How long money lasts, in words: the middle and its band, never a point alone."""

import pytest

from budgetd.core.standing import Lasts
from budgetd.report.phrases import lasts_words

DAY, HOUR = 86400, 3600


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((9 * DAY, 12 * DAY + HOUR, 16 * DAY), "12 d (9 d to 16 d)"),
        ((2 * HOUR + 1, 5 * HOUR, 3 * DAY), "5 h (2 h to 3 d)"),
        ((40 * DAY, None, None), "for ever (40 d to for ever)"),
        ((None, None, None), "for ever"),
        ((0, 0, 0), "0 h"),
    ],
)
def test_a_runway_is_told_with_its_band(seconds: tuple[int | None, ...], words: str) -> None:
    low, middle, high = seconds
    assert lasts_words(Lasts(low_s=low, middle_s=middle, high_s=high)) == words

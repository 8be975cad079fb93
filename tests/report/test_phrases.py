"""How long money lasts, in words: the middle and its band, never a point alone."""

import pytest

from budgetd.core.decisions.lasting import Lasting
from budgetd.core.standing import End, Kept, Lasts, Worst
from budgetd.report.ahead import kept_words, lasting_lines, length_words
from budgetd.report.page import page_of
from budgetd.report.plan_html import plan_html
from budgetd.report.plan_markdown import plan_markdown
from budgetd.report.plan_text import plan_text
from budgetd.report.screen import Screen

from .plans import SHANGHAI, realistic_observation, realistic_plan

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
    assert length_words(Lasts(low_s=low, middle_s=middle, high_s=high)) == words


TEN_DAYS = Lasts(low_s=8 * DAY, middle_s=10 * DAY, high_s=13 * DAY)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (Kept(lasts=TEN_DAYS, end=End.MASTER), "10 d (8 d to 13 d), as long as the master lasts"),
        (
            Kept(lasts=TEN_DAYS, end=End.CAP, cap="account_per_month"),
            "10 d (8 d to 13 d), until the cap account_per_month holds",
        ),
        (Kept(lasts=TEN_DAYS, end=End.VALID), "10 d (8 d to 13 d), until its rule ends"),
        (Kept(lasts=TEN_DAYS, end=End.SLOT), "10 d (8 d to 13 d), then a slot comes too late"),
        (Kept(lasts=Lasts(low_s=None, middle_s=None, high_s=None), end=End.CAP), "for ever"),
        (None, ""),
    ],
)
def test_what_rules_keep_is_told_with_what_ends_it(kept: Kept | None, words: str) -> None:
    assert kept_words(kept) == words


def test_a_plan_tells_how_long_money_lasts_and_no_name_acts_on_where_it_stands() -> None:
    worst = Worst(
        id="a",
        label="<b>a\x1b[2J*|b*",
        lasts=Lasts(low_s=DAY, middle_s=4 * DAY, high_s=5 * DAY),
        kept=Kept(lasts=TEN_DAYS, end=End.MASTER),
    )
    found = Lasting(master=TEN_DAYS, known=2, fed=2, worst=(worst,))
    lines = tuple(lasting_lines(found))
    screen = Screen(width=60, zone=SHANGHAI)
    text = plan_text(realistic_plan(), screen, ahead=lines)
    html = plan_html(page_of(realistic_plan(), realistic_observation(), SHANGHAI), lines)
    markdown = plan_markdown(realistic_plan(), SHANGHAI, lines)
    for told in (text, html, markdown):
        flat = " ".join(told.split())
        assert "lasts 10 d (8 d to 13 d) at the burn of the 2 accounts that it feeds" in flat
        assert "4 d (24 h to 5 d); with the rules 10 d (8 d to 13 d), as long as" in flat
        assert "\x1b[2J" not in told
    assert "<b>a" not in html
    assert "- &lt;b&gt;a\\\\x1b\\[2J\\*&#124;b\\*" in markdown
    assert max(map(len, text.splitlines())) <= 60

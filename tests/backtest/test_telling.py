"""Replays side by side fit their screen, and hostile names stay harmless."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from budgetd.core.backtest.measuring import backtest
from budgetd.core.backtest.result import Backtest
from budgetd.report.backtest_html import backtest_html
from budgetd.report.backtest_text import backtest_text
from budgetd.report.screen import Screen

from .pasts import made

UTC = ZoneInfo("UTC")
HOSTILE = "\x1b[2J<script>\u202e\nset"


@pytest.fixture(scope="module")
def found() -> Backtest:
    """Three sets, one of a hostile name."""
    past = made(13)
    others = [(f"set {seed}", made(seed).policies) for seed in (52, 6)]
    return backtest(past.world, "acme", past.policies, [(HOSTILE, past.policies), *others])


@pytest.mark.parametrize("width", [80, 200])
def test_every_line_fits_and_none_carries_an_escape(found: Backtest, width: int) -> None:
    text = backtest_text(found, Screen(width=width, zone=UTC))
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    for one in ("moved", "accounts", "master", "rails", "by rule"):
        assert one in text.splitlines()
    assert "recorded" in text
    assert "set 52" in text


def test_the_page_needs_nothing_else_and_lets_nothing_in(found: Backtest) -> None:
    page = backtest_html(found, UTC)
    assert "default-src 'none'; style-src 'sha256-" in page
    for forbidden in ("<script", "http:", "https:", "url(", "@import", " style=", "\x1b", "\u202e"):
        assert forbidden not in page, forbidden
    assert "&lt;script&gt;" in page
    assert page.count("<polyline") == len(found.results)
    assert page == backtest_html(found, UTC)


def test_sets_that_begin_alike_are_told_apart(found: Backtest) -> None:
    long = "/srv/policies/of/the/enterprise/candidate-"
    results = [replace(one, name=f"{long}{n}") for n, one in enumerate(found.results)]
    text = backtest_text(replace(found, results=tuple(results)), Screen(width=80, zone=UTC))
    assert "candidate-1" in text
    assert "candidate-2" in text
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_what_is_not_known_is_said(found: Backtest) -> None:
    text = " ".join(backtest_text(found, Screen(width=200, zone=UTC)).split())
    assert found.censored.accounts == 4
    assert re.search(r"Censored: [0-9]+\.[0-9] h at 0\.00, in 4 accounts, as recorded\.", text)
    assert "not kept" in text

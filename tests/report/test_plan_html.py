"""The page: one file that needs nothing, runs nothing, and tells of every account."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from budgetd.core.intent import State
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.core.reason import Hold
from budgetd.report.page import page_of
from budgetd.report.plan_html import plan_html

from .plans import (
    HOSTILE,
    SHANGHAI,
    account,
    outcome,
    plan_of,
    realistic_observation,
    realistic_plan,
    transfer,
)

VOID = {"meta", "br"}
FETCHING = {"src", "href", "srcset", "data", "poster", "action", "style", "background"}


class Reader(HTMLParser):
    """Tags, attributes and text of a page; complains of tags that do not close in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def page(plan: Plan, results: tuple[Outcome, ...] | None = None) -> str:
    return plan_html(page_of(plan, realistic_observation(), SHANGHAI, results))


def words(text: str) -> str:
    return " ".join(" ".join(read(text).texts).split())


def test_the_page_has_no_script_and_refers_to_nothing_outside_itself() -> None:
    text = page(realistic_plan())
    reader = read(text)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in reader.tags:
        assert not FETCHING & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"https?://|url\(|@import|//[a-z]", text)


def test_the_page_forbids_itself_all_but_its_own_style_sheet() -> None:
    text = page(realistic_plan())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(
        attributes["content"]
        for tag, attributes in read(text).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_account_of_the_fleet_is_told_of() -> None:
    told = words(page(realistic_plan()))
    for one in realistic_observation().accounts:
        assert one.label in told, one.label


def test_an_account_that_no_rule_selects_is_told_of_too() -> None:
    told = words(page(plan_of()))
    assert "no rule 40" in told
    assert "Nothing moves by itself." in told


def test_every_movement_has_a_drawing_with_its_words() -> None:
    text = page(realistic_plan())
    drawings = [attributes for tag, attributes in read(text).tags if tag == "svg"]
    assert len(drawings) == 11
    assert drawings[0]["aria-label"] == ("from 10.00 to 2,010.00, trigger 500.00, target 2,000.00")
    assert {drawing["role"] for drawing in drawings} == {"img"}


def test_a_drawing_keeps_to_its_frame_and_to_plain_decimals() -> None:
    for tag, attributes in read(page(realistic_plan())).tags:
        if tag == "rect":
            start, length = (str(attributes[name]) for name in ("x", "width"))
            assert re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", start)
            assert re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", length)
            assert float(start) + float(length) <= 200.1


def test_totals_by_unit_are_of_what_moves() -> None:
    told = words(page(realistic_plan()))
    assert "Projects 13 2 0.00 4,832.50" in told
    assert "R&D 14 2 3,600.00 0.00" in told
    assert "(root) 1 1 800.00 0.00" in told


def test_what_waits_for_a_person_says_why_and_by_which_limit() -> None:
    told = words(page(realistic_plan()))
    assert "proposed: burn far above usual" in told
    assert "(limits.per_cycle.amount), proposal p-1" in told


def test_a_hostile_name_is_text_everywhere() -> None:
    whom = account(HOSTILE, HOSTILE)
    plan = realistic_plan()
    hostile = replace(
        plan,
        enterprise=HOSTILE,
        transfers=(*plan.transfers, transfer(whom, "1.00", "2.00", rule=HOSTILE, trigger=HOSTILE)),
        held=tuple(replace(item, account=whom, detail=HOSTILE) for item in plan.held),
        alerts=tuple(replace(item, account=whom, severity=HOSTILE) for item in plan.alerts),
        unreadable=tuple(replace(item, account=whom, detail=HOSTILE) for item in plan.unreadable),
    )
    text = page(hostile)
    assert ("b", {}) in read(text).tags
    assert "<b>&" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "[red]x[/]|<b>&\\u202ecilam" in words(text)


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', "{{ 7 * 7 }}", "</style><x>"])
def test_a_name_is_never_markup_nor_template(name: str) -> None:
    plan = plan_of(transfer(account(name, number=1), "1.00", "2.00"), enterprise=name)
    text = page(plan)
    assert not {"script", "x"} & {tag for tag, _ in read(text).tags}
    assert name in words(text)


def test_what_carrying_out_did_stands_beside_each_movement() -> None:
    plan = realistic_plan()
    first, second, third, *_ = plan.moves
    told = words(
        page(
            plan,
            (
                outcome(first, State.SETTLED),
                outcome(second, State.REFUSED, note="CBC.1"),
                outcome(third, None, hold=Hold.PAUSED),
            ),
        )
    )
    assert "2,000.00 moved to accounts · 1 settled · 1 refused · 1 held" in told
    assert "refused: CBC.1" in told
    assert "held: paused" in told
    assert "not begun" in told


def test_without_results_the_page_claims_nothing_was_done() -> None:
    told = words(page(realistic_plan()))
    assert "settled" not in told.replace("The last move is settled", "")
    assert "Nothing was moved" in told

"""The page as people see it: what needs an eye, the worst first, hostile names harmless."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.ledger.intents import intent_of, promise, send

from budgetd.core.answer import AnswerClass
from budgetd.core.decisions.decision import Raised
from budgetd.core.intent import Instrument
from budgetd.core.reason import Hold, Why
from budgetd.core.standing import Lasts, Worst
from budgetd.ledger.store import Ledger
from budgetd.report.markup import own_file, style_digest
from budgetd.service.account import cut_short
from budgetd.web.measures import CapShares
from budgetd.web.metrics import metrics_text
from budgetd.web.page import page_of
from budgetd.web.seen import Seen

from .conftest import Served
from .scene import HOSTILE, NOW, filled, fleet, seen_of

FETCHING = {"src", "srcset", "data", "poster", "background", "style", "formaction", "ping"}


DAY_S = 86400


class Words(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def told(self) -> str:
        """All that is shown, in one line."""
        return " ".join(" ".join(self.texts).split())


async def told(served: Served, seen: Seen, query: str = "") -> str:
    """What the page tells."""
    async with served(seen) as client:
        answer = await client.get("/", params={"q": query})
        assert answer.status_code == 200
        return Words(answer.text).told


async def test_how_long_money_lasts_is_shown_with_its_band_and_whose_ends_first(
    ledger: Ledger, served: Served
) -> None:
    seen = seen_of(ledger, fleet(40))
    assert "runway unknown until burn is known" in await told(served, seen)
    lasts = Lasts(low_s=9 * DAY_S, middle_s=12 * DAY_S, high_s=None)
    master = tuple(replace(one, lasts=lasts) for one in seen.standing.master)
    worst = (Worst(id="a", label=HOSTILE, lasts=Lasts(low_s=0, middle_s=7200, high_s=10800)),)
    known = replace(seen, standing=replace(seen.standing, master=master, worst=worst))
    text = await told(served, known)
    assert "runway 12 d (9 d to for ever)" in text
    assert "2 h (0 h to 3 h)" in text


async def test_so_much_doubt_that_nothing_new_is_sent_stands_first(
    tmp_path: Path, served: Served
) -> None:
    accounts = fleet(40)
    held = "So much is in doubt that nothing new is sent."
    ledger = filled(tmp_path / "budgetd.db", accounts)
    assert held not in await told(served, seen_of(ledger, accounts))
    for one in accounts[10:12]:
        intent = promise(ledger, intent_of(one.id, account_name=one.name, made_at=NOW))
        send(ledger, intent, AnswerClass.UNKNOWN)
    text = await told(served, seen_of(ledger, accounts))
    ledger.close()
    assert f"{held} Nothing is, anywhere, until fewer than 3 are open." in text
    assert "not read 500 CBC.0999, 3 times" in text


async def test_the_page_lets_in_its_own_style_alone(ledger: Ledger, served: Served) -> None:
    async with served(seen_of(ledger, fleet(40))) as client:
        answer = await client.get("/")
    style = own_file("budgetd.web", "status.css")
    assert f"<style>{style}</style>" in answer.text
    assert f"style-src '{style_digest(style)}'; " in answer.headers["content-security-policy"]
    words = Words(answer.text)
    names = {tag for tag, _ in words.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for _, attributes in words.tags:
        assert not FETCHING & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert not re.match(r"[a-z]+:|//", attributes.get("href") or "")
        assert attributes.get("http-equiv") != "refresh"
    assert not re.search(r"url\(|@import", style)


async def test_before_the_first_cycle_the_page_says_so(ledger: Ledger, served: Served) -> None:
    words = await told(served, seen_of(ledger))
    for expected in ("first cycle", "No cycle has ended yet.", "The fleet has not been read yet."):
        assert expected in words


async def test_a_fresh_state_has_nothing_to_tell(tmp_path: Path, served: Served) -> None:
    ledger = Ledger(tmp_path / "new.db", may_write=True)
    words = await told(served, seen_of(ledger))
    assert "Nothing was ever moved." in words
    assert "Needs attention" not in words
    ledger.close()


async def test_of_a_cycle_that_was_cut_short_no_fleet_of_nobody_is_told(
    ledger: Ledger, served: Served
) -> None:
    seen = seen_of(ledger, fleet(40))
    last = cut_short("c1", NOW - timedelta(seconds=4), NOW, "the provider does not answer")
    words = await told(served, replace(seen, standing=replace(seen.standing, last=last)))
    assert "nothing: it did not come as far as a plan" in words
    assert "0 of 0" not in words
    assert "unread 0" not in words


async def test_what_needs_an_eye_is_at_the_top_with_its_cure(
    ledger: Ledger, served: Served
) -> None:
    seen = seen_of(ledger, fleet(40))
    assert seen.standing.last
    last = replace(
        seen.standing.last, stopped="the credential is refused", ended_at=NOW - timedelta(hours=2)
    )
    policies = replace(seen.standing.policies, problems=("policies/p.yaml:7:21: expected 500.00",))
    worse = replace(
        seen, standing=replace(seen.standing, mode="dry_run", last=last, policies=policies)
    )
    words = await told(served, worse)
    at = [
        words.index(text)
        for text in (
            "dry run nothing moves",
            "No cycle has done its work for longer than twice polling.max_staleness.",
            "the credential is refused",
            "policies/p.yaml:7:21: expected 500.00",
            "Paused: trial. since 22:45 by ops, until somebody resumes it month's end",
            "What comes next",
            "budgetd approve p-0123456789abcdef",
            "The fleet",
        )
    ]
    assert at == sorted(at)


async def test_the_worst_accounts_go_first_and_all_are_there(
    ledger: Ledger, served: Served
) -> None:
    seen = seen_of(ledger, fleet(40))
    lines = page_of(seen, "", 1).fleet.lines
    assert len(lines) == 40
    states = [line.matters[0].word for line in lines]
    assert states == sorted(states, key=["in doubt", "unread", "alert", "planned", "ok"].index)
    assert {"in doubt", "unread", "planned", "ok"} <= set(states)
    fine = [line for line in lines if line.matters[0].word == "ok" and line.level]
    assert fine[0].level
    assert fine[0].level.title.endswith(
        ", trigger below 500.00, target 2,000.00, rule production/keep-alive"
    )
    assert sum(line.trend is not None for line in lines) == 40


def test_a_fleet_that_was_read_is_shown_before_and_without_its_decision(ledger: Ledger) -> None:
    seen = replace(seen_of(ledger, fleet(40)), plan=None)
    page = page_of(seen, "", 1)
    assert len(page.fleet.lines) == 40
    assert {line.matters[0].word for line in page.fleet.lines} == {"in doubt", "not decided"}
    assert metrics_text(seen, CapShares())


def test_an_account_tells_of_all_that_is_the_matter_the_worst_first(ledger: Ledger) -> None:
    seen = seen_of(ledger, fleet(40))
    assert seen.plan
    one = seen.plan.moves[0].account
    raised = Raised(
        rule="production/running-low",
        account=one,
        instrument=Instrument.CASH,
        severity="critical",
        reading=Decimal("10.00"),
        read_at=NOW,
        why=Why.BELOW_TRIGGER,
    )
    held = replace(seen.plan.held[0], account=one, reason=Hold.CAP)
    plan = replace(seen.plan, alerts=(raised,), held=(*seen.plan.held, held))
    line = next(
        line for line in page_of(replace(seen, plan=plan), "", 1).fleet.lines if line.id == one.id
    )
    assert [matter.word for matter in line.matters] == ["alert", "held", "planned"]
    assert line.matters[0].note == "critical, 10.00"


async def test_what_the_last_plan_moved_is_not_told_as_planned(tmp_path: Path) -> None:
    accounts = fleet(40)
    ledger = filled(tmp_path / "moved.db", accounts)
    seen = seen_of(ledger, accounts)
    assert seen.plan
    settled = ledger.connection.execute(
        "SELECT id, account_id FROM intent WHERE state = 'settled' LIMIT 1"
    ).fetchall()[0]
    one = replace(
        seen.plan.moves[0],
        id=str(settled[0]),
        account=next(account for account in accounts if account.id == settled[1]),
    )
    plan = replace(seen.plan, transfers=(one,), held=(), unreadable=(), alerts=())
    lines = page_of(replace(seen, plan=plan), "", 1).fleet.lines
    assert {line.id: line.matters[0].word for line in lines}[str(settled[1])] == "settled"
    ledger.close()


async def test_a_filter_finds_by_name_unit_id_and_state(ledger: Ledger, served: Served) -> None:
    seen = seen_of(ledger, fleet(40))
    for query, count in (
        ("prod-07", 1),
        ("PROD-07", 1),
        ("研发中心", 8),
        (f"{7:032x}", 1),
        ("unread", 2),
        ("%", 0),
        ("<script>", 0),
    ):
        assert page_of(seen, query, 1).fleet.found == count, query
    words = await told(served, seen, "<script>x\u202e")
    assert "No account has “ <script>x\\u202e ” in its name" in words


async def test_a_large_fleet_has_pages_and_a_number_beyond_them_is_the_last(
    tmp_path: Path, served: Served
) -> None:
    accounts = fleet(1200)
    ledger = filled(tmp_path / "large.db", accounts)
    seen = seen_of(ledger, accounts)
    shown = [page_of(seen, "", number).fleet for number in (1, 2, 3, 99, -1)]
    assert [(one.page, len(one.lines)) for one in shown] == [
        (1, 500),
        (2, 500),
        (3, 200),
        (3, 200),
        (1, 500),
    ]
    assert len({line.id for one in shown[:3] for line in one.lines}) == 1200
    async with served(seen) as client:
        answer = await client.get("/", params={"page": "2", "q": "prod"})
        assert '<a href="?q=prod&amp;page=3" rel="next">' in answer.text
        for odd in ("", "x", "-1", "1e9", "٣", "9" * 40):
            assert (await client.get("/", params={"page": odd})).status_code == 200
    ledger.close()


async def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path, served: Served) -> None:
    pages = []
    for number, names in enumerate((HOSTILE, ("plain",) * len(HOSTILE))):
        accounts = fleet(len(HOSTILE), names)
        ledger = filled(tmp_path / f"{number}.db", accounts)
        seen = seen_of(ledger, accounts)
        last = replace(seen.standing.last or pytest.fail("no cycle"), stopped=names[0])
        policies = replace(seen.standing.policies, problems=names)
        seen = replace(seen, standing=replace(seen.standing, last=last, policies=policies))
        async with served(seen) as client:
            pages.append((await client.get("/")).text)
        ledger.close()
    hostile, plain = pages
    # The same elements as with plain names, and no character that acts or hides.
    assert [tag for tag, _ in Words(hostile).tags] == [tag for tag, _ in Words(plain).tags]
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", hostile
    )
    words = Words(hostile).told
    for shown in (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        r"x\x1b[31m\x1b]0;owned\x07\x9b2J",
        r"safe\u202egnp.exe\u2066",
        r"nul\x00\ufeff\u200b",
        "{{ 7*7 }}{% raw %}",
        "a" * 250,
        "سحابة الإنتاج الرئيسية",
        r"half\ud800pair",
    ):
        assert shown in words

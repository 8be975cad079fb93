"""The story itself: look, move, lose an answer, find the truth, look again.

It tells what the product does; nothing in it knows more than a user would.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from budgetd.core.intent import State
from budgetd.core.plans.again import Promised, promised_of
from budgetd.core.plans.outcome import Outcome
from budgetd.cycle import Cycle, Report, exit_code
from budgetd.demo.stage import Stage, lose_an_answer
from budgetd.ledger import kept
from budgetd.ledger.store import Ledger
from budgetd.report.life import Life
from budgetd.report.page import page_of
from budgetd.report.phrases import outcome_sums
from budgetd.report.plan_html import plan_html
from budgetd.report.plan_text import plan_text
from budgetd.report.results_text import progress_line
from budgetd.report.screen import Screen
from budgetd.report.transfers_text import transfer_life
from budgetd.wiring import cycle_of, observer_of, open_client

Tell = Callable[[str], None]


class DemoError(Exception):
    """The story did not end as it should: a fault of the product, never of the user."""


def play(stage: Stage, page: Path, screen: Screen, tell: Tell) -> None:
    """Plays it and writes the page. Raises `DemoError` when money did not move exactly once."""
    ledger = Ledger(stage.opened.config.state, may_write=True)
    try:
        asyncio.run(_play(stage, page, screen, tell, ledger))
    finally:
        ledger.close()


async def _play(stage: Stage, page: Path, screen: Screen, tell: Tell, ledger: Ledger) -> None:
    clock = stage.clock.now
    names = [name for name, _ in stage.opened.loaded.policy_set.rules()]
    kept.note_rules(ledger, names, stage.rules_known_since)
    async with open_client(stage.opened.config, clock, may_write=True) as client:
        cycle = cycle_of(stage.opened, observer_of(stage.opened.config, client, clock), ledger)
        cycle.progress = _progress(tell)
        await cycle.begin()
        tell("\n1. The dry run: every account is read, every rule asked. Nothing moves.\n")
        report = await cycle.plan()
        assert report.plan is not None
        tell(plan_text(report.plan, screen, closing="").rstrip())
        tell("\n2. The transfers. The answer to the second one is lost on its way back.\n")
        lose_an_answer(stage)
        await _move(cycle, report)
        tell("\n" + " · ".join(outcome_sums(report.outcomes)))
        _tell_lost(ledger, report, screen, tell)
        _write_page(stage, page, report)
        tell("\n4. A second plan, on fresh readings: nothing is left to do.\n")
        second = await cycle.plan()
        assert second.plan is not None
        tell(plan_text(second.plan, screen, closing="").rstrip())
    _judge(stage, report, second)
    tell(f"\nThe sandbox's own book agrees: {len(report.outcomes)} transfers, each moved once.")
    tell(f"The report is {page}: open it in a browser, on a phone, or print it.")


async def _move(cycle: Cycle, report: Report) -> None:
    assert report.plan is not None
    items = [promised_of(one, report.plan.expires_at) for one in report.plan.moves]
    await cycle.carry_out(report, items)


def _progress(tell: Tell) -> Callable[[Promised, Outcome | None], None]:
    def progress(_item: Promised, outcome: Outcome | None) -> None:
        if outcome is not None:
            tell(f"  {progress_line(outcome)}")

    return progress


def _tell_lost(ledger: Ledger, report: Report, screen: Screen, tell: Tell) -> None:
    """The life of the transfer whose answer was lost, as `transfers show` tells it."""
    lost = next(one for one in report.outcomes if len(ledger.attempts(one.id)) > 1)
    intent = ledger.intent(lost.id)
    assert intent is not None
    tell("\n3. The one whose answer was lost: the same key again, then the reading as proof.\n")
    life = Life(
        intent=intent,
        move=ledger.move(lost.id),
        attempts=tuple(ledger.attempts(lost.id)),
        events=tuple(ledger.events(lost.id)),
    )
    tell(transfer_life(life, screen.zone).rstrip())


def _write_page(stage: Stage, page: Path, report: Report) -> None:
    assert report.plan is not None
    zone = stage.opened.config.timezone
    told = page_of(report.plan, report.observation, zone, report.outcomes)
    page.write_text(plan_html(told), encoding="utf-8")


def _judge(stage: Stage, report: Report, second: Report) -> None:
    """Compares what budgetd says with the sandbox's book."""
    settled = [one for one in report.outcomes if one.state is State.SETTLED]
    assert second.plan is not None
    if exit_code(report) or len(settled) != len(report.outcomes) or not settled:
        raise DemoError("not every transfer was settled")
    if len(stage.sandbox.book.moves) != len(settled):
        raise DemoError("the sandbox's book has another number of moves")
    if second.plan.transfers:
        raise DemoError("the second plan would move something")
    if not all(one.holds for one in stage.sandbox.book.conservation()):
        raise DemoError("money was made or lost in the sandbox's book")

"""Windows: a rule holds in them, and tries its slot again until the catch_up ends."""

from datetime import timedelta
from pathlib import Path

import pytest

from budgetd.core.documents.placing import read_written
from budgetd.core.moment import Window, format_instant, parse_instant, parse_moment
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.core.reason import Hold

from .lives import Life

RULES = """\
version: 1
policy: p
rules:
  - name: r
    accounts: all
    top_up: {{add: 10.00}}
    schedule: {{daily: {{at: "10:00"}}, catch_up: 5h}}
    not_during: [freeze, other]
    timezone: {zone}
  - name: s
    accounts: all
    alert: {{when: {{below: 500.00}}}}
    not_during: [freeze]
"""
FREEZE = Window(
    name="freeze", begins=parse_moment("2026-11-10 09:00"), ends=parse_moment("2026-11-10 12:00")
)
OTHER = Window(
    name="other", begins=parse_moment("2026-11-11"), ends=parse_moment("2026-11-11 16:00")
)
TENTH = parse_instant("2026-11-10T02:00:00Z")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rules(zone: str) -> PolicySet:
    context = {"windows": {"freeze": FREEZE, "other": OTHER}}
    written = read_written(RULES.format(zone=zone), "p.yaml", Policy, context)
    assert not isinstance(written, list), "\n".join(str(problem) for problem in written)
    return PolicySet((written.model,), digest="sha256:windows")


@pytest.fixture
def life(tmp_path: Path) -> Life:
    life = Life(tmp_path / "state.db", rules("Asia/Shanghai"))
    life.cycle(TENTH - DAY + 10 * HOUR)
    return life


def held(life: Life, rule: str) -> set[tuple[Hold, str]]:
    assert life.plan is not None
    return {
        (one.reason, format_instant(one.until) if one.until else "")
        for one in life.plan.held
        if one.rule == rule
    }


def test_a_slot_in_a_window_is_held_and_moves_after_it(life: Life) -> None:
    for hours in (0, 1, 1.9):
        life.cycle(TENTH + hours * HOUR)
        assert held(life, "p/r") == {(Hold.WINDOW, "2026-11-10T04:00:00Z")}
    assert life.fired == []
    life.cycle(TENTH + 2 * HOUR)
    assert {one.period for one in life.fired} == {"2026-11-10"}
    assert len(life.fired) == 2
    life.restart()


def test_a_window_that_outlasts_the_catch_up_is_why_the_slot_was_missed(life: Life) -> None:
    life.cycle(TENTH + DAY)
    life.missed.clear()
    life.cycle(TENTH + DAY + 6 * HOUR)
    assert [(one.period, one.undone, one.reason) for one in life.missed] == [
        ("2026-11-11", 2, Hold.WINDOW)
    ]
    life.restart()


def test_a_window_silences_alerts_which_are_then_neither_raised_nor_over(life: Life) -> None:
    life.cycle(TENTH)
    assert life.plan is not None
    assert life.plan.alerts == ()
    assert held(life, "p/s") == {(Hold.WINDOW, "2026-11-10T04:00:00Z")}
    life.cycle(TENTH + 3 * HOUR)
    assert len(life.plan.alerts) == 2
    life.restart()


def test_windows_are_in_the_zone_of_the_rule(life: Life) -> None:
    life.rules = rules("Europe/Berlin")
    at = parse_instant("2026-11-10T09:00:00Z")
    life.cycle(at)
    assert held(life, "p/r") == {(Hold.WINDOW, "2026-11-10T11:00:00Z")}
    assert life.plan is not None
    assert len(life.plan.alerts) == 2
    life.restart()

"""Replays side by side as one HTML file that needs nothing else: no script, no font, no address.

Everything shown is escaped, and made harmless, by the environment and not by the template. The
page forbids itself all but its own style sheet, which it names by its digest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.backtest.result import Backtest
from budgetd.core.money import show_amount
from budgetd.report import backtest_charts as charts
from budgetd.report.backtest_charts import Days, Lines, Measure, draw_days, draw_lines, draw_measure
from budgetd.report.backtest_rows import Section, hours, names, notes, sections, span
from budgetd.report.markup import environment_of, own_file, style_digest
from budgetd.report.phrases import count, short_digest

TEMPLATE = "backtest.html.j2"
STYLE = "backtest.css"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """One set as the legend names it."""

    name: str
    digest: str
    hue: int
    is_dashed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template shows."""

    enterprise: str
    span: str
    facts: str
    sets: tuple[Set, ...]
    notes: tuple[str, ...]
    measures: tuple[Measure, ...]
    draw: Lines
    days: tuple[Days, ...]
    sections: tuple[Section, ...]


def backtest_html(found: Backtest, zone: ZoneInfo) -> str:
    """The page of a comparison."""
    files = {name: own_file("budgetd.report", name) for name in (TEMPLATE, STYLE)}
    template = environment_of(files).get_template(TEMPLATE)
    frame = {
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "small": charts.SMALL_HEIGHT,
        "left": charts.LEFT,
        "right": charts.WIDTH - charts.RIGHT,
    }
    return template.render(
        page=page_of(found, zone), frame=frame, style_digest=style_digest(files[STYLE])
    )


def page_of(found: Backtest, zone: ZoneInfo) -> Page:
    """The figures and drawings of a comparison."""
    facts = (
        count(found.accounts, "account"),
        f"{found.readings:,} readings",
        f"{found.cycles:,} cycles",
        found.currency,
    )
    return Page(
        enterprise=found.enterprise,
        span=span(found, zone),
        facts=", ".join(facts),
        sets=tuple(
            Set(
                name=name,
                digest=short_digest(one.digest) if one.asked is not None else "what happened",
                hue=charts.hue_of(place),
                is_dashed=place >= charts.HUES,
            )
            for place, (name, one) in enumerate(zip(names(found), found.results, strict=True))
        ),
        notes=tuple(notes(found, zone)),
        measures=tuple(_measures(found)),
        draw=draw_lines(found),
        days=tuple(draw_days(found)),
        sections=tuple(sections(found, zone)),
    )


def _measures(found: Backtest) -> Iterator[Measure]:
    results = found.results
    yield draw_measure(
        "Time below trigger",
        [(one.name, Decimal(one.below.micros), hours(one.below.micros)) for one in results],
    )
    yield draw_measure(
        "Time at 0.00",
        [(one.name, Decimal(one.dry.micros), hours(one.dry.micros)) for one in results],
    )
    yield draw_measure(
        "Mean idle cash", [(one.name, one.idle, show_amount(one.idle)) for one in results]
    )
    yield draw_measure(
        "Peak draw on the master", [(one.name, one.peak, show_amount(one.peak)) for one in results]
    )
    yield draw_measure(
        "Transfers",
        [(one.name, Decimal(one.transfers), f"{one.transfers:,}") for one in results],
    )
    asked = [
        None if one.asked is None else (one.name, sum(one.asked.proposals.values()))
        for one in results
    ]
    yield draw_measure(
        "Asks a person",
        [None if one is None else (one[0], Decimal(one[1]), f"{one[1]:,}") for one in asked],
    )

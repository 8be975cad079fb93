"""The page that tells the life of a transfer is the table of lawful steps, and nothing else."""

from pathlib import Path

from budgetd.core.intent import FINAL, TRANSITIONS
from budgetd.report.lifecycle import lifecycle_markdown

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == lifecycle_markdown()


def test_every_lawful_step_is_drawn_and_no_other() -> None:
    rows = lifecycle_markdown().partition("## Steps")[2].splitlines()[4:]
    steps = {(row.split("`")[1], row.split("`")[3]) for row in rows}
    assert steps == {(str(a), str(b)) for a, ways in TRANSITIONS.items() for b in ways}
    drawn = lifecycle_markdown().split("```")[1]
    assert drawn.count("-->") == len(steps) + 1
    assert all(f"|| {state} ||" in drawn for state in FINAL)

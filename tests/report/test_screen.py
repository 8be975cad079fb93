"""Lines on a terminal: what fits, fits in cells, of which a Chinese sign takes two."""

from rich.cells import cell_len

from budgetd.report.screen import folded, sentences


def test_a_line_is_folded_by_cells_and_keeps_its_place_and_every_word() -> None:
    line = "  不受管理的账户 " * 9
    shown = folded(f"  {line.strip()}", 60)
    assert max(map(cell_len, shown)) <= 60
    assert [len(part) - len(part.lstrip()) for part in shown] == [2, *[4] * (len(shown) - 1)]
    assert " ".join(shown).split() == line.split()
    assert folded("  short   as it stands", 60) == ["  short   as it stands"]


def test_a_first_word_that_is_too_long_leaves_no_empty_line_before_it() -> None:
    assert sentences("x" * 90 + " and more", 80) == ["x" * 90, "and more"]
    assert sentences("", 80) == [""]

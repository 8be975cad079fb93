"""A patch changes the numbers that are suggested and not a byte besides, by either tool."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from budgetd.core.documents.placing import Written, read_written
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.policy import Policy
from budgetd.core.suggesting.patching import PatchError, patched, unified
from budgetd.core.suggesting.proving import differs_only_in
from budgetd.core.suggesting.suggestion import Number
from budgetd.report.screen import Screen
from budgetd.report.suggest_json import suggest_json
from budgetd.report.suggest_patch import is_nameable, suggest_patch
from budgetd.report.suggest_text import suggest_text

from .histories import HEAD_OF, ZONE, apply, burn, files_of, made_fleet, observed

ROOT = Path(__file__).parents[2]
SHIPPED = {f"policies/{p.name}": p.read_bytes() for p in sorted((ROOT / "policies").glob("*.yaml"))}
RULE = """\
{begin}version: 1
policy: p  # — 每 "quoted: 1.00"
rules:
  - {{name: r, accounts: all,  top_up: {{when: {{below: {below}}}, to: {to}{tail}}}}}  # 500.00
  # the end{end}"""


@pytest.mark.parametrize("tool", ["git", "patch"])
@pytest.mark.parametrize("seed", range(6))
def test_the_shipped_policies_change_in_the_suggested_numbers_alone(
    tmp_path: Path, seed: int, tool: str
) -> None:
    files = files_of(tmp_path, SHIPPED)
    old = files.texts
    _, proven = files.proven(made_fleet(f"{seed}"))
    assert proven.texts
    apply(tmp_path, suggest_patch(proven.advice, old, proven.texts, 28), tool)
    read = []
    for one in files.written:
        numbers = [n for a in proven.advice if a.path == one.path for n in a.numbers]
        data = (tmp_path / one.path).read_bytes()
        assert data == proven.texts.get(one.path, old[one.path]).encode()
        after = read_written(data, one.path, Policy)
        assert isinstance(after, Written)
        assert differs_only_in(numbers, one.model, after.model)
        assert differs_only_in([], one.model, after.model) is not bool(numbers)
        back = [_back(number, after) for number in numbers]
        assert patched(data.decode(), back) == old[one.path]
        read.append(after)
    assert all(problem.is_warning for problem in judge(read, ZONE))


def _back(number: Number, after: Written[Policy]) -> Number:
    """The way back: from the new number, where it stands now, to the old one."""
    mark = after.tree.find(number.path).mark
    place = replace(number.place, line=mark.line, column=mark.column, width=mark.width)
    return replace(number, old=number.new, new=number.old, place=place)


amounts = st.integers(3, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))


def styled(amount: Decimal, style: str) -> str:
    """An amount as somebody writes it."""
    text = f"{amount:.2f}"
    if style == "short":
        return text.removesuffix("0").removesuffix(".0")
    return {"plain": text, "single": f"'{text}'", "double": f'"{text}"'}[style]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_the_text_looks_like_every_other_byte_stays(
    tmp_path: Path, data: st.DataObject
) -> None:
    below, lift = data.draw(amounts), data.draw(amounts)
    styles = st.sampled_from(["plain", "short", "single", "double"])
    text = RULE.format(
        begin=data.draw(st.sampled_from(["", "\n", "# 中文 \t#\n", "\n" * 9])),
        below=styled(below, data.draw(styles)),
        to=styled(below + lift + 1, data.draw(styles)),
        tail=data.draw(st.sampled_from(["", ", min: 1.00", ', multiple_of: "0.50"'])),
        end=data.draw(st.sampled_from(["", "\n", "\n\n", "\n# no end"])),
    ).replace("\n", data.draw(st.sampled_from(["\n", "\r\n", "\r"])))
    text = data.draw(st.sampled_from(["", "\ufeff"])) + text
    files = files_of(tmp_path, {"a b/p.yaml": text})
    level = data.draw(st.sampled_from(["0.03", "2", "70", "4000"]))
    advice, proven = files.proven(observed({"one": burn(level)}))
    for one in advice:
        assert one.numbers == () or patched(text, one.numbers) != text
    for tool in ("git", "patch"):
        (tmp_path / "a b/p.yaml").write_bytes(text.encode())
        patch = suggest_patch(proven.advice, files.texts, proven.texts, 28)
        if patch:
            apply(tmp_path, patch, tool)
        after = (tmp_path / "a b/p.yaml").read_bytes()
        assert after == proven.texts.get("a b/p.yaml", text).encode()


def test_a_text_that_is_not_the_one_that_was_read_is_not_patched(tmp_path: Path) -> None:
    text = RULE.format(begin="", below="5.00", to="9.00", tail="", end="\n")
    files = files_of(tmp_path, {"p.yaml": text})
    advice, proven = files.proven(observed({"one": burn("4000")}))
    assert proven.texts
    for other in ("", text.replace("5.00", "6.00"), "\n" + text, text.partition("\n")[2]):
        with pytest.raises(PatchError):
            patched(other, advice[0].numbers)
    (tmp_path / "p.yaml").write_text(text.replace("all", "{name: x}"))
    _, moved = files.proven(observed({"one": burn("4000")}))
    assert moved.texts == {}
    assert "not the one that was read" in moved.advice[0].note


def test_hunks_that_touch_are_one_and_the_others_apart() -> None:
    old = "".join(f"{line}\n" for line in range(40))
    new = "".join(f"{line}{'!' if line in (3, 9, 30) else ''}\n" for line in range(40))
    patch = unified(old, new, "x")
    assert patch.count("@@ -") == 2
    assert "@@ -1,13 +1,13 @@" in patch
    assert unified(old, old, "x") == ""


def test_names_that_a_patch_would_have_to_quote_are_told_apart() -> None:
    assert is_nameable("policies/é a.yaml")
    assert not any(map(is_nameable, ('a"b.yaml', "a\\b.yaml", "a\nb.yaml")))


def test_a_cut_of_more_than_half_is_marked_in_every_format(tmp_path: Path) -> None:
    text = RULE.format(begin="", below="5000.00", to="9000.00", tail="", end="\n")
    files = files_of(tmp_path, {"p.yaml": text})
    seen = observed({"one": burn("40"), "two": burn("30")})
    _, proven = files.proven(seen)
    told = suggest_text(proven.advice, 28, Screen(width=100, zone=ZONE), **HEAD_OF)
    assert told.count("review: a cut of more than half") == 2
    patch = suggest_patch(proven.advice, files.texts, proven.texts, 28)
    assert patch.count("\n# review: p/r top_up.") == 2
    document = json.loads(
        json.dumps(suggest_json(proven.advice, seen, 28, enterprise="acme", digest="sha256:0"))
    )
    assert [number["review"] for number in document["rules"][0]["numbers"]] == [True, True]
    higher = files_of(tmp_path, {"p.yaml": text.replace("5000.00", "80.00")})
    _, again = higher.proven(observed({"one": burn("40"), "two": burn("30")}))
    assert "review" not in suggest_patch(again.advice, higher.texts, again.texts, 28).replace(
        "# review: p/r top_up.to", ""
    )


def test_no_name_acts_on_a_terminal_or_becomes_a_line_of_the_patch(tmp_path: Path) -> None:
    hostile = "a\x1b[2J\u202e\n--- a/p.yaml\n+++ b/p.yaml\n@@ -1,1 +1,1 @@\n-version: 1"
    text = RULE.format(begin="", below="5.00", to="9.00", tail="", end="\n")
    files = files_of(tmp_path, {"p.yaml": text})
    _, proven = files.proven(observed({hostile: burn("40")}))
    patch = suggest_patch(proven.advice, files.texts, proven.texts, 28)
    for width in (60, 80, 200):
        told = suggest_text(proven.advice, 28, Screen(width=width, zone=ZONE), **HEAD_OF)
        assert max(cell_len(line) for line in told.splitlines()) <= width
        for shown in (told, patch):
            assert "\x1b" not in shown
            assert "\u202e" not in shown
    assert patch.count("\n--- a/") == 1
    apply(tmp_path, patch, "patch")
    assert (tmp_path / "p.yaml").read_text() == proven.texts["p.yaml"]

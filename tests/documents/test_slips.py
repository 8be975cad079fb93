"""What is no YAML is told in a sentence, at the place where it went wrong."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budgetd.core.documents.document import read_tree
from budgetd.core.documents.problem import Problem
from budgetd.core.documents.tree import Tree

SHIPPED = """\
policy: p
rules:
  - name: "a"
    accounts: {org: '/R&D/**', name: ["x*", y]}  # some
    top_up:
      when: {below: 500.00}
      to: 900.00
"""


def problems_of(text: str) -> list[Problem]:
    read = read_tree(text, "p.yaml")
    return list(read.problems) if isinstance(read, Tree) else read


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a:\n\tb: 1\n", "2:1", "a tab does not indent in YAML"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3", "a tab does not indent in YAML"),
        ("a: |\n\tb\n", "2:1", "a tab does not indent in YAML"),
        ('a: {b: 1, c: "x*}\nd: e\n', "1:14", "this quote is never closed"),
        ('a: "b\nc:\n  - d: "e"\n', "1:4", "this quote is not closed in its line"),
        ('a: "b\n  c" d\n', "1:4", "this quote is not closed in its line"),
        ("a: 'month's end'\n", "1:11", "a text goes on after its closing quote"),
        ('a: "C:\\path"\n', "1:7", "a backslash in double quotes begins an escape"),
        ("a: 1\nb:2\nc: 3\n", "2:2", "a space is missing after the colon"),
        ("a:\n  b:1\n  c: 2\n", "2:4", "a space is missing after the colon"),
        ("a: {b:1}\n", "1:8", "a.b:1: expected a value, found nothing"),
        ("a:\n  - b\n  -c\n", "3:3", "a space is missing after the -"),
        ("a: top up: daily\n", "1:10", "a text with a colon and a space in it stands in quotes"),
        ("a: 1\n   b: 2\n", "2:4", "this line is deeper than one above it"),
        ("a:\n   b: 1\n  c: 2\n", "3:3", "the indentation of this line fits none above"),
        ("a: 1\n- b\n", "2:1", "an entry of a list stands among keys"),
        ("a: - b\n", "1:4", "a list begins on a line of its own"),
        ("a: 1\nfoo\nb: 2\n", "2:1", "expected `key: value`, found no colon"),
        ("foo\n# y\nb: 1\n", "3:1", "what stands above is a whole document"),
        ("a: @b\n", "1:4", "a text cannot begin with @"),
        ("a: %b\n", "1:4", "a text cannot begin with %"),
        ("a: `b`\n", "1:4", "a text cannot begin with `"),
        ("a: [*, b]\n", "1:5", "a text cannot begin with *"),
        ("a: *-prod\n", "1:4", "a: aliases are not accepted"),
        ("%b: a\n", "1:1", "directives are not accepted"),
        ("a: {b: 1\nc: d\n", "1:4", "this { is never closed"),
        ("a: {b: [1, 2\n", "1:8", "this [ is never closed"),
        ("a: [b}\n", "1:6", "expected ] for the [ before, found }"),
        ("a: [b]]\n", "1:7", "nothing is open that this ] closes"),
        ("a: {b: 1 c: 2}\n", "1:11", "a comma is missing before this key, or quotes"),
        ('a: ["x" "y"]\n', "1:9", "a comma is missing before this"),
        ("a: ,b\n", "1:4", "expected a value, found ,"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "a: the key 'a' is written twice"),
    ],
)
def test_a_slip_is_told_in_a_sentence_at_its_place(text: str, place: str, said: str) -> None:
    (problem,) = problems_of(text)
    assert problem.headline().startswith(f"p.yaml:{place}: {said}")


def test_a_glob_that_is_taken_for_an_alias_is_told_its_quotes() -> None:
    (problem,) = problems_of("name: *-prod\n")
    assert "a glob that begins with * stands in quotes" in problem.render()


@given(
    at=st.integers(0, len(SHIPPED)), cut=st.integers(0, 3), put=st.text("\t :-'\"{}[],*|%@\n\\a")
)
@example(at=0, cut=0, put="[" * 300)
def test_whatever_is_mistyped_is_told_within_the_text(at: int, cut: int, put: str) -> None:
    text = SHIPPED[:at] + put + SHIPPED[at + cut :]
    for problem in problems_of(text):
        assert 0 <= problem.line <= text.count("\n") + 1
        assert problem.message
        assert problem.render()

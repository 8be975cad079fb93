"""Text becomes plain data that knows its place, or problems at theirs."""

import time

import pytest

from budgetd.core.documents.document import read_tree
from budgetd.core.documents.placing import read_model, read_written
from budgetd.core.documents.problem import InvalidDocuments, Problem
from budgetd.core.documents.secrecy import looks_secret
from budgetd.core.documents.tree import Tree
from budgetd.core.policies.policy import Policy

POLICY = """\
version: 1
policy: p
rules:
  - name: a
    accounts: {id: 0123, name: [no, 12:30, 1e3, 010]}
    alert: {when: {below: 500.10}}
"""


def tree(data: bytes | str) -> Tree:
    read = read_tree(data, "p.yaml")
    assert isinstance(read, Tree), read
    assert not read.problems
    return read


def only(data: bytes | str) -> Problem:
    read = read_tree(data, "p.yaml")
    problems = list(read.problems) if isinstance(read, Tree) else read
    assert len(problems) == 1, problems
    return problems[0]


def test_scalars_stay_the_text_that_was_written() -> None:
    policy = read_model(POLICY, "p.yaml", Policy)
    assert isinstance(policy, Policy)
    accounts = policy.rules[0].accounts
    assert not isinstance(accounts, str)
    assert accounts.id == ("0123",)
    assert accounts.name == ("no", "12:30", "1e3", "010")


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    data = b"\xef\xbb\xbf" + POLICY.replace("\n", "\r\n").encode()
    assert isinstance(read_model(data, "p.yaml", Policy), Policy)
    problem = only(b"\xef\xbb\xbfa: 1\r\nb: ${X}\r\n")
    assert (problem.line, problem.column) == (2, 4)
    assert problem.source_line == "b: ${X}"


def test_what_is_not_utf8_is_refused_at_its_line() -> None:
    problem = only("a: b\nc: ü\n".encode("latin-1"))
    assert problem.headline() == "p.yaml:2:1: not UTF-8"


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x85", "\u202e", "\u2066", "\u200b"])
def test_unseen_characters_are_refused(character: str) -> None:
    problem = only(f"a: b\nc: d{character}e\n")
    assert (problem.line, problem.column) == (2, 5)
    assert f"U+{ord(character):04X}" in problem.message
    assert character not in problem.render()


def test_a_file_over_one_mebibyte_is_refused_unread() -> None:
    assert only("a: " + "x " * 600_000).message == "larger than 1 MiB"


def test_a_hundred_thousand_nodes_are_enough() -> None:
    started = time.monotonic()
    assert only("a:\n" + "- b\n" * 120_000).message == "more than 100,000 nodes"
    assert time.monotonic() - started < 20


def test_a_scalar_of_four_kibibytes_is_enough() -> None:
    assert tree("a: " + "x" * 4096).root.plain() == {"a": "x" * 4096}
    assert only("a: " + "x" * 4097).message == "longer than 4 KiB"


def test_deep_nesting_ends_early() -> None:
    assert "not YAML" in only("[" * 500_000).message
    assert "20 levels" in only("a: " + "[" * 30 + "]" * 30).message
    assert tree("a: " + "[" * 19 + "]" * 19).root.plain()


def test_carets_stand_under_what_is_wrong_in_wide_text_too() -> None:
    read = read_model("version: 1\npolicy: 生产\nrules: []\n", "p.yaml", Policy)
    assert isinstance(read, list)
    assert read[0].render() == (
        "p.yaml:2:9: policy: expected a name like keep-alive, found '生产'\n"
        "  2 | policy: 生产\n"
        "    |         ^^^^ lower-case letters, digits, '.', '_' and '-', at most 63"
    )


def test_problems_look_as_promised() -> None:
    text = POLICY.replace("500.10", "5e2").replace("  - name: a", "  - nmae: a")
    read = read_model(text, "policies/p.yaml", Policy)
    assert isinstance(read, list)
    assert "\n".join(problem.render() for problem in read) == (
        "policies/p.yaml:4:5: rules[0]: the key 'name' is missing\n"
        "  4 |   - nmae: a\n"
        "    |     ^\n"
        "policies/p.yaml:4:5: rules[0]: unknown key 'nmae'; did you mean 'name'?\n"
        "  4 |   - nmae: a\n"
        "    |     ^^^^\n"
        "policies/p.yaml:6:27: rules[0].alert.when.below:"
        " expected an amount like 500.00, found '5e2'\n"
        "  6 |     alert: {when: {below: 5e2}}\n"
        "    |                           ^^^ exponents are not accepted in amounts"
    )


def test_a_later_judgement_finds_its_place() -> None:
    written = read_written(POLICY, "p.yaml", Policy)
    assert not isinstance(written, list)
    problem = written.problem(("rules", 0, "alert", "when", "below"), "too low")
    assert problem.headline() == "p.yaml:6:27: rules[0].alert.when.below: too low"


def test_problems_sort_by_place_and_travel_in_one_exception() -> None:
    late = Problem(path="b", line=2, column=1, message="x")
    early = Problem(path="a", line=9, column=1, message="y")
    assert InvalidDocuments([late, early]).problems == (early, late)


@pytest.mark.parametrize(
    "text",
    [
        "HPUA7K3J2LM9QW8E7R6T",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12",
        "key=HPUA7K3J2LM9QW8E7R6T;",
        "gAAAA" + "b1C2/" * 30,
    ],
)
def test_secrets_are_known_by_their_look_and_never_shown(text: str) -> None:
    assert looks_secret(text)
    problem = only(f'a: b\nc: "{text}"\n')
    assert text not in problem.render()
    assert "***" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "ProductionDatabaseAndEverythingAroundIt2026",
        "PRODUCTION-EU-WEST-2026-DATABASES",
        "HUAWEICLOUD2026SPRINGPROMO",
        "PRODUCTIONDATABASE01",
        "/Projects/Production2026/Databases",
        "2026-11-30T14:00:00Z",
        "123456789012345678901234567890",
    ],
)
def test_ids_names_and_paths_are_no_secrets(text: str) -> None:
    assert not looks_secret(text)


def test_a_key_of_a_hostile_file_reaches_no_terminal_raw() -> None:
    read = read_model('version: 1\n"\\e[2J": {"HPUA7K3J2LM9QW8E7R6T": ~}\n', "p.yaml", Policy)
    assert isinstance(read, list)
    shown = "\n".join(problem.render() for problem in read)
    assert "control and invisible characters" in shown
    assert "\x1b" not in shown
    assert "HPUA" not in shown

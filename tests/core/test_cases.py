"""Every worked example in tests/cases comes out as it says, whatever the order of its parts."""

from dataclasses import replace
from pathlib import Path

import pytest

from budgetd.core.documents.document import read_tree
from budgetd.core.documents.placing import read_model
from budgetd.core.policies.policy import PolicySet

from .cases import Case, Told, read_case

FOLDER = Path(__file__).parent.parent / "cases"
FILES = sorted(FOLDER.glob("*.yaml"))
NAMES = [path.stem for path in FILES]


def test_there_are_cases() -> None:
    assert len(FILES) >= 60
    assert not isinstance(read_tree(FILES[0].read_bytes(), "first"), list)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_case_comes_out_as_it_says(path: Path) -> None:
    case = read_case(path)
    plan = case.plan(case.policy_set(), case.observation())
    told = Told(plan).lines(case.expect)
    assert told == {key: getattr(case.expect, key) for key in told}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_order_and_repetition_change_nothing(path: Path) -> None:
    case = read_case(path)
    policies, observation = case.policy_set(), case.observation()
    plan = case.plan(policies, observation)
    assert case.plan(policies, observation) == plan
    backwards = replace(
        observation,
        accounts=observation.accounts[::-1],
        readings=dict(reversed(observation.readings.items())),
        moves=observation.moves[::-1],
    )
    rules = tuple(
        policy.model_copy(update={"rules": policy.rules[::-1]})
        for policy in reversed(policies.policies)
    )
    assert case.plan(PolicySet(rules, policies.digest), backwards) == plan


def test_a_key_that_no_case_knows_is_an_error() -> None:
    text = "about: x\naccounts: {a: {cash: 1.00, cahs: 2.00}}\nexpect: {}\n"
    problems = read_model(text, "case.yaml", Case)
    assert isinstance(problems, list)
    assert "cahs" in str(problems[0])

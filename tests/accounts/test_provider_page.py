"""The page on the provider names what the code knows: every API, every pair, every quota."""

import re
from pathlib import Path

import pytest

from budgetd.cli.accounts_refusals import CURES
from budgetd.core.answer import PAIRS, AnswerClass
from budgetd.provider.operations import OPERATIONS, Operation

PAGE = (Path(__file__).parents[2] / "docs" / "provider.md").read_text()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_api_is_named_with_its_page(operation: Operation) -> None:
    assert f"`{operation.name}`" in PAGE
    if re.fullmatch(r"(ep|mac)_[0-9]+", operation.page):
        assert operation.page in PAGE


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_every_pair_stands_in_the_row_of_its_class(pair: tuple[int, str]) -> None:
    status, code = pair
    words = {AnswerClass.RECEIVED_BEFORE: "received before"}
    name = words.get(PAIRS[pair], str(PAIRS[pair]))
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and code in line]
    told = [line for line in rows if name in line.replace("*", "") and str(status) in line]
    assert told, f"{status} {code} should be told as {name}"


def test_no_code_is_told_that_the_code_does_not_know() -> None:
    known = {code for _, code in PAIRS} | set(CURES)
    told = set(re.findall(r"(?:CBC|APIGW|APIG)\.[0-9]+", PAGE))
    # The one of which nothing is documented, as the page says.
    assert told - known == {"CBC.0150"}

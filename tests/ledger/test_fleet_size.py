"""A list of accounts that is suddenly much shorter is a rumour until a second cycle agrees."""

import pytest

from budgetd.ledger.kept import believes_fleet
from budgetd.ledger.store import Ledger


def test_a_list_that_lost_more_than_a_twentieth_is_believed_the_second_time(ledger: Ledger) -> None:
    assert believes_fleet(ledger, 100)
    assert not believes_fleet(ledger, 94)
    assert believes_fleet(ledger, 94)
    assert not believes_fleet(ledger, 60)


def test_two_different_short_lists_agree_on_nothing(ledger: Ledger) -> None:
    assert believes_fleet(ledger, 100)
    assert not believes_fleet(ledger, 94)
    assert not believes_fleet(ledger, 93)
    assert believes_fleet(ledger, 100)


def test_a_whole_list_between_two_short_ones_ends_the_rumour(ledger: Ledger) -> None:
    assert believes_fleet(ledger, 150)
    assert not believes_fleet(ledger, 100)
    assert believes_fleet(ledger, 150)
    assert not believes_fleet(ledger, 100)
    assert believes_fleet(ledger, 100)
    assert not believes_fleet(ledger, 50)


@pytest.mark.parametrize(("before", "now"), [(100, 95), (40, 37), (3, 0), (100, 140), (0, 0)])
def test_few_accounts_less_are_no_surprise(ledger: Ledger, before: int, now: int) -> None:
    assert believes_fleet(ledger, before)
    assert believes_fleet(ledger, now)

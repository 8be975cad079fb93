"""What `suggest` makes of a forecast holds in the week after, for accounts that spend as real
ones do."""

from datetime import timedelta

import pytest

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.documents.placing import Written, read_written
from budgetd.core.forecast.estimating import burn_of
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Account, Observation, Readings, Status
from budgetd.core.policies.policy import Policy
from budgetd.core.suggesting.judging import suggest
from budgetd.core.suggesting.suggestion import Number, Role, Setting

from .fleets import ZONE, Life, life

RULE = """\
version: 1
policy: p
rules:
  - {name: up, accounts: all, top_up: {when: {below: 0.01}, to: 999999999.00}}
"""
LIMITS = LimitsSection().for_core(ZONE, Polling())
DAYS = 7
MOST_OVER = 0.15
"""One in ten lies beyond an edge; bursts are told least."""


def trigger_of(one: Life) -> Number:
    """The trigger that is suggested for a rule about this account alone."""
    written = read_written(RULE, "p.yaml", Policy)
    assert isinstance(written, Written)
    burn = burn_of(one.read, one.moves, ZONE)
    assert burn is not None
    account = Account(id="a", name="a", display_name="", status=Status.NORMAL, organization=None)
    seen = Observation(
        taken_at=one.now,
        currency="CNY",
        accounts=(account,),
        readings={},
        master=Readings(),
        burns={Unit(account_id="a", instrument=Instrument.CASH): burn},
    )
    setting = Setting(limits=LIMITS, max_staleness=Polling().max_staleness, now=one.now)
    (advice,) = suggest([written], seen, setting)
    return next(number for number in advice.numbers if number.role is Role.TRIGGER)


@pytest.mark.parametrize("kind", ["steady", "weekly", "bursty", "growing"])
def test_few_days_spend_more_than_the_trigger_that_is_to_outlast_them(kind: str) -> None:
    over = looked_at = 0
    for seed in range(70_000, 70_040):
        one = life(kind, seed)
        trigger = trigger_of(one)
        for day in range(DAYS):
            begins = one.now + timedelta(days=day)
            over += one.spent(begins, begins + trigger.length) > trigger.new
            looked_at += 1
    assert over <= MOST_OVER * looked_at, f"{over} of {looked_at}"

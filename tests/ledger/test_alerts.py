"""An alert is told at its crossing, again after its cooldown, and when it is over; never else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.decisions.deciding import decide
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.observation import (
    Account,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Sample,
    Status,
    Unknown,
)
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.ledger.alerts import known_alerts, last_read, notice_alerts
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger

from .intents import AT

LIMITS = LimitsSection().for_core(ZoneInfo("Asia/Shanghai"), Polling())
LOW, HIGH, UNREAD = "5.00", "500.00", None
HOME = Organization(id="o", name="R&D", path=("R&D",))
ANNA = Account(id="a", name="anna", display_name="", status=Status.NORMAL, organization=HOME)


def policies(**rule: object) -> PolicySet:
    written = {"name": "low", "accounts": "all", "alert": {"when": {"below": "10.00"}}} | rule
    policy = Policy.model_validate({"version": "1", "policy": "p", "rules": [written]})
    return PolicySet((policy,), "digest")


RULES = policies()


def cash(value: str | None, now: datetime) -> Reading[Decimal]:
    return Unknown("no answer", now) if value is None else Ok(Decimal(value), now)


def observe(now: datetime, value: str | None, accounts: Sequence[Account]) -> Observation:
    return Observation(
        taken_at=now,
        currency="CNY",
        accounts=tuple(accounts),
        readings={account.id: Readings(cash=cash(value, now)) for account in accounts},
        master=Readings(cash=Ok(Decimal("1000.00"), now)),
    )


def said(
    ledger: Ledger,
    now: datetime,
    value: str | None,
    rules: PolicySet = RULES,
    accounts: Sequence[Account] = (ANNA,),
    moves: Sequence[Move] = (),
) -> list[str]:
    """One cycle at that instant with that reading, and what people hear of it."""
    observation = replace(
        observe(now, value, accounts), last_read=last_read(ledger, rules), moves=tuple(moves)
    )
    decisions = decide(rules, observation, LIMITS)
    frame = Frame(enterprise="acme", mode="enforce", policies=rules)
    plan = make_plan(frame, decisions, observation, LIMITS)
    found = notice_alerts(ledger, plan, observation, rules, LIMITS)
    return [f"{one.turn} {one.account_name} {one.why}".strip() for one in found]


def at(**length: float) -> datetime:
    return AT + timedelta(**length)


def test_an_alert_speaks_at_the_crossing_after_its_cooldown_and_when_over(ledger: Ledger) -> None:
    assert said(ledger, at(), HIGH) == []
    assert said(ledger, at(minutes=1), LOW) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=2), LOW) == []
    assert said(ledger, at(hours=24), LOW) == []
    assert said(ledger, at(hours=24, minutes=1), LOW) == ["repeated R&D/anna"]
    assert said(ledger, at(hours=25), HIGH) == ["over R&D/anna"]
    assert said(ledger, at(hours=26), HIGH) == []
    assert said(ledger, at(hours=27), LOW) == ["raised R&D/anna"]


def test_its_own_cooldown_counts(ledger: Ledger) -> None:
    rules = policies(cooldown="1h")
    assert said(ledger, at(), LOW, rules) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=59), LOW, rules) == []
    assert said(ledger, at(minutes=60), LOW, rules) == ["repeated R&D/anna"]


def test_what_is_unread_is_neither_over_nor_raised(ledger: Ledger) -> None:
    assert said(ledger, at(), UNREAD) == []
    assert said(ledger, at(minutes=1), LOW) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=2), UNREAD) == []
    assert said(ledger, at(hours=30), UNREAD) == []
    assert said(ledger, at(hours=31), HIGH) == ["over R&D/anna"]


def test_an_alert_whose_rule_or_account_is_gone_is_over_and_says_so(ledger: Ledger) -> None:
    other = replace(ANNA, id="b", name="ben")
    both = (ANNA, other)
    assert len(said(ledger, at(), LOW, accounts=both)) == 2
    assert said(ledger, at(minutes=1), LOW, accounts=[other]) == [
        "over R&D/anna the account is not in the list any more"
    ]
    assert said(ledger, at(minutes=2), LOW, policies(name="new")) == [
        "over R&D/ben its rule is not in force any more",
        "raised R&D/anna",
    ]
    assert {(one.rule, one.account_id) for one in known_alerts(ledger)} == {("p/new", "a")}


def test_an_account_that_cannot_be_placed_keeps_its_alert(ledger: Ledger) -> None:
    rules = policies(accounts={"org": ["/R&D/**"]})
    lost = replace(ANNA, organization=None)
    moved = replace(ANNA, organization=replace(HOME, path=("Legal",)))
    assert said(ledger, at(), LOW, rules) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=1), LOW, rules, [lost]) == []
    assert said(ledger, at(minutes=2), LOW, rules, [moved]) == [
        "over R&D/anna its rule does not select the account any more"
    ]


def test_a_rule_that_only_observes_tells_nobody(ledger: Ledger) -> None:
    assert said(ledger, at(), LOW, policies(mode="observe")) == []
    assert said(ledger, at(minutes=1), LOW) == ["raised R&D/anna"]


def test_a_clock_that_steps_back_repeats_nothing_and_loses_nothing(ledger: Ledger) -> None:
    assert said(ledger, at(), LOW) == ["raised R&D/anna"]
    assert said(ledger, at(hours=-3), LOW) == []
    assert said(ledger, at(hours=-2), HIGH) == ["over R&D/anna"]
    assert said(ledger, at(hours=-1), LOW) == ["raised R&D/anna"]
    assert said(ledger, at(hours=-1), HIGH) == ["over R&D/anna"]
    assert said(ledger, at(hours=-1), LOW) == ["raised R&D/anna"]
    # The clock had been a year ahead: silence would last a year.
    assert said(ledger, at(days=-365), LOW) == []
    assert said(ledger, at(days=-364), LOW) == ["repeated R&D/anna"]


def test_the_master_has_alerts_as_well(ledger: Ledger) -> None:
    rules = policies(accounts="master", alert={"when": {"below": "2000.00"}})
    assert said(ledger, at(), HIGH, rules) == ["raised master"]
    assert said(ledger, at(minutes=1), HIGH, rules) == []


UNREAD_RULES = policies(alert={"when": {"unread_for": "2h"}})


def test_an_account_that_was_never_read_is_told_so_long_after_it_was_first_seen(
    ledger: Ledger,
) -> None:
    assert said(ledger, at(), UNREAD, UNREAD_RULES) == []
    assert said(ledger, at(minutes=119), UNREAD, UNREAD_RULES) == []
    assert said(ledger, at(minutes=120), UNREAD, UNREAD_RULES) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=121), HIGH, UNREAD_RULES) == ["over R&D/anna"]
    assert said(ledger, at(minutes=122), UNREAD, UNREAD_RULES) == []
    assert said(ledger, at(minutes=250), UNREAD, UNREAD_RULES) == ["raised R&D/anna"]


def test_unread_counts_from_the_newest_kept_reading(ledger: Ledger) -> None:
    sample = Sample(at(hours=-1), Decimal("50.00"))
    keep_readings(ledger, [(Unit(account_id="a", instrument=Instrument.CASH), sample)])
    assert said(ledger, at(minutes=59), UNREAD, UNREAD_RULES) == []
    assert said(ledger, at(minutes=60), UNREAD, UNREAD_RULES) == ["raised R&D/anna"]


def test_unread_beside_another_trigger_leaves_that_one_unknown(ledger: Ledger) -> None:
    rules = policies(alert={"when": {"any": [{"below": "10.00"}, {"unread_for": "2h"}]}})
    assert said(ledger, at(), LOW, rules) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=1), UNREAD, rules) == []
    assert said(ledger, at(minutes=2), HIGH, rules) == ["over R&D/anna"]


def test_a_cap_that_is_nearly_used_is_told_of_the_account_and_of_the_master(
    ledger: Ledger,
) -> None:
    top_up = {
        "name": "up",
        "accounts": "all",
        "top_up": {"when": {"below": "1.00"}, "to": "9.00"},
        "caps": {"account_per_day": "100.00", "rule_per_day": "400.00"},
    }
    when = {"when": {"cap_used": "80%"}}
    alerts = [
        {"name": "account", "accounts": "all", "alert": when},
        {"name": "rules", "accounts": "master", "alert": when},
    ]
    written = {"version": "1", "policy": "p", "rules": [top_up, *alerts]}
    rules = PolicySet((Policy.model_validate(written),), "digest")

    def moved(amount: str) -> list[Move]:
        unit = Unit(account_id="a", instrument=Instrument.CASH)
        return [
            Move(
                id="1",
                rule="p/up",
                unit=unit,
                direction=Direction.ALLOCATE,
                amount=Decimal(amount),
                state=State.SETTLED,
                made_at=AT,
                sent_at=AT,
                ended_at=AT,
            )
        ]

    assert said(ledger, at(), HIGH, rules, moves=moved("79.99")) == []
    assert said(ledger, at(minutes=1), HIGH, rules, moves=moved("80.00")) == ["raised R&D/anna"]
    assert said(ledger, at(minutes=2), HIGH, rules, moves=moved("320.00")) == ["raised master"]
    # Another day begins at midnight in the zone of the caps.
    assert said(ledger, at(days=1), UNREAD, rules, moves=moved("320.00")) == [
        "over R&D/anna",
        "over master",
    ]

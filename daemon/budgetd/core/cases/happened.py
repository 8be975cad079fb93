"""What a plan does, in the words of expectations, and why it does that.

It may not compare, nor decide.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.cases.staging import Ground, Stage
from budgetd.core.decisions.decision import Held, Raised
from budgetd.core.decisions.explaining import misses
from budgetd.core.moment import format_second
from budgetd.core.money import format_amount, show_amount
from budgetd.core.observation import Account
from budgetd.core.plans.plan import Plan, Transfer

Thing = dict[str, object]
SINGULAR = {
    "transfers": "a transfer",
    "proposals": "a proposal",
    "withheld": "a withheld transfer",
    "held": "a hold",
    "alerts": "an alert",
    "observed": "an observed transfer",
}
SOURCE = "\0source"
"""The key under which a thing remembers what it was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """All that a plan does, list by list, each thing by its keys."""

    things: dict[str, list[Thing]]
    accounts: tuple[Account, ...]
    ground: Ground
    zone: ZoneInfo

    def of(self, name: str) -> list[Thing]:
        """The things of one list."""
        return self.things[name]

    def show(self, value: object) -> str:
        """One value, as people read it."""
        match value:
            case None:
                return "nothing"
            case Decimal():
                return show_amount(value)
            case datetime():
                return format_second(value, self.zone)
            case tuple():
                return f"[{', '.join(str(item) for item in value)}]"
            case _:
                return str(value)

    def tell(self, name: str, thing: Thing) -> str:
        """A thing, or what is expected of one, in a line."""
        first = [str(thing[key]) for key in ("rule", "account") if key in thing]
        shown = ("amount", "of", "reason", "until", "severity", "limit", "asks", "period", "after")
        rest = [
            f"{key} {self.show(thing[key])}" for key in shown if thing.get(key) not in (None, "")
        ]
        return f"{SINGULAR[name]} of {' on '.join(first)}: {', '.join(rest) or 'any'}"

    def why(self, thing: Thing) -> tuple[str, ...]:
        """Why a thing came: the steps of its amount, or what is behind a hold."""
        source = thing[SOURCE]
        if isinstance(source, Transfer):
            steps = tuple(
                f"{step.step} {format_amount(step.amount)}  ({step.note})" for step in source.steps
            )
            return (f"{source.rule}: read {show_amount(source.reading)}, {source.why}", *steps)
        if isinstance(source, Held):
            return (self._hold(source),)
        assert isinstance(source, Raised)
        read = "nothing" if source.reading is None else show_amount(source.reading)
        return (f"alert {source.rule}: read {read}, {source.why}",)

    def instead(self, wanted: Thing) -> tuple[str, ...]:
        """What the rules did to the account in place of what was expected."""
        told = []
        for name, things in self.things.items():
            for thing in things:
                asked = [key for key in ("account", "rule") if key in wanted]
                if all(thing[key] == wanted[key] for key in asked):
                    source = thing[SOURCE]
                    came = f"came: {self.tell(name, thing)}"
                    told.append(self._hold(source) if isinstance(source, Held) else came)
        return (*told, *self._not_selected(wanted))

    def _hold(self, held: Held) -> str:
        words = [f"held: {held.rule} on {held.account.name}: {held.reason}"]
        words += [f"until {self.show(held.until)}"] if held.until else []
        words += [f"(read {show_amount(held.reading)})"] if held.reading is not None else []
        words += [f"({held.detail})"] if held.detail else []
        return " ".join(words)

    def _not_selected(self, wanted: Thing) -> list[str]:
        """Why a rule that is expected to act does not select the account."""
        accounts = [one for one in self.accounts if one.name == wanted.get("account")]
        rules = [wanted["rule"]] if "rule" in wanted else list(self.ground.by_name)
        return [
            f"not selected: {name} on {account.name}: {miss}"
            for account in accounts
            for name in rules
            for miss in misses(self.ground.by_name[str(name)].accounts, account)
        ]


def happened(plan: Plan, stage: Stage, ground: Ground) -> Happened:
    """What a plan does, list by list."""
    return Happened(
        things={
            "transfers": [_transfer(item) for item in plan.moves],
            "proposals": [_transfer(item) | {"asks": item.ask} for item in plan.proposals],
            "withheld": [
                _transfer(item.transfer) | {"limit": item.limit} for item in plan.withheld
            ],
            "held": [_held(item) for item in plan.held],
            "alerts": [_alert(item) for item in plan.alerts],
            "observed": [_transfer(item) for item in plan.observed],
        },
        accounts=stage.observation.accounts,
        ground=ground,
        zone=stage.limits.zone,
    )


def _transfer(item: Transfer) -> Thing:
    return {
        "account": item.account.name,
        "rule": item.rule,
        "amount": item.amount,
        "action": item.action,
        "direction": item.direction,
        "instrument": item.instrument,
        "reason": item.why,
        "reading": item.reading,
        "after": item.after,
        "short_by": item.short_by,
        "of": item.unit.part,
        "period": item.period,
        "steps": tuple(f"{step.step} {format_amount(step.amount)}" for step in item.steps),
        SOURCE: item,
    }


def _held(item: Held) -> Thing:
    return {
        "account": item.account.name,
        "rule": item.rule,
        "reason": item.reason,
        "until": item.until,
        "reading": item.reading,
        "period": item.period,
        SOURCE: item,
    }


def _alert(item: Raised) -> Thing:
    return {
        "account": item.account.name,
        "rule": item.rule,
        "severity": item.severity,
        "reason": item.why,
        "reading": item.reading,
        SOURCE: item,
    }

"""Judges what spans several fields of one rule: each problem at the line it stands on.

What spans several rules is judged in `conflicts`, what only a fleet can show in `lints`.
It may not read documents: it gets models that know their places.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.intent import Instrument
from budgetd.core.moment import format_duration
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Status
from budgetd.core.policies.policy import (
    Alert,
    CouponWhen,
    GrantCoupons,
    Lift,
    Mode,
    Policy,
    Reclaim,
    ReclaimCoupons,
    Rule,
    RunwayTarget,
    Sized,
    TopUp,
)
from budgetd.core.policies.schedule import DEFAULT_CATCH_UP, longest_gap
from budgetd.core.policies.selector import Match

SHORTEST_MONTHLY = timedelta(days=32)
_WITHOUT_PAST = ("expires_within", "idle_for", "will_lapse", "unread_for", "cap_used")
_OF_MEMBERS = ("idle_for", "will_lapse")
_SOME_DAY = datetime(2027, 1, 1, tzinfo=UTC)
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRule:
    """A rule that knows its full name and where it is written."""

    written: Written[Policy]
    index: int
    rule: Rule
    zone: ZoneInfo

    @property
    def name(self) -> str:
        """`policy/rule`."""
        return f"{self.written.model.policy}/{self.rule.name}"

    @property
    def place(self) -> str:
        """Where it begins: `path:line`."""
        mark = self.written.tree.find(("rules", self.index, "name")).mark
        return f"{self.written.path}:{mark.line}"

    def at(self, path: Path, message: str, *, hint: str = "", is_warning: bool = False) -> Problem:
        """A problem at one of the rule's own fields."""
        full = ("rules", self.index, *path)
        return self.written.problem(full, message, hint=hint, is_warning=is_warning)

    def in_action(
        self, path: Path, message: str, *, hint: str = "", is_warning: bool = False
    ) -> Problem:
        """A problem at a field of the rule's action."""
        full = (self.rule.action_name, *path)
        return self.at(full, message, hint=hint, is_warning=is_warning)


def placed_rules(policies: Sequence[Written[Policy]], zone: ZoneInfo) -> tuple[PlacedRule, ...]:
    """Every rule with its place; a rule's own zone goes before the configured one."""
    return tuple(
        PlacedRule(written=written, index=index, rule=rule, zone=rule.timezone or zone)
        for written in policies
        for index, rule in enumerate(written.model.rules)
    )


def values_of(when: object, key: str, path: Path = ("when",)) -> list[tuple[Path, object]]:
    """Every value a `when` gives one key, those of its `any` too, with their places."""
    if when is None:
        return []
    found: list[tuple[Path, object]] = []
    value = getattr(when, key, None)
    if value is not None:
        found.append(((*path, key), value))
    for index, part in enumerate(getattr(when, "any", None) or ()):
        found += values_of(part, key, (*path, "any", index))
    return found


def amounts_of(when: object, key: str) -> list[tuple[Path, Decimal]]:
    """The amounts a `when` gives one key."""
    return [(path, value) for path, value in values_of(when, key) if isinstance(value, Decimal)]


def lengths_of(when: object, key: str) -> list[tuple[Path, timedelta]]:
    """The durations a `when` gives one key."""
    return [(path, value) for path, value in values_of(when, key) if isinstance(value, timedelta)]


def judge_rule(rule: PlacedRule) -> Iterator[Problem]:
    """Every problem between the fields of one rule, warnings among them."""
    action = rule.rule.action
    yield from _judge_frame(rule)
    match action:
        case TopUp() | GrantCoupons():
            yield from _judge_lift(rule, action)
            yield from _judge_rails(rule, action)
        case Reclaim():
            yield from _judge_reclaim(rule, action)
            yield from _judge_rails(rule, action)
        case ReclaimCoupons():
            yield from _judge_coupons(rule, action)
        case Alert():
            yield from _judge_alert(rule, action)


def _judge_frame(rule: PlacedRule) -> Iterator[Problem]:
    written = rule.rule
    if written.accounts == "master" and written.alert is None:
        yield rule.at(("accounts",), "only an alert may watch the master")
    start, end = written.valid.from_, written.valid.until
    if start and end and start.first(rule.zone) >= end.after(rule.zone):
        yield rule.at(("valid", "until"), "it ends before it begins")
    when = getattr(written.action, "when", None)
    is_calendar = written.schedule is not None and written.schedule.is_calendar
    if when is None and not is_calendar:
        yield rule.at(
            (written.action_name,),
            "without `when` it needs a calendar schedule: it would act at every reading",
            hint="name a trigger, or daily, weekly, monthly, dates or cron",
        )
    yield from _judge_for(rule, when)
    if written.notice is not None and not isinstance(written.action, Reclaim | ReclaimCoupons):
        yield rule.at(("notice",), "only what is taken home is announced: reclaims and coupons")
    yield from _judge_notice(rule)
    if written.guard is not None and not isinstance(written.action, Lift):
        yield rule.at(("guard",), "only what goes out is guarded: top-ups and grants")
    statuses = written.accounts.status if isinstance(written.accounts, Match) else None
    is_lift = isinstance(written.action, Lift)
    if statuses is not None and is_lift and Status.NORMAL not in statuses:
        message = "only normal accounts get money, and these are not"
        problem = rule.at(("accounts", "status"), message, is_warning=True)
        yield as_lint("not-normal", problem, rule.name)


def _judge_notice(rule: PlacedRule) -> Iterator[Problem]:
    """A slot is announced once the one before it has come: a longer notice would never be over."""
    schedule, notice = rule.rule.schedule, rule.rule.notice
    if schedule is None or notice is None:
        return
    gap = longest_gap(schedule, rule.zone, _SOME_DAY, days=800)
    if gap is not None and notice >= gap + (schedule.catch_up or DEFAULT_CATCH_UP):
        told = f"a notice of {format_duration(notice)} is never over before the next slot"
        yield rule.at(("notice",), told, hint=f"slots are {format_duration(gap)} apart at most")


def _judge_for(rule: PlacedRule, when: object, path: Path = ("when",)) -> Iterator[Problem]:
    """`for` looks back at readings of the whole amount that were kept; of everything else there
    is no past to look at, so that such a `when` would never hold."""
    if when is None:
        return
    if getattr(when, "for_", None) is not None:
        beside = [key for key in _WITHOUT_PAST if values_of(when, key)]
        beside += _parts_alone(rule.rule)
        if beside:
            message = "'for' has no effect yet in this version beside"
            yield rule.in_action((*path, "for"), f"{message} `{beside[0]}`")
    for index, part in enumerate(getattr(when, "any", None) or ()):
        yield from _judge_for(rule, part, (*path, "any", index))


def _parts_alone(rule: Rule) -> Iterator[str]:
    """The keys by which an action looks at a part of what an account has."""
    match rule.action:
        case ReclaimCoupons():
            yield "reclaim_coupons"
        case GrantCoupons(coupons=chosen) if chosen.model_fields_set:
            yield "coupons"
        case TopUp(lives_at_least=timedelta()):
            yield "lives_at_least"


def _judge_lift(rule: PlacedRule, action: TopUp | GrantCoupons) -> Iterator[Problem]:
    yield from _judge_target(rule, action)
    yield from _judge_add(rule, action)
    if isinstance(action, TopUp) and action.instrument is not Instrument.CREDIT:
        for key in ("ledger", "lives_at_least"):
            if getattr(action, key) is not None:
                yield rule.in_action((key,), f"`{key}` is about credit alone")
    triggers = [amount for _, amount in amounts_of(action.when, "below")]
    for key in ("max", "add"):
        step = getattr(action, key)
        if step is not None and triggers and step * 2 < max(triggers):
            problem = rule.in_action(
                (key,),
                f"it takes over two times {show_amount(step)} to clear the trigger"
                f" {show_amount(max(triggers))}",
                is_warning=True,
            )
            yield as_lint("slow", problem, rule.name)
    caps = rule.rule.caps
    is_calendar = rule.rule.schedule is not None and rule.rule.schedule.is_calendar
    has_cap = any(
        (caps.account_per_day, caps.account_per_week, caps.account_per_month, caps.account_ever)
    )
    if not is_calendar and not has_cap and rule.rule.mode is not Mode.OBSERVE:
        problem = rule.at(
            (rule.rule.action_name,),
            "a continuous top-up without an account cap: nothing ends it but the limits",
            hint="for example caps: {account_per_day: 5000.00}",
            is_warning=True,
        )
        yield as_lint("no-cap", problem, rule.name)


def _judge_target(rule: PlacedRule, action: TopUp | GrantCoupons) -> Iterator[Problem]:
    target = action.to
    path: Path = ("to",)
    highest: Decimal | None = None
    if isinstance(target, RunwayTarget):
        for _, trigger in lengths_of(action.when, "runway_below"):
            if target.runway <= trigger:
                yield rule.in_action(
                    ("to", "runway"),
                    f"expected more than the trigger {format_duration(trigger)}",
                )
        if target.at_most is None:
            yield rule.in_action(
                ("to",), "a runway target needs `at_most`", hint="at_most: 5000.00"
            )
        elif target.at_least is not None and target.at_least > target.at_most:
            yield rule.in_action(("to", "at_least"), "expected no more than `at_most`")
        highest, path = target.at_most, ("to", "at_most")
    elif isinstance(target, Decimal):
        highest = target
    for _, amount in amounts_of(action.when, "below") if highest is not None else ():
        if highest is not None and highest < amount + action.min:
            yield rule.in_action(
                path,
                f"expected at least {show_amount(amount + action.min)}: the trigger"
                f" {show_amount(amount)} and `min` {show_amount(action.min)}",
            )


def _judge_add(rule: PlacedRule, action: TopUp | GrantCoupons) -> Iterator[Problem]:
    if action.add is None:
        return
    if action.multiple_of is not None:
        yield rule.in_action(("multiple_of",), "`add` is its own step; leave `multiple_of` out")
    if action.max is not None and action.max < action.add:
        yield rule.in_action(("max",), f"below `add` {show_amount(action.add)} nothing would move")
    if action.when is None and action.add < action.min:
        yield rule.in_action(("add",), f"below `min` {show_amount(action.min)} nothing would move")
    for name, cap in _caps(rule.rule):
        if cap < action.add:
            yield rule.at(("caps", name), f"below `add` {show_amount(action.add)}: never reached")


def _judge_rails(rule: PlacedRule, action: Sized) -> Iterator[Problem]:
    """`max` and caps under which no transfer could ever fit."""
    bounds: list[tuple[Path, Decimal]] = [(("caps", name), cap) for name, cap in _caps(rule.rule)]
    if action.max is not None:
        bounds.append(((rule.rule.action_name, "max"), action.max))
    for path, bound in bounds:
        if bound < action.min:
            yield rule.at(path, f"below `min` {show_amount(action.min)} nothing would ever move")
        elif action.multiple_of is not None and bound < action.multiple_of:
            step = show_amount(action.multiple_of)
            yield rule.at(path, f"below `multiple_of` {step} nothing would ever move")


def _caps(rule: Rule) -> list[tuple[str, Decimal]]:
    values = [(name, getattr(rule.caps, name)) for name in type(rule.caps).model_fields]
    return [(name, value) for name, value in values if value is not None]


def _judge_reclaim(rule: PlacedRule, action: Reclaim) -> Iterator[Problem]:
    keep = action.keep
    amount = keep if isinstance(keep, Decimal) else keep.at_least
    path: Path = ("keep",) if isinstance(keep, Decimal) else ("keep", "at_least")
    for _, trigger in amounts_of(action.when, "above"):
        if amount is not None and amount > trigger:
            yield rule.in_action(path, f"expected no more than the trigger {show_amount(trigger)}")
    for _, length in lengths_of(action.when, "runway_above"):
        if not isinstance(keep, Decimal) and keep.runway > length:
            yield rule.in_action(
                ("keep", "runway"), f"expected no more than the trigger {format_duration(length)}"
            )
    if action.instrument is not Instrument.CREDIT:
        for path, _ in lengths_of(action.when, "expires_within"):
            yield rule.in_action(path, "cash does not expire; this is about credit and coupons")


def _judge_coupons(rule: PlacedRule, action: ReclaimCoupons) -> Iterator[Problem]:
    least, key = _least_coupon(action.when) if action.when else (ZERO, "")
    for name, cap in _caps(rule.rule):
        if cap < least:
            told = f"below `{key}` {show_amount(least)} nothing would ever move"
            yield rule.at(("caps", name), told, hint="a coupon comes home whole")
    schedule = rule.rule.schedule
    if schedule is None or schedule.monthly is None:
        return
    for path, length in lengths_of(action.when, "expires_within"):
        if length < SHORTEST_MONTHLY:
            problem = rule.in_action(
                path,
                "under 32d a coupon can lapse between two monthly slots",
                hint="35d leaves a margin",
                is_warning=True,
            )
            yield as_lint("lapses", problem, rule.name)


def _least_coupon(when: CouponWhen) -> tuple[Decimal, str]:
    """The least that a coupon holds of which the trigger holds, and the key that says so."""
    written = {"balance_at_least": when.balance_at_least, "will_lapse": when.will_lapse}
    found = [(amount, key) for key, amount in written.items() if amount is not None]
    if when.any is not None:
        found.append(min(_least_coupon(part) for part in when.any))
    return max(found, default=(ZERO, ""))


def _judge_alert(rule: PlacedRule, action: Alert) -> Iterator[Problem]:
    owners = {
        "expires_within": (Instrument.CREDIT, Instrument.COUPON),
        "balance_at_least": (Instrument.COUPON,),
        "will_lapse": (Instrument.COUPON,),
    }
    for key, instruments in owners.items():
        for path, _ in values_of(action.when, key):
            if action.instrument not in instruments:
                names = " and ".join(instruments)
                yield rule.in_action(path, f"`{key}` is about {names}; say `instrument`")
    for key in _OF_MEMBERS if rule.rule.accounts == "master" else ():
        for path, _ in values_of(action.when, key):
            message = f"'{key}' has no effect yet in this version for the master"
            yield rule.in_action(path, message, hint="it has no burn of its own")
    for name, _ in _caps(rule.rule):
        yield rule.at(("caps", name), "an alert moves nothing that a cap could count")

"""The burns of a snapshot: what was known of each account's spending, written and read back.

Runway rules decide on recorded readings what they would have decided on live ones. It may not
estimate a burn, nor take one that is not written for nothing spent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from budgetd.core.burn import Burn
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import format_amount
from budgetd.report.snapshot_fields import Fields

Json = dict[str, Any]
_SHARES = ("level", "growth", "spread", "doubt", "drift", "skew", "days_observed")
_SECOND = timedelta(seconds=1)


def burns_by_account(burns: Mapping[Unit, Burn]) -> Mapping[str, list[Json]]:
    """What is known of each account, in order of instrument and part. Shares, and amounts that
    are finer than money, are texts of decimals."""
    found: dict[str, list[Json]] = defaultdict(list)
    for unit in sorted(burns, key=lambda unit: (unit.account_id, unit.instrument, unit.part)):
        found[unit.account_id].append(_written(unit, burns[unit]))
    return found


def _written(unit: Unit, burn: Burn) -> Json:
    return {
        "instrument": unit.instrument.value,
        "part": unit.part,
        "at": burn.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "value": format_amount(burn.value),
        **{name: f"{getattr(burn, name):f}" for name in _SHARES},
        "weekdays": [f"{share:f}" for share in burn.weekdays],
        "idle_s": burn.idle // _SECOND,
        "lately": None if burn.lately is None else f"{burn.lately:f}",
    }


def read_burns(account_id: str, entries: Iterable[Fields]) -> dict[Unit, Burn]:
    """The burns of one account; raises `FieldError` for what does not fit."""
    found: dict[Unit, Burn] = {}
    for entry in entries:
        known = ("instrument", "part", "at", "value", "weekdays", "idle_s", "lately", *_SHARES)
        entry.only(*known)
        unit = Unit(
            account_id=account_id,
            instrument=entry.member("instrument", Instrument),
            part=entry.text("part"),
        )
        if unit in found:
            raise entry.at("instrument").fail("this burn stands twice")
        found[unit] = _read(entry)
    return found


def _read(entry: Fields) -> Burn:
    days = entry.decimals("weekdays")
    if len(days) != 7:
        raise entry.at("weekdays").fail("expected seven shares, Monday first")
    if min(days) < 0:
        raise entry.at("weekdays").fail("nothing is spent backwards")
    shares: dict[str, Decimal] = {name: entry.decimal(name) for name in _SHARES}
    for name in ("level", "spread", "doubt", "drift", "days_observed"):
        if shares[name] < 0:
            raise entry.at(name).fail("expected 0 or more")
    if shares["growth"] <= -1:
        raise entry.at("growth").fail("expected more than -1")
    return Burn(
        at=entry.dated("at"),
        value=entry.amount("value"),
        weekdays=tuple(days),
        idle=timedelta(seconds=entry.whole("idle_s")),
        lately=entry.maybe("lately", entry.decimal),
        **shares,
    )

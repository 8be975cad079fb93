"""What is known of spending, kept: found from the readings of four weeks a few units at a time.

A cycle loads what is kept and reads no history. None of it is money, and all of it can be found
again. It may not estimate: `core/forecast` does.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.decisions.deciding import MASTER
from budgetd.core.forecast.days import days_of, with_costs
from budgetd.core.forecast.estimating import LOOKS_BACK, burn_of
from budgetd.core.forecast.spending import spends
from budgetd.core.intent import Instrument, Move, Unit
from budgetd.core.money import from_minor, to_minor
from budgetd.ledger.costs import costs_of
from budgetd.ledger.past import Past
from budgetd.ledger.readings import histories
from budgetd.ledger.rows import whole
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import at_micros, micros

FRESH_FOR = timedelta(hours=6)
"""So old a burn is found anew: the core goes on from its last reading meanwhile."""

TRUSTED_FOR = timedelta(days=7)
"""A burn that rests on nothing younger is not known any more."""

UNITS_A_STEP = 25
_STEP = timedelta(hours=1)  # finer readings would not make a burn of days any surer
_SHARES = ("level", "growth", "spread", "doubt", "drift", "skew", "days_observed")
_SECOND = timedelta(seconds=1)


class Burns(Mapping[Unit, Burn]):
    """Burns by unit. They are held as their rows, a tenth of a burn's own size; each is made when
    it is asked for."""

    def __init__(self, rows: dict[Unit, str]) -> None:
        self._rows = rows

    def __getitem__(self, unit: Unit) -> Burn:
        return _burn(self._rows[unit])

    def __contains__(self, unit: object) -> bool:
        return unit in self._rows

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def burns(past: Past, now: datetime, zone: ZoneInfo) -> Burns:
    """What is known of every unit's spending, local days by `zone`."""
    rows = past.connection.execute(
        "SELECT account_id, instrument, part, burn FROM forecast JOIN series "
        "ON series.number = forecast.series WHERE burn <> '' AND zone = ? AND read_at >= ?",
        (zone.key, micros(now - TRUSTED_FOR)),
    )
    instruments = {str(instrument): instrument for instrument in Instrument}
    return Burns(
        {
            Unit(
                account_id=str(account_id), instrument=instruments[str(kind)], part=str(part)
            ): str(burn)
            for account_id, kind, part, burn in rows
        }
    )


def refresh(ledger: Ledger, now: datetime, zone: ZoneInfo, units: int = UNITS_A_STEP) -> bool:
    """Finds the burn of some units anew: those never found first, then the oldest; whether there
    are others to do now. One transaction of some milliseconds, after the work is done."""
    due = _due(ledger, now, zone, units)
    if not due:
        return False
    numbers = {unit: number for number, unit in due}
    found = [
        (numbers.pop(unit), micros(read_at), _text(burn))
        for unit, read_at, burn in _estimates(ledger, now - LOOKS_BACK, list(numbers), zone)
    ]
    found += [(number, 0, "") for number in numbers.values()]
    with ledger.writing():
        ledger.connection.executemany(
            "INSERT INTO forecast VALUES (?, ?, ?, ?, ?) ON CONFLICT (series) DO UPDATE SET "
            "at = excluded.at, zone = excluded.zone, read_at = excluded.read_at, "
            "burn = excluded.burn",
            [(number, micros(now), zone.key, read_at, text) for number, read_at, text in found],
        )
    return len(due) == units


def found_anew(
    past: Past, units: Iterable[Unit], since: datetime, zone: ZoneInfo
) -> dict[Unit, Burn]:
    """The burns of some units from their readings since then alone, four weeks at most; nothing
    is kept."""
    estimates = _estimates(past, since, list(units), zone)
    return {unit: burn for unit, _, burn in estimates if burn is not None}


def _estimates(
    past: Past, since: datetime, units: list[Unit], zone: ZoneInfo
) -> Iterator[tuple[Unit, datetime, Burn | None]]:
    """The units that were read since then: when last, and their burn where it is known."""
    moves: dict[tuple[str, Instrument], list[Move]] = defaultdict(list)
    accounts = {unit.account_id for unit in units}
    for move in past.moves(since - timedelta(days=1), accounts):
        moves[move.unit.account_id, move.unit.instrument].append(move)
    for unit, samples in histories(past, since, units, _STEP):
        own = moves[unit.account_id, unit.instrument]
        if unit.part:
            own = [move for move in own if unit.part in (move.unit.part, move.child_coupon_id)]
        burn = burn_of(samples, own, zone)
        if burn is None and (billed := costs_of(past, unit)):
            days = with_costs(days_of(spends(samples, own), zone), billed)
            burn = burn_of(samples, own, zone, days)
        yield unit, samples[-1].read_at, burn


def _due(ledger: Ledger, now: datetime, zone: ZoneInfo, units: int) -> list[tuple[int, Unit]]:
    """The units whose burn is to be found: there are readings newer than it, and it is old. The
    master's falls are our own moves."""
    rows = ledger.connection.execute(
        "SELECT number, account_id, instrument, part FROM series LEFT JOIN forecast "
        "ON forecast.series = series.number "
        "WHERE last_at >= ?1 AND account_id <> ?6 AND (forecast.at IS NULL "
        "OR zone <> ?2 OR (forecast.at <= ?3 OR forecast.at > ?4) AND last_at > read_at) "
        "ORDER BY coalesce(forecast.at, 0) LIMIT ?5",
        (
            micros(now - LOOKS_BACK),
            zone.key,
            micros(now - FRESH_FOR),
            micros(now),
            units,
            MASTER.id,
        ),
    ).fetchall()
    return [
        (
            whole(number),
            Unit(account_id=str(account_id), instrument=Instrument(str(kind)), part=str(part)),
        )
        for number, account_id, kind, part in rows
    ]


def _text(burn: Burn | None) -> str:
    """A burn as its row holds it; empty where it is not known."""
    if burn is None:
        return ""
    said: dict[str, object] = {name: str(getattr(burn, name)) for name in _SHARES}
    said |= {
        "at": micros(burn.at),
        "value": to_minor(burn.value),
        "weekdays": [str(share) for share in burn.weekdays],
        "idle_s": burn.idle // _SECOND,
        "lately": None if burn.lately is None else str(burn.lately),
    }
    return json.dumps(said, separators=(",", ":"))


@lru_cache(maxsize=256)
def _burn(text: str) -> Burn:
    # Of one account it is asked for several times in a row.
    said = json.loads(text)
    return Burn(
        at=at_micros(said["at"]),
        value=from_minor(said["value"]),
        weekdays=tuple(Decimal(share) for share in said["weekdays"]),
        idle=timedelta(seconds=said["idle_s"]),
        lately=None if said["lately"] is None else Decimal(said["lately"]),
        **{name: Decimal(said[name]) for name in _SHARES},
    )

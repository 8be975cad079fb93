"""The ledger counted for a screen: intents by state, money by way, how readings went.

Each is one query for all accounts. It may not write.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Sample
from budgetd.ledger.past import Past
from budgetd.ledger.readings import histories
from budgetd.ledger.rows import MOVE_COLUMNS, amount_of, move_of
from budgetd.ledger.times import text

LONGEST_DOUBT = timedelta(days=7)
"""A move is signed for the last time at most so long after it was promised, but by a person."""

_QUARTER = timedelta(hours=6)
_NEVER_MOVED = "('refused', 'cancelled', 'void')"
# To the letter as in the schema: else SQLite does not see that its index of open intents serves.
_OPEN = "('prepared', 'sending', 'in_doubt', 'needs_human')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many intents of one kind there are, and what they are about together."""

    state: State
    direction: Direction
    instrument: Instrument
    count: int
    amount: Decimal


def tallies(past: Past) -> tuple[Tally, ...]:
    """Every intent ever made, counted by state, way and instrument."""
    rows = past.connection.execute(
        "SELECT state, direction, instrument, count(*), sum(coalesce(booked, amount)) "
        "FROM intent GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
    return tuple(
        Tally(
            state=State(str(row[0])),
            direction=Direction(str(row[1])),
            instrument=Instrument(str(row[2])),
            count=int(str(row[3])),
            amount=amount_of(row[4]),
        )
        for row in rows
    )


def moved_since(past: Past, since: datetime) -> dict[Direction, Decimal]:
    """What moved each way after an instant, or may yet move: as the limits count it."""
    moved = dict.fromkeys(Direction, ZERO)
    rows = past.connection.execute(
        "SELECT direction, sum(coalesce(booked, amount)) FROM intent "
        f"WHERE (made_at > ? OR state IN {_OPEN}) AND state NOT IN {_NEVER_MOVED} "
        f"AND (state IN {_OPEN} OR coalesce(sent_at, made_at) > ?) GROUP BY 1",
        (text(since - LONGEST_DOUBT), text(since)),
    ).fetchall()
    return moved | {Direction(str(row[0])): amount_of(row[1]) for row in rows}


def open_moves(past: Past) -> tuple[Move, ...]:
    """What may still move money, oldest first; quick however long the past is."""
    rows = past.connection.execute(
        f"SELECT {MOVE_COLUMNS} FROM intent INDEXED BY one_open_intent_per_unit "
        f"WHERE state IN {_OPEN} ORDER BY made_at, id"
    ).fetchall()
    return tuple(move_of(row) for row in rows)


def states_of(past: Past, ids: Iterable[str]) -> dict[str, State]:
    """Where these intents stand; those that were never promised are not in it."""
    rows = past.connection.execute(
        "SELECT id, state FROM intent WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    ).fetchall()
    return {str(intent_id): State(str(state)) for intent_id, state in rows}


def account_names(past: Past, ids: Iterable[str]) -> dict[str, str]:
    """The names these accounts had when they were last moved, by id."""
    rows = past.connection.execute(
        "SELECT account_id, account_name, max(made_at) FROM intent "
        "WHERE account_id IN (SELECT value FROM json_each(?)) GROUP BY account_id",
        (json.dumps(list(ids)),),
    ).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def trends(
    past: Past, accounts: Iterable[str], instrument: Instrument, since: datetime
) -> dict[str, tuple[Sample, ...]]:
    """The last kept reading of every quarter of a day since then, by account, oldest first."""
    units = [Unit(account_id=one, instrument=instrument) for one in accounts]
    return {
        unit.account_id: samples for unit, samples in histories(past, since, units, step=_QUARTER)
    }

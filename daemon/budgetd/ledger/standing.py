"""What the daemon last said of itself, kept as one row beside the ledger: for `status`.

It may not judge it. A row that cannot be read is nothing known, never a failure: the money
does not depend on it.
"""

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from budgetd.core.standing import Standing
from budgetd.ledger.past import Past
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import text

_FORM = TypeAdapter(Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The newest standing; None where there is none that can be read, and then `why`, empty
    where no daemon ever said anything."""

    standing: Standing | None
    why: str = ""


def keep(ledger: Ledger, standing: Standing) -> None:
    """Replaces what was said before; durable on return."""
    value = _FORM.dump_json(standing).decode()
    with ledger.writing():
        ledger.connection.execute(
            "INSERT INTO standing VALUES (1, ?, ?) "
            "ON CONFLICT (one) DO UPDATE SET at = excluded.at, value = excluded.value",
            (text(standing.at), value),
        )


def newest(past: Past) -> Said:
    """What was said last, by whatever daemon; it may be long dead."""
    written = past.connection.execute("SELECT value FROM standing").get
    if written is None:
        return Said(standing=None)
    try:
        standing = _FORM.validate_json(str(written), strict=True)
    except ValidationError as problem:
        wrong = problem.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in wrong["loc"]) or "the whole of it"
        return Said(standing=None, why=f"{place}: {wrong['msg']}")
    if not _is_placed(standing):
        return Said(standing=None, why="an instant without its offset")
    return Said(standing=standing)


def _is_placed(value: object) -> bool:
    """Whether every instant in it can be compared with another."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    if isinstance(value, tuple):
        return all(map(_is_placed, value))
    if is_dataclass(value):
        return all(_is_placed(getattr(value, field.name)) for field in fields(value))
    return True

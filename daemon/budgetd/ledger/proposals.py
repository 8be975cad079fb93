"""Proposals kept: one open a rule and unit, or batch; replaced as readings change, never added to.

It may not decide what is proposed, nor approve anything by itself.
"""

from collections.abc import Sequence
from datetime import datetime

from budgetd.core.approval import Approved, Proposal, ProposalState, ProposedItem
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.money import to_minor
from budgetd.ledger.database import LedgerError
from budgetd.ledger.home import renew_witness
from budgetd.ledger.past import Past
from budgetd.ledger.rows import amount_of
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

_COLUMNS = (
    "number, id, rule, direction, ask, limit_name, currency, made_at, expires_at, state, "
    "decided_by, decided_at, reason"
)
_LIVE = "('open', 'approved')"


class ProposalGoneError(LedgerError):
    """The proposal is not open any more: nothing was changed."""


def live(past: Past) -> list[Proposal]:
    """The proposals that are open or approved, oldest first."""
    rows = past.connection.execute(
        f"SELECT {_COLUMNS} FROM proposal WHERE state IN {_LIVE} ORDER BY number"
    ).fetchall()
    return [_proposal(past, row) for row in rows]


def newest(past: Past, count: int) -> list[Proposal]:
    """The newest proposals first, whatever became of them."""
    rows = past.connection.execute(
        f"SELECT {_COLUMNS} FROM proposal ORDER BY number DESC LIMIT ?", (count,)
    ).fetchall()
    return [_proposal(past, row) for row in rows]


def approvals(past: Past) -> tuple[Approved, ...]:
    """Every approved transfer that was not promised yet."""
    rows = past.connection.execute(
        "SELECT id, rule, account_id, instrument, part, direction, amount, decided_by, expires_at "
        "FROM proposed JOIN proposal ON proposal.number = proposed.proposal "
        "WHERE state = 'approved' AND intent_id IS NULL ORDER BY number, account_id, part"
    ).fetchall()
    return tuple(
        Approved(
            proposal=str(row[0]),
            rule=str(row[1]),
            unit=Unit(account_id=str(row[2]), instrument=Instrument(str(row[3])), part=str(row[4])),
            direction=Direction(str(row[5])),
            amount=amount_of(row[6]),
            by=str(row[7]),
            expires_at=instant(str(row[8])),
        )
        for row in rows
    )


def propose(ledger: Ledger, proposals: Sequence[Proposal], now: datetime) -> None:
    """Keeps what a cycle proposes. An open one of the same name keeps its age and gets these
    amounts; one that is approved stays as it was approved, one that was rejected is not asked
    again before it would have ended."""
    with ledger.writing():
        expire(ledger, now)
        known = {one.id: one for one in live(ledger)}
        rejected = declined(ledger, now)
        for proposal in proposals:
            before = known.get(proposal.id)
            if proposal.id in rejected:
                continue
            if before is None:
                _insert(ledger, proposal)
            elif before.state is ProposalState.OPEN and before.items != proposal.items:
                number = _number(ledger, proposal.id)
                ledger.connection.execute("DELETE FROM proposed WHERE proposal = ?", (number,))
                ledger.connection.execute(
                    "UPDATE proposal SET ask = ?, limit_name = ? WHERE number = ?",
                    (proposal.ask, proposal.limit, number),
                )
                _insert_items(ledger, number, proposal.items)


def declined(past: Past, now: datetime) -> dict[str, datetime]:
    """What a person has rejected, by name, and until when it is not asked again."""
    rows = past.connection.execute(
        "SELECT id, expires_at FROM proposal WHERE state = 'rejected' AND expires_at > ?",
        (text(now),),
    ).fetchall()
    return {str(row[0]): instant(str(row[1])) for row in rows}


def expire(ledger: Ledger, now: datetime) -> None:
    """Ends what is over by its own time, inside the caller's transaction."""
    for proposal in live(ledger):
        if now >= proposal.expires_at:
            _end(ledger, proposal, ProposalState.EXPIRED, now)


def drop(ledger: Ledger, ended: Sequence[Proposal], now: datetime) -> None:
    """Ends proposals whose rule would not act any more, but for those that a person has decided
    since. One that was approved is done with, though a part of it never moved."""
    known = {one.id: one.state for one in ended}
    with ledger.writing():
        expire(ledger, now)
        for proposal in live(ledger):
            if known.get(proposal.id) is proposal.state:
                is_open = proposal.state is ProposalState.OPEN
                after = ProposalState.MOOT if is_open else ProposalState.DONE
                _end(ledger, proposal, after, now)


def approve(ledger: Ledger, proposal: Proposal, by: str, reason: str, now: datetime) -> None:
    """Approves a proposal as it was shown. Raises `ProposalGoneError` where it is not open any
    more, over, or proposes something else by now."""
    with ledger.writing():
        if _open(ledger, proposal, now).items != proposal.items:
            raise ProposalGoneError(
                f"proposal {proposal.id} has changed since it was shown; look at it again"
            )
        _decide(ledger, proposal, ProposalState.APPROVED, (by, reason, now))
    renew_witness(ledger.connection, ledger.path)


def reject(ledger: Ledger, proposal: Proposal, by: str, reason: str, now: datetime) -> None:
    """Rejects a proposal, whatever it proposes by now: until it would have ended by its own time
    it is not made again. Raises `ProposalGoneError` where it is not open any more, or over."""
    with ledger.writing():
        _open(ledger, proposal, now)
        _decide(ledger, proposal, ProposalState.REJECTED, (by, reason, now))
    renew_witness(ledger.connection, ledger.path)


def _open(ledger: Ledger, proposal: Proposal, now: datetime) -> Proposal:
    for one in live(ledger):
        if one.id == proposal.id and one.state is ProposalState.OPEN and now < one.expires_at:
            return one
    raise ProposalGoneError(f"proposal {proposal.id} is not open any more")


def _decide(
    ledger: Ledger, proposal: Proposal, state: ProposalState, word: tuple[str, str, datetime]
) -> None:
    by, reason, now = word
    ledger.connection.execute(
        "UPDATE proposal SET state = ?, decided_by = ?, decided_at = ?, reason = ? "
        "WHERE number = ?",
        (str(state), by, text(now), reason, _number(ledger, proposal.id)),
    )
    data = {"proposal": proposal.id, "rule": proposal.rule, "by": by, "reason": reason}
    ledger.note(now, "", str(state), data)


def use(ledger: Ledger, approved: Approved, intent_id: str, now: datetime) -> None:
    """Marks an approved transfer as promised, inside the caller's transaction: once."""
    number, unit = _number(ledger, approved.proposal), approved.unit
    ledger.connection.execute(
        "UPDATE proposed SET intent_id = ? WHERE proposal = ? AND account_id = ? "
        "AND instrument = ? AND part = ? AND intent_id IS NULL",
        (intent_id, number, unit.account_id, str(unit.instrument), unit.part),
    )
    if not ledger.connection.changes():
        raise ProposalGoneError(f"proposal {approved.proposal} was used before")
    left = ledger.connection.execute(
        "SELECT count(*) FROM proposed WHERE proposal = ? AND intent_id IS NULL", (number,)
    ).get
    if not left:
        ledger.connection.execute("UPDATE proposal SET state = 'done' WHERE number = ?", (number,))
        ledger.note(now, "", "done", {"proposal": approved.proposal})


def _insert(ledger: Ledger, proposal: Proposal) -> None:
    ledger.connection.execute(
        "INSERT INTO proposal (id, rule, direction, ask, limit_name, currency, made_at, "
        "expires_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')",
        (
            proposal.id,
            proposal.rule,
            str(proposal.direction),
            proposal.ask,
            proposal.limit,
            proposal.currency,
            text(proposal.made_at),
            text(proposal.expires_at),
        ),
    )
    _insert_items(ledger, ledger.connection.last_insert_rowid(), proposal.items)
    data = {"proposal": proposal.id, "rule": proposal.rule, "ask": proposal.ask}
    ledger.note(proposal.made_at, "", "proposed", data)


def _insert_items(ledger: Ledger, number: int, items: Sequence[ProposedItem]) -> None:
    ledger.connection.executemany(
        "INSERT INTO proposed (proposal, account_id, instrument, part, account_name, amount) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                item.unit.account_id,
                str(item.unit.instrument),
                item.unit.part,
                item.account_name,
                to_minor(item.amount),
            )
            for item in items
        ],
    )


def _end(ledger: Ledger, proposal: Proposal, state: ProposalState, now: datetime) -> None:
    ledger.connection.execute(
        "UPDATE proposal SET state = ? WHERE number = ?",
        (str(state), _number(ledger, proposal.id)),
    )
    ledger.note(now, "", str(state), {"proposal": proposal.id, "rule": proposal.rule})


def _number(past: Past, proposal_id: str) -> int:
    """The row of the live proposal of that name."""
    return int(
        past.connection.execute(
            f"SELECT number FROM proposal WHERE id = ? AND state IN {_LIVE}", (proposal_id,)
        ).get
    )


def _proposal(past: Past, row: tuple[object, ...]) -> Proposal:
    items = past.connection.execute(
        "SELECT account_id, instrument, part, account_name, amount, intent_id FROM proposed "
        "WHERE proposal = ? ORDER BY account_id, instrument, part",
        (row[0],),
    ).fetchall()
    return Proposal(
        id=str(row[1]),
        rule=str(row[2]),
        direction=Direction(str(row[3])),
        ask=str(row[4]),
        limit=str(row[5]),
        currency=str(row[6]),
        items=tuple(
            ProposedItem(
                unit=Unit(account_id=str(i[0]), instrument=Instrument(str(i[1])), part=str(i[2])),
                account_name=str(i[3]),
                amount=amount_of(i[4]),
                intent_id=str(i[5] or ""),
            )
            for i in items
        ),
        made_at=instant(str(row[7])),
        expires_at=instant(str(row[8])),
        state=ProposalState(str(row[9])),
        decided_by=str(row[10]),
        decided_at=None if row[11] is None else instant(str(row[11])),
        reason=str(row[12]),
    )

"""The book as plain JSON values and back, to the last unit: what a restart must not lose.

It may not open a file. The past of a purse is not kept: a restart serves no stale reads.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from budgetd.sandbox.book import Book
from budgetd.sandbox.nouns import (
    Account,
    ChangeRecord,
    Charge,
    Coupon,
    Instrument,
    Kind,
    Ledger,
    Move,
    Moved,
    Organization,
    Purse,
    StoredCard,
    UseLimit,
)
from budgetd.sandbox.semantics import Semantics

FORMAT = "budgetd.sandbox/1"


class SnapshotError(ValueError):
    """The values are not a snapshot of a book."""


def to_values(book: Book) -> dict[str, object]:
    """The whole book, the memory of keys and records included; the semantics are not in it."""
    return {
        "format": FORMAT,
        "master": _account_values(book.master),
        "organizations": [[o.id, o.name, o.parent_id, o.relation_id] for o in book.organizations],
        "accounts": [_account_values(account) for account in book.accounts.values()],
        "cards": [
            [c.id, c.name, c.face_value, c.balance, _text(c.effective_time), _text(c.expire_time)]
            for c in book.cards
        ],
        "records": [_record_values(record) for record in book.records],
        "moves": [_moved_values(moved) for moved in book.moves],
        "keys": {key: _text(at) for key, at in book.keys.items()},
        "spent": {kind.name: amount for kind, amount in book.spent.items()},
        "funded": {kind.name: amount for kind, amount in book.funded.items()},
        "multi_project_open": book.multi_project_open,
        "busy_until": _text(book.busy_until),
        "serial": book.serial,
    }


def from_values(values: Mapping[str, Any], semantics: Semantics | None = None) -> Book:
    """The book those values are of; raises `SnapshotError` for anything else."""
    if values.get("format") != FORMAT:
        raise SnapshotError(f"the format is not {FORMAT}")
    try:
        return _read_book(values, semantics)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SnapshotError(f"not a whole snapshot: {error!r}") from error


def _read_book(values: Mapping[str, Any], semantics: Semantics | None) -> Book:
    book = Book(
        master=_read_account(values["master"]),
        organizations=tuple(
            Organization(id=row[0], name=row[1], parent_id=row[2], relation_id=row[3])
            for row in values["organizations"]
        ),
        accounts=tuple(_read_account(row) for row in values["accounts"]),
        semantics=semantics,
    )
    book.cards = tuple(
        StoredCard(
            id=row[0],
            name=row[1],
            face_value=row[2],
            balance=row[3],
            effective_time=_instant(row[4]),
            expire_time=_instant(row[5]),
        )
        for row in values["cards"]
    )
    book.records = [_read_record(row) for row in values["records"]]
    book.moves = [_read_moved(row) for row in values["moves"]]
    book.keys = {key: _instant(at) for key, at in values["keys"].items()}
    book.spent = {Instrument[name]: amount for name, amount in values["spent"].items()}
    book.funded = {Instrument[name]: amount for name, amount in values["funded"].items()}
    book.multi_project_open = values["multi_project_open"]
    book.busy_until = _maybe(values["busy_until"])
    book.serial = values["serial"]
    return book


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _account_values(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "name": account.name,
        "display_name": account.display_name,
        "org_id": account.org_id,
        "status": account.status,
        "custody": account.custody,
        "cash": account.cash.amount,
        "own_cash": account.own_cash.amount,
        "over_invoiced": account.over_invoiced,
        "debt": account.debt,
        "ledgers": [
            [_text(ledger.expire_time), ledger.limit, ledger.purse.amount, ledger.held]
            for ledger in account.ledgers.values()
        ],
        "coupons": [_coupon_values(coupon) for coupon in account.coupons.values()],
        "credit_check_items": list(account.credit_check_items),
        "shows_bills": account.shows_bills,
        "charges": [[str(c.day), c.service, c.cash, c.credit, c.coupon] for c in account.charges],
    }


def _read_account(row: Mapping[str, Any]) -> Account:
    ledgers = (
        Ledger(expire_time=_maybe(end), limit=limit, purse=Purse(amount), held=held)
        for end, limit, amount, held in row["ledgers"]
    )
    coupons = (_read_coupon(coupon) for coupon in row["coupons"])
    return Account(
        id=row["id"],
        name=row["name"],
        display_name=row["display_name"],
        org_id=row["org_id"],
        status=row["status"],
        custody=row["custody"],
        cash=Purse(row["cash"]),
        own_cash=Purse(row["own_cash"]),
        over_invoiced=row["over_invoiced"],
        debt=row["debt"],
        ledgers={ledger.expire_time: ledger for ledger in ledgers},
        coupons={coupon.id: coupon for coupon in coupons},
        credit_check_items=tuple(row["credit_check_items"]),
        shows_bills=row["shows_bills"],
        charges=[
            Charge(date.fromisoformat(day), service, cash, credit, coupon)
            for day, service, cash, credit, coupon in row["charges"]
        ],
    )


def _coupon_values(coupon: Coupon) -> dict[str, object]:
    return {
        "id": coupon.id,
        "plan_name": coupon.plan_name,
        "plan_id": coupon.plan_id,
        "face_value": coupon.face_value,
        "balance": coupon.purse.amount,
        "effective_time": _text(coupon.effective_time),
        "expire_time": _text(coupon.expire_time),
        "source_id": coupon.source_id,
        "use_limits": [[u.info_id, u.limit_key, u.value1] for u in coupon.use_limits],
        "reclaimed": coupon.reclaimed,
        "created_at": _text(coupon.created_at),
    }


def _read_coupon(row: Mapping[str, Any]) -> Coupon:
    return Coupon(
        id=row["id"],
        plan_name=row["plan_name"],
        plan_id=row["plan_id"],
        face_value=row["face_value"],
        purse=Purse(row["balance"]),
        effective_time=_instant(row["effective_time"]),
        expire_time=_instant(row["expire_time"]),
        source_id=row["source_id"],
        use_limits=tuple(
            UseLimit(info_id=info_id, limit_key=key, value1=value)
            for info_id, key, value in row["use_limits"]
        ),
        reclaimed=row["reclaimed"],
        created_at=_instant(row["created_at"]),
    )


def _record_values(record: ChangeRecord) -> dict[str, object]:
    return {
        "serial": record.serial,
        "owner_id": record.owner_id,
        "instrument": record.instrument.name,
        "trade_type": record.trade_type,
        "trade_detail_type": record.trade_detail_type,
        "at": _text(record.at),
        "amount": record.amount,
        "balance_after": record.balance_after,
        "account_name": record.account_name,
        "coupon_id": record.coupon_id,
    }


def _read_record(row: Mapping[str, Any]) -> ChangeRecord:
    known = {**row, "instrument": Instrument[row["instrument"]], "at": _instant(row["at"])}
    return ChangeRecord(**known)


def _moved_values(moved: Moved) -> dict[str, object]:
    move = moved.move
    return {
        "serial": moved.serial,
        "amount": moved.amount,
        "at": _text(moved.at),
        "made": moved.sub_coupon_id,
        "kind": move.kind.value,
        "customer_id": move.customer_id,
        "instrument": move.instrument.name,
        "asked": move.amount,
        "key": move.key,
        "ledger": _text(move.ledger),
        "coupon_id": move.coupon_id,
        "sub_coupon_id": move.sub_coupon_id,
        "by_hand": move.by_hand,
    }


def _read_moved(row: Mapping[str, Any]) -> Moved:
    move = Move(
        kind=Kind(row["kind"]),
        customer_id=row["customer_id"],
        instrument=Instrument[row["instrument"]],
        amount=row["asked"],
        key=row["key"],
        ledger=_maybe(row["ledger"]),
        coupon_id=row["coupon_id"],
        sub_coupon_id=row["sub_coupon_id"],
        by_hand=row["by_hand"],
    )
    return Moved(
        serial=row["serial"],
        move=move,
        amount=row["amount"],
        at=_instant(row["at"]),
        sub_coupon_id=row["made"],
    )

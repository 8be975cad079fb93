"""An observation as a file: what was read of the fleet at one instant, and back again.

The format is `budgetd.snapshot/1`. It keeps readings, and the burns that were known beside them:
our own moves, kept readings and periods come from the ledger; what lies ahead is told beside
them and not read back. It may not decide anything, nor fill a gap with a zero.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.decisions.funding import Funding, lasts_of
from budgetd.core.documents.problem import InvalidDocuments, Problem
from budgetd.core.intent import Unit
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Stale,
    Status,
    Unknown,
)
from budgetd.report.ahead import Ahead, ahead_of, edges_s, until
from budgetd.report.snapshot_burns import burns_by_account, read_burns
from budgetd.report.snapshot_fields import FieldError, Fields, read_json

Json = dict[str, Any]
V = TypeVar("V")
FORMAT = "budgetd.snapshot/1"
LARGEST_BYTES = 64 * 1024 * 1024
_OF_ACCOUNT = (
    *("id", "name", "display_name", "status", "organization", "readings", "ahead", "burns"),
)


def snapshot_json(observation: Observation, zone: ZoneInfo, funding: Funding | None = None) -> str:
    """All of an observation that was read, as one JSON document ending in a line break.

    Amounts are texts with two decimals, instants RFC 3339 in UTC to the microsecond; what
    nobody asked for is null, and what lies ahead (`ahead`, weekdays by `zone`, with the rules in
    force by `funding`) where the burn is not known; a length of null has no end.
    """
    burns = burns_by_account(observation.burns)
    document = {
        "format": FORMAT,
        "taken_at": _instant(observation.taken_at),
        "currency": observation.currency,
        "master": _readings(observation.master),
        "accounts": [
            {
                **_account(account),
                "readings": _of_account(observation, account.id),
                "ahead": _ahead(ahead_of(observation, account.id, zone, funding)),
                "burns": burns.get(account.id, []),
            }
            for account in observation.accounts
        ],
    }
    return json.dumps(document, ensure_ascii=True, indent=1) + "\n"


def _of_account(observation: Observation, account_id: str) -> Json | None:
    readings = observation.readings.get(account_id)
    return None if readings is None else _readings(readings)


def _ahead(ahead: Ahead | None) -> Json | None:
    if ahead is None:
        return None
    spends, lasts, kept = ahead.spends, ahead.lasts, ahead.kept
    return {
        "burn_a_day": {
            "low": format_amount(spends.low),
            "middle": format_amount(spends.middle),
            "high": format_amount(spends.high),
        },
        "runway_s": lasts and edges_s(lasts_of(lasts)),
        "kept_s": kept and edges_s(kept.lasts),
        "kept_until": kept and until(kept),
    }


def _account(account: Account) -> Json:
    unit = account.organization
    return {
        "id": account.id,
        "name": account.name,
        "display_name": account.display_name,
        "status": account.status.value,
        "organization": (
            {"id": unit.id, "name": unit.name, "path": list(unit.path)} if unit else None
        ),
    }


def _readings(readings: Readings) -> Json:
    return {
        "cash": _reading(readings.cash, format_amount),
        "credit": _reading(readings.credit, lambda rows: [_ledger(row) for row in rows]),
        "coupons": _reading(readings.coupons, lambda rows: [_coupon(row) for row in rows]),
    }


def _reading(reading: Reading[V] | None, write: Callable[[V], object]) -> Json | None:
    match reading:
        case None:
            return None
        case Unknown():
            return {
                "state": "unknown",
                "read_at": _instant(reading.read_at),
                "reason": reading.reason,
                "unmanageable": reading.is_unmanageable,
            }
        case _:
            return {
                "state": "ok" if isinstance(reading, Ok) else "stale",
                "read_at": _instant(reading.read_at),
                "value": write(reading.value),
            }


def _ledger(ledger: CreditLedger) -> Json:
    return {
        "expire_time": ledger.expire_time,
        "amount": None if ledger.amount is None else format_amount(ledger.amount),
        "available": None if ledger.available is None else format_amount(ledger.available),
    }


def _coupon(coupon: Coupon) -> Json:
    return {
        "coupon_id": coupon.coupon_id,
        "child_id": coupon.child_id,
        "plan_name": coupon.plan_name,
        "balance": format_amount(coupon.balance),
        "effective_at": _instant(coupon.effective_at) if coupon.effective_at else None,
        "expires_at": _instant(coupon.expires_at) if coupon.expires_at else None,
        "use_limits": coupon.has_use_limits,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_snapshot(data: bytes, path: Path, blank: Observation) -> Observation:
    """The observation in a file, on top of what the ledger knows (`blank`). Where the file says
    what was known of spending, that alone is known; older files leave it to the ledger.

    Raises `InvalidDocuments` with the first thing that is wrong: no JSON, more than 64 MiB,
    another format or currency, a key that is unknown, missing or given twice, a number where
    text belongs, an amount, instant or word that is none, an account that stands twice.
    """
    try:
        if len(data) > LARGEST_BYTES:
            raise FieldError("", "larger than 64 MiB")
        return _observation(Fields(read_json(data), ""), blank)
    except FieldError as wrong:
        raise InvalidDocuments(
            [
                Problem(
                    path=str(path),
                    line=wrong.line,
                    column=wrong.column,
                    where=wrong.where,
                    message=wrong.message,
                    hint=wrong.hint,
                )
            ]
        ) from None


def _observation(top: Fields, blank: Observation) -> Observation:
    hint = "make one with `budgetd accounts --format json`"
    if top.text("format") != FORMAT:
        raise top.at("format").fail(f"expected {FORMAT}", hint)
    top.only("format", "taken_at", "currency", "master", "accounts")
    if top.text("currency") != blank.currency:
        raise top.at("currency").fail(f"the configured currency is {blank.currency}")
    entries = top.parts("accounts")
    accounts, readings, seen = [], {}, set[str]()
    burns: dict[Unit, Burn] = {}
    has_burns = any("burns" in entry.entries for entry in entries)
    for entry in entries:
        entry.only(*_OF_ACCOUNT)
        account = _read_account(entry)
        if account.id in seen:
            raise entry.at("id").fail("this account stands twice")
        seen.add(account.id)
        accounts.append(account)
        known = entry.maybe_part("readings")
        if known is not None:
            readings[account.id] = _read_readings(known, is_master=False)
        if has_burns:
            burns |= read_burns(account.id, entry.parts("burns"))
    return replace(
        blank,
        taken_at=top.dated("taken_at"),
        accounts=tuple(sorted(accounts, key=lambda account: account.id)),
        readings=readings,
        master=_read_readings(top.part("master"), is_master=True),
        burns=burns if has_burns else blank.burns,
    )


def _read_account(entry: Fields) -> Account:
    unit = entry.maybe_part("organization")
    return Account(
        id=entry.identifier("id"),
        name=entry.text("name"),
        display_name=entry.text("display_name"),
        status=entry.member("status", Status),
        organization=None if unit is None else _read_organization(unit),
    )


def _read_organization(unit: Fields) -> Organization:
    unit.only("id", "name", "path")
    return Organization(
        id=unit.identifier("id"), name=unit.text("name"), path=tuple(unit.texts("path"))
    )


def _read_readings(known: Fields, *, is_master: bool) -> Readings:
    known.only("cash", "credit", "coupons")
    return Readings(
        cash=_read_reading(known, "cash", lambda entry: entry.amount("value")),
        credit=_read_reading(
            known, "credit", lambda entry: tuple(map(_read_ledger, entry.parts("value")))
        ),
        coupons=_read_reading(
            known,
            "coupons",
            lambda entry: tuple(
                _read_coupon(row, is_master=is_master) for row in entry.parts("value")
            ),
        ),
    )


def _read_reading(known: Fields, key: str, read: Callable[[Fields], V]) -> Reading[V] | None:
    entry = known.maybe_part(key)
    if entry is None:
        return None
    match entry.text("state"):
        case "ok":
            entry.only("state", "read_at", "value")
            return Ok(read(entry), entry.dated("read_at"))
        case "stale":
            entry.only("state", "read_at", "value")
            return Stale(read(entry), entry.dated("read_at"))
        case "unknown":
            entry.only("state", "read_at", "reason", "unmanageable")
            return Unknown(
                entry.text("reason"),
                entry.dated("read_at"),
                is_unmanageable=entry.boolean("unmanageable"),
            )
        case _:
            raise entry.at("state").fail("expected ok, stale or unknown")


def _read_ledger(row: Fields) -> CreditLedger:
    row.only("expire_time", "amount", "available")
    expires_at = row.maybe("expire_time", row.instant)
    written = row.maybe("expire_time", row.text)
    if expires_at is not None and format_instant(expires_at) != written:
        # It is echoed to the provider as it stands, so it must have the provider's own form.
        raise row.at("expire_time").fail("expected an instant like 2026-12-31T15:59:59Z")
    return CreditLedger(
        expire_time=written,
        expires_at=expires_at,
        amount=_maybe_amount(row, "amount"),
        available=_maybe_amount(row, "available"),
    )


def _maybe_amount(row: Fields, key: str) -> Decimal | None:
    return row.maybe(key, row.amount)


def _read_coupon(row: Fields, *, is_master: bool) -> Coupon:
    row.only(
        "coupon_id",
        "child_id",
        "plan_name",
        "balance",
        "effective_at",
        "expires_at",
        "use_limits",
    )
    child_id = row.maybe("child_id", row.identifier)
    if (child_id is None) is not is_master:
        whose = "the master's coupons have none" if is_master else "an account's coupon has one"
        raise row.at("child_id").fail(whose)
    return Coupon(
        coupon_id=row.identifier("coupon_id"),
        child_id=child_id,
        plan_name=row.text("plan_name"),
        balance=row.amount("balance"),
        effective_at=row.maybe("effective_at", row.instant),
        expires_at=row.maybe("expires_at", row.instant),
        has_use_limits=row.boolean("use_limits"),
    )

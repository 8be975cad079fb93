"""The control surface under `/_sandbox`: look into the book, move time, order faults, spend.

It is no part of the provider's API. It may only be used from this machine, and never by a
page in a browser: a request with an `Origin` is refused.
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from budgetd.core.money import format_amount, from_minor
from budgetd.sandbox.faults import MILLION, FaultKind, FaultOrder
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox, member_key
from budgetd.sandbox.nouns import Account, Instrument, Kind, Move, Refusal
from budgetd.sandbox.semantics import ThirdDecimal
from budgetd.sandbox.statefile import save_state
from budgetd.sandbox.wire import (
    Fields,
    encode,
    fields_of,
    instant_text,
    parameter_error,
    refusal_content,
)

DECADE_S = 315_360_000
Act = Callable[[Sandbox, Fields], object]


def control_routes(sandbox: Sandbox) -> list[Route]:
    """The routes: GET state and requests; POST clock, faults, spend, fund and move."""
    return [
        Route("/state", _endpoint(sandbox, lambda box, _fields: state(box)), methods=["GET"]),
        Route("/requests", _endpoint(sandbox, _requests), methods=["GET"]),
        Route("/clock", _endpoint(sandbox, _clock), methods=["POST"]),
        Route("/faults", _endpoint(sandbox, _faults), methods=["POST"]),
        Route("/spend", _endpoint(sandbox, _spend), methods=["POST"]),
        Route("/fund", _endpoint(sandbox, _fund), methods=["POST"]),
        Route("/move", _endpoint(sandbox, _move), methods=["POST"]),
    ]


def _endpoint(sandbox: Sandbox, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        if not _is_local(request):
            return Response('{"error":"only from this machine"}', 403)
        try:
            given = json.loads(await request.body() or b"{}", parse_float=Decimal)
            content = act(sandbox, fields_of(given, "body"))
        except ValueError:
            return Response('{"error":"not JSON"}', 400)
        except Refusal as refusal:
            text = encode(refusal_content(refusal))
            return Response(text, refusal.status, media_type="application/json")
        if request.method == "POST" and sandbox.state_file is not None:
            save_state(sandbox.book, sandbox.state_file)
        return Response(encode(content), media_type="application/json")

    return respond


def _is_local(request: Request) -> bool:
    if "origin" in request.headers:
        return False
    host = request.client.host if request.client else ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "testclient"


def state(sandbox: Sandbox) -> dict[str, object]:
    """The book for people and tests: all balances, all moves, and whether money is conserved."""
    book = sandbox.book
    return {
        "now": instant_text(sandbox.clock.now()),
        "master": _account(book.master) | {"access_key": {"ak": SANDBOX_AK, "sk": SANDBOX_SK}},
        "accounts": [_account(account) for account in book.accounts.values()],
        "moves": [
            {
                "serial": moved.serial,
                "kind": moved.move.kind.value,
                "account": moved.move.customer_id,
                "instrument": moved.move.instrument.name.lower(),
                "amount": format_amount(from_minor(moved.amount)),
                "key": moved.move.key,
                "ledger": instant_text(moved.move.ledger),
                "coupon_id": moved.move.coupon_id,
                "sub_coupon_id": moved.sub_coupon_id or moved.move.sub_coupon_id,
                "by_hand": moved.move.by_hand,
                "at": instant_text(moved.at),
            }
            for moved in book.moves
        ],
        "conserved": all(sums.holds for sums in book.conservation()),
        "conservation": [
            {
                "instrument": sums.instrument.name.lower(),
                "funded": format_amount(from_minor(sums.funded)),
                "master": format_amount(from_minor(sums.master)),
                "members": format_amount(from_minor(sums.members)),
                "spent": format_amount(from_minor(sums.spent)),
            }
            for sums in book.conservation()
        ],
    }


def _account(account: Account) -> dict[str, object]:
    key = member_key(account.id)
    return {
        "id": account.id,
        "access_key": {"ak": key.ak, "sk": key.sk},
        "name": account.name,
        "display_name": account.display_name,
        "org_id": account.org_id,
        "status": account.status,
        "custody": account.custody,
        "cash": format_amount(from_minor(account.cash.amount)),
        "own_cash": format_amount(from_minor(account.own_cash.amount)),
        "debt": format_amount(from_minor(account.debt)),
        "credit": [
            {
                "expire_time": instant_text(ledger.expire_time),
                "limit": format_amount(from_minor(ledger.limit)),
                "amount": format_amount(from_minor(ledger.purse.amount)),
            }
            for ledger in account.ledgers.values()
        ],
        "coupons": [
            {
                "id": coupon.id,
                "source_id": coupon.source_id,
                "balance": format_amount(from_minor(coupon.purse.amount)),
                "expire_time": instant_text(coupon.expire_time),
            }
            for coupon in account.coupons.values()
        ],
    }


def _requests(sandbox: Sandbox, _fields: Fields) -> object:
    return [
        {
            "at": instant_text(seen.at),
            "method": seen.method,
            "path": seen.path,
            "query": seen.query,
            "body": seen.body,
            "status": seen.status,
            "fault": seen.fault,
        }
        for seen in sandbox.seen
    ]


def _clock(sandbox: Sandbox, fields: Fields) -> object:
    instant = fields.instant("set")
    advance_s = fields.whole("advance_s", -DECADE_S, DECADE_S)
    if instant is not None and not 2000 <= instant.year <= 2200:
        raise parameter_error("set", "must be from 2000 to 2200")
    if instant is not None:
        sandbox.clock.set(instant)
    if advance_s is not None:
        sandbox.clock.advance(timedelta(seconds=advance_s))
    return {"now": instant_text(sandbox.clock.now())}


def _faults(sandbox: Sandbox, fields: Fields) -> object:
    orders = [_order(fields_of(item, "orders")) for item in fields.items("orders", 1000)]
    rates = dict(_rate(fields_of(item, "rates")) for item in fields.items("rates", 20))
    if fields.whole("clear", 0, 1, 0):
        sandbox.faults.clear()
    for order in orders:
        sandbox.faults.order(order)
    sandbox.faults.rates.update(rates)
    return {"orders": len(sandbox.faults.orders), "rates": dict(sandbox.faults.rates)}


def _order(fields: Fields) -> FaultOrder:
    return FaultOrder(
        kind=FaultKind(fields.required_choice("kind", tuple(FaultKind))),
        method=fields.choice("method", ("GET", "POST")),
        path=fields.text("path", longest=200),
        contains=fields.text("contains", longest=1000),
        nth=fields.whole("nth", 1, 1_000_000, 1) or 1,
        times=fields.whole("times", 1, 1_000_000, 1) or 1,
    )


def _rate(fields: Fields) -> tuple[FaultKind, int]:
    kind = FaultKind(fields.required_choice("kind", tuple(FaultKind)))
    return kind, rate_per_million(fields.required_text("rate"))


def rate_per_million(text: str) -> int:
    """A share like 0.05 as a number per million; raises `Refusal` unless from 0 to 1."""
    try:
        share = Decimal(text)
    except InvalidOperation as error:
        raise parameter_error("rate", "is no number") from error
    if not share.is_finite() or not 0 <= share <= 1:
        raise parameter_error("rate", "must be from 0 to 1")
    return int(share * MILLION)


def _known(sandbox: Sandbox, fields: Fields) -> str:
    account_id = fields.required_text("account")
    if account_id != sandbox.book.master.id and account_id not in sandbox.book.accounts:
        raise parameter_error("account", "is unknown")
    return account_id


def _spend(sandbox: Sandbox, fields: Fields) -> object:
    account_id = _known(sandbox, fields)
    if account_id == sandbox.book.master.id:
        raise parameter_error("account", "must be a member")
    amount = fields.amount("amount", ThirdDecimal.REFUSED)
    paid = sandbox.book.spend(account_id, amount, _present(sandbox))
    return {"paid": format_amount(from_minor(paid))}


def _fund(sandbox: Sandbox, fields: Fields) -> object:
    amount = fields.amount("amount", ThirdDecimal.REFUSED)
    sandbox.book.fund(_known(sandbox, fields), amount, _present(sandbox))
    return {"paid": format_amount(from_minor(amount))}


def _move(sandbox: Sandbox, fields: Fields) -> object:
    kind = Kind(fields.required_choice("kind", tuple(Kind)))
    coupons = kind in (Kind.GRANT, Kind.TAKE_BACK)
    names = tuple(instrument.name.lower() for instrument in Instrument)
    name = fields.choice("instrument", names, "coupon" if coupons else "cash") or "cash"
    if coupons != (name == "coupon"):
        raise parameter_error("instrument", "does not fit the kind")
    takes_all = kind is Kind.TAKE_BACK
    move = Move(
        kind=kind,
        customer_id=_known(sandbox, fields),
        instrument=Instrument[name.upper()],
        amount=None if takes_all else fields.amount("amount", ThirdDecimal.REFUSED),
        ledger=fields.instant("expire_time"),
        coupon_id=fields.text("coupon_id"),
        sub_coupon_id=fields.text("sub_coupon_id"),
        by_hand=True,
    )
    moved = sandbox.book.move(move, _present(sandbox))
    amount = format_amount(from_minor(moved.amount))
    return {"amount": amount, "sub_coupon_id": moved.sub_coupon_id}


def _present(sandbox: Sandbox) -> datetime:
    return sandbox.clock.now()

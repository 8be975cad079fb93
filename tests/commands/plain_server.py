"""A second server of the provider's API, written from its documentation alone.

It shares nothing with the sandbox: its own balances, its own strictness, and the official
signer for the signatures. Whatever the documentation does not allow is kept in `complaints`.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

ROOM = "/v2/enterprises/multi-accounts"
DEBIT, CREDIT = "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT"
PAGE = {"offset": r"[0-9]{1,10}", "limit": r"[1-9][0-9]?|100"}
ID = r".{1,64}"
AMOUNT = r"(?=.{1,32}$)(0|[1-9][0-9]*)\.[0-9]{2}"
KEY = r"[0-9a-f]{32}"
LATE_S = 1.4
TYPE = f"{DEBIT}|{CREDIT}"
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
MONEY = (
    {"customer_id": ID, "amount": AMOUNT, "trans_id": KEY, "balance_type": TYPE},
    {"expire_time": INSTANT},
)
FIELDS: dict[tuple[str, str], tuple[dict[str, str], dict[str, str]]] = {
    ("GET", "enterprise-organizations"): ({}, {"recursive_query": "[01]", "parent_id": "[0-9]+"}),
    ("GET", "sub-customers"): ({}, {**PAGE, "org_id": ".{1,20}"}),
    ("GET", "transfer-amount"): ({"balance_type": TYPE}, PAGE),
    ("GET", "retrieve-amount"): ({"balance_type": TYPE, "sub_customer_id": ID}, PAGE),
    ("GET", "transfer-coupons"): ({}, PAGE),
    ("GET", "retrieve-coupons"): ({"sub_customer_id": ID}, PAGE),
    ("POST", "transfer-amount"): MONEY,
    ("POST", "retrieve-amount"): MONEY,
    ("POST", "transfer-coupon"): (
        {"customer_id": ID, "coupon_id": ID, "amount": AMOUNT, "trans_id": KEY},
        {},
    ),
    ("POST", "retrieve-coupon"): (
        {"customer_id": ID, "coupon_id": ID, "sub_coupon_id": ID, "trans_id": KEY},
        {},
    ),
}
"""What each call must and may say, as patterns; any other field is a complaint."""


class RefusedError(Exception):
    """An answer with a failing status."""

    def __init__(self, status: int, code: str, message: str = "refused") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(slots=True)
class Member:
    """One account; `coupons` by child id: (the master's coupon, balance)."""

    name: str
    org_id: str
    cash: Decimal
    credit: Decimal = Decimal("0.00")
    coupons: dict[str, tuple[str, Decimal]] = field(default_factory=dict)


@dataclass(slots=True)
class Bank:
    """What the provider holds. `credit_end` is the one ledger's expiry."""

    members: dict[str, Member]
    cash: Decimal
    credit: Decimal
    coupons: dict[str, Decimal]
    credit_end: str = "2031-12-31T15:59:59Z"
    keys: set[str] = field(default_factory=set)
    moves: list[tuple[str, str, str]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def move(self, what: str, said: dict[str, str]) -> str | None:
        """One movement, whole or not at all; the body of the answer, if there is one."""
        with self.lock:
            if said["trans_id"] in self.keys:
                raise RefusedError(400, "CBC.99007009", "The transaction ID is duplicated.")
            member = self.members.get(said["customer_id"])
            if member is None:
                raise RefusedError(400, "CBC.99000047")
            body = None
            amount = Decimal(said.get("amount", "0.00"))
            if what == "transfer-coupon":
                body = self._grant(member, said["coupon_id"], amount)
            elif what == "retrieve-coupon":
                amount = self._take_back(member, said)
                body = json.dumps({"real_retrieve_amout": f"{amount:.2f}"})
            else:
                self._amount(what, member, said, amount)
            self.keys.add(said["trans_id"])
            self.moves.append((what, member.name, f"{amount:.2f}"))
            return body

    def _amount(self, what: str, member: Member, said: dict[str, str], amount: Decimal) -> None:
        name = "cash" if said["balance_type"] == DEBIT else "credit"
        if name == "credit" and said.get("expire_time") != self.credit_end:
            raise RefusedError(400, "CBC.0100", "expire_time")
        source, target = (self, member) if what == "transfer-amount" else (member, self)
        if amount > getattr(source, name):
            raise RefusedError(400, "CBC.99005003", "Insufficient balance.")
        setattr(source, name, getattr(source, name) - amount)
        setattr(target, name, getattr(target, name) + amount)

    def _grant(self, member: Member, coupon: str, amount: Decimal) -> str:
        if amount > self.coupons.get(coupon, Decimal(0)):
            raise RefusedError(400, "CBC.99005003", "Insufficient balance.")
        self.coupons[coupon] -= amount
        child = f"CHILD{len(self.moves):04d}"
        member.coupons[child] = (coupon, amount)
        return json.dumps({"sub_coupon_id": child})

    def _take_back(self, member: Member, said: dict[str, str]) -> Decimal:
        coupon, amount = member.coupons.get(said["sub_coupon_id"], ("", Decimal(0)))
        if coupon != said["coupon_id"]:
            raise RefusedError(400, "CBC.99000043")
        del member.coupons[said["sub_coupon_id"]]
        self.coupons[coupon] = self.coupons.get(coupon, Decimal(0)) + amount
        return amount


class PlainServer:
    """Serves a bank. `misfortunes` befall the nth POST: `lost` cuts the connection once the
    money has moved, `late` answers after the client has gone."""

    def __init__(self, bank: Bank, ak: str, sk: str) -> None:
        self.bank = bank
        self.ak, self.sk = ak, sk
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.complaints: list[str] = []
        self.misfortunes: dict[int, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "PlainServer":
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def posts(self) -> list[tuple[str, dict[str, str]]]:
        """The moves that were asked for."""
        return [(what, said) for method, what, said in self.calls if method == "POST"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        serve: Callable[[BaseHTTPRequestHandler], None] = self._serve

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                serve(self)

            def do_POST(self) -> None:
                serve(self)

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        return Handler

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", "0")))
        misfortune = ""
        try:
            self._check_signature(request, body)
            what, said = self._said(request, body)
            self.calls.append((request.command, what, said))
            if request.command == "POST":
                misfortune = self.misfortunes.pop(len(self.posts()), "")
                answer = self.bank.move(what, said)
            else:
                answer = self._read(what, said)
            status = 204 if answer is None else 200
        except RefusedError as refusal:
            status = refusal.status
            answer = json.dumps({"error_code": refusal.code, "error_msg": refusal.message})
        if misfortune == "late":
            time.sleep(LATE_S)
        if misfortune:
            request.close_connection = True
            return
        self._answer(request, status, answer)

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, answer: str | None) -> None:
        content = (answer or "").encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json;charset=UTF-8")
        request.send_header("X-Request-Id", "0" * 32)
        if status != 204:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _complain(self, why: str) -> RefusedError:
        self.complaints.append(why)
        return RefusedError(400, "CBC.0100", why)

    def _check_signature(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Signs the request again with the official signer, over the headers it says it signed."""
        given = request.headers.get("authorization", "")
        signed = re.search(r"SignedHeaders=([^,]*)", given)
        names = signed[1].split(";") if signed else []
        split = urlsplit(request.path)
        again = SdkRequest(
            method=request.command,
            schema="http",
            host=request.headers["host"],
            resource_path=split.path,
            query_params=parse_qsl(split.query, keep_blank_values=True),
            header_params={name: request.headers[name] for name in names},
            body=body or None,
        )
        Signer(BasicCredentials(ak=self.ak, sk=self.sk)).sign(again)
        if (
            not {"host", "x-sdk-date"} <= set(names)
            or again.header_params["Authorization"] != given
        ):
            self.complaints.append("a signature that is not the official one")
            raise RefusedError(401, "APIGW.0301", "verify aksk signature fail")

    def _said(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[str, dict[str, str]]:
        """What is called and with which fields, each of them allowed and well formed."""
        if request.headers.get("content-type") != "application/json":
            raise self._complain("a content type other than application/json")
        split = urlsplit(request.path)
        what = split.path.removeprefix(f"{ROOM}/")
        if (request.command, what) not in FIELDS or not split.path.startswith(ROOM):
            raise self._complain(f"no such API: {request.command} {split.path}")
        pairs = parse_qsl(split.query, keep_blank_values=True)
        if request.command == "POST" and (pairs or not isinstance(json.loads(body), dict)):
            raise self._complain("a POST with a query, or without an object")
        if request.command == "GET" and body:
            raise self._complain("a GET with a body")
        said = json.loads(body) if body else dict(pairs)
        if len(said) != len(pairs) and not body:
            raise self._complain("a parameter given twice")
        needed, allowed = FIELDS[request.command, what]
        patterns = {**needed, **allowed}
        for name, value in said.items():
            pattern = patterns.get(name)
            if pattern is None or not isinstance(value, str) or not re.fullmatch(pattern, value):
                raise self._complain(f"{request.command} {what}: {name}={value!r}")
        if missing := needed.keys() - said.keys():
            raise self._complain(f"{request.command} {what}: without {sorted(missing)}")
        self._check_balance_type(request.command, what, said)
        return what, said

    def _check_balance_type(self, method: str, what: str, said: dict[str, str]) -> None:
        """Paging is for credit alone, and so is an expiry."""
        extra = {"offset", "limit", "expire_time"} & said.keys()
        if said.get("balance_type") == DEBIT and extra:
            raise self._complain(f"{method} {what}: {sorted(extra)} with {DEBIT}")
        if method == "POST" and Decimal(said.get("amount", "1.00")) <= 0:
            raise self._complain(f"{method} {what}: no amount")

    # Reading

    def _read(self, what: str, said: dict[str, str]) -> str:
        with self.bank.lock:
            if what == "enterprise-organizations":
                nodes = [
                    {"relation_id": f"7{n}", "id": f"500{n}", "name": name, "child_nodes": []}
                    for n, name in enumerate(("R&D", "Projects"), start=1)
                ]
                return json.dumps({"root_id": "5000", "root_name": "Acme", "child_nodes": nodes})
            if what == "sub-customers":
                return self._page("sub_customer_infos", self._members(), said)
            if what == "transfer-amount":
                return self._amounts("avail_transfer_amount", self.bank, said)
            if what == "transfer-coupons":
                rows = [coupon_row(name, left) for name, left in self.bank.coupons.items()]
                return self._page("avail_transfer_coupons", rows, said)
            member = self.bank.members.get(said["sub_customer_id"])
            if member is None:
                raise RefusedError(400, "CBC.99000047")
            if what == "retrieve-amount":
                return self._amounts("avail_retrieve_amount", member, said)
            rows = [
                coupon_row(source, left) | {"sub_coupon_id": child}
                for child, (source, left) in member.coupons.items()
            ]
            return self._page("avail_retrieve_coupons", rows, said)

    def _members(self) -> list[dict[str, object]]:
        return [
            {
                "id": account_id,
                "name": member.name,
                "display_name": member.name,
                "status": 1,
                "org_id": member.org_id,
                "org_name": None,
            }
            for account_id, member in self.bank.members.items()
        ]

    def _amounts(self, name: str, owner: Member | Bank, said: dict[str, str]) -> str:
        is_credit = said["balance_type"] == CREDIT
        amount = f"{owner.credit if is_credit else owner.cash:.2f}"
        rest = ["null", "null", "null"]
        if is_credit:
            rest = [amount, amount, f'"{self.bank.credit_end}"']
        return (
            f'{{"total_count":1,"amount_infos":[{{"{name}":{amount},"measure_id":1,'
            f'"currency":"CNY","amount":{rest[0]},"credit_amount":{rest[1]},'
            f'"expire_time":{rest[2]}}}]}}'
        )

    @staticmethod
    def _page(key: str, rows: list[dict[str, Any]], said: dict[str, str]) -> str:
        first, count = int(said.get("offset", "0")), int(said.get("limit", "10"))
        return json.dumps({"total_count": len(rows), key: rows[first : first + count]})


def coupon_row(name: str, balance: Decimal) -> dict[str, Any]:
    """A coupon as both lists show it."""
    return {
        "coupon_id": name,
        "plan_name": "plan",
        "balance": f"{balance:.2f}",
        "effective_time": "2020-01-01T00:00:00Z",
        "expire_time": "2031-01-01T00:00:00Z",
        "use_limits": [],
    }

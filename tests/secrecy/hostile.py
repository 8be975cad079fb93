"""Answers of a provider, or of whatever stands in between, that repeat what they were sent.

It owns what is said and where in an answer it is said; it may not send anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from .scanner import ENCODERS, HEAD

FORMS = tuple(ENCODERS.values())
STATUSES = (
    *(200, 200, 201, 202, 204, 204, 206, 301, 302, 307),
    *(400, 400, 401, 401, 403, 403, 404, 408, 409, 413, 429, 500, 500, 502, 503, 504),
)
CODES = (
    *("CBC.0100", "CBC.0150", "CBC.0151", "CBC.0154", "CBC.0999", "CBC.99000047"),
    *("CBC.99000086", "CBC.99007009", "CBC.99007461", "CBC.7004", "CBC.99000026"),
    *("APIGW.0101", "APIGW.0301", "APIGW.0307", "APIGW.0308", "CBC.99999999", ""),
)
SAYINGS = (
    "{}",
    "Incorrect IAM authentication information: {}",
    "the password {} is too simple",
    "verify canonicalRequest failed, canonicalRequest: GET|/v2/x/||{}|host;x-sdk-date|abc",
    "Authorization: {}",
    '{{"headers":{{"authorization":"{}"}}}}',
    "header x-auth-token='{}' is expired",
    "x-security-token={}; more",
    "<pre>{}</pre>",
    "invalid value [{}] of parameter",
    "ak: {}",
    "code={}&next=1",
    "{} token must be updated",
    "\u200b{}\u202e",
    "\u9519\u8bef {} \u9519\u8bef",
)
PLACES = (
    *("error_msg", "error_msg", "error_msg", "error_code", "request_id", "fail_check_items"),
    *("x-request-id", "location", "set-cookie", "content-type", "retry-after", "date"),
    *("content-encoding", "www-authenticate", "html", "broken", "trailing", "not_utf8"),
    *("key", "key_twice", "currency", "field", "nested", "text", "empty_key"),
)
DOCUMENTED = (
    *("id", "name", "display_name", "status", "org_id", "org_name", "is_owed", "amount"),
    *("currency", "measure_id", "avail_transfer_amount", "avail_retrieve_amount", "coupon_id"),
    *("effective_time", "expire_time", "face_value", "balance", "sub_coupon_id", "total_count"),
    *("real_retrieve_amout", "account_balances", "debt_amount", "trade_type", "trans_id"),
)
LISTS = (
    *("sub_customer_infos", "avail_transfer_coupons", "avail_retrieve_coupons", "amount_infos"),
    *("records", "user_coupons", "child_nodes", "account_balances", "error_details"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An answer as it is sent; header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def echo(rng: Random, secrets: Sequence[str], *, is_plain: bool = False) -> str:
    """What is said: a sentence around secrets, each in some form, sometimes cut off."""
    said = rng.choice(SAYINGS)
    form = secret = rng.choice(secrets)
    if not is_plain and rng.random() < 0.6:
        form = rng.choice(FORMS)(secret)
    if rng.random() < 0.15 and len(form) > HEAD:
        form = form[: rng.randint(HEAD, len(form))]
    if rng.random() < 0.15:
        form = " ".join((form, rng.choice(secrets)))
    if rng.random() < 0.1:
        form = "x" * rng.choice((200, 280, 295, 4000, 65_500)) + form
    return said.format(form)


def spoken(rng: Random, secrets: Sequence[str]) -> Spoken:
    """One answer that repeats secrets in one or two places."""
    status = rng.choice(STATUSES)
    headers = {"content-type": "application/json;charset=UTF-8"}
    content: dict[str, object] = {}
    if status >= 400 or rng.random() < 0.2:
        content = {"error_code": rng.choice(CODES), "error_msg": "no"}
    body = b""
    for place in rng.sample(PLACES, k=rng.choice((1, 1, 2))):
        said = echo(rng, secrets)
        if place in ("error_code", "request_id", "x-request-id") and rng.random() < 0.7:
            said = rng.choice(secrets)
        if place in _HEADERS:
            headers[place] = _for_header(said)
        elif place in _WHOLE:
            body, headers["content-type"] = _whole(rng, place, said)
        else:
            _put(rng, content, place, said)
    if not body and (content or status != 204):
        body = json.dumps(content, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace")
    return Spoken(status=status, headers=headers, body=body)


_HEADERS = frozenset(
    {
        *("x-request-id", "location", "set-cookie", "content-type", "retry-after", "date"),
        *("content-encoding", "www-authenticate"),
    }
)
_WHOLE = frozenset({"html", "broken", "trailing", "not_utf8", "key_twice", "text"})


def _for_header(said: str) -> str:
    plain = "".join(one if one.isprintable() and one.isascii() else "?" for one in said)
    return plain.strip()[:16_000]


def _whole(rng: Random, place: str, said: str) -> tuple[bytes, str]:
    """A body that is no JSON object, and what it calls itself."""
    kind = rng.choice(("application/json", "application/json;charset=UTF-8"))
    quoted = json.dumps(said)
    match place:
        case "html":
            return f"<html><body>{said}</body></html>".encode(), rng.choice(("text/html", kind))
        case "broken":
            whole = json.dumps({"error_msg": said, "error_code": "CBC.0100"})
            return whole[: rng.randint(1, len(whole))].encode(), kind
        case "trailing":
            return f'{{"error_msg":{quoted}}} {said}'.encode(), kind
        case "not_utf8":
            return f'{{"error_msg":{quoted}}}'.encode() + b"\xff\xfe", kind
        case "key_twice":
            return f'{{{quoted}:1,{quoted}:2,"error_msg":{quoted}}}'.encode(), kind
        case _:
            return rng.choice((quoted, f"[{quoted}]", said)).encode(), kind


def _put(rng: Random, content: dict[str, object], place: str, said: str) -> None:
    match place:
        case "fail_check_items":
            content["fail_check_items"] = [said]
        case "key" | "empty_key":
            content[said] = {said: [said, 0.1, None, "\ud800" if rng.random() < 0.2 else ""]}
        case "currency":
            content |= {"currency": said, "debt_amount": "0.00", "measure_id": 1}
        case "field":
            for name in rng.sample(DOCUMENTED, k=8):
                content[name] = rng.choice((said, 1, "1.00", None))
        case "nested":
            row = {name: rng.choice((said, "1.00", 1)) for name in DOCUMENTED}
            content |= {rng.choice(LISTS): [row], "total_count": 1}
        case _:
            content[place] = said

"""Signatures, tokens, skew and the lock-out, each by a request that is or is not let in."""

from datetime import UTC, datetime, timedelta

import pytest

from budgetd.sandbox.auth import AccessKey, Gate, SignedRequest, sign
from budgetd.sandbox.nouns import Refusal

VECTOR_KEY = AccessKey(
    ak="EXAMPLEAK0000000000", sk="ExampleSecretKey" + "0" * 24, account_id="the-master"
)
SIGNED_AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADERS = {
    "content-type": "application/json",
    "host": "bss.myhuaweicloud.com",
    "x-domain-id": "0123456789abcdef0123456789abcdef",
    "x-sdk-date": "20250102T030405Z",
}
MOVE = (
    b'{"customer_id":"aaaabbbbccccddddaaaabbbbccccdddd","amount":"12.50",'
    b'"trans_id":"5f0c2e8e9d1b4d0f8a7c6b5a49382716"}'
)
READ = SignedRequest(
    method="GET",
    path="/v2/enterprises/multi-accounts/retrieve-amount",
    query="sub_customer_id=aaaabbbbccccddddaaaabbbbccccdddd&balance_type=BALANCE_TYPE_DEBIT",
    headers=HEADERS,
    body=b"",
)
WRITE = SignedRequest(
    method="POST",
    path="/v2/enterprises/multi-accounts/transfer-amount",
    query="",
    headers=HEADERS,
    body=MOVE,
)
VECTORS = [
    (READ, "9efacbeeee7a54a73b37095ccac978c042519d48ac0be6724a1a687e9f880737"),
    (WRITE, "441adf609ddbbd2655f1dabc7bd7bd1030b668ee22c78263179a023613393f78"),
]


def gate() -> Gate:
    keys = {VECTOR_KEY.ak: VECTOR_KEY}
    return Gate(keys.get)


def sent(request: SignedRequest, signature: str, **headers: str) -> SignedRequest:
    names = sorted(HEADERS)
    authorization = (
        f"SDK-HMAC-SHA256 Access={VECTOR_KEY.ak}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
    more = {"authorization": authorization} | {k.replace("_", "-"): v for k, v in headers.items()}
    return SignedRequest(
        method=request.method,
        path=request.path,
        query=request.query,
        headers={**request.headers, **more},
        body=request.body,
    )


def refused(door: Gate, request: SignedRequest, now: datetime = SIGNED_AT) -> Refusal:
    with pytest.raises(Refusal) as caught:
        door.caller(request, now)
    assert VECTOR_KEY.sk not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("request_", "signature"), VECTORS)
def test_the_official_clients_signatures_are_accepted(
    request_: SignedRequest, signature: str
) -> None:
    assert gate().caller(sent(request_, signature), SIGNED_AT) == "the-master"


def test_a_changed_byte_is_refused() -> None:
    read, signature = VECTORS[0]
    changed = SignedRequest(
        method="GET", path=read.path, query=read.query + "0", headers=HEADERS, body=b""
    )
    refusal = refused(gate(), sent(changed, signature))
    assert (refusal.status, refusal.code) == (401, "APIGW.0301")
    assert "verify aksk signature fail" in refusal.message


@pytest.mark.parametrize("minutes", [15, -15])
def test_a_date_over_fifteen_minutes_off_is_refused(minutes: int) -> None:
    request, signature = VECTORS[0]
    limit = SIGNED_AT + timedelta(minutes=minutes)
    assert gate().caller(sent(request, signature), limit) == "the-master"
    beyond = limit + timedelta(seconds=1 if minutes > 0 else -1)
    refusal = refused(gate(), sent(request, signature), beyond)
    assert (refusal.status, refusal.code) == (401, "APIGW.0303")


def test_an_unknown_key_is_named_and_refused() -> None:
    refusal = refused(Gate(lambda _ak: None), sent(*VECTORS[0]))
    assert "Get secretKey failed,ak:EXAMPLEAK0000000000,err:ak not exist" in refusal.message


def test_five_failures_lock_the_key_for_five_minutes() -> None:
    door = gate()
    request, signature = VECTORS[0]
    for _ in range(5):
        refused(door, sent(request, "0" * 64))
    locked = refused(door, sent(request, signature))
    assert "AK access failed to reach the limit,forbidden." in locked.message
    almost = SIGNED_AT + timedelta(seconds=299)
    assert "forbidden" in refused(door, sent(request, signature), almost).message
    freed = SIGNED_AT + timedelta(minutes=5)
    assert door.caller(sent(request, signature), freed) == "the-master"


def test_a_success_forgets_the_failures_before_it() -> None:
    door = gate()
    request, signature = VECTORS[0]
    for _ in range(3):
        for _ in range(4):
            refused(door, sent(request, "0" * 64))
        assert door.caller(sent(request, signature), SIGNED_AT) == "the-master"


def test_a_temporary_key_needs_its_security_token() -> None:
    key = AccessKey(ak=VECTOR_KEY.ak, sk=VECTOR_KEY.sk, account_id="m", security_token="st")
    door = Gate({key.ak: key}.get)
    request, signature = VECTORS[0]
    refused(door, sent(request, signature))
    assert door.caller(sent(request, signature, x_security_token="st"), SIGNED_AT) == "m"


def test_host_and_date_must_be_signed() -> None:
    headers = {**HEADERS, "authorization": ""}
    names = ["content-type", "host"]
    signature = sign(READ, names, VECTOR_KEY.sk)
    headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={VECTOR_KEY.ak}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
    request = SignedRequest(
        method="GET", path=READ.path, query=READ.query, headers=headers, body=b""
    )
    assert "must be signed" in refused(gate(), request).message


def with_token(token: str) -> SignedRequest:
    return SignedRequest(
        method="GET", path="/x", query="", headers={"x-auth-token": token}, body=b""
    )


def test_a_token_opens_for_a_day_if_it_was_issued() -> None:
    door = gate()
    token = door.issue_token("the-master", SIGNED_AT, is_domain_scoped=True)
    second = door.issue_token("the-master", SIGNED_AT, is_domain_scoped=True)
    almost = SIGNED_AT + timedelta(hours=24) - timedelta(seconds=1)
    assert door.caller(with_token(token), almost) == "the-master"
    assert door.caller(with_token(second), almost) == "the-master"
    expired = refused(door, with_token(token), almost + timedelta(seconds=1))
    assert (expired.status, expired.code) == (401, "APIGW.0307")
    assert "must be updated" in expired.message
    assert refused(door, with_token("made-up")).code == "APIGW.0301"


def test_a_token_of_a_project_does_not_open_a_global_service() -> None:
    door = gate()
    token = door.issue_token("the-master", SIGNED_AT, is_domain_scoped=False)
    assert refused(door, with_token(token)).status == 403


def test_nothing_sent_is_nobody() -> None:
    request = SignedRequest(method="GET", path="/x", query="", headers={}, body=b"")
    assert refused(gate(), request).status == 401

"""The signature equals the provider's own, on its vectors and on random requests."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from budgetd.provider.signing import AccessKey, Unsigned, canonical_query, sign

FILE = Path(__file__).parent / "signature-vectors.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda one: one["name"])
def test_every_vector_is_signed_as_the_provider_signs_it(vector: dict[str, Any]) -> None:
    own = {"host", "x-sdk-date", "x-security-token"}
    given = {name.lower(): value for name, value in vector["headers"].items()}
    key = AccessKey(
        id=VECTORS["ak"],
        secret=VECTORS["sk"],
        security_token=given.get("x-security-token", ""),
    )
    query = tuple((name, value) for name, value in vector["query"])
    request = Unsigned(
        method=vector["method"],
        host=vector["host"],
        path=vector["path"],
        query=query,
        body=(vector["body"] or "").encode(),
        headers={name: value for name, value in given.items() if name not in own},
    )
    headers = sign(key, request, at=AT)
    assert headers["authorization"] == vector["authorization"]
    target = f"{vector['path']}?{canonical_query(query)}" if query else vector["path"]
    assert target == vector["uri"]


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_segment = st.text("abz09-._~!$&'()*+,;=:@ é研%41", min_size=1, max_size=8).filter(
    lambda part: part.strip("%")
)
_token = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(
    place=st.tuples(
        st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
        st.lists(_segment, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    ),
    query=st.lists(st.tuples(st.sampled_from(["a", "b", "B", "é", "a b"]) | _text, _text)),
    body=st.binary(max_size=200),
    security_token=_token,
    at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_random_requests_are_signed_as_the_providers_own_signer_does(
    place: tuple[str, str],
    query: list[tuple[str, str]],
    body: bytes,
    security_token: str,
    at: datetime,
) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    method, path = place
    key = AccessKey(id="AKEXAMPLE", secret="SKexample", security_token=security_token)
    request = Unsigned(
        method=method,
        host="bss.example.com:8443",
        path=path,
        query=tuple(query),
        body=body,
        headers={"Content-Type": "application/json"},
    )
    ours = sign(key, request, at=at)

    theirs = SdkRequest(
        method=method,
        schema="https",
        host=request.host,
        resource_path=path,
        query_params=list(query),
        header_params={
            "Content-Type": "application/json",
            "X-Sdk-Date": at.strftime("%Y%m%dT%H%M%SZ"),
            "Host": request.host,
            **({"X-Security-Token": security_token} if security_token else {}),
        },
        body=body or None,
    )
    signed = Signer(BasicCredentials(ak="AKEXAMPLE", sk="SKexample")).sign(theirs)
    assert ours["authorization"] == signed.header_params["Authorization"]
    expected = f"{path}?{canonical_query(query)}" if query else path
    assert expected == signed.uri


def test_only_what_no_proxy_changes_is_signed() -> None:
    key = AccessKey(id="AK", secret="SK", security_token="T")
    request = Unsigned(
        method="GET", host="h", path="/", headers={"content-type": "application/json"}
    )
    authorization = sign(key, request, at=AT)["authorization"]
    assert "SignedHeaders=content-type;host;x-sdk-date;x-security-token," in authorization


def test_a_key_does_not_show_its_secrets() -> None:
    key = AccessKey(id="AKVISIBLE", secret="SK-HIDDEN", security_token="TOKEN-HIDDEN")
    assert "AKVISIBLE" in repr(key)
    assert "HIDDEN" not in repr(key) + str(key) + f"{key!s}"

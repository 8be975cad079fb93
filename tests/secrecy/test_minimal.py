"""What the campaign once found, each as the smallest case of it."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from budgetd.config import InvalidDocuments, load_config
from budgetd.provider import operations as ops
from budgetd.provider.errors import ProviderError, Unreachable
from budgetd.provider.iam import TokenLogin
from budgetd.provider.signing import AccessKey

from .hostile import Spoken
from .network import Echoing, Network
from .planting import chance
from .scanner import ENCODERS, Scanner
from .telling import told_by
from .wire_cases import client_of

SECRET = "aB3\"\\'%41&<b>{0} (.*)+[a-z]$  xY9z"
CONFIG = """\
enterprise: acme
provider:
  credentials: {{{credentials}}}
state: sqlite:///state.db
{more}
"""
KEYS = "access_key: env:A, secret_key: env:S"
Answering = Callable[[httpx.Request], Spoken]


def refusal(message: str, *, status: int = 400, more: dict[str, str] | None = None) -> Spoken:
    """A refusal as the provider words it, with more members."""
    content = {"error_code": "CBC.0100", "error_msg": message, **(more or {})}
    headers = {"content-type": "application/json"}
    return Spoken(status=status, headers=headers, body=json.dumps(content).encode())


async def told(credentials: AccessKey | TokenLogin, answering: Answering) -> ProviderError:
    """The error of one read."""
    network = Network(Echoing(chance(1), ()), answering, failing=0.0)
    async with client_of(credentials, network) as client:
        with pytest.raises(ProviderError) as caught:
            await client.read(ops.MASTER_CASH)
    return caught.value


def silent(error: BaseException, *secrets: str) -> None:
    """Nothing that the error tells holds one of them."""
    scanner = Scanner({f"secret {number}": one for number, one in enumerate(secrets)})
    assert not [(name, leak) for name, text in told_by(error) for leak in scanner.leaks(text)]


@pytest.mark.parametrize("form", sorted(ENCODERS))
async def test_an_echo_in_any_form_is_removed(form: str) -> None:
    said = ENCODERS[form](SECRET)
    error = await told(AccessKey(id="A" * 20, secret=SECRET), lambda _: refusal(f"no: {said}!"))
    silent(error, SECRET)
    assert error.code == "CBC.0100"
    assert error.message.startswith("no: [removed]")


async def test_an_echo_that_is_cut_off_is_removed_with_what_follows() -> None:
    key = AccessKey(id="A" * 20, secret="k" * 20 + "7" * 20)
    error = await told(key, lambda _: refusal(f"no: {key.secret[:25]}... of the rest"))
    assert error.message == "no: [removed]"


@pytest.mark.parametrize("place", ["error_code", "request_id", "x-request-id"])
async def test_a_key_in_place_of_a_code_is_not_shown(place: str) -> None:
    key = AccessKey(id="A" * 20, secret="Zx9" * 13 + "Q")

    def answering(_request: httpx.Request) -> Spoken:
        said = refusal("no", more={place: key.secret})
        return Spoken(status=400, headers={**said.headers, place: key.secret}, body=said.body)

    silent(await told(key, answering), key.secret)


async def test_the_words_of_a_library_are_cleaned() -> None:
    key = AccessKey(id="A" * 20, secret="Zx9" * 13 + "Q")

    def answering(request: httpx.Request) -> Spoken:
        raise httpx.RemoteProtocolError(
            f"illegal header line: bytearray(b'{key.secret}') {dict(request.headers)}"
        )

    error = await told(key, answering)
    assert isinstance(error, Unreachable)
    silent(error, key.secret)


@pytest.mark.parametrize("body", ["{{{0}:1,{0}:2}}", '{{"a":{{{0}:[NaN]}}}}', '{{{0}:"\\ud800"}}'])
async def test_a_key_of_an_answer_may_be_a_secret(body: str) -> None:
    said = body.format(json.dumps(SECRET)).encode()
    headers = {"content-type": "application/json"}
    error = await told(
        AccessKey(id="A" * 20, secret=SECRET),
        lambda _: Spoken(status=200, headers=headers, body=said),
    )
    silent(error, SECRET)


async def test_a_password_and_a_code_that_are_sent_are_not_told_back() -> None:
    password, code = "two  blanks-in-9", "482913"
    network = Network(
        Echoing(chance(1), ()), lambda _: refusal(f"{password} or {code} is bad"), failing=0.0
    )
    new = {
        "customer_name": "n",
        "password": password,
        "use_pri_mobile_phone": "N",
        "mobile_phone": "1",
        "verification_code": code,
    }
    key = AccessKey(id="A" * 20, secret="s" * 40)
    async with client_of(key, network) as client:
        with pytest.raises(ProviderError) as caught:
            await client.create(
                ops.CREATE_MEMBER,
                party_id="1",
                sub_customer_association_type=1,
                new_sub_customer=new,
            )
    silent(caught.value, password, code)
    assert caught.value.message == "[removed] or [removed] is bad"


async def test_a_token_that_was_replaced_is_still_a_secret() -> None:
    tokens = ["first-" + "t" * 40, "second-" + "u" * 40]
    waiting = list(tokens)

    def answering(request: httpx.Request) -> Spoken:
        if request.url.path.endswith("/auth/tokens"):
            return Spoken(status=201, headers={"x-subject-token": waiting.pop(0)})
        return refusal(f"token must be updated: {tokens[0]}", status=401)

    login = TokenLogin(
        iam_endpoint="https://iam.example.com", user="reader", password=SECRET, domain="acme"
    )
    error = await told(login, answering)
    assert not waiting
    silent(error, *tokens, SECRET)


@pytest.mark.parametrize(
    ("credentials", "more", "secret"),
    [
        (f'{KEYS}, security_token: "s3cr3t-of-no-shape"', "", "s3cr3t-of-no-shape"),
        (KEYS, "site: https://me:s3cr3t-of-no-shape@host/", "s3cr3t-of-no-shape"),
        (KEYS, "note: " + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmN", "aBcDeFgHiJkLmNo"),
        (KEYS, "=" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5dE7f" + ": x", "aB3dE5gH7jK9mN1"),
    ],
    ids=["second on its line", "in a url", "without a digit", "as a key after ="],
)
def test_a_literal_secret_in_a_config_is_refused_and_not_repeated(
    tmp_path: Path, credentials: str, more: str, secret: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(credentials=credentials, more=more))
    with pytest.raises(InvalidDocuments) as caught:
        load_config(path)
    silent(caught.value, secret)
    assert not any(secret in problem.render() for problem in caught.value.problems)

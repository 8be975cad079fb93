"""Calls over a hostile network: reads, moves, accounts to be opened, tokens.

Each case makes one client with planted credentials, calls, and hands over all that was told.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import certifi
import httpx

from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import ProviderError
from budgetd.provider.iam import TokenLogin
from budgetd.provider.moves import move_request
from budgetd.provider.pacer import ProcessSlots
from budgetd.provider.signing import AccessKey

from .case import Case, Found
from .hostile import Spoken
from .network import Echoing, Network
from .planting import Planted
from .telling import Output, logged, told_by

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
ACCOUNT = "a" * 32
READS: tuple[tuple[ops.Operation[Any], Mapping[str, Any]], ...] = (
    (ops.ORGANIZATIONS, {"recursive_query": 1}),
    (ops.MEMBERS, {"offset": 0, "limit": 10}),
    (ops.MASTER_CASH, {}),
    (ops.MASTER_CREDIT, {"offset": 0, "limit": 10}),
    (ops.MEMBER_CASH, {"sub_customer_id": ACCOUNT}),
    (ops.MASTER_COUPONS, {"offset": 0, "limit": 10}),
    (ops.MEMBER_COUPONS, {"sub_customer_id": ACCOUNT, "offset": 0, "limit": 10}),
    (ops.BALANCES, {}),
    (ops.COUPON_CHANGES, {"offset": 0, "limit": 10}),
)
MOVES = (
    (Direction.ALLOCATE, Instrument.CASH, ""),
    (Direction.RECLAIM, Instrument.CASH, ""),
    (Direction.ALLOCATE, Instrument.CREDIT, "2026-12-31T15:59:59Z"),
    (Direction.ALLOCATE, Instrument.COUPON, "SOURCE"),
    (Direction.RECLAIM, Instrument.COUPON, "CHILD"),
)


_FOLDERS: list[TemporaryDirectory[str]] = []
"""Kept until the process ends."""


class Hasty(ProcessSlots):
    """Departures that no 429 puts off."""

    def pause(self, api: str, *, until_ns: int) -> None:
        """Does not."""


@cache
def one_authority() -> Path:
    """A file with one certificate: to read all of them takes longer than a case."""
    first, mark, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    folder = TemporaryDirectory()
    _FOLDERS.append(folder)
    path = Path(folder.name) / "one.pem"
    path.write_text(first + mark + "\n")
    return path


def client_of(credentials: AccessKey | TokenLogin, network: Network) -> Client:
    """A client that waits for nothing."""
    return Client(
        endpoint="https://bss.example.com",
        credentials=credentials,
        currency="CNY",
        clock=lambda: NOW,
        requests_per_second=1000,
        backoff_s=0.0,
        slots=Hasty(),
        transport=network,
        ca_file=one_authority(),
    )


def key_of(planted: Planted, rng: Random) -> AccessKey:
    """The planted access key, permanent or temporary."""
    temporary = rng.random() < 0.5
    return AccessKey(
        id=planted.access_key,
        secret=planted.secret_key,
        security_token=planted.security_token if temporary else "",
    )


def login_of(planted: Planted) -> TokenLogin:
    """The planted login."""
    return TokenLogin(
        iam_endpoint="https://iam.example.com",
        user="reader",
        password=planted.password,
        domain="acme",
    )


async def told(call: Awaitable[object]) -> list[Output]:
    """What the error of a call tells; nothing where it ends well. Other errors are the test's."""
    try:
        await call
    except ProviderError as error:
        return list(told_by(error))
    return []


def found(echoing: Echoing, secrets: Mapping[str, str], outputs: list[Output]) -> Found:
    """What a case hands over; the signatures that left are secrets, too."""
    signatures = {f"signature {i}": one for i, one in enumerate(echoing.signatures[:4])}
    return Found(secrets={**secrets, **signatures}, outputs=outputs)


async def read(case: Case) -> Found:
    """One or two reads under an access key; names in good answers are data and not searched."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key", *(["security_token"] if key.security_token else []))
    echoing = Echoing(case.rng, tuple(secrets.values()))
    outputs: list[Output] = []
    with logged(case.rng) as log:
        async with client_of(key, Network(echoing)) as client:
            for operation, params in case.rng.choices(READS, k=case.rng.choice((1, 1, 2))):
                outputs += await told(client.read(operation, **params))
            outputs.append(("client", repr(client)))
        outputs += log.outputs
    return found(echoing, secrets, outputs)


async def move(case: Case) -> Found:
    """One move under an access key: what its answer says is kept in the state file."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key", *(["security_token"] if key.security_token else []))
    echoing = Echoing(case.rng, tuple(secrets.values()))
    direction, instrument, part = case.rng.choice(MOVES)
    unit = Unit(account_id=ACCOUNT, instrument=instrument, part=part)
    request = move_request(direction, unit, Decimal("10.00"), "0" * 32, "SOURCE")
    outputs: list[Output] = []
    with logged(case.rng) as log:
        async with client_of(key, Network(echoing)) as client:
            for _ in range(case.rng.choice((1, 1, 2))):
                signed = client.sign_move(request)
                answer = await client.send_move(signed)
                outputs += [("signed", repr(signed)), ("answer", repr(answer))]
                outputs.append(("message", answer.message))
        outputs += log.outputs
    return found(echoing, secrets, outputs)


async def create(case: Case) -> Found:
    """One account to be opened, whose password and code the provider repeats."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key", "member_password", "code")
    echoing = Echoing(case.rng, (*secrets.values(), case.planted.member_password))
    new = {
        "customer_name": "acme_new",
        "password": case.planted.member_password,
        "use_pri_mobile_phone": "N",
        "mobile_phone": "13800000000",
        "verification_code": case.planted.code,
    }
    fields = {"party_id": "1", "sub_customer_association_type": 1, "new_sub_customer": new}
    outputs: list[Output] = []
    with logged(case.rng) as log:
        async with client_of(key, Network(echoing)) as client:
            outputs += await told(client.create(ops.CREATE_MEMBER, **fields))
        outputs += log.outputs
    return found(echoing, secrets, outputs)


async def token(case: Case) -> Found:
    """Reads under a login: the token is issued, refused, replaced, and repeated."""
    secrets = case.planted.of("password", "token")
    echoing = Echoing(case.rng, (case.planted.password,))
    issues = case.rng.random() < 0.7

    def answering(request: httpx.Request) -> Spoken:
        if request.url.path.endswith("/auth/tokens") and issues:
            # From now on it can be repeated.
            echoing.secrets = tuple(secrets.values())
            return Spoken(status=201, headers={"x-subject-token": case.planted.token})
        return echoing(request)

    outputs: list[Output] = []
    with logged(case.rng) as log:
        network = Network(echoing, answering)
        async with client_of(login_of(case.planted), network) as client:
            for operation, params in case.rng.choices(READS, k=case.rng.choice((1, 2))):
                outputs += await told(client.read(operation, **params))
        outputs += log.outputs
    return found(echoing, secrets, outputs)


async def unobserved(case: Case) -> Found:
    """A call whose error nobody takes: what the loop and the log then say of it."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key")
    echoing = Echoing(case.rng, tuple(secrets.values()))
    loop = asyncio.get_running_loop()
    with logged(case.rng) as log:
        async with client_of(key, Network(echoing, failing=0.5)) as client:
            try:
                await client.read(ops.MASTER_CASH)
            except ProviderError as error:
                loop.call_exception_handler(
                    {"message": "Task exception was never retrieved", "exception": error}
                )
        outputs = log.outputs
    return found(echoing, secrets, outputs)

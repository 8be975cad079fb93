"""The other side is always verified; nothing is sent to one that is not who it should be.

The certificates are for these tests alone; the authority's own key was not kept.
"""

import ssl
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from budgetd.core.answer import AnswerClass, Phase
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import Unreachable
from budgetd.provider.moves import move_request
from budgetd.provider.signing import AccessKey

from .raw_server import RawServer, always, answer

FILES = Path(__file__).parent / "tls"
AUTHORITY = FILES / "authority.pem"
CASH = move_request(
    Direction.ALLOCATE, Unit(account_id="a1", instrument=Instrument.CASH), Decimal(5), "0" * 32
)


def server_with(certificate: str) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FILES / f"{certificate}.pem", FILES / "server.key")
    return RawServer(always(answer(204)), tls=context)


def client_of(server: RawServer, ca_file: Path | None) -> Client:
    return Client(
        endpoint=server.endpoint,
        credentials=AccessKey(id="AK", secret="SK"),
        currency="CNY",
        clock=lambda: datetime(2026, 1, 2, tzinfo=UTC),
        backoff_s=0.001,
        requests_per_second=1000,
        ca_file=ca_file,
    )


async def test_a_server_of_the_given_authority_is_trusted() -> None:
    async with server_with("good") as server, client_of(server, AUTHORITY) as client:
        found = await client.send_move(client.sign_move(CASH))
        assert found.answer_class is AnswerClass.SETTLED
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("certificate", "ca_file"),
    [
        ("expired", AUTHORITY),
        ("other-host", AUTHORITY),
        ("self-signed", AUTHORITY),
        ("self-signed", None),
        ("good", None),
    ],
)
async def test_a_server_that_cannot_prove_itself_is_sent_nothing(
    certificate: str, ca_file: Path | None
) -> None:
    async with server_with(certificate) as server, client_of(server, ca_file) as client:
        found = await client.send_move(client.sign_move(CASH))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED") as caught:
            await client.read(ops.BALANCES)
        assert server.requests == []
    assert (found.phase, found.answer_class) == (Phase.NOT_SENT, AnswerClass.RETRYABLE)
    assert found.code == caught.value.code == "TRANSPORT.TLS"

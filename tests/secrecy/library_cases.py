"""What libraries and the loop say about a call over a real socket, at their most talkative.

It owns a server on loopback that repeats whatever it is sent. It may not use the product's
transport of tests: here httpx, httpcore, h11 and asyncio are the real ones.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import httpx

from budgetd.provider import operations as ops
from budgetd.provider.client import Client

from .case import Case, Found
from .network import Echoing
from .telling import Output, logged
from .wire_cases import NOW, Hasty, found, key_of, one_authority, told


@asynccontextmanager
async def repeating(echoing: Echoing) -> AsyncIterator[str]:
    """A server that answers each connection once, with what it was sent; yields its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            pairs = [line.partition(": ") for line in lines[1:] if line]
            headers = {name: value for name, _, value in pairs}
            request = httpx.Request("GET", "http://127.0.0.1/", headers=headers)
            said = echoing(request)
            sent = {**said.headers, "content-length": str(len(said.body)), "connection": "close"}
            top = [f"HTTP/1.1 {said.status} {echoing.rng.choice(('OK', head.split()[0]))}"]
            top += [f"{name}: {value}" for name, value in sent.items()]
            if echoing.rng.random() < 0.2:
                top.append(echoing.rng.choice(lines))
                top.append(f"broken {echoing.rng.choice(echoing.secrets)}")
            writer.write("\r\n".join(top).encode() + b"\r\n\r\n" + said.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _balances(client: Client) -> object:
    return await client.read(ops.BALANCES)


async def socket(case: Case) -> Found:
    """One read over a real socket, the loop in its debug mode, every logger at debug."""
    key = key_of(case.planted, case.rng)
    secrets = case.planted.of("secret_key", *(["security_token"] if key.security_token else []))
    echoing = Echoing(case.rng, tuple(secrets.values()))
    outputs: list[Output] = []
    loop = asyncio.get_running_loop()
    with logged(case.rng) as log:
        loop.set_debug(case.rng.random() < 0.5)
        logging.getLogger("asyncio").setLevel(logging.DEBUG)
        try:
            async with (
                repeating(echoing) as endpoint,
                Client(
                    endpoint=endpoint,
                    credentials=key,
                    currency="CNY",
                    clock=lambda: NOW,
                    requests_per_second=Fraction(4),
                    backoff_s=0.0,
                    slots=Hasty(),
                    ca_file=one_authority(),
                ) as client,
            ):
                outputs += await told(_balances(client))
        finally:
            loop.set_debug(False)
            logging.getLogger("asyncio").setLevel(logging.NOTSET)
        outputs += log.outputs
    return found(echoing, secrets, outputs)

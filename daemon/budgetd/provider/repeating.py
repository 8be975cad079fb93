"""Repeats a read that was throttled, met a fault or was not answered. It may not see a move."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from budgetd.provider.errors import ProviderError, ServerFault, Throttled, Unreachable

A = TypeVar("A")

LOG = logging.getLogger("budgetd.provider")
ATTEMPTS = 3
REPEATED = (Throttled, ServerFault, Unreachable)


async def repeated(read: Callable[[], Awaitable[A]], *, attempt_s: float, backoff_s: float) -> A:
    """What a read gives, in up to three attempts of `attempt_s` seconds each at most; the first
    wait between them is about `backoff_s` seconds, the next ones longer, with jitter.

    Raises the `ProviderError` of the last attempt.
    """
    try:
        return await read()
    except REPEATED as error:
        failed = error
    # Nearly all reads need no second attempt, and what counts attempts is made of circles that
    # only a collection of garbage takes away: it is begun by the first failure.
    retries = stamina.retry_context(
        on=REPEATED,
        attempts=ATTEMPTS,
        timeout=ATTEMPTS * (attempt_s + 60),
        wait_initial=backoff_s,
        wait_max=backoff_s * 10,
        wait_jitter=backoff_s,
    )
    async for attempt in retries:
        with attempt:
            try:
                if attempt.num == 1:
                    raise failed
                return await read()
            except ProviderError as error:
                error.attempts = attempt.num
                raise
    raise AssertionError("a read ends by its answer or its error")


def log_repeats() -> None:
    """Each repeat becomes a line of our log. The library's own hook would print it on standard
    output, where a command's own output goes."""
    stamina.instrumentation.set_on_retry_hooks([_log])


def _log(details: stamina.instrumentation.RetryDetails) -> None:
    again = {"caused_by": str(details.caused_by), "wait_s": round(details.wait_for, 1)}
    LOG.info("call_repeated", extra=again)

"""Joins config, policies, provider and ledger into what a command works with.

It opens things; it may not decide, print or exit.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from budgetd.config import (
    AccessKey,
    Config,
    Credentials,
    Loaded,
    find_config,
    load_config,
    load_policies,
    read_credentials,
)
from budgetd.core.plans.planning import Frame
from budgetd.cycle import Cycle, Settings
from budgetd.execute import Executor
from budgetd.ledger.store import Ledger
from budgetd.observe import Observer
from budgetd.provider import iam, signing
from budgetd.provider.client import Client
from budgetd.provider.meter import Meter
from budgetd.provider.pacer import SharedSlots


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A config and the policies in force, valid."""

    config: Config
    loaded: Loaded

    def settings(self, only: str | None = None, *, is_daemon: bool = False) -> Settings:
        """What a cycle is told."""
        frame = Frame(
            enterprise=self.config.enterprise,
            mode=str(self.config.mode),
            policies=self.loaded.policy_set,
            only=only,
        )
        return Settings(
            frame=frame,
            limits=self.config.guards(),
            currency=self.config.currency,
            only=only,
            is_daemon=is_daemon,
        )


def open_documents(option: str | None, policies: Path | None = None) -> Opened:
    """The config and its policies, or those of another folder. Raises `InvalidDocuments`."""
    config = load_config(find_config(option))
    return Opened(config=config, loaded=load_policies(policies or config.policies, config))


def open_documents_at(option: str | None, where: str) -> Opened:
    """The same under other policies: a folder, a file, or a git revision (`policies_at`)."""
    from budgetd.config.revisions import policies_at

    with policies_at(where, load_config(find_config(option)).policies) as folder:
        return open_documents(option, folder)


@contextmanager
def open_past(config: Config) -> Iterator[Ledger | None]:
    """The ledger for reading; None where nothing was ever written. Raises `LedgerError`."""
    if not config.state.exists():
        yield None
        return
    with closing(Ledger(config.state, may_write=False)) as ledger:
        yield ledger


def slots_path(config: Config) -> Path:
    """The file through which all processes on one state share the quota."""
    return config.state.with_name(config.state.name + ".slots")


@asynccontextmanager
async def open_client(
    config: Config,
    clock: Callable[[], datetime],
    *,
    may_write: bool,
    meter: Meter | None = None,
) -> AsyncIterator[Client]:
    """The provider under the config's credentials; reads them now. Shares the quota with every
    process on the state, once one that may write has made the file for it; `meter` counts the
    calls that leave."""
    slots: SharedSlots | None = None
    path = slots_path(config)
    if may_write or path.exists():
        with suppress(PermissionError):
            slots = SharedSlots(path)
    client = Client(
        endpoint=config.provider.endpoint,
        credentials=_for_provider(read_credentials(config)),
        currency=config.currency,
        clock=clock,
        requests_per_second=config.provider.requests_per_second,
        timeout_s=config.provider.timeout.total_seconds(),
        slots=meter.over(slots) if meter is not None else slots,
    )
    try:
        async with client:
            yield client
    finally:
        if slots is not None:
            slots.close()


def _for_provider(credentials: Credentials) -> signing.AccessKey | iam.TokenLogin:
    if isinstance(credentials, AccessKey):
        return signing.AccessKey(
            id=credentials.access_key,
            secret=credentials.secret_key,
            security_token=credentials.security_token,
        )
    return iam.TokenLogin(
        user=credentials.user,
        password=credentials.password,
        domain=credentials.domain,
        iam_endpoint=credentials.iam_endpoint,
    )


def observer_of(
    config: Config,
    client: Client,
    clock: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Observer:
    """An observer under the config's staleness bound."""
    return Observer(
        client=client,
        clock=clock,
        max_staleness=config.polling.max_staleness,
        progress=progress,
    )


def cycle_of(
    opened: Opened,
    observer: Observer,
    ledger: Ledger,
    *,
    only: str | None = None,
    is_daemon: bool = False,
) -> Cycle:
    """A cycle for real, over an open ledger."""
    settings = opened.settings(only, is_daemon=is_daemon)
    executor = Executor(
        client=observer.client,
        ledger=ledger,
        observer=observer,
        frame=settings.frame,
        limits=settings.limits,
        clock=observer.clock,
        resends=opened.config.provider.resend == "same_key",
        only=only,
    )
    return Cycle(
        settings=settings,
        ledger=ledger,
        executor=executor,
        observer=observer,
        clock=observer.clock,
    )

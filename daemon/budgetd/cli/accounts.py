"""`budgetd accounts`: the fleet as the provider tells it; `accounts create` opens a member.

It reads and shows; it may not move money.
"""

import asyncio
import difflib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from budgetd.cli.accounts_create import create, send_code
from budgetd.cli.speaking import USAGE, failures, reading_progress, say, screen_of
from budgetd.core.intent import Instrument

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.decisions.funding import Funding
    from budgetd.core.observation import Account, Observation

FORMATS = ["text", "json", "csv"]
# Older than any ledger: the last transfer of an account may lie years back.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@click.group("accounts", invoke_without_command=True)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text")
@click.option("--account", metavar="ID_OR_NAME", help="That account alone, in full.")
@click.pass_context
def command(ctx: click.Context, style: str, account: str | None) -> None:
    """The fleet: what is reclaimable of each account, its coupons, burn, runway, last transfer.

    What is shown of an account is what the master may take back: the provider tells a master
    nothing else. `--format json` is a snapshot, on which `plan --snapshot` decides.
    """
    if ctx.invoked_subcommand is not None:
        return
    with failures():
        from budgetd.config import find_config, load_config

        ctx.exit(_show(load_config(find_config(ctx.obj)), style, account))


command.add_command(create)
command.add_command(send_code)


@dataclass(slots=True)
class _Asked:
    """The needs of somebody who wants to see all of one account, or of every one."""

    name: str | None
    names: list[str] = field(default_factory=list)

    @property
    def master(self) -> frozenset[Instrument]:
        """Every instrument of the master."""
        return frozenset(Instrument)

    def of(self, accounts: Sequence["Account"]) -> dict[str, frozenset[Instrument]]:
        """Every instrument of the normal accounts that are asked for."""
        from budgetd.core.decisions.needs import Everything

        self.names += [account.name for account in accounts]
        return Everything().of(account for account in accounts if self.wants(account))

    def wants(self, account: "Account") -> bool:
        """Whether it is asked for, by its id, login name, display name or label."""
        known = (account.id, account.name, account.display_name, account.label)
        return self.name is None or self.name in known


def _show(config: "Config", style: str, name: str | None) -> int:
    begun = time.monotonic()
    asked = _Asked(name)
    fleet = asyncio.run(_observe(config, asked))
    observation = replace(
        fleet, accounts=tuple(account for account in fleet.accounts if asked.wants(account))
    )
    seen = _Seen(
        observation=observation,
        fleet=fleet,
        took=timedelta(seconds=time.monotonic() - begun),
        is_one=name is not None,
    )
    if name is not None and not observation.accounts:
        near = difflib.get_close_matches(name, asked.names, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        say(f"error: there is no account {name!r}{hint}")
        return USAGE
    click.echo(_render(config, seen, style), nl=False)
    return 0


async def _observe(config: "Config", asked: _Asked) -> "Observation":
    """What can be read now, of whom is asked for; the list is of everybody."""
    from budgetd.clock import now
    from budgetd.core.observation import NOTHING_READ, Observation
    from budgetd.ledger.forecasts import burns
    from budgetd.wiring import observer_of, open_client, open_past

    with open_past(config) as ledger:
        moves = ledger.moves(LONG_AGO) if ledger is not None else ()
        pauses = ledger.pauses() if ledger is not None else ()
        known = burns(ledger, now(), config.timezone) if ledger is not None else {}
    blank = Observation(
        taken_at=now(),
        currency=config.currency,
        accounts=(),
        readings={},
        master=NOTHING_READ,
        burns=known,
        moves=moves,
        pauses=pauses,
    )
    with reading_progress() as progress:
        async with open_client(config, now, may_write=False) as client:
            found = await observer_of(config, client, now, progress).fleet(asked, blank)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is shown: readings, our own moves, how long reading took, one account or all; and the
    whole fleet, which the master feeds."""

    observation: "Observation"
    fleet: "Observation"
    took: timedelta
    is_one: bool


def _render(config: "Config", seen: _Seen, style: str) -> str:
    from budgetd.report.accounts_rows import fleet_rows

    observation, funding = seen.observation, _funding(config, seen.fleet)
    if style == "json":
        from budgetd.report.snapshot import snapshot_json

        return snapshot_json(observation, config.timezone, funding)
    rows = fleet_rows(observation, observation.moves, config.timezone, funding)
    if style == "csv":
        from budgetd.report.accounts_csv import accounts_csv

        return accounts_csv(observation, rows)
    from budgetd.report.accounts_text import account_text, accounts_text, funded_text

    screen = screen_of(config.timezone)
    if seen.is_one:
        told = account_text(observation, rows, screen)
    else:
        told = accounts_text(
            observation, rows, screen, enterprise=config.enterprise, read_in=seen.took
        )
    return told if funding is None else f"{told}{funded_text(funding, screen)}"


def _funding(config: "Config", fleet: "Observation") -> "Funding | None":
    """The rules in force; None where the policies are refused: the fleet is shown all the same."""
    from budgetd.config import load_policies
    from budgetd.core.decisions.funding import Funding
    from budgetd.core.documents.problem import InvalidDocuments

    try:
        policies = load_policies(config.policies, config).policy_set
    except InvalidDocuments:
        say("note: the policies are refused (see `budgetd check`), so what they keep is not told")
        return None
    return Funding(fleet, policies, config.guards())

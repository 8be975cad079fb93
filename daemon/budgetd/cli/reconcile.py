"""`budgetd reconcile`: the ledger against the provider's records and the kept readings.

It reads and reports; what follows from it is the cycles' own to do, or a person's.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import failures, screen_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from budgetd.config import Config
    from budgetd.core.intent import Instrument
    from budgetd.core.observation import Reading
    from budgetd.core.reconciliation import Change, Discrepancy, Sent
    from budgetd.core.rises import Rise
    from budgetd.ledger.store import Ledger
    from budgetd.report.reconciled import Reconciled

    Records = Mapping[Instrument, Reading[tuple[Change, ...]]]

MARGIN = timedelta(hours=2)
EARLIER = timedelta(days=2)


@click.command("reconcile")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 90), help="How far.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, days: int, style: str) -> None:
    """Which records of the provider are whose, and what does not agree. Reads alone.

    Movements that are not ours are told as made by hand. Exits 7 where something is in doubt,
    and 1 where a record fits a transfer that must not have one, or records could not be read.
    """
    with failures():
        from budgetd.config import find_config, load_config
        from budgetd.report.reconcile_json import reconcile_json
        from budgetd.report.reconcile_text import reconcile_text

        config = load_config(find_config(ctx.obj))
        found = _reconcile(config, timedelta(days=days))
        if style == "json":
            click.echo(json.dumps(reconcile_json(found), indent=2))
        else:
            click.echo(reconcile_text(found, screen_of(config.timezone)), nl=False)
        ctx.exit(found.exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the ledger knows of the window, and of the days before it; nothing where it is not."""

    sent: "tuple[Sent, ...]"
    claims: dict[str, str]
    rises: "tuple[Rise, ...]"
    names: dict[str, str]


def _known(ledger: "Ledger | None", since: datetime) -> _Known:
    from budgetd.core.rises import unexplained_rises
    from budgetd.ledger import evidence, looking

    if ledger is None:
        return _Known(sent=(), claims={}, rises=(), names={})
    earlier = since - EARLIER
    return _Known(
        sent=ledger.sent(earlier),
        claims=ledger.claims(earlier),
        rises=unexplained_rises(evidence.rising(ledger, since), ledger.moves(earlier)),
        names=looking.account_names(ledger),
    )


def _reconcile(config: "Config", length: timedelta) -> "Reconciled":
    from budgetd.clock import now
    from budgetd.wiring import open_past

    since = now() - length
    # The records first: what they show, the ledger has known before.
    records = asyncio.run(_read(config, since - MARGIN))
    with open_past(config) as ledger:
        known = _known(ledger, since)
    return _found(config, since, records, known)


async def _read(config: "Config", since: datetime) -> "Records":
    from budgetd.clock import now
    from budgetd.core.intent import Instrument
    from budgetd.wiring import observer_of, open_client

    async with open_client(config, now, may_write=False) as client:
        observer = observer_of(config, client, now)
        return {one: await observer.changes(one, since) for one in Instrument}


def _found(config: "Config", since: datetime, records: "Records", known: _Known) -> "Reconciled":
    from budgetd.core.intent import State
    from budgetd.core.observation import Ok, Unknown
    from budgetd.core.reconciliation import Finding, compare
    from budgetd.report.reconciled import Reconciled

    confirmed = set(known.claims)
    found: list[Discrepancy] = []
    for instrument, reading in records.items():
        if isinstance(reading, Ok):
            own = [one for one in known.sent if one.instrument is instrument]
            compared = compare(own, reading.value, known.claims, reading.read_at)
            confirmed |= compared.confirmed.keys()
            found += compared.discrepancies
    sent = {one.id: one for one in known.sent}
    within = [one for one in found if _is_within(one, sent, since)]
    lately = {one.id for one in known.sent if one.state is State.SETTLED and one.last_at >= since}
    missing = {one.intent_id for one in within if one.finding is Finding.UNRECORDED}
    read = {one: reading for one, reading in records.items() if isinstance(reading, Ok)}
    return Reconciled(
        enterprise=config.enterprise,
        begins=since,
        read_at=max(reading.read_at for reading in records.values()),
        records={
            one: sum(change.at >= since for change in reading.value)
            for one, reading in read.items()
        },
        unread={
            one: reading.reason for one, reading in records.items() if isinstance(reading, Unknown)
        },
        confirmed=len(confirmed & lately),
        awaited=len(lately - confirmed - missing),
        discrepancies=tuple(within),
        doubtful=tuple(one for one in known.sent if _is_doubtful(one)),
        rises=known.rises,
        sent=sent,
        names=known.names,
    )


def _is_within(one: "Discrepancy", sent: "Mapping[str, Sent]", since: datetime) -> bool:
    """Whether it is of the window: what lies before it was read for comparison alone."""
    if one.change is not None:
        return one.change.at >= since
    return sent[one.intent_id].first_at >= since


def _is_doubtful(one: "Sent") -> bool:
    from budgetd.core.intent import State

    return one.state in (State.SENDING, State.IN_DOUBT, State.NEEDS_HUMAN)

"""What `doctor` says of the state file: room, damage, permissions, home, pauses, doubt, proposals.

It reads and reports; it repairs nothing.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from budgetd.core.moment import format_minute

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.ledger.store import Ledger

LEAST_MIB = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `cure` says what to do where it is not well."""

    name: str
    is_well: bool
    says: str
    cure: str = ""


def state_findings(config: "Config") -> Iterator[Finding]:
    """All that can be said without the provider."""
    from budgetd.ledger.database import LedgerError
    from budgetd.ledger.store import Ledger

    yield _disk(config)
    if not config.state.exists():
        yield _absent(config)
        return
    try:
        ledger = Ledger(config.state, may_write=False)
    except LedgerError as problem:
        yield Finding(
            name="ledger",
            is_well=False,
            says=str(problem),
            cure="stop every budgetd, then see docs/operations.md, The state file",
        )
        return
    try:
        yield from _ledger(config, ledger)
    finally:
        ledger.close()


def _disk(config: "Config") -> Finding:
    folder = config.state.parent
    if not folder.is_dir():
        cure = f"mkdir -p {folder}, owned by the user budgetd runs as"
        return Finding(name="disk", is_well=False, says=f"{folder} does not exist", cure=cure)
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize // (1024 * 1024)
    return Finding(
        name="disk",
        is_well=free >= LEAST_MIB,
        says=f"{free:,} MiB free in {folder}",
        cure="" if free >= LEAST_MIB else "make room: nothing is sent below 16 MiB",
    )


def _absent(config: "Config") -> Finding:
    """No state yet is well; a state that was there and is gone is not."""
    from budgetd.ledger.home import witness_path

    is_gone = witness_path(config.state).exists()
    return Finding(
        name="ledger",
        is_well=not is_gone,
        says=f"{config.state} is {'gone' if is_gone else 'not there yet'}",
        cure="restore the newest backup, then `budgetd adopt --reason`" if is_gone else "",
    )


def _ledger(config: "Config", ledger: "Ledger") -> Iterator[Finding]:
    yield _store(ledger)
    yield _whole(ledger)
    yield _home(config, ledger)
    yield from _permissions(config)
    yield from _pauses(config, ledger)
    yield from _open(ledger)
    yield _proposals(ledger)


def _store(ledger: "Ledger") -> Finding:
    from budgetd.ledger.condition import condition

    return Finding(name="store", is_well=True, says=condition(ledger))


def _whole(ledger: "Ledger") -> Finding:
    from budgetd.ledger import looking

    damage, broken = looking.damage(ledger), looking.broken_link(ledger)
    is_well = not damage and broken is None
    says = f"intact, all {ledger.last_seq():,} events chained" if is_well else damage
    if broken is not None:
        says = f"event {broken} does not follow from the one before: the file was changed"
    cure = "" if is_well else "`budgetd pause`; restore a backup, then `budgetd adopt --reason`"
    return Finding(name="ledger", is_well=is_well, says=says, cure=cure)


def _home(config: "Config", ledger: "Ledger") -> Finding:
    from budgetd.ledger.home import strangeness

    why = strangeness(ledger.connection, ledger.path, config.enterprise)
    return Finding(
        name="home",
        is_well=not why,
        says=f"nothing moves: {why}" if why else "the state is at home here",
        cure="see docs/operations.md, The state file, then `budgetd adopt --reason`" if why else "",
    )


def _permissions(config: "Config") -> Iterator[Finding]:
    from budgetd.ledger.home import witness_path

    for path in (config.state, witness_path(config.state)):
        mode = _mode(path)
        if mode is not None:
            yield Finding(
                name="permissions",
                is_well=not mode & 0o077,
                says=f"{path} is {mode:04o}",
                cure="" if not mode & 0o077 else f"chmod 600 {path}",
            )


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None


def _pauses(config: "Config", ledger: "Ledger") -> Iterator[Finding]:
    """A pause by a person is as it should be; one that budgetd latched waits for somebody."""
    from budgetd.clock import now
    from budgetd.report.pauses import in_force

    pauses = in_force(ledger.pauses(), now())
    if not pauses:
        yield Finding(name="pauses", is_well=True, says="nothing is paused")
    for pause in pauses:
        since = format_minute(pause.at, config.timezone)
        until = pause.until.astimezone(config.timezone) if pause.until else None
        ends = f" until {until:%Y-%m-%d %H:%M}" if until else ""
        kind = "latched" if pause.is_latched else "paused"
        yield Finding(
            name="pauses",
            is_well=not pause.is_latched,
            says=f"{pause.scope} {kind} since {since} by {pause.by}{ends}: {pause.reason}",
            cure="look at it, then `budgetd resume --reason` what you found"
            if pause.is_latched
            else "",
        )


def _open(ledger: "Ledger") -> Iterator[Finding]:
    from budgetd.core.intent import MOST_DOUBTS, State

    is_full = ledger.unproven() >= MOST_DOUBTS
    held = f", nothing new is sent until fewer than {MOST_DOUBTS} are open" if is_full else ""
    states = [ledger.state_of(intent.id) for intent in ledger.open_intents()]
    unclear = states.count(State.NEEDS_HUMAN)
    count = len(states) - unclear
    yield Finding(
        name="doubt",
        is_well=not count,
        says=_counted(count, "open") if count else "no transfer is open",
        cure=f"the next cycle looks after it first{held}; `budgetd transfers list --open`, and "
        "`budgetd transfers show ID` says how each ends"
        if count
        else "",
    )
    if unclear:
        yield Finding(
            name="doubt",
            is_well=False,
            says=_counted(unclear, "waiting for a person"),
            cure="`budgetd transfers prove ID`, then `budgetd transfers resolve ID`",
        )


def _counted(number: int, what: str) -> str:
    return f"{number} transfer{' is' if number == 1 else 's are'} {what}"


def _proposals(ledger: "Ledger") -> Finding:
    from budgetd.clock import now
    from budgetd.core.approval import ProposalState
    from budgetd.ledger import proposals

    waiting = [
        one
        for one in proposals.live(ledger)
        if one.state is ProposalState.OPEN and now() < one.expires_at
    ]
    says = "no proposal waits"
    if waiting:
        noun = "proposal waits" if len(waiting) == 1 else "proposals wait"
        says = f"{len(waiting)} {noun}: `budgetd approve` lists what"
    return Finding(name="proposals", is_well=True, says=says)

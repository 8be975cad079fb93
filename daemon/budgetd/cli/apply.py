"""`budgetd apply`: one cycle for real, of a saved plan or of a fresh one after a yes."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import agrees, can_ask
from budgetd.cli.speaking import (
    DOUBT,
    FAILED,
    LIMITED,
    LOCK_WAIT_S,
    STALE_PLAN,
    USAGE,
    failures,
    open_logs,
    reading_progress,
    say,
    screen_of,
    show_results,
)

if TYPE_CHECKING:
    from budgetd.core.intent import Intent
    from budgetd.core.plans.again import Promised
    from budgetd.core.plans.outcome import Outcome
    from budgetd.cycle import Cycle, Report
    from budgetd.ledger.store import Ledger
    from budgetd.report.saved_plan import SavedPlan
    from budgetd.wiring import Opened

TENDS_FOR_S = 1.0
LARGEST_PLAN_BYTES = 256 * 1024 * 1024
NO_TERMINAL = (
    "error: no terminal to ask at; say --yes to move money without being asked, or look first "
    "with `budgetd plan`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered."""

    opened: "Opened"
    rule: str | None
    saved: "SavedPlan | None"
    is_agreed: bool
    style: str


@click.command("apply")
@click.argument("plan", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--rule", metavar="POLICY/RULE", help="That rule alone, due or not.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, plan: Path | None, yes: bool, rule: str | None, style: str) -> None:
    """One cycle for real: a saved PLAN, or a fresh one after a yes.

    Each item is decided again when its turn comes and moves the smaller of the two amounts, or
    nothing. Under `mode: dry_run` nothing moves.
    """
    with failures():
        from budgetd.cli.plan import check_rule
        from budgetd.wiring import open_documents

        opened = open_documents(ctx.obj)
        check_rule(opened, rule)
        if plan is not None and rule is not None:
            raise click.UsageError("--rule is for a fresh plan; a saved one knows its rules")
        saved = _read_saved(ctx, plan, opened) if plan is not None else None
        asked = rule if saved is None else saved.only
        order = Order(opened=opened, rule=asked, saved=saved, is_agreed=yes, style=style)
        if str(opened.config.mode) == "dry_run":
            ctx.exit(_dry(order))
        if not yes and not can_ask():
            say(NO_TERMINAL)
            ctx.exit(USAGE)
        ctx.exit(_apply(order))


def _read_saved(ctx: click.Context, path: Path, opened: "Opened") -> "SavedPlan":
    """The plan of a file, fit to be carried out now; else the reason, and exit 2 or 6."""
    from budgetd.config.files import read_file
    from budgetd.core.documents.problem import Problem
    from budgetd.report.plan_json import read_plan
    from budgetd.report.saved_plan import Fault, PlanProblem

    data = read_file(path, str(path), largest=LARGEST_PLAN_BYTES)
    if isinstance(data, Problem):
        say(f"error: {path}: {data.message}")
        ctx.exit(USAGE)
    try:
        found = read_plan(data.decode())
    except UnicodeDecodeError:
        say(f"error: {path}: it is not UTF-8 text")
        ctx.exit(USAGE)
    if isinstance(found, PlanProblem):
        say(f"error: {path}: {found.message}")
        ctx.exit(STALE_PLAN if found.fault is Fault.EDITED else USAGE)
    refusal = _refusal(found, opened)
    if refusal:
        say(f"error: {path}: {refusal}; nothing was moved. Make a new one with `budgetd plan`")
        ctx.exit(STALE_PLAN)
    return found


def _refusal(saved: "SavedPlan", opened: "Opened") -> str:
    from budgetd.clock import now

    if saved.enterprise != opened.config.enterprise:
        return f"it is a plan of {saved.enterprise}, not of {opened.config.enterprise}"
    if saved.is_preview:
        return "it is a preview (--at, --snapshot or --policies)"
    if saved.policy_digest != opened.loaded.policy_set.digest:
        return "the policies or limits have changed since"
    if saved.currency and saved.currency != opened.config.currency:
        return f"it moves {saved.currency}, not {opened.config.currency}"
    if now() > saved.expires_at:
        return f"it expired at {saved.expires_at:%Y-%m-%d %H:%M}Z"
    return ""


def _dry(order: Order) -> int:
    """What `apply` does under `mode: dry_run`: it shows, says so, and moves nothing."""
    from budgetd.cli.plan import Look, Request, make, render, tell_alone

    if order.saved is not None:
        count = len(order.saved.moves)
        click.echo(f"{count} transfer{'s' if count != 1 else ''} would be carried out.")
        would_move = bool(count)
    else:
        request = Request(order.opened, order.rule, None, None, has_other_policies=False)
        plan, observation = asyncio.run(make(request))
        look = Look(style=order.style)
        click.echo(render(order.opened, plan, observation, look), nl=False)
        tell_alone(plan)
        would_move = bool(plan.transfers or plan.withheld)
    say("mode: dry_run in the config: nothing was moved")
    return LIMITED if would_move else 0


def _apply(order: Order) -> int:
    from budgetd.ledger.locks import cycle_lock
    from budgetd.ledger.store import Ledger

    state = order.opened.config.state
    with ExitStack() as held:
        turn = _Turn(held, lambda: cycle_lock(state, wait_s=LOCK_WAIT_S))
        turn.take()
        ledger = Ledger(state, may_write=True)
        try:
            return asyncio.run(_cycle(order, ledger, turn))
        except KeyboardInterrupt:
            left = len(ledger.open_intents())
            say(f"stopped; {left} transfer{'s' if left != 1 else ''} may be under way. The next")
            say("`budgetd apply` looks after them first; `budgetd transfers` shows them")
            return FAILED
        finally:
            ledger.close()


@dataclass(frozen=True, slots=True)
class _Turn:
    """The lock of a cycle, which a person who thinks does not keep from others."""

    held: ExitStack
    lock: Callable[[], AbstractContextManager[None]]

    def take(self) -> None:
        """Waits for it; raises `LedgerError` where another keeps it."""
        self.held.enter_context(self.lock())

    def leave(self) -> None:
        """Lets others have it."""
        self.held.close()


async def _cycle(order: Order, ledger: "Ledger", turn: _Turn) -> int:
    from budgetd.clock import now
    from budgetd.cycle import exit_code
    from budgetd.execute import StopSendingError
    from budgetd.wiring import cycle_of, observer_of, open_client

    config = order.opened.config
    open_logs(config)
    with reading_progress() as progress:
        async with open_client(config, now, may_write=True) as client:
            observer = observer_of(config, client, now, progress)
            cycle = cycle_of(order.opened, observer, ledger, only=order.rule)
            cycle.progress = _tell
            try:
                still_open = await cycle.begin()
                _warn(still_open)
                if order.saved is not None:
                    report = await _saved(order.saved, cycle)
                else:
                    report = await _fresh(order, cycle, turn)
            except StopSendingError as stop:
                say(f"error: {stop}")
                return FAILED
    if report is None:
        return DOUBT if still_open else STALE_PLAN
    show_results(report, order.opened.config.timezone, order.style)
    turn.leave()
    _tend(order, ledger)
    return exit_code(report)


def _tend(order: Order, ledger: "Ledger") -> None:
    """Where no daemon runs, nobody else makes old readings coarser and finds what is spent."""
    from contextlib import suppress

    from budgetd.clock import now
    from budgetd.ledger.database import StoreError
    from budgetd.service.tending import Tending

    ends = time.monotonic() + TENDS_FOR_S
    tending = Tending(ledger=ledger, clock=now)
    # What has moved is told by now; what is not done here is done next time.
    with suppress(StoreError):
        while tending.step(order.opened.config) and time.monotonic() < ends:
            pass


def _warn(still_open: "list[Intent]") -> None:
    for intent in still_open:
        say(
            f"in doubt: transfer {intent.id} ({intent.account_name}, {intent.amount}); "
            f"see `budgetd transfers show {intent.id}`"
        )


async def _fresh(order: Order, cycle: "Cycle", turn: _Turn) -> "Report":
    """Plans, shows, asks, carries out. What others moved meanwhile is known when each item's turn
    comes."""
    from budgetd.cli.plan import tell_alone
    from budgetd.core.plans.again import promised_of
    from budgetd.report.phrases import count
    from budgetd.report.plan_text import plan_text

    report = await cycle.plan()
    plan = report.plan
    assert plan is not None
    if order.style == "text":
        text = plan_text(plan, screen_of(order.opened.config.timezone), closing="")
        click.echo(text, nl=False)
        tell_alone(plan)
    items = [promised_of(transfer, plan.expires_at) for transfer in plan.moves]
    if items and not order.is_agreed:
        turn.leave()
        if not agrees(f"Carry out {count(len(items), 'transfer')}?"):
            say("nothing was moved")
            return report
        turn.take()
        await cycle.begin()
    await cycle.carry_out(report, items)
    return report


async def _saved(saved: "SavedPlan", cycle: "Cycle") -> "Report | None":
    """Carries out a saved plan; None where it was used before."""
    from budgetd.core.decisions.needs import Named
    from budgetd.ledger import kept

    if not kept.use_plan(cycle.ledger, saved.plan_digest, cycle.clock()):
        say("error: this plan was carried out before; nothing was moved")
        return None
    report = await cycle.observe(Named.of_units(item.unit for item in saved.moves))
    items, gone = _promises(saved, report)
    for name in gone:
        say(f"account {name} is gone; its transfers are left out")
    await cycle.carry_out(report, items)
    return report


def _promises(saved: "SavedPlan", report: "Report") -> "tuple[list[Promised], list[str]]":
    """The items of a saved plan whose accounts are still there, and the names of the others."""
    from budgetd.core.plans.again import Promised

    accounts = {account.id: account for account in report.observation.accounts}
    items, gone = [], []
    for item in saved.moves:
        account = accounts.get(item.unit.account_id)
        if account is None:
            gone.append(item.account_name)
            continue
        items.append(
            Promised(
                id=item.id,
                rule=item.rule,
                account=account,
                direction=item.direction,
                unit=item.unit,
                amount=item.amount,
                expires_at=saved.expires_at,
            )
        )
    return items, gone


def _tell(item: "Promised", outcome: "Outcome | None") -> None:
    """One line a transfer on a terminal, as it is sent and as it ends; elsewhere the log has it."""
    from budgetd.report.results_text import progress_line

    if not sys.stderr.isatty():
        return
    if outcome is not None:
        say(progress_line(outcome))
    else:
        click.echo(f"  {item.account.name} ...\r", nl=False, err=True)

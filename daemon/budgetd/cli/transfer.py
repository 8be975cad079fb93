"""`budgetd transfer`: a move by hand, through the same ledger, limits and proof as a rule's."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from budgetd.cli.asking import agrees, can_ask, said, who
from budgetd.cli.speaking import (
    DOUBT,
    FAILED,
    LIMITED,
    LOCK_WAIT_S,
    USAGE,
    failures,
    open_logs,
    say,
    show_results,
)
from budgetd.core.moment import format_minute

if TYPE_CHECKING:
    from budgetd.core.decisions.decision import Held
    from budgetd.core.observation import Account, Observation
    from budgetd.core.plans.by_hand import Order
    from budgetd.core.plans.plan import Transfer, Withheld
    from budgetd.cycle import Cycle, Report
    from budgetd.ledger.store import Ledger
    from budgetd.wiring import Opened


MOST = 5
"""So many coupons or ledgers are listed for somebody who named one that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was ordered, as it was written."""

    opened: "Opened"
    account: str
    amount: Decimal
    is_reclaim: bool
    instrument: str
    part: str | None
    reason: str
    is_agreed: bool
    style: str


@click.command("transfer")
@click.argument("account")
@click.argument("amount")
@click.option("--reason", required=True, help="Why; kept with the transfer for ever.")
@click.option("--reclaim", is_flag=True, help="Home from the account, instead of to it.")
@click.option("--credit", is_flag=True, help="Credit, instead of cash.")
@click.option("--ledger", metavar="EXPIRE_TIME", help="Of which credit ledger, exactly as told.")
@click.option("--coupon", metavar="ID", help="From that coupon; with --reclaim the child's id.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, /, account: str, amount: str, **given: object) -> None:
    """Moves AMOUNT to ACCOUNT (its id or its name) by hand, all of it or nothing.

    The limits of the config, `never`, pauses and open transfers hold it as they hold a rule;
    whoever orders it is the person whom `approval_above` asks for.
    """
    with failures():
        from budgetd.wiring import open_documents

        wanted = _wanted(open_documents(ctx.obj), account, amount, given)
        is_real = str(wanted.opened.config.mode) != "dry_run"
        if is_real and not wanted.is_agreed and not can_ask():
            say("error: no terminal to ask at; say --yes to move money without being asked")
            ctx.exit(USAGE)
        ctx.exit(_transfer(wanted))


def _wanted(opened: "Opened", account: str, amount: str, given: dict[str, object]) -> Wanted:
    from budgetd.core.money import ZERO, AmountError, parse_amount

    try:
        value = parse_amount(amount)
    except AmountError as problem:
        raise click.UsageError(f"AMOUNT: {problem}") from None
    if value <= ZERO:
        raise click.UsageError("AMOUNT: expected more than 0.00")
    reason = said(str(given["reason"]))
    if not reason:
        raise click.UsageError("--reason: say why")
    coupon, ledger = given["coupon"], given["ledger"]
    if coupon is not None and given["credit"]:
        raise click.UsageError("--coupon and --credit: one of them")
    if ledger is not None and not given["credit"]:
        raise click.UsageError("--ledger is for --credit")
    part = coupon if coupon is not None else ledger
    return Wanted(
        opened=opened,
        account=account,
        amount=value,
        is_reclaim=bool(given["reclaim"]),
        instrument="coupon" if coupon is not None else "credit" if given["credit"] else "cash",
        part=None if part is None else str(part),
        reason=reason,
        is_agreed=bool(given["yes"]),
        style=str(given["style"]),
    )


def _transfer(wanted: Wanted) -> int:
    from budgetd.ledger.locks import cycle_lock
    from budgetd.ledger.store import Ledger

    config = wanted.opened.config
    if str(config.mode) == "dry_run":
        return asyncio.run(_dry(wanted))
    with cycle_lock(config.state, wait_s=LOCK_WAIT_S):
        ledger = Ledger(config.state, may_write=True)
        try:
            return asyncio.run(_real(wanted, ledger))
        finally:
            ledger.close()


async def _dry(wanted: Wanted) -> int:
    """What it would do under `mode: dry_run`: it says so, and moves nothing."""
    from budgetd.clock import now
    from budgetd.core.decisions.decision import Held
    from budgetd.core.decisions.needs import One
    from budgetd.core.plans.by_hand import plan_by_hand
    from budgetd.core.plans.plan import Withheld
    from budgetd.cycle import blank_observation
    from budgetd.wiring import observer_of, open_client, open_past

    opened = wanted.opened
    settings = opened.settings()
    with open_past(opened.config) as past:
        async with open_client(opened.config, now, may_write=False) as client:
            observer = observer_of(opened.config, client, now)
            blank = blank_observation(settings, past, now())
            observation = await observer.fleet(One(wanted=wanted.account), blank)
    account = _account(wanted, observation.accounts)
    if account is None:
        return USAGE
    order = _order(wanted, account)
    if _is_absent(order, observation):
        return USAGE
    found = plan_by_hand(order, settings.frame, observation, settings.limits)
    if isinstance(found, Held | Withheld):
        return _tell_held(wanted, account, found)
    _tell(wanted, account, found)
    say("mode: dry_run in the config: nothing was moved")
    return LIMITED


async def _real(wanted: Wanted, ledger: "Ledger") -> int:
    from budgetd.clock import now
    from budgetd.core.decisions.decision import Held
    from budgetd.core.decisions.needs import One
    from budgetd.core.plans.by_hand import plan_by_hand
    from budgetd.core.plans.plan import Withheld
    from budgetd.cycle import exit_code
    from budgetd.execute import StopSendingError
    from budgetd.wiring import cycle_of, observer_of, open_client

    opened = wanted.opened
    open_logs(opened.config)
    async with open_client(opened.config, now, may_write=True) as client:
        cycle = cycle_of(opened, observer_of(opened.config, client, now), ledger)
        try:
            still_open = await cycle.begin()
        except StopSendingError as stop:
            say(f"error: {stop}")
            return FAILED
        report = await cycle.observe(One(wanted=wanted.account))
        account = _account(wanted, report.observation.accounts)
        if account is None:
            return USAGE
        settings, order = cycle.settings, _order(wanted, account)
        if _is_absent(order, report.observation):
            return USAGE
        found = plan_by_hand(order, settings.frame, report.observation, settings.limits)
        if isinstance(found, Held | Withheld):
            return _tell_held(wanted, account, found)
        _tell(wanted, account, found)
        if not wanted.is_agreed and not agrees("Carry it out?"):
            say("nothing was moved")
            return DOUBT if still_open else 0
        await _carry_out(wanted, cycle, report, found)
    show_results(report, wanted.opened.config.timezone, wanted.style)
    is_held = any(outcome.state is None for outcome in report.outcomes)
    return exit_code(report) or (FAILED if is_held else 0)


def _account(wanted: Wanted, accounts: "tuple[Account, ...]") -> "Account | None":
    found = [one for one in accounts if wanted.account in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    why = "no account is called" if not found else "several accounts are called"
    say(f"error: {why} {wanted.account}; see `budgetd accounts`, and give its id")
    return None


def _order(wanted: Wanted, account: "Account") -> "Order":
    from budgetd.core.intent import Direction, Instrument
    from budgetd.core.plans.by_hand import Order

    return Order(
        account=account,
        direction=Direction.RECLAIM if wanted.is_reclaim else Direction.ALLOCATE,
        instrument=Instrument(wanted.instrument),
        amount=wanted.amount,
        part=wanted.part,
    )


def _is_absent(order: "Order", observation: "Observation") -> bool:
    """Whether it names a coupon or a ledger that is not there; then it is said, with a few that
    are."""
    from budgetd.core.intent import Instrument
    from budgetd.core.money import show_amount
    from budgetd.core.plans.by_hand import absent_of

    found = absent_of(order, observation)
    if found is None:
        return False
    whose = "the master" if found.owner is None else found.owner.label
    kind = "coupon" if found.instrument is Instrument.COUPON else "credit ledger that ends"
    say(f"error: {whose} has no {kind} {found.part or 'never'}; nothing was moved")
    useful = [(name, amount) for name, amount in found.there if amount]
    told = [f"{name or 'permanent'} ({show_amount(amount)})" for name, amount in useful[:MOST]]
    if len(useful) > MOST:
        told.append(f"{len(useful) - MOST} more")
    say(f"it has {', '.join(told)}" if told else "it has none with anything in it")
    return True


def _tell_held(wanted: Wanted, account: "Account", found: "Held | Withheld") -> int:
    """Why nothing moves: 5 where a limit withholds it, 1 for any other rail."""
    from budgetd.core.plans.plan import Withheld
    from budgetd.report.words import HOLD_WORDS, limit_name, limit_words

    if isinstance(found, Withheld):
        say(f"withheld: {limit_words(found.limit)} ({limit_name(found.limit)}); nothing was moved")
        return LIMITED
    until = ""
    if found.until is not None:
        zone = wanted.opened.config.timezone
        until = f" until {format_minute(found.until, zone)}"
    detail = f": {found.detail}" if found.detail else ""
    say(f"held: {account.label}: {HOLD_WORDS[found.reason]}{until}{detail}; nothing was moved")
    return FAILED


def _tell(wanted: Wanted, account: "Account", found: "Transfer") -> None:
    """What is about to move, on stderr: stdout has what moved."""
    from budgetd.core.money import show_amount

    way = "home from" if wanted.is_reclaim else "to"
    say(
        f"{show_amount(found.amount)} {found.currency} of {found.instrument} {way} {account.label}"
        f" ({account.id}): {show_amount(found.reading)} -> {show_amount(found.after)}"
    )


async def _carry_out(wanted: Wanted, cycle: "Cycle", report: "Report", found: "Transfer") -> None:
    from dataclasses import replace

    from budgetd.core.decisions.limits import PLAN_LIFETIME
    from budgetd.core.plans.again import promised_of

    item = promised_of(found, cycle.clock() + PLAN_LIFETIME)
    words = (("reason", wanted.reason), ("by", who()))
    await cycle.carry_out(report, [replace(item, said=words)])

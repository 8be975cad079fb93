"""`budgetd suggest`: triggers and targets found from history. It never writes a policy file."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import PROPOSED, failures, say, screen_of

if TYPE_CHECKING:
    from budgetd.core.intent import Unit
    from budgetd.core.observation import Observation
    from budgetd.core.suggesting.proving import Texts
    from budgetd.core.suggesting.suggestion import Advice
    from budgetd.wiring import Opened

FORMATS = ["text", "patch", "json"]
MOST_DAYS = 28


@click.command("suggest")
@click.argument("name", metavar="[POLICY[/RULE]]", required=False)
@click.option(
    "--days",
    type=click.IntRange(10, MOST_DAYS),
    default=MOST_DAYS,
    show_default=True,
    help="So many days of readings.",
)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file.")
@click.option(
    "--snapshot",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The fleet and its burns as recorded (`budgetd accounts --format json`).",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 where something is suggested.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str | None,
    days: int,
    style: str,
    out: Path | None,
    snapshot: Path | None,
    detailed_exitcode: bool,
) -> None:
    """What the triggers and targets of POLICY, of POLICY/RULE or of every rule should be, by what
    its accounts spent; each number with its reason.

    `--format patch` is for `git apply` or `patch -p1`; it changes numbers alone, and `check` has
    passed what it makes. Reads the list of accounts; nothing is moved, no policy is written.
    """
    with failures():
        from budgetd.cli.keeping import tell_or_keep
        from budgetd.wiring import open_documents

        opened = open_documents(ctx.obj)
        _check_name(opened, name)
        _check_out(opened, out)
        request = _Request(opened=opened, name=name, days=days, style=style)
        told, is_found = asyncio.run(_suggest(request, snapshot))
        tell_or_keep(told, out)
        ctx.exit(PROPOSED if detailed_exitcode and is_found else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was asked for."""

    opened: "Opened"
    name: str | None
    days: int
    style: str


def _check_name(opened: "Opened", name: str | None) -> None:
    known = {rule for rule, _ in opened.loaded.policy_set.rules()}
    known |= {policy.policy for policy in opened.loaded.policy_set.policies}
    if name is not None and name not in known:
        raise click.UsageError(
            f"no policy and no rule {name!r}; there are {', '.join(sorted(known))}"
        )


def _check_out(opened: "Opened", out: Path | None) -> None:
    policies = {Path(one.path).resolve() for one in opened.loaded.written}
    if out is not None and out.resolve() in policies:
        raise click.UsageError("--out: that is a policy, which `suggest` never writes")


async def _suggest(request: _Request, snapshot: Path | None) -> tuple[str, bool]:
    """What is told, and whether something is suggested."""
    from budgetd.config import open_calendar
    from budgetd.core.suggesting.judging import suggest
    from budgetd.core.suggesting.proving import prove
    from budgetd.core.suggesting.suggestion import Setting

    opened = request.opened
    observation = await _observe(request, snapshot)
    calendar, _ = open_calendar(opened.config)
    setting = Setting(
        limits=opened.config.guards(),
        max_staleness=opened.config.polling.max_staleness,
        now=observation.taken_at,
        calendar=calendar,
        days=request.days,
    )
    advice = suggest(opened.loaded.written, observation, setting, request.name)
    texts = _texts(opened, advice, observation)
    proven = prove(advice, texts)
    is_found = any(one.numbers or one.by_runway for one in proven.advice)
    match request.style:
        case "patch":
            return _patch(request, proven.advice, texts, proven.texts), is_found
        case "json":
            from budgetd.report.suggest_json import suggest_json

            document = suggest_json(
                proven.advice,
                observation,
                request.days,
                enterprise=opened.config.enterprise,
                digest=opened.loaded.policy_set.digest,
            )
            return json.dumps(document, ensure_ascii=False, indent=1) + "\n", is_found
        case _:
            from budgetd.report.suggest_text import suggest_text

            screen = screen_of(opened.config.timezone)
            told = suggest_text(
                proven.advice,
                request.days,
                screen,
                enterprise=opened.config.enterprise,
                at=observation.taken_at,
            )
            return told, is_found


def _patch(
    request: _Request, advice: "Sequence[Advice]", texts: "Texts", new: "Mapping[str, str]"
) -> str:
    from budgetd.config.files import shown_path
    from budgetd.report.suggest_patch import is_nameable, suggest_patch

    # No tool follows a patch through `..` or a link: the files are named where they really lie.
    names = {path: shown_path(Path(path).resolve()) for path in new}
    for name in names.values():
        if not is_nameable(name):
            raise click.UsageError(f"a patch cannot name {name!r}; see --format text")
    if not new:
        say("No number is suggested, so there is no patch; --format text says why.")
    elif any(name.startswith("/") for name in names.values()):
        say("Its paths begin at the root: apply it there, with `patch -p1 -d /`.")
    return suggest_patch(
        [replace(one, path=names.get(one.path, one.path)) for one in advice],
        {name: texts.texts[path] for path, name in names.items()},
        {name: new[path] for path, name in names.items()},
        request.days,
    )


async def _observe(request: _Request, snapshot: Path | None) -> "Observation":
    """The accounts, what they spent in so many days, what we moved."""
    from budgetd.cli.recorded import recorded
    from budgetd.clock import now
    from budgetd.core.decisions.needs import Named
    from budgetd.cycle import blank_observation
    from budgetd.ledger.forecasts import found_anew
    from budgetd.wiring import observer_of, open_client, open_past

    config, settings = request.opened.config, request.opened.settings()
    with open_past(config) as ledger:
        blank = blank_observation(settings, ledger, now(), is_preview=True)
        if snapshot is not None:
            return recorded(snapshot, blank)
        async with open_client(config, now, may_write=False) as client:
            seen = await observer_of(config, client, now).fleet(Named.of_units(()), blank)
        if ledger is None:
            return seen
        since = seen.taken_at - timedelta(days=request.days)
        units = _units(request, seen)
        # What is kept rests on as many days as are looked at where nobody says otherwise.
        kept = (
            {} if request.days < MOST_DAYS else {u: seen.burns[u] for u in units & set(seen.burns)}
        )
        fresh = found_anew(ledger, units - set(kept), since, config.timezone)
        return replace(seen, burns=kept | fresh)


def _units(request: _Request, seen: "Observation") -> "set[Unit]":
    """What the rules that are asked about spend from."""
    from budgetd.core.decisions.fleet import Fleet
    from budgetd.core.intent import Unit

    fleet = Fleet(seen.accounts)
    return {
        Unit(account_id=account.id, instrument=rule.instrument)
        for name, rule in request.opened.loaded.policy_set.rules()
        if request.name in (None, name, name.partition("/")[0])
        for account in fleet.select(rule.accounts)
    }


def _texts(opened: "Opened", advice: "Sequence[Advice]", observation: "Observation") -> "Texts":
    """The files in which a number may change, as they are now, and what judges them."""
    from budgetd.config import open_calendar
    from budgetd.config.files import read_file
    from budgetd.core.documents.problem import InvalidDocuments, Problem
    from budgetd.core.lints.linting import Fleet, Setting
    from budgetd.core.observation import Ok
    from budgetd.core.suggesting.proving import Texts

    config, texts = opened.config, {}
    for path in {one.path for one in advice if one.numbers}:
        data = read_file(Path(path), path)
        if isinstance(data, Problem):
            raise InvalidDocuments([data])
        try:
            texts[path] = data.decode()
        except UnicodeDecodeError:
            texts[path] = ""  # Not what was read a moment ago: no number stands in it.
    cash = observation.master.cash
    fleet = Fleet(
        accounts=observation.accounts,
        master_cash=cash.value if isinstance(cash, Ok) else None,
        burns=observation.burns,
    )
    limits, now = config.guards(), observation.taken_at.replace(microsecond=0)
    return Texts(
        written=opened.loaded.written,
        texts=texts,
        context={"calendar": open_calendar(config)[0], "windows": config.windows_by_name()},
        linting=Setting(limits=limits, now=now, fleet=fleet),
    )

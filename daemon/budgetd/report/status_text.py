"""What a daemon does, for a terminal: the verdict first, then one word and its lines each.

It may not look anything up, nor let a name act on the terminal.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.text import Text

from budgetd.core.approval import Proposal, ProposalState
from budgetd.core.intent import MOST_DOUBTS, Direction, Move
from budgetd.core.money import parse_amount, show_amount, total
from budgetd.core.reason import QUIET, Ask
from budgetd.core.standing import Done, Funds, Standing
from budgetd.report.ahead import length_words, worst_words
from budgetd.report.harmless import harmless
from budgetd.report.pauses import scope_text
from budgetd.report.phrases import count, short_digest, signed
from budgetd.report.rows import VERBS, moment
from budgetd.report.screen import Screen, fit, flow_parts, pad, print_lines, sentences
from budgetd.report.status import Told, verdict
from budgetd.report.words import ASK_WORDS, HOLD_WORDS, STATE_WORDS, limit_name, without_endpoint

MOST = 8
_INDENT = 10
_HOLDS = {str(hold): words for hold, words in HOLD_WORDS.items()}
_STATES = {str(state): words for state, words in STATE_WORDS.items()}
_MONEY = {"cash": "cash", "credit": "credit", "coupon": "coupons"}
UNKNOWN_RUNWAY = "unknown until burn is known: three days of readings"


def status_text(told: Told, screen: Screen) -> str:
    """The whole of it."""
    said = told.standing
    words, cure = verdict(told)
    lines = [Text(line, style="bold") for line in flow_parts(_head(told, screen), screen.room)]
    style = "bold green" if told.is_well else "bold red"
    lines += [Text(line, style=style) for line in sentences(words, screen.room)]
    lines += [Text(line) for line in sentences(cure, screen.room) if cure]
    if told.unread:
        why = harmless(f"What it last said cannot be read: {told.unread}.")
        lines += [Text(line, style="red") for line in sentences(why, screen.room)]
    lines.append(Text())
    lines += _trouble(told, screen)
    if said is not None:
        lines += _said(said, told, screen)
    lines += _block("recent", list(_recent(told, screen)), screen)
    return print_lines(lines, screen)


def _trouble(told: Told, screen: Screen) -> Iterator[Text]:
    """What a person must see first."""
    said = told.standing
    if said is not None and said.policies.problems:
        yield from _block("reload", list(_refusal(said, told, screen)), screen, "bold red")
    if said is not None and said.last is not None and said.last.stopped:
        yield from _block("stopped", [said.last.stopped], screen, "bold red")
    yield from _block("paused", list(_pauses(told, screen)), screen, "bold yellow")
    yield from _block("doubt", list(_doubts(told, screen)), screen, "bold yellow")
    yield from _block("waiting", list(_proposals(told, screen)), screen, "cyan")


def _head(told: Told, screen: Screen) -> Iterator[str]:
    said = told.standing
    if said is None:
        return
    yield harmless(said.enterprise)
    yield "enforce" if said.mode == "enforce" else "dry run: nothing moves"
    yield f"policies {short_digest(harmless(said.policies.digest))}, " + (
        count(said.policies.rules, "rule")
    )
    started = moment(said.started_at, told.now, screen.zone)
    yield f"process {said.process} {'since' if told.is_running else 'from'} {started}"
    if not told.is_running or told.is_late:
        yield f"last word {_age(told.now - said.at)} ago"


def _said(said: Standing, told: Told, screen: Screen) -> Iterator[Text]:
    if said.last is None:
        yield from _block("last", ["no cycle has ended yet"], screen)
    else:
        yield from _block("last", list(_last(said.last, told, screen)), screen)
        yield from _block("unread", [without_endpoint(said.last.unread_why)], screen, "bold red")
        yield from _block("held", list(_held(said.last)), screen)
    coming = list(_next(said, told, screen)) if told.is_running else ["nothing until it runs again"]
    yield from _block("next", coming, screen)
    yield from _block("master", [" · ".join(_funds(one, told) for one in said.master)], screen)
    yield from _block("runway", list(_runways(said)), screen)


def _block(name: str, parts: Sequence[str], screen: Screen, style: str = "") -> list[Text]:
    """The name beside the first line; nothing where there is nothing to say."""
    room = screen.room - _INDENT
    lines = [line for part in parts if part for line in sentences(harmless(part), room)]
    return [
        Text.assemble(
            (pad("" if number else name, _INDENT), style or "bold"),
            (fit(line, room), style if not number else ""),
        )
        for number, line in enumerate(lines)
    ]


def _refusal(said: Standing, told: Told, screen: Screen) -> Iterator[str]:
    tried = moment(said.policies.tried_at, told.now, screen.zone)
    yield f"refused at {tried}; the policies from before stay in force"
    yield from said.policies.problems[:MOST]
    yield "Correct the files, try them with `budgetd check`, then reload."


def _last(last: Done, told: Told, screen: Screen) -> Iterator[str]:
    took = max((last.ended_at - last.began_at).total_seconds(), 0)
    ended = moment(last.ended_at, told.now, screen.zone)
    if not last.has_plan:
        yield (
            f"cycle cut short {ended}, {_age(told.now - last.ended_at)} ago, after {took:,.1f} s; "
            "it did not come as far as a plan, so that nothing was decided"
        )
        return
    unread = f", {last.unreadable:,} unread" if last.unreadable else ""
    yield (
        f"cycle ended {ended}, {_age(told.now - last.ended_at)} ago, in {took:,.1f} s; "
        f"{last.accounts_read:,} of {last.accounts:,} accounts read{unread}"
    )
    states = [
        f"{number:,} {_STATES.get(state, state.replace('_', ' '))}"
        for state, number in last.transfers.items()
        if number
    ]
    moved = [f"{way} {show_amount(parse_amount(amount))}" for way, amount in last.moved.items()]
    yield "transfers: " + ("; ".join([", ".join(states), *moved]) if states else "none")
    counted = ((last.withheld, "withheld"), (last.alerts, "alerts"), (last.still_open, "open"))
    yield ", ".join(f"{number:,} {words}" for number, words in counted if number)


def _held(last: Done) -> Iterator[str]:
    quiet = {str(reason) for reason in QUIET}
    loud = [pair for pair in last.held.items() if pair[1] and pair[0] not in quiet]
    rest = [pair for pair in last.held.items() if pair[1] and pair[0] in quiet]
    for pairs in (loud, rest):
        yield ", ".join(f"{_HOLDS.get(name, name)} {number:,}" for name, number in pairs)


def _next(said: Standing, told: Told, screen: Screen) -> Iterator[str]:
    coming = sorted(said.next, key=lambda one: one.at)
    for one in coming[:MOST]:
        distance = one.at - told.now
        when = f"in {_age(distance)}" if distance > timedelta() else f"due for {_age(-distance)}"
        yield f"{moment(one.at, told.now, screen.zone)}  {one.what}, {when}"
    if len(coming) > MOST:
        yield f"and {len(coming) - MOST:,} more"


def _funds(funds: Funds, told: Told) -> str:
    name = _MONEY.get(funds.instrument, funds.instrument)
    if funds.available is None:
        return f"{name} unknown" + (f" ({funds.why})" if funds.why else "")
    age = f", read {_age(told.now - funds.read_at)} ago" if funds.read_at else ""
    return f"{name} {show_amount(parse_amount(funds.available))} {told.currency}{age}"


def _runways(said: Standing) -> Iterator[str]:
    """How long the master's cash feeds what it feeds, and the accounts that end first."""
    known = [one.lasts for one in said.master if one.lasts is not None]
    words = length_words(known[0]) if known else UNKNOWN_RUNWAY
    yield f"master cash less the reserve: {words}"
    for one in said.worst:
        yield f"{one.label}: {worst_words(one)}"


def _pauses(told: Told, screen: Screen) -> Iterator[str]:
    for pause in told.pauses[:MOST]:
        until = f", until {moment(pause.until, told.now, screen.zone)}" if pause.until else ""
        ends = "; ends by `budgetd resume --reason` alone" if pause.is_latched else until
        since = moment(pause.at, told.now, screen.zone)
        scope = scope_text(pause, told.names)
        yield f"{scope}: {pause.reason or 'no reason given'} (by {pause.by} at {since}{ends})"
    if len(told.pauses) > MOST:
        yield f"and {len(told.pauses) - MOST:,} more"


def _doubts(told: Told, screen: Screen) -> Iterator[str]:
    for move in told.doubts[:MOST]:
        name = told.names.get(move.unit.account_id, "") or move.unit.account_id
        made = moment(move.made_at, told.now, screen.zone)
        yield (
            f"{move.id}  {_verb(move)} {name}, {STATE_WORDS[move.state]} since {made}; "
            f"`budgetd transfers show {move.id}`"
        )
    if len(told.doubts) > MOST:
        yield f"and {len(told.doubts) - MOST:,} more: `budgetd transfers list --open`"
    if told.is_held_by_doubt:
        yield f"Nothing new is sent anywhere until fewer than {MOST_DOUBTS} are open."


def _recent(told: Told, screen: Screen) -> Iterator[str]:
    for move in told.recent:
        name = told.names.get(move.unit.account_id, "") or move.unit.account_id
        made = moment(move.made_at, told.now, screen.zone)
        yield f"{move.id}  {made}  {_verb(move)} {name}, {STATE_WORDS[move.state]}"


def _verb(move: Move) -> str:
    is_out = move.direction is Direction.ALLOCATE
    amount = signed(move.amount if is_out else -move.amount)
    return f"{VERBS[move.unit.instrument, move.direction]} {amount}"


def _proposals(told: Told, screen: Screen) -> Iterator[str]:
    for proposal in told.proposals[:MOST]:
        yield _proposal(proposal, told, screen)
    if len(told.proposals) > MOST:
        yield f"and {len(told.proposals) - MOST:,} more: `budgetd approve`"


def _proposal(proposal: Proposal, told: Told, screen: Screen) -> str:
    amount = total(item.amount for item in proposal.items)
    is_out = proposal.direction is Direction.ALLOCATE
    why = f"over {limit_name(proposal.limit)}" if proposal.limit else ASK_WORDS[Ask(proposal.ask)]
    until = moment(proposal.expires_at, told.now, screen.zone)
    cure = f"`budgetd approve {proposal.id}`"
    if proposal.state is ProposalState.APPROVED:
        cure = f"approved by {proposal.decided_by}"
    return (
        f"{signed(amount if is_out else -amount)} in {count(len(proposal.items), 'transfer')} by "
        f"{proposal.rule}, {why}, until {until}; {cure}"
    )


def _age(length: timedelta) -> str:
    """`40 s`, `12 min`, `5 h`, `3 d`: rounded down."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"

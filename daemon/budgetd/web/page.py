"""The status page as nouns: what needs an eye first, then what comes, what was, the fleet.

The template lays it out and computes nothing; this module may not write markup.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from budgetd.core.approval import Proposal, ProposalState
from budgetd.core.decisions.decision import Held
from budgetd.core.intent import MOST_DOUBTS, Direction, Move, State
from budgetd.core.moment import format_second
from budgetd.core.money import parse_amount, show_amount, total
from budgetd.core.reason import QUIET, Ask, Hold
from budgetd.core.standing import Funds
from budgetd.ledger import looking, proposals
from budgetd.ledger.tally import open_moves
from budgetd.report.ahead import length_words, worst_words
from budgetd.report.figure import Figure
from budgetd.report.pauses import in_force, scope_text
from budgetd.report.phrases import count, short_digest, signed
from budgetd.report.rows import VERBS, hold_note, moment
from budgetd.report.summary import loud_holds
from budgetd.report.words import (
    ASK_WORDS,
    HOLD_SENTENCES,
    HOLD_WORDS,
    STATE_WORDS,
    limit_name,
    without_endpoint,
)
from budgetd.web.fleet import Fleet, age_words, fleet_of
from budgetd.web.matters import DOUBTFUL
from budgetd.web.seen import Seen, is_late

RECENT_MOVES = 20
MOST_NEXT = 12
MOST_LISTED = 50
FEW_HELD = 12
LONGEST_QUERY = 100

_MONEY = {"cash": "cash", "credit": "credit", "coupon": "coupons"}
_STATES = {str(state): words for state, words in STATE_WORDS.items()}
_TONES: dict[State, str] = {
    State.PREPARED: "soft",
    State.SENDING: "wait",
    State.IN_DOUBT: "bad",
    State.NEEDS_HUMAN: "bad",
    State.SETTLED: "good",
    State.REFUSED: "bad",
    State.CANCELLED: "soft",
    State.VOID: "soft",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Something that a person must know first: its title, then lines, then what to do."""

    title: str
    lines: tuple[str, ...]
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A proposal: what it is about, why a person is asked, and the command that agrees."""

    id: str
    rule: str
    amount: str
    about: str
    why: str
    until: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer of the ledger."""

    id: str
    when: str
    account: str
    account_id: str
    verb: str
    amount: str
    rule: str
    state: str
    tone: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The accounts held for one reason; `more` are not listed."""

    title: str
    sentence: str
    count: int
    accounts: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template shows; pairs are a name and what stands beside it."""

    enterprise: str
    mode: str
    is_enforcing: bool
    at: str
    policies: str
    since: str
    banners: tuple[Banner, ...]
    figures: tuple[Figure, ...]
    next: tuple[tuple[str, str, str], ...]
    more_next: int
    last: tuple[tuple[str, str], ...]
    master: tuple[tuple[str, str, str], ...]
    runway: str
    worst: tuple[tuple[str, str], ...]
    waiting: tuple[Waiting, ...]
    more_waiting: int
    doubts: tuple[Transfer, ...]
    more_doubts: int
    groups: tuple[Group, ...]
    quiet: str
    recent: tuple[Transfer, ...]
    fleet: Fleet
    query: str
    currency: str


def page_of(seen: Seen, query: str, page: int) -> Page:
    """The page of one look; `query` filters the fleet, which is shown from that page on."""
    query = query[:LONGEST_QUERY].strip()
    standing, fleet = seen.standing, fleet_of(seen, query, page)
    live = [one for one in proposals.live(seen.past) if seen.now < one.expires_at]
    doubts = _doubts(seen)
    coming = sorted(standing.next, key=lambda one: one.at)
    is_enforcing = standing.mode == "enforce"
    return Page(
        enterprise=standing.enterprise,
        mode="enforce" if is_enforcing else "dry run",
        is_enforcing=is_enforcing,
        at=f"{format_second(seen.now, seen.zone)} {seen.zone.key}",
        policies=f"{short_digest(standing.policies.digest)}, "
        + count(standing.policies.rules, "rule"),
        since=_when(seen, standing.started_at),
        banners=tuple(_banners(seen)),
        figures=tuple(_figures(seen, len(live), len(doubts))),
        next=tuple(
            (one.what, _when(seen, one.at), _in(seen, one.at)) for one in coming[:MOST_NEXT]
        ),
        more_next=max(len(coming) - MOST_NEXT, 0),
        last=tuple(_last(seen)),
        master=tuple(_funds(seen, funds) for funds in standing.master),
        runway=next(
            (length_words(one.lasts) for one in standing.master if one.lasts is not None),
            "unknown until burn is known",
        ),
        worst=tuple((one.label, worst_words(one)) for one in standing.worst),
        waiting=tuple(_waiting(seen, one) for one in live[:MOST_LISTED]),
        more_waiting=max(len(live) - MOST_LISTED, 0),
        doubts=tuple(
            _transfer(seen, move, seen.past.note_of(move.id)) for move in doubts[:MOST_LISTED]
        ),
        more_doubts=max(len(doubts) - MOST_LISTED, 0),
        groups=tuple(_groups(seen)),
        quiet=_quiet(seen),
        recent=tuple(_transfer(seen, move) for move in looking.newest(seen.past, RECENT_MOVES)),
        fleet=fleet,
        query=query,
        currency=seen.currency,
    )


def _banners(seen: Seen) -> Iterator[Banner]:
    standing = seen.standing
    if standing.is_stopping:
        yield Banner(title="The daemon is stopping.", lines=())
    if is_late(seen):
        yield Banner(
            title="No cycle has done its work for longer than twice polling.max_staleness.",
            lines=("The daemon runs and does not do its work.",),
            cure="Look at its log, and at `budgetd doctor`.",
        )
    if standing.last is not None and standing.last.stopped:
        yield Banner(
            title="The last cycle stopped early.",
            lines=(standing.last.stopped,),
            cure="What was promised stays promised; the next cycle begins with it.",
        )
    if standing.policies.problems:
        tried = _when(seen, standing.policies.tried_at)
        digest = short_digest(standing.policies.digest)
        yield Banner(
            title=f"A reload was refused at {tried}; policies {digest} stay in force.",
            lines=standing.policies.problems,
            cure="Correct the files, try them with `budgetd check`, then reload.",
        )
    if seen.past.unproven() >= MOST_DOUBTS:
        yield Banner(
            title="So much is in doubt that nothing new is sent.",
            lines=(f"Nothing is, anywhere, until fewer than {MOST_DOUBTS} are open.",),
            cure="`budgetd transfers show ID` says how each of them ends.",
        )
    pauses = in_force(seen.past.pauses(), seen.now)
    about = {pause.account_id for pause in pauses}
    accounts = seen.observation.accounts if seen.observation else ()
    names = {account.id: account.name for account in accounts if account.id in about}
    for pause in pauses:
        ends = "until somebody resumes it"
        if pause.until is not None:
            ends = f"until {_when(seen, pause.until)}"
        kind = "Latched by budgetd itself" if pause.is_latched else "Paused"
        yield Banner(
            title=f"{kind}: {scope_text(pause, names)}.",
            lines=(f"since {_when(seen, pause.at)} by {pause.by}, {ends}", pause.reason),
            cure="`budgetd resume --reason` after somebody has looked."
            if pause.is_latched
            else "`budgetd resume` ends it.",
        )


def _figures(seen: Seen, waiting: int, doubts: int) -> Iterator[Figure]:
    last = seen.standing.last
    if last is None:
        yield Figure(name="first cycle", value="not yet", tone="wait")
    elif last.has_plan:
        yield Figure(name="accounts", value=f"{last.accounts:,}")
        unread = "bad" if last.unreadable else ""
        yield Figure(name="unread", value=f"{last.unreadable:,}", tone=unread)
        held = sum(number for reason, number in last.held.items() if reason not in QUIET)
        yield Figure(name="held", value=f"{held:,}", tone="wait" if held else "")
    yield Figure(name="proposals", value=f"{waiting:,}", tone="wait" if waiting else "")
    yield Figure(name="in doubt", value=f"{doubts:,}", tone="bad" if doubts else "")
    if last is not None and last.has_plan:
        alerts = "bad" if last.alerts else ""
        yield Figure(name="alerts", value=f"{last.alerts:,}", tone=alerts)


def _last(seen: Seen) -> Iterator[tuple[str, str]]:
    last = seen.standing.last
    if last is None:
        return
    took = max((last.ended_at - last.began_at).total_seconds(), 0)
    ended = f"{_when(seen, last.ended_at)}, {age_words(seen.now - last.ended_at)} ago"
    if not last.has_plan:
        yield "cut short", f"{ended}, after {took:,.1f} s"
        yield "decided", "nothing: it did not come as far as a plan"
        return
    yield "ended", f"{ended}; it took {took:,.1f} s"
    yield "accounts", f"{last.accounts_read:,} of {last.accounts:,} read"
    if last.unread_why:
        yield "not read", without_endpoint(last.unread_why)
    states = [f"{number:,} {_state(name)}" for name, number in last.transfers.items() if number]
    yield "transfers", ", ".join(states) or "none"
    for way, amount in last.moved.items():
        yield way, f"{_shown(amount)} {seen.currency}"
    if last.withheld:
        yield "withheld", f"{count(last.withheld, 'transfer')} by a limit"
    if last.still_open:
        yield "still open", count(last.still_open, "transfer")


def _state(name: str) -> str:
    return _STATES.get(name, name.replace("_", " "))


def _funds(seen: Seen, funds: Funds) -> tuple[str, str, str]:
    """The instrument, what there is, and its age or why it is unknown."""
    name = _MONEY.get(funds.instrument, funds.instrument)
    if funds.available is None:
        return name, "unknown", funds.why
    age = f"read {age_words(seen.now - funds.read_at)} ago" if funds.read_at else ""
    return name, f"{_shown(funds.available)} {seen.currency}", age


def _shown(amount: str) -> str:
    """An amount of the standing as people read it."""
    return show_amount(parse_amount(amount))


def _waiting(seen: Seen, proposal: Proposal) -> Waiting:
    is_out = proposal.direction is Direction.ALLOCATE
    names = [item.account_name or item.unit.account_id for item in proposal.items]
    about = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    why = f"over {limit_name(proposal.limit)}" if proposal.limit else ASK_WORDS[Ask(proposal.ask)]
    is_open = proposal.state is ProposalState.OPEN
    amount = total(item.amount for item in proposal.items)
    return Waiting(
        id=proposal.id,
        rule=proposal.rule,
        amount=f"{signed(amount if is_out else -amount)}",
        about=about,
        why=why,
        until=_when(seen, proposal.expires_at),
        command=f"budgetd approve {proposal.id}"
        if is_open
        else f"approved by {proposal.decided_by}; the next cycle carries it out",
    )


def _doubts(seen: Seen) -> list[Move]:
    """What is not known to have moved or not: what needs a person first, then the oldest."""
    found = [move for move in open_moves(seen.past) if move.state in DOUBTFUL]
    return sorted(found, key=lambda move: move.state is not State.NEEDS_HUMAN)


def _transfer(seen: Seen, move: Move, note: str = "") -> Transfer:
    intent = seen.past.intent(move.id)
    is_out = move.direction is Direction.ALLOCATE
    return Transfer(
        id=move.id,
        when=_when(seen, move.made_at),
        account=intent.account_name if intent else "",
        account_id=move.unit.account_id,
        verb=VERBS[move.unit.instrument, move.direction],
        amount=signed(move.amount if is_out else -move.amount),
        rule=move.rule,
        state=STATE_WORDS[move.state],
        tone=_TONES[move.state],
        note=note,
    )


def _groups(seen: Seen) -> Iterator[Group]:
    """Holds that need an eye, by reason, the rarest reason first."""
    if seen.plan is None:
        return
    by_reason: dict[Hold, list[Held]] = defaultdict(list)
    for held in loud_holds(seen.plan):
        by_reason[held.reason].append(held)
    for reason, holds in sorted(by_reason.items(), key=lambda pair: (len(pair[1]), pair[0])):
        told = [
            (held.account.label, f"{held.rule}, {hold_note(held, seen.now, seen.zone)}")
            for held in holds[:FEW_HELD]
        ]
        yield Group(
            title=HOLD_WORDS[reason],
            sentence=HOLD_SENTENCES[reason],
            count=len(holds),
            accounts=tuple(told),
            more=max(len(holds) - FEW_HELD, 0),
        )


def _quiet(seen: Seen) -> str:
    """How many holds need nobody's eye."""
    if seen.plan is None:
        return ""
    parts = []
    for reason in sorted(QUIET):
        number = sum(held.reason is reason for held in seen.plan.held)
        if number:
            parts.append(f"{HOLD_WORDS[reason]} {number:,}")
    return " · ".join(parts)


def _when(seen: Seen, at: datetime) -> str:
    return moment(at, seen.now, seen.zone)


def _in(seen: Seen, at: datetime) -> str:
    if at <= seen.now:
        return f"due for {age_words(seen.now - at)}"
    return f"in {age_words(at - seen.now)}"

"""What happened, turned into messages: the one place that words them.

It may not decide what is worth telling, nor whom; names from outside stand in it as they are, and
every channel makes them harmless for itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo

from budgetd.core.approval import Proposal
from budgetd.core.decisions.alerting import Notice, Turn
from budgetd.core.decisions.decision import Announcement, Held
from budgetd.core.decisions.slots import Missed
from budgetd.core.intent import Direction, Instrument, Intent, State
from budgetd.core.moment import format_minute
from budgetd.core.money import show_amount, total
from budgetd.core.pause import Pause
from budgetd.core.plans.outcome import Outcome
from budgetd.core.reason import Ask
from budgetd.core.reconciliation import ALARMING, Discrepancy, Finding
from budgetd.core.standing import Policies
from budgetd.core.telling import Event, Message, Severity
from budgetd.report.phrases import count, outcome_amount, outcome_note, outcome_verb, short_digest
from budgetd.report.words import ASK_WORDS, HOLD_WORDS, RAISED_WORDS, limit_words

MOST_LINES = 20

Ends = Mapping[str, datetime]
"""When the cash of accounts ends, by their ids."""

_ALERT_EVENTS = {
    Turn.RAISED: Event.ALERT_RAISED,
    Turn.REPEATED: Event.ALERT_REPEATED,
    Turn.OVER: Event.ALERT_OVER,
}
_ALERT_WORDS = {Turn.RAISED: "alert", Turn.REPEATED: "alert still holds", Turn.OVER: "alert over"}
_FINDINGS = {
    Finding.EXTERNAL: "moved by hand or by somebody else",
    Finding.CONTRADICTED: "a record of what did not move by our ledger",
    Finding.DOUBLED: "a second record of one transfer",
    Finding.UNRECORDED: "settled, and without a record",
}
_WAYS = {Direction.ALLOCATE: "to", Direction.RECLAIM: "from"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """When something is said, and how times and money are written there."""

    at: datetime
    zone: ZoneInfo
    currency: str

    def time(self, at: datetime) -> str:
        """`2026-11-30 22:00`, local."""
        return format_minute(at, self.zone)

    def money(self, amount: Decimal) -> str:
        """`2,000.00 CNY`."""
        return f"{show_amount(amount)} {self.currency}"


def of_alerts(notices: Iterable[Notice], now: Now) -> tuple[Message, ...]:
    """One message a rule and turn, a line an account: a fleet that runs low is one word, not a
    thousand."""
    groups: dict[tuple[str, Turn, str], list[Notice]] = defaultdict(list)
    for notice in notices:
        groups[notice.rule, notice.turn, notice.severity].append(notice)
    return tuple(
        Message(
            event=_ALERT_EVENTS[turn],
            severity=Severity(severity),
            title=f"{_ALERT_WORDS[turn]}: {rule}, {count(len(group), 'account')}",
            lines=_cut([_alert_line(notice, now) for notice in group]),
            subject=_name(rule, *(f"{one.account_id} {one.since}" for one in group)),
            at=now.at,
            channels=group[0].channels,
        )
        for (rule, turn, severity), group in groups.items()
    )


def _alert_line(notice: Notice, now: Now) -> str:
    since = f", since {now.time(notice.since)}" if notice.turn is not Turn.RAISED else ""
    if notice.raised is None:
        why = f": {notice.why}" if notice.why else ""
        return f"{notice.account_name}{since}{why}"
    raised = notice.raised
    why = RAISED_WORDS[raised.why]
    read = now.money(raised.reading) if raised.reading is not None else "no reading"
    return f"{notice.account_name}: {raised.instrument} {read}, {why}{since}"


def of_refusals(outcomes: Iterable[Outcome], now: Now) -> tuple[Message, ...]:
    """The transfers of a cycle that the provider refused, in one message."""
    refused = [one for one in outcomes if one.state is State.REFUSED]
    if not refused:
        return ()
    lines = [
        f"{one.account.label}: {outcome_verb(one)} {outcome_amount(one)}, {one.rule}: "
        f"{outcome_note(one)}"
        for one in refused
    ]
    return (
        Message(
            event=Event.TRANSFER_REFUSED,
            severity=Severity.WARNING,
            title=f"the provider refused {count(len(refused), 'transfer')}",
            lines=_cut(lines),
            subject=_name(*(one.id for one in refused)),
            at=now.at,
        ),
    )


def of_doubts(intents: Sequence[Intent], state: State, now: Now) -> tuple[Message, ...]:
    """Transfers that are in doubt, or that need a person."""
    if not intents:
        return ()
    needs_human = state is State.NEEDS_HUMAN
    noun = count(len(intents), "transfer")
    cure = "`budgetd transfers prove ID` has the proof" if needs_human else "budgetd looks after it"
    return (
        Message(
            event=Event.TRANSFER_NEEDS_HUMAN if needs_human else Event.TRANSFER_IN_DOUBT,
            severity=Severity.CRITICAL if needs_human else Severity.WARNING,
            title=f"{noun} need a person" if needs_human else f"{noun} in doubt: sent, not known",
            lines=_cut([*(_intent_line(one, now) for one in intents), cure]),
            subject=_name(*(one.id for one in intents)),
            at=now.at,
        ),
    )


def _intent_line(intent: Intent, now: Now) -> str:
    way, money = _WAYS[intent.direction], now.money(intent.amount)
    return (
        f"{intent.id}: {money} {intent.unit.instrument} {way} {intent.account_name}, {intent.rule}"
    )


def of_proposals(proposals: Iterable[Proposal], ends: Ends, now: Now) -> tuple[Message, ...]:
    """Proposals that wait; those of accounts whose money `ends` before them are critical: they
    outlive what the account lives on."""
    return tuple(_proposal(one, ends, now) for one in proposals)


def _proposal(proposal: Proposal, ends: Ends, now: Now) -> Message:
    is_batch, items = bool(proposal.limit), proposal.items
    is_late = outlives(proposal, ends)
    money = now.money(total(item.amount for item in items))
    asks = limit_words(proposal.limit) if is_batch else ASK_WORDS[Ask(proposal.ask)]
    way = _WAYS[proposal.direction]
    return Message(
        event=Event.BATCH_WITHHELD if is_batch else Event.PROPOSAL_WAITING,
        severity=Severity.CRITICAL if is_late else Severity.WARNING,
        title=(
            f"{'withheld' if is_batch else 'waits for approval'}: {money} {way} "
            f"{count(len(items), 'account')}, {proposal.rule}"
        ),
        lines=_cut(
            [
                asks,
                *(["the cash of an account may end while this waits"] if is_late else []),
                f"`budgetd approve {proposal.id}` until {now.time(proposal.expires_at)}",
                *(f"{item.account_name}: {now.money(item.amount)}" for item in items),
            ]
        ),
        subject=_name(proposal.id, str(proposal.made_at), str(is_late)),
        at=now.at,
    )


def outlives(proposal: Proposal, ends: Ends) -> bool:
    """Whether it would give cash to an account that may have nothing left before it ends."""
    return proposal.direction is Direction.ALLOCATE and any(
        item.unit.account_id in ends
        and ends[item.unit.account_id] < proposal.expires_at
        and item.unit.instrument is not Instrument.COUPON
        for item in proposal.items
    )


def of_pauses(pauses: Iterable[Pause], now: Now) -> tuple[Message, ...]:
    """Pauses that budgetd set itself: nothing moves there until a person has looked."""
    return tuple(
        Message(
            event=Event.PAUSE_LATCHED,
            severity=Severity.CRITICAL,
            title=f"paused, {pause.scope}: {pause.reason}",
            lines=("It ends by `budgetd resume --reason` alone.",),
            subject=pause.id,
            at=now.at,
        )
        for pause in pauses
        if pause.is_latched
    )


def of_missed(slots: Iterable[Missed], now: Now) -> tuple[Message, ...]:
    """Calendar slots that are over and were not done, one message a rule."""
    groups: dict[str, list[Missed]] = defaultdict(list)
    for slot in slots:
        groups[slot.rule].append(slot)
    return tuple(
        Message(
            event=Event.SLOT_MISSED,
            severity=Severity.WARNING,
            title=f"{count(len(group), 'slot')} missed: {rule}",
            lines=_cut([_missed_line(slot) for slot in group]),
            subject=_name(rule, *(slot.period for slot in group)),
            at=now.at,
        )
        for rule, group in groups.items()
    )


def _missed_line(slot: Missed) -> str:
    some = ", ".join(slot.accounts)
    left = slot.undone - len(slot.accounts)
    named = f": {some}{f' and {left} more' if left > 0 else ''}" if some else ""
    why = f", {HOLD_WORDS[slot.reason]}" if slot.reason else ", nobody tried"
    older = f"; {count(slot.older, 'older slot')} as well" if slot.older else ""
    return f"{slot.period}: undone for {count(slot.undone, 'account')}{named}{why}{older}"


def of_announced(announced: Iterable[tuple[Held, Announcement]], now: Now) -> tuple[Message, ...]:
    """Reclaims whose notice begins, one message a rule: while it runs, a person can object."""
    groups: dict[str, list[tuple[Held, Announcement]]] = defaultdict(list)
    for held, one in announced:
        groups[held.rule].append((held, one))
    return tuple(_announced(rule, group, now) for rule, group in groups.items())


def _announced(rule: str, group: Sequence[tuple[Held, Announcement]], now: Now) -> Message:
    lines = []
    for held, one in group:
        begins = f", not before {now.time(held.until)}" if held.until is not None else ""
        money = f"{one.unit.instrument} {now.money(one.amount)} at most"
        lines.append(f"{held.account.label}: {money}{begins}")
    money = now.money(total(one.amount for _, one in group))
    accounts = count(len({held.account.id for held, _ in group}), "account")
    return Message(
        event=Event.RECLAIM_ANNOUNCED,
        severity=Severity.WARNING,
        title=f"announced: {money} from {accounts}, {rule}",
        lines=(*_cut(lines), f"`budgetd pause {rule}` holds it"),
        subject=_name(rule, *(f"{one} {held.until}" for held, one in group)),
        at=now.at,
    )


def stopped(why: str, now: Now) -> Message:
    """A cycle that ended early."""
    return Message(
        event=Event.CYCLE_STOPPED,
        severity=Severity.WARNING,
        title=f"the cycle stopped: {why}",
        lines=("It is tried again; `budgetd status` says how it stands.",),
        subject=why,
        at=now.at,
    )


def loaded(policies: Policies, now: Now) -> Message:
    """Other policies are in force."""
    return Message(
        event=Event.POLICIES_LOADED,
        severity=Severity.INFO,
        title=f"policies {short_digest(policies.digest)} in force, {count(policies.rules, 'rule')}",
        subject=policies.digest,
        at=now.at,
    )


def refused(policies: Policies, now: Now) -> Message:
    """New policies or a new config were refused; the last good ones stay."""
    return Message(
        event=Event.RELOAD_REFUSED,
        severity=Severity.WARNING,
        title=f"reload refused, {count(len(policies.problems), 'problem')}",
        lines=_cut([*policies.problems, f"policies {short_digest(policies.digest)} stay in force"]),
        subject=_name(*policies.problems),
        at=now.at,
    )


def of_discrepancies(found: Sequence[Discrepancy], now: Now) -> tuple[Message, ...]:
    """What ledger and records of the provider do not agree about; moves that somebody made by
    hand are no cause for worry by themselves."""
    if not found:
        return ()
    findings = {one.finding for one in found}
    severity = Severity.CRITICAL if findings & ALARMING else Severity.WARNING
    return (
        Message(
            event=Event.DISCREPANCY,
            severity=Severity.INFO if findings == {Finding.EXTERNAL} else severity,
            title=f"{count(len(found), 'difference')} between ledger and records",
            lines=_cut([*_discrepancy_lines(found, now), "`budgetd reconcile` lists them"]),
            subject=_name(*(f"{one.intent_id} {one.change and one.change.id}" for one in found)),
            at=now.at,
        ),
    )


def _discrepancy_lines(found: Iterable[Discrepancy], now: Now) -> Iterator[str]:
    for one in found:
        record = (
            f", {now.money(one.change.amount)} at {now.time(one.change.at)}" if one.change else ""
        )
        transfer = f", transfer {one.intent_id}" if one.intent_id else ""
        yield f"{_FINDINGS[one.finding]}{record}{transfer}"


def began(mode: str, policies: Policies, now: Now) -> Message:
    """The daemon has started."""
    return Message(
        event=Event.DAEMON_STARTED,
        severity=Severity.INFO,
        title=f"budgetd started, mode {mode}, policies {short_digest(policies.digest)}",
        at=now.at,
    )


def ended(why: str, now: Now) -> Message:
    """The daemon stops; `why` is empty where it was asked to."""
    return Message(
        event=Event.DAEMON_STOPPED,
        severity=Severity.CRITICAL if why else Severity.INFO,
        title=f"budgetd stopped: {why}" if why else "budgetd stopped, as it was asked to",
        at=now.at,
    )


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    return (*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more")


def _name(*parts: str) -> str:
    """A short name for what was said, the same for the same."""
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

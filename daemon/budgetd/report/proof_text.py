"""The evidence of one transfer for people: what was promised, sent, answered, read, and its worth.

It may not judge: `proof` does.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from rich.text import Text

from budgetd.core.intent import State
from budgetd.core.moment import format_second
from budgetd.core.money import show_amount
from budgetd.core.observation import Sample
from budgetd.report.harmless import harmless
from budgetd.report.life import Evidence
from budgetd.report.proof import CONCLUDING, verdict_of
from budgetd.report.screen import Screen, pad, print_lines, sentences
from budgetd.report.transfers_text import answer_said, answer_words, evidence_words, head_lines
from budgetd.report.words import STATE_WORDS

MOST_FAMILY = 20
_INDENT = 13


def proof_text(evidence: Evidence, screen: Screen) -> str:
    """All of it, long lines broken between words; hashes and bodies stay whole."""
    verdict = verdict_of(evidence, screen.zone)
    lines = [Text(part) for line in head_lines(evidence.life) for part in _head(line, screen)]
    lines += [Text(), Text("evidence", style="bold")]
    for label, told in _evidence(evidence, screen):
        parts = [part for part in sentences(harmless(told), screen.room - _INDENT) if part]
        lines += [
            Text(pad("" if number else f"  {label}", _INDENT) + part)
            for number, part in enumerate(parts)
        ]
    for check, holds in verdict.checks:
        mark = pad(f"  {'ok' if holds else '!!'}", _INDENT)
        lines.append(Text(f"{mark}{check}", style="" if holds else "bold red"))
    for title, text in (
        ("what this proves", verdict.proves),
        ("what it does not prove", verdict.leaves_open),
    ):
        lines += [Text(), Text(title, style="bold")]
        lines += [Text(f"  {part}") for part in sentences(harmless(text), screen.room - 2)]
    return print_lines(lines, screen)


def _head(line: str, screen: Screen) -> Iterator[str]:
    """A line of the head as it is, or where it is too long broken between words."""
    if len(line) <= screen.room:
        yield harmless(line)
        return
    for number, part in enumerate(sentences(harmless(line), screen.room - 9)):
        yield f"{'':9}{part}" if number else part


def _evidence(evidence: Evidence, screen: Screen) -> Iterator[tuple[str, str]]:
    """What is told, each with its label."""
    intent = evidence.life.intent
    yield "promised", f"{_at(intent.made_at, screen)}, to be sent by {intent.operation}"
    yield "body", intent.body.decode("utf-8", "replace")
    yield "SHA-256", sha256(intent.body).hexdigest()
    policies = intent.policy_digest.removeprefix("sha256:")[:12]
    yield (
        "rests on",
        f"a reading of {show_amount(intent.reading)} begun {_at(intent.read_at, screen)}, "
        f"policies {policies}",
    )
    yield from _attempts(evidence, screen)
    yield "before", _reading(evidence.before, screen)
    yield "after", _reading(evidence.after, screen)
    claim = evidence.life.claim
    if claim is not None:
        yield "record", f"{claim.record_id}, booked {_at(claim.moved_at, screen)}"
    if evidence.life.move.child_coupon_id:
        yield "child", evidence.life.move.child_coupon_id
    yield from _concluded(evidence, screen)
    yield from _family(evidence, screen)
    yield "events", f"{evidence.chain.first} to {evidence.chain.last} of the ledger's chain"


def _concluded(evidence: Evidence, screen: Screen) -> Iterator[tuple[str, str]]:
    """What was made of it without an answer, each time with what that rested on."""
    for at, kind, data in evidence.life.events:
        if kind not in CONCLUDING:
            continue
        state = STATE_WORDS[State(str(data["state"]))] if "state" in data else kind
        by = f" (the word of {data['by']})" if "by" in data else ""
        told = [f"{_at(at, screen)}: {state}: {data.get('why', '')}{by}"]
        yield "concluded", "; ".join([*told, *evidence_words(data, screen.zone)])


def _attempts(evidence: Evidence, screen: Screen) -> Iterator[tuple[str, str]]:
    if not evidence.life.attempts:
        yield "attempts", "none: nothing ever left"
    for one in evidence.life.attempts:
        signed = f"signed {_at(one.signed_at, screen)}, body {one.body_hash}"
        yield f"attempt {one.number}", signed
        if one.answered_at is None:
            yield "answer", "none was written down: the process ended, or it may still come"
            continue
        request = f", request {one.request_id}" if one.request_id else ""
        said = f"{answer_said(one)}{request}: {answer_words(one)}"
        yield "answer", f"{_at(one.answered_at, screen)}: {said}"


def _reading(sample: Sample | None, screen: Screen) -> str:
    if sample is None:
        return "no reading is kept (they are kept for 14 days)"
    return f"{show_amount(sample.value)} read {_at(sample.read_at, screen)}"


def _family(evidence: Evidence, screen: Screen) -> Iterator[tuple[str, str]]:
    """The transfers that no record could tell from this one."""
    if evidence.sent is None:
        return
    begins, ends = (_at(at, screen) for at in evidence.sent.window)
    yield "window", f"{begins} to {ends}: within it its movement, if any, is booked"
    if not evidence.family:
        yield "alike", "no other transfer of this kind within it"
    for one in evidence.family[:MOST_FAMILY]:
        yield "alike", f"{one.id} {STATE_WORDS[one.state]}, signed {_at(one.last_at, screen)}"
    if len(evidence.family) > MOST_FAMILY:
        yield "alike", f"{len(evidence.family) - MOST_FAMILY:,} more; `--format json` has all"


def _at(at: datetime, screen: Screen) -> str:
    return format_second(at, screen.zone)

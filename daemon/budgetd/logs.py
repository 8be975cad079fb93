"""The log: one line an event, JSON or text, library lines in the same form.

It may not hold a secret: events carry names, ids, amounts and codes, never headers or bodies.
Results are not logs; they go to stdout, and reports make them. Every event stands in `EVENTS`,
from which docs/events.md is drawn; a test holds the source to it.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TextIO

import structlog
from structlog.stdlib import BoundLogger
from structlog.typing import Processor

from budgetd.core.documents.secrecy import visible

QUIET = ("httpx", "httpcore", "apscheduler", "asyncio", "uvicorn")
"""Libraries whose lines below a warning are of no use, or hold addresses with tokens in them."""

EXTRA = ("caused_by", "wait_s")
"""Fields that our lines carry where they go through the standard library alone."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event: at which levels it comes, what it says, and its fields by name."""

    levels: tuple[str, ...]
    meaning: str
    fields: Mapping[str, str]


def _event(levels: str, meaning: str, **fields: str) -> LogEvent:
    return LogEvent(tuple(levels.split()), meaning, MappingProxyType(fields))


_ACCOUNTS_READ = "accounts of which everything asked for was read"
_CHANNEL = "the channel's name in the config"
_TOLD = "the event of the message (docs/notifications.md)"

EVENTS: Mapping[str, LogEvent] = MappingProxyType(
    {
        "daemon_started": _event(
            "info", "The daemon runs.", process="its process id", mode="dry_run or enforce"
        ),
        "daemon_stopped": _event("info", "The daemon has ended; nothing is under way."),
        "stop_asked": _event("info", "A signal asked for the stop; what is under way is ended."),
        "costs_unread": _event(
            "info",
            "What is billed for accounts that are new here could not be read; their burn is known "
            "later, from readings. It is asked for again after a day.",
            accounts="how many",
            why="what the provider said",
        ),
        "clock_stepped": _event(
            "warning",
            "The clock was set, or the machine slept; what is due is looked at anew.",
            seconds="how far, negative backwards",
        ),
        "policies_loaded": _event(
            "info",
            "Policies are in force, from the start or a reload.",
            policies="their digest",
            rules="how many",
            warnings="the first 20 warnings",
        ),
        "reload_refused": _event(
            "error",
            "New documents were refused; the last good ones stay.",
            problems="the first 20",
            count="how many there are",
            policies="the digest that stays",
        ),
        "cycle_began": _event("info", "A cycle begins.", why="what asked for it"),
        "planned": _event(
            "info",
            "The fleet was read and decided.",
            accounts_read=_ACCOUNTS_READ,
            unreadable="accounts of which something was not",
            transfers="to be moved now",
            proposals="that wait for a person",
            withheld="by a limit",
            policies="the digest they rest on",
        ),
        "attempt_answered": _event(
            "info",
            "One sending of a transfer has ended.",
            transfer="its id",
            attempt="its number, from 1",
            status="the HTTP status, null without an answer",
            code="the provider's code",
            request_id="the provider's name for the call",
            answer_class="what the answer proves (docs/lifecycle.md)",
            state="the state all attempts together prove",
        ),
        "transfer_ended": _event(
            "info",
            "A transfer's turn in this cycle has ended; or of one that an earlier cycle left open "
            "it is known by now what became of it.",
            transfer="its id",
            rule="policy/rule",
            account="the account's id",
            name="the account's name",
            direction="allocate or reclaim",
            instrument="cash, credit or coupon",
            amount="what moved or would have, as text",
            state="a state of docs/lifecycle.md, or not_sent",
            hold="the reason or limit that held it",
            note="one line for people",
        ),
        "records_unread": _event(
            "warning",
            "The provider's records of moves could not be read: what they would decide or confirm "
            "stays as it is until a cycle can read them.",
            instrument="cash, credit or coupon",
            why="what the provider said",
            waiting="transfers in doubt that wait for them alone",
        ),
        "transfers_left": _event(
            "info",
            "It is time to read the fleet again: what was decided and not begun is decided anew "
            "by the next cycle, which begins at once.",
            transfers="how many",
        ),
        "cycle_ended": _event(
            "info warning",
            "A cycle has ended; a warning where something stopped it.",
            seconds="how long it took",
            accounts="in the fleet",
            accounts_read=_ACCOUNTS_READ,
            unreadable="accounts of which something was not",
            unread_why="what kept most of those from being read; empty where there are none",
            transfers="how many by state",
            moved="money by way and instrument, as text",
            held="how many by reason",
            proposals="that wait for a person",
            withheld="by a limit",
            alerts="that hold",
            still_open="transfers that may still move",
            stopped="why it ended early; empty where it did not",
        ),
        "cycle_failed": _event("error", "An error of budgetd itself ended a cycle: please report."),
        "slot_missed": _event(
            "warning",
            "A calendar slot is over and was not done for every account.",
            rule="policy/rule",
            period="the slot's label",
            undone="accounts left out",
            selected="accounts it was about",
            accounts="the first of them",
            reason="what last held most of them; empty where nobody tried",
            older="older slots of the rule that were missed as well",
        ),
        "reclaim_announced": _event(
            "info",
            "A reclaim is announced; it moves when its notice is over, and no more than this.",
            rule="policy/rule",
            account="the account's id",
            name="its name",
            instrument="cash, credit or coupon",
            amount="with two decimals",
            until="when it may move",
        ),
        "reload_failed": _event(
            "error", "An error of budgetd itself while new documents were taken over."
        ),
        "telling_failed": _event("error", "An error of budgetd itself: people did not hear of it."),
        "notification_failed": _event(
            "warning",
            "A message was not delivered, and is not tried again.",
            channel=_CHANNEL,
            kind="its kind",
            message_event=_TOLD,
            reason="the last failure; no address stands in it",
            tries="how often it was tried",
        ),
        "notification_dropped": _event(
            "warning error",
            "A message found no place: its channel is too far behind.",
            channel=_CHANNEL,
            message_event=_TOLD,
            dropped="by this channel, since the start",
        ),
        "notifications_left": _event(
            "warning",
            "The daemon stopped before these were delivered.",
            channel=_CHANNEL,
            count="how many",
        ),
        "call_repeated": _event(
            "info",
            "A reading call failed and is repeated.",
            caused_by="the failure",
            wait_s="after so many seconds",
        ),
    }
)


def events_page() -> str:
    """The table of docs/events.md, a section an event."""
    parts = []
    for name, event in sorted(EVENTS.items()):
        parts.append(f"### {name}\n\n{' or '.join(event.levels)}. {event.meaning}\n")
        if event.fields:
            parts.append("| field | what it says |\n| --- | --- |")
            parts += [f"| `{field}` | {meaning} |" for field, meaning in event.fields.items()]
            parts.append("")
    return "\n".join(parts)


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.format_exc_info,
)


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Sends every line of the product and of its libraries to one stream, in one form.

    `level` is debug, info, warning or error; `style` json or text. Without a stream it is
    stderr; `run` writes to stdout.
    """
    renderers: list[Processor] = [structlog.processors.JSONRenderer(sort_keys=True)]
    if style == "text":
        colours = (stream or sys.stderr).isatty()
        renderers = [_made_visible, structlog.dev.ConsoleRenderer(colors=colours)]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *_SHARED,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=EXTRA),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _made_visible(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Text with nothing hidden in it: what JSON escapes by itself, a terminal would obey."""
    for key, value in line.items():
        if key == "exception":
            line[key] = "\n".join(map(visible, str(value).split("\n")))
        elif isinstance(value, str):
            line[key] = visible(value)
    return line


# Through the standard library from the start: until `configure` is called, nothing below a
# warning is written, and nothing ever to stdout.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def logger() -> BoundLogger:
    """The product's logger."""
    bound: BoundLogger = structlog.stdlib.get_logger("budgetd")
    return bound

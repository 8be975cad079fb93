"""Pauses for people and for machines: what is held, since when, by whom, why, until when.

It may not say where a pause holds: `core.pause` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from budgetd.core.moment import format_instant, format_minute
from budgetd.core.pause import Pause
from budgetd.report.harmless import harmless
from budgetd.report.screen import Screen, print_lines, sentences

Json = dict[str, object]
_INDENT = 9


def in_force(pauses: Sequence[Pause], now: datetime) -> list[Pause]:
    """Those that are not over by their own time, the latched ones first, then the oldest."""
    found = [pause for pause in pauses if pause.until is None or now < pause.until]
    return sorted(found, key=lambda pause: (not pause.is_latched, pause.at))


def pauses_text(pauses: Sequence[Pause], names: Mapping[str, str], screen: Screen) -> str:
    """Each pause: what it is about, then when and who, then why. `names` are accounts by id."""
    lines: list[Text] = []
    for pause in pauses:
        kind = "latched" if pause.is_latched else "paused"
        style = "bold red" if pause.is_latched else "bold yellow"
        lines.append(Text(f"{kind:{_INDENT}}{scope_text(pause, names)}", style=style))
        for part in _told(pause, screen):
            lines += [
                Text(" " * _INDENT + line)
                for line in sentences(harmless(part), screen.room - _INDENT)
            ]
    return print_lines(lines, screen)


def scope_text(pause: Pause, names: Mapping[str, str]) -> str:
    """What it is about, an account by its name too."""
    name = names.get(pause.account_id, "")
    if not name:
        return harmless(pause.scope)
    return harmless(pause.scope.replace(pause.account_id, f"{name} ({pause.account_id})"))


def _told(pause: Pause, screen: Screen) -> Iterator[str]:
    since = format_minute(pause.at, screen.zone)
    until = "until it is resumed"
    if pause.is_latched:
        until = "until `budgetd resume --reason` after somebody has looked"
    elif pause.until is not None:
        until = f"until {format_minute(pause.until, screen.zone)}"
    yield f"since {since} by {pause.by}, {until}"
    if pause.reason:
        yield pause.reason


def pauses_json(pauses: Sequence[Pause]) -> Json:
    """`budgetd.pauses/1`: `rule` and `account_id` are null where it is about all of them."""
    return {
        "format": "budgetd.pauses/1",
        "pauses": [
            {
                "id": pause.id,
                "rule": pause.rule or None,
                "account_id": pause.account_id or None,
                "reason": pause.reason,
                "by": pause.by,
                "at": format_instant(pause.at),
                "until": format_instant(pause.until) if pause.until else None,
                "latched": pause.is_latched,
            }
            for pause in pauses
        ],
    }

"""The search: a secret in any form it is known to travel in, in any output.

It may not know where outputs come from.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

HEAD = 12
"""So many characters of a secret are a leak of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A secret that was found: which one, in which form, and the text around it."""

    secret: str
    form: str
    around: str


ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json repr": lambda text: json.dumps(text)[1:-1].replace("\\", "\\\\"),
    "json repr of a quote": lambda text: repr(json.dumps(text)[1:-1] + "\"'")[1:-4],
    "url": lambda text: quote(text, safe=""),
    "url path": quote,
    "url form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "html": html.escape,
    "html text": lambda text: html.escape(text, quote=False),
    "repr": lambda text: repr(text)[1:-1],
    "repr of a quote": lambda text: repr(text + "\"'")[1:-4],
    "hex": lambda text: text.encode().hex(),
}
"""Every form that is looked for."""


def forms_of(secret: str) -> dict[str, str]:
    """What is looked for: the beginning of the secret in every form, and its raw end.

    Every form encodes from left to right, so the form of the first characters begins the form of
    the whole (base64 in groups of three characters, of which twelve are four).
    """
    head = secret[: HEAD if len(secret) >= HEAD else len(secret) // 3 * 3]
    forms = {name: encode(head) for name, encode in ENCODERS.items()}
    forms["raw"] = secret[:HEAD]
    shown = repr(secret)[1:-1]
    forms["repr"] = shown[: max(HEAD, len(forms["repr"]))]
    if len(secret) >= 2 * HEAD:
        forms["end"] = secret[-HEAD:]
    return forms


class Scanner:
    """Looks for the same secrets in many outputs."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._texts: list[tuple[str, str, str]] = []
        self._codes: list[tuple[str, re.Pattern[str]]] = []
        for name, secret in secrets.items():
            self.add(name, secret)

    def add(self, name: str, secret: str) -> None:
        """One more secret. A short number is looked for as a word of its own."""
        if len(secret) < 8:
            word = re.compile(rf"(?<![0-9A-Za-z.]){re.escape(secret)}(?![0-9A-Za-z])")
            self._codes.append((name, word))
            return
        seen: set[str] = set()
        for form, text in forms_of(secret).items():
            if text not in seen:
                seen.add(text)
                self._texts.append((name, form, text))

    def leaks(self, output: str | bytes) -> Iterator[Leak]:
        """Every form of every secret that the output holds."""
        text = output.decode("latin-1") if isinstance(output, bytes) else output
        for name, form, wanted in self._texts:
            at = text.find(wanted)
            if at >= 0:
                yield Leak(secret=name, form=form, around=_around(text, at))
        for name, word in self._codes:
            found = word.search(text)
            if found:
                yield Leak(secret=name, form="word", around=_around(text, found.start()))


def _around(text: str, at: int) -> str:
    return text[max(0, at - 80) : at + 80]

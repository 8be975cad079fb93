"""Secrets taken out of text that came from elsewhere, in every form in which they travel.

A provider or a library that repeats what it was sent may quote, escape or cut it. Pure; it may
not keep a secret.
"""

import base64
import html
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

REMOVED = "[removed]"
SHORTEST = 4
HEAD = 12
"""The beginning by which a secret is recognized that is cut off or in no form known here."""


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret of four characters or more replaced by `[removed]`: as it is,
    escaped as JSON, Python, HTML or in a URL, as base64 or hexadecimal. The text ends where one
    begins that does not go on so."""
    if not text:
        return text
    forms: dict[str, list[str]] = {}
    for secret in secrets:
        if len(secret) >= SHORTEST:
            for head, form in _forms(secret):
                forms.setdefault(head, []).append(form)
    # A longer beginning may hold a shorter one, which must not be taken out of it first.
    for head in sorted(forms, key=len, reverse=True):
        text = _without(text, head, forms[head])
    return text


def _forms(secret: str) -> Iterable[tuple[str, str]]:
    """The beginning by which each form of a secret is recognized, and the whole form.

    All of them encode from left to right, base64 in groups of three: twelve are four of them.
    """
    begin = secret[: HEAD if len(secret) >= HEAD else max(SHORTEST, len(secret) // 3 * 3)]
    heads = [secret[:HEAD], *_encodings(begin)]
    return zip(heads, [secret, *_encodings(secret)], strict=True)


def _encodings(secret: str) -> list[str]:
    data = secret.encode("utf-8", "surrogatepass")
    backslashed = secret.replace("\\", "\\\\")
    as_json = json.dumps(secret)[1:-1]
    return [
        as_json,
        as_json.replace("\\", "\\\\"),
        as_json.replace("\\", "\\\\").replace("'", "\\'"),
        backslashed,
        backslashed.replace("'", "\\'"),
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        html.escape(secret),
        html.escape(secret, quote=False),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        data.hex(),
    ]


def _without(text: str, head: str, forms: list[str]) -> str:
    at = text.find(head)
    while at >= 0:
        whole = [len(form) for form in forms if text.startswith(form, at)]
        if not whole:
            # Cut off, or in a form of its own: what follows may be the rest of it.
            return text[:at] + REMOVED
        text = f"{text[:at]}{REMOVED}{text[at + max(whole) :]}"
        at = text.find(head, at + len(REMOVED))
    return text

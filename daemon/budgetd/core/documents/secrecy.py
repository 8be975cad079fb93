"""What must not be shown or taken: secrets in documents, and characters that mislead readers.

It may not know where secrets are kept; it knows what they look like.
"""

import re
import unicodedata
from itertools import pairwise

SHOWN_CHARACTERS = 60

INVISIBLE = frozenset("\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\ufeff") | frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
_SECRET_KEY = re.compile(
    r"(?:^|[^a-z])(?:access_?key|secret_?key|secret|ak|sk|security_?token|token|password|passwd"
    r")['\"]?\s*:",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"(?:env|file|credential):\S")
_WORDS = re.compile(r"[A-Za-z0-9]{20,}")
"""Words as long as the shortest key, whole."""
_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s@]*:[^/\s@]*@")
"""A URL with a password in it."""
_HOOK = re.compile(
    r"hooks\.slack[a-z-]*\.com/\w+/\S|[?&](?:access_token|key)=\w|/bot/v2/hook/\w", re.IGNORECASE
)
"""The address of a chat's robot, which is all that one needs to speak there."""
_TOKENS = re.compile(r"[A-Za-z0-9+/=_-]{100,}")


def is_visible(text: str) -> bool:
    """Whether a reader sees every character; a tab counts as seen."""
    if text.isascii() and text.isprintable():
        return True
    return not any(
        character in INVISIBLE or (unicodedata.category(character) in ("Cc", "Cs"))
        for character in text.replace("\t", " ")
    )


def visible(text: str) -> str:
    """The text with every character that a reader, or a terminal, could be misled by escaped."""
    if is_visible(text):
        return text
    return "".join(
        character if is_visible(character) else f"\\u{ord(character):04x}" for character in text
    )


def looks_secret(text: str) -> bool:
    """Whether a text holds what looks like an access key, a secret key, a token, or the address
    of a chat's robot.

    Account ids (hexadecimal, lower-case) and ordinary names do not.
    """
    # No key has fewer than twenty characters, and no address is without these signs: almost every
    # text of a document is short and has none.
    if len(text) < 20:
        has_sign = "/" in text or "?" in text or "&" in text
        return has_sign and bool(_HOOK.search(text))
    is_token = any(_changes(token) * 3 > len(token) for token in _TOKENS.findall(text))
    return (
        is_token
        or bool(_HOOK.search(text))
        or any(_is_secret_word(word) for word in _WORDS.findall(text))
    )


def _is_secret_word(word: str) -> bool:
    if word.isdigit() or re.fullmatch(r"[0-9a-f]+", word):
        return False
    if len(word) == 20 and word.upper() == word:
        # An access key: twenty capitals and digits, mixed as no word for people is.
        return _changes(word) >= 4
    if len(word) < 36:
        return False
    changes, small = _changes(word), sum(map(str.islower, word))
    if changes * 3 > len(word) and not word.isalpha() and word.lower() != word:
        return True
    # One secret key in a thousand has no digit, one in ten thousand fewer changes than that.
    # Words joined by their capitals have small letters above all, and these in long runs.
    has_both = min(small, sum(map(str.isupper, word))) * 4 > len(word)
    has_short_runs = small * 2 < len(re.findall(r"[a-z]+", word)) * 5
    return changes * 4 > len(word) and (has_both or has_short_runs)


def _changes(word: str) -> int:
    """How often capitals, small letters and digits take turns: seldom in words, often in keys."""
    kinds = [
        "digit" if character.isdigit() else "capital" if character.isupper() else "small"
        for character in word
    ]
    return sum(left != right for left, right in pairwise(kinds))


def may_hold_secret(line: str) -> bool:
    """Whether a line of a document may show a secret: by its look, or by the key it stands at."""
    if looks_secret(line) or _LOGIN.search(line):
        return True
    # A mapping on one line may hold a reference first and a secret after it.
    rests = (line[found.end() :].strip(" '\"{,}") for found in _SECRET_KEY.finditer(line))
    return any(rest and not _REFERENCE.match(rest) for rest in rests)


def shorten(text: str) -> str:
    """At most 60 characters of a text, for a message; never a secret."""
    if looks_secret(text) or _LOGIN.search(text):
        return "***"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."

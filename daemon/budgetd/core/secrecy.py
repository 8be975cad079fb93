"""What must not be shown or taken: secrets in documents, and characters that mislead readers.

It may not know where secrets are kept; it knows what they look like.
"""

import re
import unicodedata

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
_WORDS = re.compile(r"[A-Za-z0-9+/=]+")


def is_visible(text: str) -> bool:
    """Whether a reader sees every character; a tab counts as seen."""
    return not any(
        character in INVISIBLE or (unicodedata.category(character) in ("Cc", "Cs"))
        for character in text.replace("\t", " ")
    )


def looks_secret(text: str) -> bool:
    """Whether a text holds what looks like an access key, a secret key or a token.

    Account ids (hexadecimal, lower-case) and ordinary names do not.
    """
    return any(_is_secret_word(word) for word in _WORDS.findall(text))


def _is_secret_word(word: str) -> bool:
    letters = sum(character.isalpha() for character in word)
    digits = sum(character.isdigit() for character in word)
    if not letters or not digits or re.fullmatch(r"[0-9a-f]+", word):
        return False
    if len(word) >= 100:
        return True
    if not word.isalnum():
        return False
    if word.upper() == word:
        return len(word) >= 20
    return len(word) >= 36 and digits >= 3 and word.lower() != word


def may_hold_secret(line: str) -> bool:
    """Whether a line of a document may show a secret: by its look, or by the key it stands at."""
    if looks_secret(line):
        return True
    found = _SECRET_KEY.search(line)
    if not found:
        return False
    rest = line[found.end() :].strip(" '\"{,}")
    return bool(rest) and not _REFERENCE.match(rest)


def shorten(text: str) -> str:
    """At most 60 characters of a text, for a message; never a secret."""
    if looks_secret(text):
        return "***"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."

"""Names from outside, made harmless for any screen: nothing hidden, nothing that acts.

It may not shorten or judge a name; each format escapes its own markup afterwards.
"""

import unicodedata

from budgetd.core.documents.secrecy import INVISIBLE

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def harmless(text: str) -> str:
    """The text with every character that a reader cannot see written out as `\\u202e`.

    That is control, bidi, zero-width, private and unassigned characters, and halves of pairs.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if character not in INVISIBLE and unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

"""Secrets to plant: as the provider issues them, and as hostile as one may be.

It may not use them, nor look for them.
"""

import string
from dataclasses import dataclass
from random import Random

ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
PRINTABLE = "".join(chr(code) for code in range(33, 127))
FRAGMENTS = (
    '"',
    "'",
    "\\",
    "\\n",
    "\\u0041",
    "%41",
    "%s",
    "%(message)s",
    "{}",
    "{0}",
    "${A}",
    "(.*)+",
    "[a-z]",
    "$",
    "^",
    "|",
    '","error_code":"',
    "</pre>",
    "<b>",
    "&amp;",
    "&",
    "=",
    ": ",
    " #",
    "  ",
    ", ",
    ";",
    "Signature=",
    "ak:",
    "[removed]",
    "***",
    "@",
    "/",
    "?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One of each kind. The id of an access key is no secret, so it is not among them."""

    access_key: str
    secret_key: str
    security_token: str
    password: str
    token: str
    member_password: str
    code: str

    def all(self) -> dict[str, str]:
        """Every secret by its name."""
        return {
            "secret_key": self.secret_key,
            "security_token": self.security_token,
            "password": self.password,
            "token": self.token,
            "member_password": self.member_password,
            "code": self.code,
        }

    def of(self, *names: str) -> dict[str, str]:
        """Some secrets by their names."""
        every = self.all()
        return {name: every[name] for name in names}


def chance(seed: object) -> Random:
    """Chance that is the same for the same seed, on any machine."""
    return Random(str(seed))  # noqa: S311 - nothing here is kept by it


def plant(rng: Random) -> Planted:
    """Random secrets; a third of the keys and tokens have shapes that no provider issues."""
    is_wild = rng.random() < 1 / 3
    return Planted(
        access_key=text_of(rng, string.ascii_uppercase + string.digits, 20),
        secret_key=hostile(rng, 16, 64) if is_wild else text_of(rng, ALNUM, 40),
        security_token=hostile(rng, 20, 600) if is_wild else token(rng, 100, 500),
        password=hostile(rng, 8, 32),
        token=hostile(rng, 20, 600) if is_wild else token(rng, 200, 1000),
        member_password=hostile(rng, 8, 32),
        code=text_of(rng, string.digits, 6),
    )


def text_of(rng: Random, letters: str, length: int) -> str:
    """Random text of these letters."""
    return "".join(rng.choices(letters, k=length))


def token(rng: Random, shortest: int, longest: int) -> str:
    """Base64 as tokens are, with a beginning of its own, so that no two begin alike."""
    return text_of(rng, BASE64, rng.randint(shortest, longest))


def hostile(rng: Random, shortest: int, longest: int) -> str:
    """Printable ASCII without blanks around it, made of what trips up parsers and formatters.

    The first and the last four are letters and digits, so that no chance text is taken for it.
    """
    length = rng.randint(shortest, longest)
    inside = ""
    while len(inside) < length - 8:
        is_fragment = rng.random() < 0.4
        inside += rng.choice(FRAGMENTS) if is_fragment else rng.choice(PRINTABLE)
    return text_of(rng, ALNUM, 4) + inside[: length - 8] + text_of(rng, ALNUM, 4)

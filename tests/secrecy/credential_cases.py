"""Credentials where the config says they are, but not as they should be.

Files that are unreadable, padded, cut, binary or too large; variables likewise. It may not use
a credential.
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from budgetd.config import Config, InvalidCredentials, load_config, read_credentials
from budgetd.config.secrets import LARGEST_SECRET_BYTES

from .case import Case, Found
from .telling import Output, logged, told_by, told_by_noun

CONFIG = """\
enterprise: acme
provider:
  credentials: {{{credentials}}}
state: sqlite:///state.db
"""
KEYS = "access_key: {ak}, secret_key: {sk}, security_token: {st}"
TOKEN = (
    "token: {{user: reader, password: {sk}, domain: {st}, iam_endpoint: https://iam.example.com}}"
)
Spoil = Callable[[str], str]
WAYS: tuple[Spoil, ...] = (
    lambda secret: secret,
    lambda secret: secret + "\n",
    lambda secret: secret + "\r\n",
    lambda secret: secret + "\n\n",
    lambda secret: " " + secret,
    lambda secret: secret + "\t",
    lambda secret: secret[:6] + "\n" + secret[6:],
    lambda secret: secret + "\u00e9\u4e2d",
    lambda secret: "\ufeff" + secret,
    lambda secret: secret + "\u202e",
    lambda secret: secret + "\x07",
    lambda secret: secret * (LARGEST_SECRET_BYTES // len(secret) + 2),
    lambda secret: f"sk = {secret}\n",
    lambda secret: f"{secret}\n{secret}\n",
    lambda secret: secret[:0],
    lambda secret: secret[:0] + "\n",
)


async def read(case: Case) -> Found:
    """Three secrets, each kept in some way and spoiled in some way."""
    rng, planted = case.rng, case.planted
    values = {"ak": planted.access_key, "sk": planted.secret_key, "st": planted.security_token}
    kept = {name: _keep(case, name, value) for name, value in values.items()}
    environment = {
        "CREDENTIALS_DIRECTORY": str(case.folder),
        **{name: value for _, name, value in kept.values() if name},
    }
    if rng.random() < 0.1:
        del environment["CREDENTIALS_DIRECTORY"]
    references = {name: reference for name, (reference, _, _) in kept.items()}
    credentials = rng.choice((KEYS, KEYS, TOKEN)).format(**references)
    path = case.folder / "config.yaml"
    path.write_text(CONFIG.format(credentials=credentials), "utf-8")
    outputs = _outputs(case, load_config(path), environment)
    return Found(secrets=planted.of("secret_key", "security_token"), outputs=outputs)


def _outputs(case: Case, config: Config, environment: dict[str, str]) -> list[Output]:
    outputs = [*told_by_noun("config", config)]
    with logged(case.rng) as log:
        try:
            outputs += told_by_noun("credentials", read_credentials(config, environment))
        except InvalidCredentials as error:
            outputs += told_by(error)
            outputs += [("rendered", problem.render()) for problem in error.problems]
        outputs += log.outputs
    return outputs


def _keep(case: Case, name: str, secret: str) -> tuple[str, str, str]:
    """The reference to a secret; the variable it is in and what that holds, where it is in one."""
    rng = case.rng
    spoiled = rng.choice(WAYS)(secret)
    kind = rng.choice(("file", "env", "credential"))
    if kind == "env":
        is_set = rng.random() < 0.9
        return f"env:{name.upper()}", name.upper() if is_set else "", spoiled
    _write(rng, case.folder / name, spoiled)
    return (f"file:{name}" if kind == "file" else f"credential:{name}"), "", ""


def _write(rng: Random, path: Path, text: str) -> None:
    """A file that holds the text, or something else of that name beside which the text stands."""
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16")), "replace")
    if rng.random() < 0.1:
        data += bytes(rng.randrange(256) for _ in range(8))
    match rng.randrange(12):
        case 0:
            path.mkdir()
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(path.name)
        case 3:
            path.write_bytes(data)
            path.chmod(0o666)
        case 4:
            path.write_bytes(data)
            path.chmod(0o000)
        case 5:
            pass
        case _:
            path.write_bytes(data)

"""The search bites: a secret in any form, in any output, is found; chance text is not."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import structlog

from .case import case_of
from .hostile import spoken
from .network import Echoing
from .planting import chance, hostile, plant
from .scanner import ENCODERS, HEAD, Scanner
from .telling import logged, told_by, told_by_noun

SECRET = "aB3\"\\'%41&<b>{0} (.*)+[a-z]$ xY9z"


@pytest.mark.parametrize("form", sorted(ENCODERS))
def test_a_secret_is_found_in_every_form(form: str) -> None:
    said = f"something {ENCODERS[form](SECRET)} else"
    assert list(Scanner({"it": SECRET}).leaks(said))
    assert list(Scanner({"it": SECRET}).leaks(said.encode()))


def test_the_forms_are_those_of_the_libraries() -> None:
    scanner = Scanner({"it": SECRET})
    for said in (
        json.dumps({"a": SECRET}),
        repr([SECRET]),
        repr(SECRET.encode()),
        repr(f"'\"{SECRET}"),
        quote(SECRET),
        quote(SECRET, safe=""),
        html.escape(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ):
        assert list(scanner.leaks(said)), said


def test_a_secret_that_is_cut_off_is_found() -> None:
    scanner = Scanner({"it": SECRET})
    assert list(scanner.leaks(f"x{SECRET[:HEAD]}"))
    assert list(scanner.leaks(f"{SECRET[-HEAD:]}x"))
    assert not list(scanner.leaks(f"x{SECRET[: HEAD - 1]}"))


def test_a_code_is_found_as_a_word_alone() -> None:
    scanner = Scanner({"code": "123456"})
    assert list(scanner.leaks("the code 123456 is wrong"))
    assert not list(scanner.leaks("9123456, a123456, at 10:00:00.123456Z"))


def test_hostile_secrets_are_as_long_as_asked_and_could_be_typed() -> None:
    for number in range(2_000):
        secret = hostile(chance(number), 8, 32)
        assert 8 <= len(secret) <= 32
        assert secret.isascii()
        assert secret.isprintable()
        assert secret == secret.strip()


def test_a_case_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = (case_of("reads", 1, 7, tmp_path) for _ in range(2))
    assert first.planted == second.planted
    assert first.rng.random() == second.rng.random()


def test_the_network_does_repeat_what_it_was_sent() -> None:
    echoed = 0
    for number in range(300):
        rng = chance(number)
        planted = plant(rng)
        said = spoken(rng, (planted.secret_key,))
        everything = f"{dict(said.headers)} {said.body!r} {said.body.decode('utf-8', 'replace')}"
        echoed += bool(list(Scanner({"it": planted.secret_key}).leaks(everything)))
    assert echoed > 250


@pytest.mark.parametrize("seed", [1, 2])
def test_a_header_in_a_log_line_is_found(seed: int) -> None:
    headers = {"authorization": f"SDK-HMAC-SHA256 Access=A, Signature={SECRET}"}
    with logged(chance(seed)) as log:
        structlog.stdlib.get_logger("budgetd").debug("sent", headers=headers)
    (output,) = log.outputs
    assert list(Scanner({"it": SECRET}).leaks(output[1]))


def test_a_secret_in_an_exception_or_a_noun_is_found() -> None:
    class Noun:
        def __repr__(self) -> str:
            return f"Noun({SECRET!r})"

    scanner = Scanner({"it": SECRET})
    error = ValueError(f"cannot sign with {SECRET}")
    assert {name for name, text in told_by(error) if list(scanner.leaks(text))} >= {
        *("str", "repr", "traceback")
    }
    for name, text in told_by_noun("it", Noun()):
        assert list(scanner.leaks(text)), name


def test_a_noun_among_the_locals_of_a_failure_is_found() -> None:
    class Noun:
        def __repr__(self) -> str:
            return SECRET

    Noun.__module__ = "budgetd.somewhere"

    def fail(noun: Noun) -> None:
        raise ValueError("nothing to see")

    try:
        fail(Noun())
    except ValueError as error:
        told = list(told_by(error))
    scanner = Scanner({"it": SECRET})
    assert [name for name, text in told if list(scanner.leaks(text))] == [*("local noun of fail",)]


def test_a_signature_that_left_is_a_secret_of_its_case() -> None:
    echoing = Echoing(chance(1), ("x" * 40,))
    authorization = f"SDK-HMAC-SHA256 Access=A, Signature={'5' * 64}"
    echoing(httpx.Request("GET", "https://h/", headers={"authorization": authorization}))
    assert echoing.signatures == ["5" * 64]

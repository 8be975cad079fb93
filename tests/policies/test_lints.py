"""Every case in `tests/lints` gets exactly the lints its comments expect, each with an example.

`# WARNING lint: text` expects a lint on its own line, `# ERROR lint: text` the same of rules that
are refused, `WARNING@7` on line 7; several are parted by ` ; `. `# FLEET: /A/web` holds the policy
against accounts, `# MASTER: 5000.00` says what the master has, `# BURNS: web` of
whom spending is known; `# NOTHING` expects no lint.
"""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.burn import Burn
from budgetd.core.documents.placing import Written, read_written
from budgetd.core.documents.problem import Problem
from budgetd.core.intent import Instrument, Unit
from budgetd.core.lints.allowing import LINTS
from budgetd.core.lints.linting import UNSHOWN, Fleet, Setting, lint
from budgetd.core.moment import parse_instant
from budgetd.core.money import parse_amount
from budgetd.core.observation import Account, Organization, Status
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.policy import Policy

FOLDER = Path(__file__).parent.parent / "lints"
FILES = sorted(FOLDER.glob("*.yaml"))
ZONE = ZoneInfo("Asia/Shanghai")
NOW = parse_instant("2026-11-30T14:00:00Z")
EXPECTED = re.compile(r"(ERROR|WARNING)(?:@(\d+))? ([a-z-]+): (.*?)(?= ; |$)")


def expectations(text: str) -> list[tuple[str, int, str, str]]:
    return [
        (kind, int(place) if place else number, name, said)
        for number, line in enumerate(text.splitlines(), 1)
        for kind, place, name, said in EXPECTED.findall(line)
    ]


def fleet_of(text: str) -> Fleet | None:
    found = re.search(r"# FLEET: (.*)", text)
    if found is None:
        return None
    accounts = []
    for word in found[1].split():
        *path, name = word.strip("/").split("/")
        unit = Organization(id=f"unit {path}", name=path[-1], path=tuple(path))
        accounts.append(
            Account(id=name, name=name, display_name="", status=Status.NORMAL, organization=unit)
        )
    master = re.search(r"# MASTER: (\S+)", text)
    known = re.search(r"# BURNS: (.*)", text)
    burns = {
        Unit(account_id=name, instrument=Instrument.CASH): Burn(
            at=NOW, value=parse_amount("100.00"), level=parse_amount("10.00")
        )
        for name in (known[1].split() if known else ())
    }
    return Fleet(
        accounts=tuple(accounts),
        master_cash=parse_amount(master[1]) if master else None,
        burns=burns if known else None,
    )


def lints_of(text: str) -> list[Problem]:
    written = read_written(text, "p.yaml", Policy)
    assert isinstance(written, Written), written
    limits = LimitsSection().for_core(ZONE, Polling())
    setting = Setting(limits=limits, now=NOW, fleet=fleet_of(text))
    return lint([written], judge([written], ZONE), setting)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_case_gets_exactly_the_lints_it_expects_each_with_an_example(path: Path) -> None:
    text = path.read_text("utf-8")
    expected, problems = expectations(text), lints_of(text)
    shown = "\n".join(problem.render() for problem in problems)
    assert expected or "# NOTHING" in text, "a case says what it expects"
    assert len(problems) == len(expected), shown
    for kind, line, name, said in expected:
        met = [one for one in problems if (one.line, one.lint) == (line, name)]
        assert [one for one in met if said in one.message], f"{name} at {line}\n{shown}"
        assert all(one.is_warning is (kind == "WARNING") for one in met), shown
    bare = {"allowance", "unknown-id"}
    assert all(one.example or one.lint in bare for one in problems), shown
    assert not any(UNSHOWN in one.example for one in problems), shown


def test_every_lint_has_a_case() -> None:
    found = {name for path in FILES for _, _, name, _ in expectations(path.read_text("utf-8"))}
    assert set(LINTS) - found <= {"closed-id"}
    assert len(FILES) >= 30

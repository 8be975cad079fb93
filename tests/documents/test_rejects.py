"""Every bad file in `tests/rejects` gets exactly the problems its comments expect, at their lines.

`# ERROR: text` expects an error on its own line, `# ERROR@5: text` on line 5, `@0` of the whole
file; WARNING likewise; several are parted by ` ; `. `text ~ hint` expects a hint too.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.config import InvalidDocuments, config_warnings, open_config
from budgetd.core.documents.placing import read_written
from budgetd.core.documents.problem import Problem
from budgetd.core.policies.calendar import CalendarFile, judge_calendar
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.policy import Policy

FOLDER = Path(__file__).parent.parent / "rejects"
FILES = sorted(FOLDER.glob("*.yaml"))
EXPECTED = re.compile(r"(ERROR|WARNING)(?:@(\d+))?: (.*)")


@dataclass(frozen=True)
class Expected:
    line: int
    is_warning: bool
    text: str
    hint: str

    def fits(self, problem: Problem) -> bool:
        said = f"{problem.where}: {problem.message}" if problem.where else problem.message
        return (
            problem.line == self.line
            and problem.is_warning is self.is_warning
            and self.text in said
            and self.hint in problem.hint
        )


def expectations(text: str) -> list[Expected]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        _, marked, rest = line.partition("ERROR" if "ERROR" in line else "WARNING")
        for part in f"{marked}{rest}".split(" ; ") if marked else ():
            matched = EXPECTED.fullmatch(part.strip())
            assert matched, f"line {number}: not an expectation: {part}"
            kind, place, said = matched.groups()
            message, _, hint = said.partition("~")
            line_number = number if place is None else int(place)
            found.append(Expected(line_number, kind == "WARNING", message.strip(), hint.strip()))
    return found


def problems_of(path: Path) -> list[Problem]:
    if path.name.startswith("config-"):
        try:
            return list(config_warnings(open_config(path)))
        except InvalidDocuments as refused:
            return list(refused.problems)
    if path.name.startswith("calendar-"):
        calendar = read_written(path.read_bytes(), path.name, CalendarFile)
        return calendar if isinstance(calendar, list) else judge_calendar(calendar)
    written = read_written(path.read_bytes(), path.name, Policy)
    if isinstance(written, list):
        return written
    return judge([written], ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_each_problem_at_its_line(path: Path) -> None:
    expected = expectations(path.read_text("utf-8"))
    problems = problems_of(path)
    shown = "\n".join(problem.render() for problem in problems)
    assert expected, "a bad file says what is wrong with it"
    assert len(problems) == len(expected), shown
    unmet = [one for one in expected if not any(one.fits(problem) for problem in problems)]
    assert not unmet, f"{unmet}\n{shown}"
    strays = [one.headline() for one in problems if not any(e.fits(one) for e in expected)]
    assert not strays


def test_there_are_many_bad_files() -> None:
    assert len(FILES) >= 100

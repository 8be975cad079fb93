"""The shipped policies do what their cases say, and no small change of one goes unnoticed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from budgetd.cli import main
from budgetd.config.cases import Frame, frame_of, open_cases
from budgetd.core.cases.running import run_case
from budgetd.core.documents.placing import read_written
from budgetd.core.documents.problem import InvalidDocuments
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.policy import Policy

from .mutants import Mutant, mutants

FOLDER = Path(__file__).parents[2] / "policies"
SHIPPED = sorted(FOLDER.glob("*.yaml"))
EQUIVALENT = {
    "keep-alive rules.0.top_up.max: 1500.00 -> 1500.01": "what is clipped is a whole hundred",
    "running-low rules.0.alert: without severity": "warning is what is meant without it",
    "running-low rules.1.alert: without severity": "warning is what is meant without it",
}
"""Mutants that no case can tell, because they mean the same; each with the reason."""


def is_lawful(text: str) -> bool:
    written = read_written(text, "mutant.yaml", Policy)
    if isinstance(written, list):
        return False
    return all(problem.is_warning for problem in judge([written], ZoneInfo("Asia/Shanghai")))


def is_noticed(paths: list[Path], frame: Frame) -> bool:
    try:
        opened = open_cases(paths, frame)
    except InvalidDocuments:
        return True
    return any(
        run_case(one.ground, one.written.model, case).failures
        for one in opened
        for case in one.written.model.cases
    )


def survivors(policy: Path, folder: Path) -> Iterator[Mutant]:
    shutil.copytree(FOLDER, folder)
    frame = frame_of(None)
    paths = sorted((folder / "tests").glob(f"{policy.stem}*_test.yaml"))
    assert paths
    assert not is_noticed(paths, frame)
    for mutant in mutants(policy.read_text()):
        if is_lawful(mutant.text):
            (folder / policy.name).write_text(mutant.text)
            if not is_noticed(paths, frame):
                yield mutant


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda path: path.stem)
def test_every_small_change_of_a_shipped_policy_fails_a_case(policy: Path, tmp_path: Path) -> None:
    alive = {f"{policy.stem} {mutant.name}" for mutant in survivors(policy, tmp_path / "policies")}
    assert alive == {name for name in EQUIVALENT if name.startswith(f"{policy.stem} ")}


def test_the_shipped_cases_reach_every_rail_of_the_shipped_rules() -> None:
    ran = CliRunner().invoke(main, ["test", str(FOLDER), "--coverage"])
    assert ran.exit_code == 0, ran.output
    shipped = ran.stdout.replace("rivals/", "\0").split("\0")
    assert "never" not in shipped[0].replace("held: never", "")
    assert len(EQUIVALENT) <= 5


def test_there_is_a_file_of_cases_for_each_shipped_policy() -> None:
    named = {path.name.removesuffix("_test.yaml") for path in (FOLDER / "tests").glob("*.yaml")}
    assert {path.stem for path in SHIPPED} <= named

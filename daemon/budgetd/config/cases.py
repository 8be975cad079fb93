"""Files of cases, found and read, each with the policies that it is about.

It may not run a case, nor judge a policy.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from budgetd.config import Config, open_calendar, read_policy_files
from budgetd.config.files import list_documents, read_file, shown_path
from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.cases.case import CaseFile
from budgetd.core.cases.naming import judge_names
from budgetd.core.cases.staging import Ground
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import Written, read_written
from budgetd.core.documents.problem import InvalidDocuments, Problem
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.digest import digest_of
from budgetd.core.policies.policy import Policy, PolicySet

TESTS = "tests"
"""The subfolder of a folder of policies that holds its cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file of cases, valid, and what its cases stand on."""

    written: Written[CaseFile]
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a config lends to cases, or the defaults where there is none."""

    context: dict[str, object]
    limits: Limits
    max_staleness: timedelta
    currency: str


def frame_of(config: Config | None) -> Frame:
    """What cases stand on beside policies: limits, zone, calendar and windows of the config, or
    the product's defaults. Raises `InvalidDocuments` for a calendar that is refused."""
    if config is None:
        zone, polling = Config.model_fields["timezone"].default, Polling()
        limits = LimitsSection().for_core(zone, polling)
        currency = str(Config.model_fields["currency"].default)
        return Frame(
            context={}, limits=limits, max_staleness=polling.max_staleness, currency=currency
        )
    calendar, problems = open_calendar(config)
    if problems:
        raise InvalidDocuments(problems)
    return Frame(
        context={"calendar": calendar, "windows": config.windows_by_name()},
        limits=config.guards(),
        max_staleness=config.polling.max_staleness,
        currency=config.currency,
    )


def open_cases(paths: Sequence[Path], frame: Frame) -> list[Opened]:
    """Every file of cases at these paths, files or folders, in order of path.

    Raises `InvalidDocuments` with every problem of the files and of the policies they are about.
    """
    opened: list[Opened] = []
    problems: set[Problem] = set()
    for path in _case_files(paths, problems):
        found = _open(path, frame)
        if isinstance(found, list):
            problems.update(found)
        else:
            opened.append(found)
    if problems:
        raise InvalidDocuments(problems)
    return opened


def _case_files(paths: Sequence[Path], problems: set[Problem]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(_in_folder(path))
        elif path.exists() and not is_case_file(path):
            message = "a file of cases is called *_test.yaml"
            problems.add(Problem(path=shown_path(path), message=message))
        else:
            found[path] = None
    return list(found)


def _in_folder(folder: Path) -> list[Path]:
    """The files of cases beside policies, and those in `tests/` and below it."""
    tests = folder if folder.name == TESTS else folder / TESTS
    places = dict.fromkeys([folder, tests, *sorted(tests.rglob("*"))])
    found = {
        path for place in places if place.is_dir() for path in place.iterdir() if is_case_file(path)
    }
    return sorted(found)


def is_case_file(path: Path) -> bool:
    """Whether a name is one of a file of cases."""
    stem, extension = os.path.splitext(path.name)
    return extension in (".yaml", ".yml") and stem.endswith("_test") and not stem.startswith(".")


def _open(path: Path, frame: Frame) -> Opened | list[Problem]:
    shown = shown_path(path)
    data = read_file(path, shown)
    if isinstance(data, Problem):
        return [data]
    written = read_written(data, shown, CaseFile)
    if isinstance(written, list):
        return written
    policies = _policies(path, written, frame)
    if isinstance(policies, list):
        return policies
    ground = Ground(
        policies=policies,
        limits=frame.limits,
        max_staleness=frame.max_staleness,
        currency=frame.currency,
    )
    problems = judge_names(written, ground)
    return problems or Opened(written=written, ground=ground)


def policies_folder(path: Path) -> Path:
    """The folder of policies that a file of cases belongs to: its own where policies lie there,
    else the one above `tests/`."""
    own = path.absolute().parent
    beside = list_documents(own, shown_path(own))
    if isinstance(beside, Problem) or not beside:
        return next((above.parent for above in path.absolute().parents if above.name == TESTS), own)
    return own


def _policies(path: Path, written: Written[CaseFile], frame: Frame) -> PolicySet | list[Problem]:
    folder = policies_folder(path)
    files: list[Path] | Problem = []
    if written.model.policies is None:
        files = list_documents(folder, shown_path(folder))
    else:
        places = (path.absolute().parent, folder)
        files = [_first(places, name) for name in written.model.policies]
    if isinstance(files, Problem):
        return [files]
    if not files:
        return [Problem(path=shown_path(folder), message="no policy file (*.yaml) for the cases")]
    read, problems = read_policy_files(files, frame.context)
    problems += [one for one in judge(read, frame.limits.zone) if not one.is_warning]
    if problems:
        return problems
    return policy_set_of(read)


def _first(places: Sequence[Path], name: str) -> Path:
    """The file of that name in the first place that has it, else as if in the last."""
    return next((place / name for place in places if (place / name).exists()), places[-1] / name)


def policy_set_of(read: Sequence[Written[Policy]]) -> PolicySet:
    """The policies of some files as one set."""
    policies = tuple(sorted((one.model for one in read), key=lambda policy: policy.policy))
    return PolicySet(policies, digest_of({"policies": policies}))

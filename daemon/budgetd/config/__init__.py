"""The only reader of configuration, policies and credentials: files and environment end here.

It may not decide anything about money, and it may not speak to the provider: what it hands out
are nouns, and the secrets among them hide themselves.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from budgetd.config.files import list_documents, read_file, shown_path
from budgetd.config.kept import lasting_problems
from budgetd.config.notify import channel_problems, notify_problems
from budgetd.config.references import is_loopback
from budgetd.config.schema import Config, Switch
from budgetd.config.secrets import AccessKey, Credentials, TokenLogin, read_credentials
from budgetd.core.documents.placing import Written, read_written
from budgetd.core.documents.problem import InvalidCredentials, InvalidDocuments, Problem
from budgetd.core.policies.calendar import (
    NO_YEARS,
    Calendar,
    CalendarFile,
    calendar_of,
    judge_calendar,
)
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.digest import digest_of
from budgetd.core.policies.policy import Policy, PolicySet

__all__ = [
    "AccessKey",
    "Config",
    "Credentials",
    "InvalidCredentials",
    "InvalidDocuments",
    "Loaded",
    "Switch",
    "TokenLogin",
    "calendar_warnings",
    "find_config",
    "load_config",
    "load_policies",
    "open_calendar",
    "open_config",
    "open_policies",
    "read_credentials",
    "read_policy_files",
]

CALENDAR_AHEAD = timedelta(days=60)
DEFAULT_PLACES = (Path("config.yaml"), Path("/etc/budgetd/config.yaml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Policies in force: the set, the warnings about it, and where each policy was written."""

    policy_set: PolicySet
    warnings: tuple[Problem, ...]
    written: tuple[Written[Policy], ...]


def find_config(option: str | None) -> Path:
    """The config file: the option, else $BUDGETD_CONFIG, ./config.yaml, /etc/budgetd/config.yaml.

    Raises `InvalidDocuments` where none is named and none lies at those places. A file that is
    named need not exist: reading it says so.
    """
    if option == "":
        # An unset variable of a script: another config than the one that was meant is not taken.
        raise InvalidDocuments([Problem(path="--config", message="expected a file, found ''")])
    named = option or os.environ.get("BUDGETD_CONFIG")
    if named:
        return Path(named)
    for place in DEFAULT_PLACES:
        if _is_there(place):
            return place
    message = "there is no config; name one with --config FILE or $BUDGETD_CONFIG"
    hint = "config.example.yaml has every key, the README a short one"
    raise InvalidDocuments([Problem(path="config.yaml", message=message, hint=hint)])


def _is_there(place: Path) -> bool:
    """Whether something lies there; what may not be looked at does, and reading it says so."""
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def load_config(path: Path) -> Config:
    """The configuration in a file. Raises `InvalidDocuments` with every problem it has."""
    return open_config(path).model


def open_config(path: Path) -> Written[Config]:
    """As `load_config`, with the places of everything in it."""
    shown = shown_path(path)
    data = read_file(path, shown)
    if isinstance(data, Problem):
        raise InvalidDocuments([data])
    context = {"folder": Path(os.path.abspath(path)).parent}
    written = read_written(data, shown, Config, context)
    if isinstance(written, list):
        raise InvalidDocuments(written)
    problems = list(_config_errors(written))
    if problems:
        raise InvalidDocuments(problems)
    return written


def config_warnings(written: Written[Config]) -> tuple[Problem, ...]:
    """What is lawful in a config and yet deserves a second look."""
    warnings = []
    if not written.model.limits.reserve:
        warnings.append(
            written.problem(
                ("limits", "reserve"),
                "the reserve is 0.00: rules may empty the master's cash",
                is_warning=True,
            )
        )
    web = written.model.web
    if web is not None and not is_loopback(web.listen.host):
        warnings.append(
            written.problem(
                ("web", "listen"),
                "this is no loopback address: whoever reaches it sees every account and its money",
                is_warning=True,
            )
        )
    return tuple(warnings)


def load_policies(folder: Path, config: Config) -> Loaded:
    """The policies of a folder. Raises `InvalidDocuments` with every problem of every file.

    One bad file refuses the whole folder, and so does a folder without any policy.
    """
    calendar, problems = open_calendar(config)
    context = {"calendar": calendar, "windows": config.windows_by_name()}
    written, refused = open_policies(folder, context)
    problems += [*refused, *judge(written, config.timezone)]
    for one in written:
        problems += channel_problems(one, config.notify)
    problems += lasting_problems(written, config)
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise InvalidDocuments(problems)
    policies = tuple(sorted((one.model for one in written), key=lambda policy: policy.policy))
    digest = digest_of(
        {
            "policies": policies,
            "limits": config.limits,
            "currency": config.currency,
            "timezone": config.timezone,
        }
    )
    return Loaded(
        policy_set=PolicySet(policies, digest),
        warnings=tuple(sorted(problems)),
        written=tuple(written),
    )


def open_calendar(config: Config) -> tuple[Calendar | None, list[Problem]]:
    """The calendar that a config names, if any, and what is wrong with its file; one that is
    refused knows no year."""
    if config.calendar is None:
        return None, []
    shown = shown_path(config.calendar)
    data = read_file(config.calendar, shown)
    if isinstance(data, Problem):
        return NO_YEARS, [data]
    written = read_written(data, shown, CalendarFile)
    problems = written if isinstance(written, list) else judge_calendar(written)
    if isinstance(written, list) or problems:
        return NO_YEARS, problems
    return calendar_of(written.model), []


def calendar_warnings(written: Written[Config], loaded: Loaded, today: date) -> list[Problem]:
    """A warning for each year, of this one and the one that begins within 60 days, that the
    calendar lacks and some rule's business days need."""
    days = [rule.schedule.business_day for _, rule in loaded.policy_set.rules() if rule.schedule]
    calendars = {day.calendar for day in days if day is not None}
    years = sorted({today.year, (today + CALENDAR_AHEAD).year})
    return [
        written.problem(
            ("calendar",),
            f"the calendar {calendar.name} has no year {year}: rules with business days hold",
            hint="the years that are announced belong into its file",
            is_warning=True,
        )
        for calendar in calendars
        for year in years
        if year not in calendar.years
    ]


def open_policies(
    folder: Path, context: Mapping[str, object] = MappingProxyType({})
) -> tuple[list[Written[Policy]], list[Problem]]:
    """Every policy file of a folder that can be read, and what is wrong with the others.
    `context` is what rules may name of the config."""
    shown = shown_path(folder)
    paths = list_documents(folder, shown)
    if isinstance(paths, Problem):
        return [], [paths]
    if not paths:
        message = "no policy file (*.yaml) in this folder; no policies is not what anybody means"
        return [], [Problem(path=shown, message=message)]
    return read_policy_files(paths, context)


def read_policy_files(
    paths: Sequence[Path], context: Mapping[str, object]
) -> tuple[list[Written[Policy]], list[Problem]]:
    """Every one of these policy files that can be read, and what is wrong with the others."""
    written: list[Written[Policy]] = []
    problems: list[Problem] = []
    for path in paths:
        shown = shown_path(path)
        data = read_file(path, shown)
        if isinstance(data, Problem):
            problems.append(data)
            continue
        read = read_written(data, shown, Policy, context)
        if isinstance(read, list):
            problems += read
        else:
            written.append(read)
    return written, problems


def _config_errors(written: Written[Config]) -> list[Problem]:
    config, problems = written.model, []
    if config.mode is Switch.ENFORCE and config.provider.credentials.token is not None:
        problems.append(
            written.problem(
                ("mode",),
                "enforce needs access keys; a token serves reading and dry runs alone",
                hint="provider.credentials.token",
            )
        )
    if config.polling.act_within > config.polling.max_staleness:
        problems.append(
            written.problem(
                ("polling", "act_within"), "expected no more than polling.max_staleness"
            )
        )
    problems += notify_problems(written, config.notify)
    return problems

"""The units an operator installs: systemd takes them as they are, and they expose little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from budgetd.service.daemon import BEAT_S, STOP_WITHIN_S

from .site import POLICY, Site

UNITS = Path(__file__).parents[2] / "systemd"
systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = ["sh", str(UNITS / "check.sh"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def unit(name: str) -> str:
    return (UNITS / name).read_text()


def seconds(directive: str) -> int:
    """A span of the unit."""
    found = re.search(rf"^{directive}=(\d+)(s|min)$", unit("budgetd.service"), re.MULTILINE)
    assert found is not None
    return int(found[1]) * {"s": 1, "min": 60}[found[2]]


@systemd
def test_systemd_takes_the_units_and_finds_them_exposed_by_little() -> None:
    judged = check(UNITS)
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout.count("Overall exposure level") == 2


@systemd
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("UMask=0077\n", "UMaks=0077\n"),
        ("WatchdogSec=60s\n", "WatchdogSec=often\n"),
        ("ProtectSystem=strict\n", "ProtectSystem=no\nUser=root\n"),
    ],
)
def test_a_mistake_in_a_unit_is_found(tmp_path: Path, was: str, becomes: str) -> None:
    for path in UNITS.iterdir():
        shutil.copy(path, tmp_path)
    assert was in unit("budgetd.service")
    (tmp_path / "budgetd.service").write_text(unit("budgetd.service").replace(was, becomes))
    assert check(tmp_path).returncode != 0


def test_the_template_is_the_unit_with_paths_of_its_own() -> None:
    plain = unit("budgetd.service").partition("[Unit]")[2]
    template = unit("budgetd@.service").partition("[Unit]")[2]
    template = template.replace("budgetd for %i:", "budgetd:").replace("budgetd/%i", "budgetd")
    assert template == plain


def test_systemd_is_more_patient_than_the_daemon_is_slow() -> None:
    assert seconds("TimeoutStopSec") > STOP_WITHIN_S + 10
    assert seconds("WatchdogSec") / 3 >= BEAT_S


def test_a_reload_fails_for_systemd_where_the_daemon_refuses_documents_or_keys(site: Site) -> None:
    found = re.search(r"^ExecReload=\S+ --config \S+ (.*)$", unit("budgetd.service"), re.MULTILINE)
    assert found is not None
    arguments = found[1].split()
    assert site.run(*arguments).exit_code == 0
    (site.home / "policies" / "p.yaml").write_text(POLICY.replace("500.00", "5e2"))
    assert site.run(*arguments).exit_code == 2
    (site.home / "policies" / "p.yaml").write_text(POLICY)
    (site.home / "keys" / "sk").unlink()
    assert site.run(*arguments).exit_code == 2

"""A full disk: nothing is sent without room for the answer, and what was sent is not forgotten."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crashes.lives import ROOT

ROUNDS = "3"
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def test_a_disk_that_becomes_full_loses_and_doubles_nothing(tmp_path: Path) -> None:
    probe = [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    asked = subprocess.run(probe, capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip(f"no small disk can be mounted here: {asked.stderr.strip()}")
    command = [*UNSHARE, sys.executable, "-m", "tests.crashes.full_disk", str(tmp_path), ROUNDS]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    log = seen.pop("log")
    print(seen)
    assert (seen["scarce"], seen["scarce_posts"]) == (1, 0)
    assert "less than 16 MiB are free; nothing is sent" in log
    assert (seen["full"], seen["full_posts"]) == (1, 0)
    # The answers found no room at least once, and were in doubt then.
    assert 1 in seen["ends"]
    assert seen["left"].get("sending")
    assert seen["wrong"] == []
    assert seen["unsettled"] == []
    assert "Traceback" not in log

"""CPU of `budgetd check` on a thousand rules, against a bare import of what it is made with.

Both are processes of their own, in turns, the whole of each counted: start, imports, lints, end.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

from bench.row import Row
from bench.size import Size

OURS = (str(Path(sys.executable).with_name("budgetd")), "check")
PEER = (sys.executable, "-c", "import pydantic, yaml")
MOST = 8.0
FILES, RULES = 50, 20

CONFIG = """\
enterprise: acme
provider:
  endpoint: http://127.0.0.1:1
  credentials: {access_key: "env:AK", secret_key: "env:SK"}
policies: policies/
state: sqlite:///state.db
limits: {reserve: 1000.00}
"""
HEAD = "version: 1\npolicy: {policy}\ndescription: the rules of one unit\nrules:\n"
KINDS = (
    """\
  - name: keep-alive-{rule}
    description: what serves customers never runs dry
    accounts: {{org: "/{unit}/{team}/**", name: ["prod-*", "live-*"]}}
    top_up:
      when: {{below: {trigger}.00}}
      to: {target}.00
      min: 50.00
      max: 5000.00
      multiple_of: 100.00
    schedule: {{every: 15m}}
    cooldown: 1h
    caps: {{account_per_day: 10000.00, account_per_month: 40000.00, rule_per_day: 50000.00}}
    priority: 10
""",
    """\
  - name: by-runway-{rule}
    accounts: {{org: "/{unit}/{team}/**", name: "batch-*"}}
    top_up:
      when: {{any: [{{runway_below: 3d}}, {{below: {trigger}.00}}]}}
      to: {{runway: 14d, at_least: {target}.00, at_most: 9000.00}}
    guard: {{burn_spike: 4, idle_for: 7d}}
    caps: {{account_per_day: 9000.00}}
""",
    """\
  - name: coupons-home-{rule}
    accounts: {{org: "/{unit}/{team}/**", not: {{name: "keep-*"}}}}
    reclaim_coupons:
      when: {{expires_within: 35d, will_lapse: 1.00}}
    schedule: {{monthly: {{day: last, at: "12:00"}}, catch_up: 24h}}
""",
    """\
  - name: cash-home-{rule}
    accounts: {{org: "/{unit}/{team}/**", name: "dev-*"}}
    reclaim: {{when: {{above: {target}.00}}, keep: {{runway: 3d, at_least: 200.00}}}}
    schedule: {{monthly: {{day: 4, at: "10:00"}}}}
    notice: 3d
    valid: {{from: 2026-01-01, until: 2036-12-31}}
""",
    """\
  - name: running-low-{rule}
    accounts: {{org: "/{unit}/{team}/**"}}
    alert: {{when: {{runway_below: 7d}}, severity: warning}}
""",
)


def measure(size: Size) -> list[Row]:
    """One row, of medians."""
    with TemporaryDirectory() as folder:
        write_rules(Path(folder))
        ours_s, peer_s = in_turns((OURS, PEER), Path(folder), size.check_runs)
    return [
        Row(
            name="check",
            value=f"{ours_s * 1000:.0f} ms CPU, {FILES * RULES} rules, {FILES} files",
            against=f"{peer_s * 1000:.0f} ms: python -c 'import pydantic, yaml'",
            ratio=ours_s / peer_s,
            most=MOST,
        )
    ]


def write_rules(folder: Path) -> None:
    """A config and its policies: a thousand rules as people write them, with nothing wrong."""
    policies = folder / "policies"
    policies.mkdir()
    (folder / "config.yaml").write_text(CONFIG)
    for number in range(FILES):
        rules = [
            KINDS[rule % len(KINDS)].format(
                rule=rule,
                unit=f"Unit {number}",
                team=f"Team {rule // len(KINDS)}",
                trigger=500 + 10 * rule,
                target=2000 + 10 * rule,
            )
            for rule in range(RULES)
        ]
        text = HEAD.format(policy=f"unit-{number:02}") + "".join(rules)
        (policies / f"unit-{number:02}.yaml").write_text(text)


def in_turns(commands: Sequence[Sequence[str]], folder: Path, runs: int) -> list[float]:
    """CPU seconds of each command, medians of so many runs, in turns so that all meet the same
    noise."""
    taken_s = [[_cpu_s(command, folder) for command in commands] for _ in range(runs)]
    return [median(one) for one in zip(*taken_s, strict=True)]


def _cpu_s(command: Sequence[str], folder: Path) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

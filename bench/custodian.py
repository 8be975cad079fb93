"""CPU of `budgetd check` on a thousand rules, against `custodian validate` on a thousand policies.

Cloud Custodian, the nearest neighbour with policies in YAML, is installed into an environment of
its own, `.bench-venv/`, by the versions and hashes of `custodian.txt`. It is taken only where it
is asked for by name.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from venv import create

from bench.check import FILES, OURS, RULES, in_turns, write_rules
from bench.row import Row
from bench.size import Size

PINNED = Path(__file__).with_name("custodian.txt")
HOME = Path(__file__).parents[1] / ".bench-venv"
READY = HOME / ".ready"
MOST = 0.25

KINDS = (
    """\
  - name: stop-untagged-{rule}
    resource: aws.ec2
    description: machines that nobody owns are stopped
    filters:
      - State.Name: running
      - "tag:Owner": absent
      - {{type: instance-age, days: {days}}}
    actions:
      - {{type: mark-for-op, op: stop, days: 4}}
""",
    """\
  - name: delete-volume-{rule}
    resource: aws.ebs
    filters:
      - Attachments: []
      - {{type: value, key: Size, op: greater-than, value: {days}}}
    actions:
      - {{type: mark-for-op, op: delete, days: 14}}
""",
    """\
  - name: log-bucket-{rule}
    resource: aws.s3
    filters:
      - {{type: bucket-logging, op: disabled}}
      - "tag:Unit": unit-{days}
    actions:
      - {{type: tag, tags: {{Review: "yes"}}}}
""",
    """\
  - name: old-snapshot-{rule}
    resource: aws.ebs-snapshot
    filters:
      - {{type: age, days: {days}, op: ge}}
    actions: [delete]
""",
)


def measure(size: Size) -> list[Row]:
    """One row, of medians."""
    _set_up()
    with TemporaryDirectory() as folder:
        write_rules(Path(folder))
        theirs = _write_policies(Path(folder) / "custodian")
        peer = (str(HOME / "bin" / "custodian"), "validate", *theirs)
        ours_s, peer_s = in_turns((OURS, peer), Path(folder), size.custodian_runs)
    return [
        Row(
            name="custodian",
            value=f"{ours_s * 1000:.0f} ms CPU, {FILES * RULES} rules, {FILES} files",
            against=f"{peer_s:.1f} s: custodian validate, as many policies",
            ratio=ours_s / peer_s,
            most=MOST,
        )
    ]


def _set_up() -> None:
    wanted = PINNED.read_text()
    if READY.exists() and READY.read_text() == wanted:
        return
    sys.stderr.write(f"setting up {HOME.name} ...\n")
    create(HOME, clear=True, with_pip=True)
    command = [str(HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--require-hashes", "-r", str(PINNED)], check=True)
    READY.write_text(wanted)


def _write_policies(folder: Path) -> list[str]:
    """A thousand policies as people write them, all valid: their paths."""
    folder.mkdir()
    paths = [folder / f"unit-{number:02}.yaml" for number in range(FILES)]
    for number, path in enumerate(paths):
        rules = [
            KINDS[rule % len(KINDS)].format(rule=number * RULES + rule, days=rule + 1)
            for rule in range(RULES)
        ]
        path.write_text("policies:\n" + "".join(rules))
    return [str(path) for path in paths]

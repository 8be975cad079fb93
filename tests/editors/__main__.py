"""`make editors`: what a person sees who writes policies in an editor with yaml-language-server.

Good documents show nothing, bad ones a problem on the line where `budgetd check` has one, keys and
values are completed, and every key says what it means. Exits 1 where that is not so.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.documents.test_rejects import expectations
from tests.editors.server import Json, Server

ROOT = Path(__file__).parents[2]
MANY_REJECTS = 60
CURSOR = "|"
OF_POLICY = "version: 1\npolicy: p\nrules:\n  - name: a\n    accounts: all\n"
# Between braces this server offers keys from the first letter on.
WORDS: list[tuple[str, str, set[str]]] = [
    ("policy", "|", {"version", "policy", "description", "rules"}),
    (
        "policy",
        OF_POLICY + "    |",
        {"top_up", "reclaim", "grant_coupons", "reclaim_coupons", "alert", "schedule", "cooldown"},
    ),
    ("policy", OF_POLICY + "    top_up:\n      |", {"when", "to", "add", "max", "multiple_of"}),
    (
        "policy",
        OF_POLICY + "    top_up:\n      when: {b|}",
        {"below", "runway_below", "any", "for"},
    ),
    ("policy", OF_POLICY + "    reclaim:\n      when:\n        |", {"above", "idle_for"}),
    ("policy", OF_POLICY + "    schedule:\n      |", {"every", "daily", "monthly", "cron"}),
    ("policy", OF_POLICY + "    caps: {a|}", {"account_per_day", "rule_per_month"}),
    ("policy", OF_POLICY + "    mode: |", {"observe", "propose", "enforce"}),
    ("policy", OF_POLICY + "    alert:\n      severity: |", {"info", "warning", "critical"}),
    ("policy", OF_POLICY + "    top_up:\n      instrument: |", {"cash", "credit"}),
    ("policy", OF_POLICY + "    schedule:\n      weekly:\n        day: |", {"monday", "sunday"}),
    ("policy", OF_POLICY.replace("all", "|"), {"all", "master"}),
    ("policy", OF_POLICY.replace("all", "{o|}"), {"org", "name", "id", "not"}),
    ("config", "|", {"enterprise", "provider", "limits", "policies", "state"}),
    ("config", "mode: |", {"dry_run", "enforce"}),
    ("config", "provider:\n  |", {"endpoint", "credentials", "timeout"}),
    ("config", "limits:\n  |", {"reserve", "per_cycle", "approval_above"}),
    ("config", "provider:\n  resend: |", {"same_key", "never"}),
]
SHOWN: list[tuple[str, str, str]] = [
    (
        "policy",
        OF_POLICY + "    top_up:\n      when: {be|low: 500.00}\n",
        "strict: at exactly this",
    ),
    ("policy", OF_POLICY + "    top_up:\n      when: {be|low: 500.00}\n", "two decimals"),
    ("policy", OF_POLICY + "    cool|down: 1h\n", "a whole number and a unit"),
    ("policy", OF_POLICY + "    mo|de: observe\n", "under the master switch"),
    ("policy", OF_POLICY + "    re|claim: {keep: 200.00}\n", "one action of five"),
    ("config", "limits:\n  res|erve: 1.00\n", "cash the master never falls below"),
    ("config", "pro|vider: {}\n", "how the provider is spoken to"),
]


@dataclass(slots=True)
class Tally:
    """What was tried and what was not as it should be."""

    tried: int = 0
    wrong: int = 0

    def judge(self, *, is_right: bool, what: str) -> None:
        """Counts one trial; what is wrong is told."""
        self.tried += 1
        if not is_right:
            self.wrong += 1
            sys.stdout.write(f"wrong: {what}\n")


def main() -> int:
    """Tries everything against one server; the exit code."""
    with TemporaryDirectory() as folder:
        home = Path(folder).as_uri()
        schemas = {
            (ROOT / "policies" / "policy.schema.json").as_uri(): "policy/*.yaml",
            (ROOT / "config.schema.json").as_uri(): "config/*.yaml",
        }
        with Server(schemas) as server:
            tallies = {
                "documents without a fault show none": _good(server, home),
                f"bad documents show it on its line, of {len(list(_bad()))}": _rejects(
                    server, home
                ),
                "places are completed": _completions(server, home),
                "keys say what they mean": _hovers(server, home),
            }
    for name, tally in tallies.items():
        sys.stdout.write(f"{tally.tried - tally.wrong:>4} {name}\n")
    return 1 if any(tally.wrong for tally in tallies.values()) else 0


def _good(server: Server, home: str) -> Tally:
    tally = Tally()
    for path in sorted((ROOT / "policies").glob("*.yaml")):
        # At their own places: each names its schema in its first line.
        found = server.open(path.as_uri(), path.read_text("utf-8"))
        tally.judge(is_right=not found, what=f"{path.name}: {_told(found)}")
    example = ROOT / "config.example.yaml"
    found = server.open(example.as_uri(), example.read_text("utf-8"))
    tally.judge(is_right=not found, what=f"{example.name}: {_told(found)}")
    for path in sorted((ROOT / "tests" / "lints").glob("*.yaml")):
        found = server.open(f"{home}/policy/{path.name}", path.read_text("utf-8"))
        tally.judge(is_right=not found, what=f"{path.name}: {_told(found)}")
    return tally


def _bad() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "tests" / "rejects").glob("*.yaml")):
        text = path.read_bytes().decode("utf-8", "replace")
        is_of_us = not path.name.startswith("calendar-")
        if is_of_us and any(not one.is_warning and one.line for one in expectations(text)):
            yield path, text


def _rejects(server: Server, home: str) -> Tally:
    """Those that an editor tells on the right line. Most of the others only `check` can know."""
    tally = Tally()
    for path, text in _bad():
        kind = "config" if path.name.startswith("config-") else "policy"
        found = server.open(f"{home}/{kind}/{path.name}", text)
        lines = {one["range"]["start"]["line"] + 1 for one in found}
        expected = {one.line for one in expectations(text) if not one.is_warning}
        tally.tried += bool(lines & expected)
    if tally.tried < MANY_REJECTS:
        tally.judge(is_right=False, what=f"fewer than {MANY_REJECTS} bad documents are told")
    return tally


def _completions(server: Server, home: str) -> Tally:
    tally = Tally()
    for number, (kind, marked, words) in enumerate(WORDS):
        uri, text, line, column = _placed(home, kind, f"word-{number}", marked)
        server.open(uri, text)
        offered = {
            re.split(r"[:\s]", item["label"])[0] for item in server.complete(uri, line, column)
        }
        tally.judge(is_right=words <= offered, what=f"{marked!r}: {sorted(words - offered)} lack")
    return tally


def _hovers(server: Server, home: str) -> Tally:
    tally = Tally()
    for number, (kind, marked, words) in enumerate(SHOWN):
        uri, text, line, column = _placed(home, kind, f"shown-{number}", marked)
        server.open(uri, text)
        shown = server.hover(uri, line, column)
        tally.judge(is_right=words in shown, what=f"{marked!r} shows {shown!r}")
    return tally


def _placed(home: str, kind: str, name: str, marked: str) -> tuple[str, str, int, int]:
    """A document whose text has a cursor in it: its address, its text, the cursor's place."""
    before, _, after = marked.partition(CURSOR)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    return f"{home}/{kind}/{name}.yaml", before + after, line, column


def _told(found: list[Json]) -> str:
    return "; ".join(f"{one['range']['start']['line'] + 1}: {one['message']}" for one in found)


if __name__ == "__main__":
    sys.exit(main())

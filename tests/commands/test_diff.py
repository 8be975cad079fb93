"""`diff` as a script meets it: what an edit changes in money, on one reading of the fleet."""

import json
import subprocess
from pathlib import Path

import pytest

from budgetd.sandbox.running import RunningSandbox

from .site import POLICY, Site
from .test_plan_and_apply import BEFORE, cash, refused

CANDIDATE = POLICY.replace("to: 2000.00", "to: 1000.00")


def folder(site: Site, text: str = CANDIDATE) -> str:
    made = site.home / "candidate"
    made.mkdir()
    (made / "p.yaml").write_text(text)
    return str(made)


def committed(site: Site) -> None:
    """The site's policies as the first commit of a repository."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (("init", "-q"), ("add", "policies"), (*identity, "commit", "-qm", "one")):
        subprocess.run(["git", *arguments], cwd=site.home, check=True)


def test_an_edit_is_told_in_money_and_nothing_moves(site: Site, running: RunningSandbox) -> None:
    new = folder(site)
    result = site.run("diff", str(site.home / "policies"), new, "--format", "json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["totals"] == [
        {
            "instrument": "cash",
            "old": {"transfers": 3, "allocate": "3490.01", "reclaim": "4800.00", "waiting": "0.00"},
            "new": {"transfers": 3, "allocate": "1490.01", "reclaim": "4800.00", "waiting": "0.00"},
        }
    ]
    assert [one["rule"] for one in told["by_rule"]] == ["p/up"]
    assert len(told["by_account"]) == 2
    assert cash(running) == BEFORE
    text = " ".join(site.run("diff", str(site.home / "policies"), new).stdout.split())
    assert "+3,490.01 -4,800.00 in 3 transfers → +1,490.01 -4,800.00 in 3 transfers" in text


def test_the_exit_code_says_whether_the_sets_differ_where_it_is_asked(site: Site) -> None:
    old, new = str(site.home / "policies"), folder(site)
    assert site.run("diff", old, new, "--detailed-exitcode").exit_code == 3
    same = site.run("diff", old, old, "--detailed-exitcode")
    assert same.exit_code == 0
    assert "Both sets say the same of these readings." in same.stdout


def test_the_fleet_is_read_once_for_both(site: Site, running: RunningSandbox) -> None:
    old, new = str(site.home / "policies"), folder(site)
    site.run("plan")
    one = len(running.sandbox.seen)
    site.run("diff", old, new)
    assert len(running.sandbox.seen) == 2 * one


def test_recorded_readings_serve_without_a_provider(site: Site, running: RunningSandbox) -> None:
    snapshot = site.home / "fleet.json"
    snapshot.write_text(site.run("accounts", "--format", "json").stdout)
    seen = len(running.sandbox.seen)
    result = site.run(
        "diff", str(site.home / "policies"), folder(site), "--snapshot", str(snapshot)
    )
    assert result.exit_code == 0, result.output
    assert "p/up" in result.stdout
    assert len(running.sandbox.seen) == seen


def test_a_revision_a_path_in_it_and_a_file_are_sets_too(site: Site) -> None:
    committed(site)
    (site.home / "policies" / "p.yaml").write_text(CANDIDATE)
    now = str(site.home / "policies")
    for old in ("HEAD", "HEAD:policies", "HEAD:policies/p.yaml"):
        assert site.run("diff", old, now, "--detailed-exitcode").exit_code == 3, old
    file = str(site.home / "policies" / "p.yaml")
    assert site.run("diff", now, file, "--detailed-exitcode").exit_code == 0


@pytest.mark.parametrize(
    "name", ["--output=x", "-x", "HEAD:../up", "HEAD:/etc", "a b", "nobody", ":x", "HEAD;touch x"]
)
def test_a_hostile_name_is_refused_and_runs_nothing(site: Site, name: str) -> None:
    committed(site)
    before = {path for path in site.home.rglob("*") if ".git" not in path.parts}
    result = site.run("diff", "--", name, str(Path(site.home / "policies")))
    refused(result, 2, "")
    assert {path for path in site.home.rglob("*") if ".git" not in path.parts} == before


def test_what_is_wrong_in_a_revision_is_told_at_the_place_people_know(site: Site) -> None:
    wrong = site.home / "policies" / "p.yaml"
    wrong.write_text(CANDIDATE.replace("500.00", "5e2"))
    committed(site)
    wrong.write_text(POLICY)
    for name in ("HEAD", "HEAD:policies", "HEAD:policies/", "HEAD:policies/p.yaml"):
        result = site.run("diff", name, str(site.home / "policies"))
        refused(result, 2, "HEAD:policies/p.yaml:6:28: rules[0].top_up.when.below: expected an")
        assert "budgetd-diff" not in result.output
    alone = site.home / "alone.yaml"
    alone.write_text("version: 1\n")
    refused(site.run("diff", str(alone), str(alone)), 2, f"{alone}:1:1: the key 'policy' is mis")


def test_a_revision_runs_no_program_that_the_repository_or_the_environment_names(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.home / "policies" / ".gitattributes").write_text("*.yaml filter=x diff=x export-ignore\n")
    committed(site)
    trap = site.home / "trap"
    program = site.home / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    program.chmod(0o755)
    keys = ("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "gpg.program")
    keys += ("diff.external", "diff.x.textconv", "filter.x.smudge", "filter.x.process")
    keys += ("tar.tar.command", "alias.ls-tree", "alias.cat-file", "credential.helper")
    keys += ("remote.origin.uploadpack", "uploadpack.packObjectsHook")
    for key in keys:
        subprocess.run(["git", "config", key, str(program)], cwd=site.home, check=True)
    hooks = site.home / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        (hooks / hook).unlink(missing_ok=True)
        (hooks / hook).symlink_to(program)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(program))
    now = str(site.home / "policies")
    for name in ("HEAD", "HEAD:policies/p.yaml"):
        assert site.run("diff", name, now, "--detailed-exitcode").exit_code == 0, name
    assert not trap.exists()


def test_a_partial_clone_fetches_nothing_by_a_program_of_its_own(site: Site) -> None:
    committed(site)
    trap, program = site.home / "trap", site.home / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::{program}"),
        ("protocol.ext.allow", "always"),
    ):
        subprocess.run(["git", "config", key, value], cwd=site.home, check=True)
    named = ["git", "rev-parse", "HEAD:policies/p.yaml"]
    blob = subprocess.run(named, cwd=site.home, check=True, capture_output=True, text=True).stdout
    (site.home / ".git" / "objects" / blob[:2] / blob[2:].strip()).unlink()
    refused(site.run("diff", "HEAD", str(site.home / "policies")), 2, "has no content for p.yaml")
    assert not trap.exists()

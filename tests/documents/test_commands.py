"""`check` and `schema` as a person or a script meets them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from budgetd.cli import main
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.running import RunningSandbox

ROOT = Path(__file__).parents[2]
CONFIG = """\
enterprise: acme
provider:
  endpoint: {endpoint}
  credentials: {{access_key: env:AK, secret_key: env:SK}}
state: sqlite:///state.db
limits: {{reserve: 10.00}}
"""
POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {accounts}
    top_up: {{when: {{below: {below}}}, to: 2000.00}}
    caps: {{account_per_day: 5000.00}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    write(tmp_path)
    return tmp_path


def write(
    home: Path,
    *,
    below: str = "500.00",
    accounts: str = "all",
    endpoint: str = "https://bss.example.com",
) -> None:
    (home / "config.yaml").write_text(CONFIG.format(endpoint=endpoint))
    policy = POLICY.format(below=below, accounts=accounts)
    (home / "policies" / "p.yaml").write_text(policy)


def run(home: Path, *arguments: str, **environment: str) -> Result:
    config = str(home / "config.yaml")
    return CliRunner().invoke(main, ["--config", config, *arguments], env=environment)


def test_valid_documents_exit_0_and_say_what_they_are(home: Path) -> None:
    result = run(home, "check")
    assert result.exit_code == 0
    assert re.fullmatch(r"1 policy, 1 rule: valid \([0-9a-f]{6}\)\.\n", result.stdout)


def test_every_problem_is_shown_at_once_on_stdout_and_exits_2(home: Path) -> None:
    write(home, below="5e2", accounts="everybody")
    result = run(home, "check")
    assert result.exit_code == 2
    path = home / "policies" / "p.yaml"
    assert f"{path}:5:15: rules[0].accounts: expected `all`" in result.stdout
    assert f"{path}:6:28: rules[0].top_up.when.below: expected an amount" in result.stdout
    assert "    |                            ^^^ exponents are not accepted" in result.stdout
    assert result.stdout.endswith("2 problems; nothing was loaded.\n")
    assert "\x1b" not in result.stdout


def test_a_refused_config_exits_2(home: Path) -> None:
    (home / "config.yaml").write_text("enterprise: acme\n")
    result = run(home, "check")
    assert result.exit_code == 2
    assert "the key 'provider' is missing" in result.stdout
    (home / "config.yaml").unlink()
    assert run(home, "check").exit_code == 2


def test_warnings_alone_exit_0(home: Path) -> None:
    text = (home / "policies" / "p.yaml").read_text()
    (home / "policies" / "p.yaml").write_text(text.replace("account_per_day", "rule_per_day"))
    result = run(home, "check")
    assert result.exit_code == 0
    assert "warning: rules[0].top_up: a continuous top-up without an account cap" in result.stdout
    assert "1 policy, 1 rule, 1 warning: valid" in result.stdout


def test_a_line_a_problem_is_for_editors_and_strict_is_for_machines(home: Path) -> None:
    policy = home / "policies" / "p.yaml"
    policy.write_text(policy.read_text().partition("    caps")[0])
    result = run(home, "check", "--format", "lines")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert re.fullmatch(rf"{re.escape(str(policy))}:6:5: warning: .*\[no-cap\]", line)
    assert run(home, "check", "--strict").exit_code == 1
    told = json.loads(run(home, "check", "--format", "json").stdout)["problems"][0]
    assert told["lint"] == "no-cap"
    assert told["example"][1].endswith("reads 0.00: gets 2,000.00 by p/up -> 2,000.00")
    allowed = "    # budgetd: allow no-cap until 2999-12-31 because this is a trial\n    top_up"
    policy.write_text(policy.read_text().replace("    top_up", allowed))
    assert run(home, "check", "--strict").exit_code == 0


def test_rules_that_undo_each_other_are_refused_with_what_they_would_do(home: Path) -> None:
    policy = home / "policies" / "p.yaml"
    more = "  - {name: home, accounts: all, reclaim: {when: {above: 1500.00}, keep: 600.00}}\n"
    policy.write_text(policy.read_text() + more)
    result = run(home, "check")
    assert result.exit_code == 2
    assert "by p/home -> 600.00" in result.stdout
    assert "[ping-pong]" in result.stdout


def test_the_json_form_has_every_problem_and_its_place(home: Path) -> None:
    write(home, below="5e2")
    result = run(home, "check", "--format", "json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert (told["format"], told["valid"], told["policy_digest"]) == (
        "budgetd.check/1",
        False,
        None,
    )
    assert told["problems"] == [
        {
            "path": str(home / "policies" / "p.yaml"),
            "line": 6,
            "column": 28,
            "where": "rules[0].top_up.when.below",
            "message": "expected an amount like 500.00, found '5e2'",
            "hint": "exponents are not accepted in amounts",
            "severity": "error",
        }
    ]


def test_where_nothing_is_wrong_neither_the_engine_nor_the_ledger_is_loaded(home: Path) -> None:
    write(home)
    script = "import sys; from budgetd.cli import main; main(['check'], standalone_mode=False)"
    told = f"{script}; print(*sys.modules, sep=chr(10))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=home, capture_output=True, text=True, check=True
    )
    assert "1 rule: valid" in done.stdout
    loaded = done.stdout.splitlines()
    heavy = ("budgetd.core.plans", "budgetd.core.decisions.deciding", "apsw", "httpx", "rich")
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_the_secrets_of_channels_are_looked_for_too(home: Path) -> None:
    write(home, endpoint="http://127.0.0.1:1")
    with (home / "config.yaml").open("a") as config:
        config.write("notify: {on-call: {kind: slack, url: env:HOOK}}\n")
    assert run(home, "check", AK="k", SK="s").exit_code == 0
    # To look at the live fleet (there is none: 1) nobody needs to speak in a channel.
    assert run(home, "check", "--online", AK="k", SK="s").exit_code == 1
    for hook, said in (("", "env:HOOK is empty"), ("no address", "env:HOOK leads to no address")):
        result = run(home, "check", "--credentials", AK="k", SK="s", HOOK=hook)
        assert result.exit_code == 2
        assert f"notify.on-call.url: {said}" in result.stdout
    address = "https://hooks.acme.example/T0/B0/x"
    assert run(home, "check", "--credentials", AK="k", SK="s", HOOK=address).exit_code == 0


def test_credentials_are_looked_for_on_request(home: Path) -> None:
    assert run(home, "check").exit_code == 0
    result = run(home, "check", "--credentials", AK="k", SK="")
    assert result.exit_code == 2
    assert "provider.credentials.secret_key: env:SK is empty" in result.stdout


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    clock = MovableClock()
    running = RunningSandbox(Sandbox(book=seeded_fleet(seed=7, start=clock.now()), clock=clock))
    with running:
        yield running


def test_the_live_fleet_shows_what_the_files_cannot(home: Path, sandbox: RunningSandbox) -> None:
    keys = {"AK": SANDBOX_AK, "SK": SANDBOX_SK}
    write(home, endpoint=sandbox.url)
    assert run(home, "check", "--online", **keys).exit_code == 0
    write(home, endpoint=sandbox.url, accounts="{name: nobody-*}")
    result = run(home, "check", "--online", **keys)
    assert result.exit_code == 0
    assert "warning: rules[0].accounts: it matches no account" in result.stdout
    assert "the rule wants nobody-*" in result.stdout
    assert "[uncovered]" in result.stdout
    recorded = run(home, "accounts", "--format", "json", **keys)
    (home / "fleet.json").write_text(recorded.stdout)
    assert run(home, "check", "--snapshot", str(home / "fleet.json")).stdout == result.stdout
    (home / "fleet.json").unlink()
    assert run(home, "check", "--online", AK="WRONG", SK="wrong").exit_code == 1
    assert sorted(os.listdir(home)) == ["config.yaml", "policies"]


def test_the_shipped_policies_fit_the_sandbox(home: Path, sandbox: RunningSandbox) -> None:
    write(home, endpoint=sandbox.url)
    with (home / "config.yaml").open("a") as config:
        config.write(f"policies: {ROOT / 'policies'}\n")
    result = run(home, "check", "--online", AK=SANDBOX_AK, SK=SANDBOX_SK)
    assert result.exit_code == 0
    assert "warning" not in result.stdout, result.stdout


def schema_from(document: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["schema", document])
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert isinstance(schema, dict)
    return schema


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """What the part of JSON Schema that our schemas use says about a value."""
    if "$ref" in schema:
        return complaints(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = [complaints(value, branch, root, at) for branch in schema[key]]
            return [] if [] in found else min(found, key=len)
    types = {
        dict: "object", list: "array", str: "string", bool: "boolean", int: "integer",
        float: "number",
    }  # fmt: skip
    kind = types[type(value)]
    allowed = schema.get("type", kind)
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if kind not in allowed and not (kind == "integer" and "number" in allowed):
        return [f"{at}: {kind} is none of {allowed}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value} is none of {schema['enum']}"]
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value} is not {schema['const']}"]
    if kind == "string" and not re.search(schema.get("pattern", ""), value):
        return [f"{at}: {value} does not match {schema['pattern']}"]
    if kind == "array":
        return [
            said
            for index, item in enumerate(value)
            for said in complaints(item, schema.get("items", {}), root, f"{at}[{index}]")
        ]
    if kind != "object":
        return []
    known = schema.get("properties", {})
    missing = [f"{at}: no {key}" for key in schema.get("required", []) if key not in value]
    unknown = [f"{at}: unknown {key}" for key in value if known and key not in known]
    inner = [
        said
        for key, item in value.items()
        if key in known
        for said in complaints(item, known[key], root, f"{at}.{key}")
    ]
    return missing + unknown + inner


def as_editors_see(file: Path) -> Any:
    """YAML 1.2 as editors read it: plain scalars become numbers, dates stay text."""
    return json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))


def test_the_schema_accepts_the_shipped_policies_and_the_example() -> None:
    policy, config = schema_from("policy"), schema_from("config")
    files = sorted((ROOT / "policies").glob("*.yaml"))
    assert files
    for file in files:
        assert complaints(as_editors_see(file), policy, policy) == [], file
    assert complaints(as_editors_see(ROOT / "config.example.yaml"), config, config) == []


def test_the_schema_refuses_what_the_models_refuse() -> None:
    schema = schema_from("policy")
    rule = {"name": "a", "accounts": "all", "alert": {"when": {"below": "1.00"}}}
    good = {"version": 1, "policy": "p", "rules": [rule]}
    assert complaints(good, schema, schema) == []
    for bad in (
        {**good, "version": 2},
        {**good, "rulse": []},
        {"version": 1, "policy": "p"},
        {**good, "policy": "Capital"},
        {**good, "rules": [{**rule, "alert": {"when": {"below": "5e2"}}}]},
        {**good, "rules": [{**rule, "accounts": {"group": "x"}}]},
    ):
        assert complaints(bad, schema, schema), bad


def test_defaults_in_the_schema_are_written_as_a_document_would() -> None:
    limits = schema_from("config")["$defs"]["LimitsSection"]["properties"]
    assert limits["sudden_zeros"]["default"] == "5%"
    assert limits["approval_above"]["default"] == "20000.00"
    assert limits["proposals_expire"]["default"] == "1d"

"""Configuration, policies and credentials are read from files that can be trusted, or refused."""

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.config import (
    AccessKey,
    Config,
    InvalidCredentials,
    InvalidDocuments,
    Switch,
    TokenLogin,
    find_config,
    load_config,
    load_policies,
    open_config,
    read_credentials,
)
from budgetd.config.files import read_file, shown_path
from budgetd.core.documents.problem import Problem

ROOT = Path(__file__).parents[2]
CONFIG = """\
enterprise: acme
provider: {credentials: {access_key: env:AK, secret_key: file:sk}}
limits: {reserve: 10.00}
"""
POLICY = """\
version: 1
policy: low
rules:
  - {name: a, accounts: all, alert: {when: {below: 1.00}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "policies").mkdir(mode=0o755)
    (tmp_path / "policies" / "low.yaml").write_text(POLICY)
    return tmp_path


def config_of(home: Path, text: str = "") -> Config:
    if text:
        (home / "config.yaml").write_text(text)
    return load_config(home / "config.yaml")


def refusal(home: Path) -> str:
    config = config_of(home)
    with pytest.raises(InvalidDocuments) as refused:
        load_policies(config.policies, config)
    return str(refused.value)


def test_what_is_left_out_keeps_its_default(home: Path) -> None:
    config = config_of(home, CONFIG + "polling: {act_within: 1m}\n")
    assert config.mode is Switch.DRY_RUN
    assert config.provider.endpoint == "https://bss.myhuaweicloud.com"
    assert config.provider.requests_per_second == 10
    assert config.provider.timeout == timedelta(seconds=30)
    assert (config.currency, config.timezone) == ("CNY", ZoneInfo("Asia/Shanghai"))
    assert config.limits.reserve == Decimal("10.00")
    assert config.limits.per_cycle.share_of_accounts == Decimal("0.5")
    assert config.polling.max_staleness == timedelta(minutes=30)
    assert config.policies == home / "policies"
    assert config.state == Path("/var/lib/budgetd/budgetd.db")
    assert config.web is None


def test_a_partly_written_limit_keeps_its_neighbours(home: Path) -> None:
    text = CONFIG.replace("reserve: 10.00", "per_cycle: {transfers: 5}, never: all")
    limits = config_of(home, text).guards()
    assert (limits.per_cycle_transfers, limits.per_cycle_amount) == (5, Decimal("100000.00"))
    assert limits.never is not None


def test_readings_are_kept_longer_the_fewer_they_are(home: Path) -> None:
    kept = config_of(home, CONFIG + "readings: {every: 7d}\n").readings
    days = [span.days for span in (kept.every, kept.hourly, kept.daily)]
    assert days == [7, 90, 400]
    for wrong in ("{every: 91d}", "{daily: 30d}", "{every: 1h}", "{daily: 5000d}"):
        with pytest.raises(InvalidDocuments):
            config_of(home, CONFIG + f"readings: {wrong}\n")


def test_paths_are_relative_to_the_config(home: Path) -> None:
    config = config_of(home, CONFIG + "state: sqlite:///state/x.db\npolicies: ../p\n")
    assert config.state == home / "state" / "x.db"
    assert config.policies == home / "../p"


def test_the_example_documents_every_key_and_loads() -> None:
    written = open_config(ROOT / "config.example.yaml")
    text = (ROOT / "config.example.yaml").read_text()
    assert written.model.limits.never is not None
    for key in (*Config.model_fields, "security_token", "iam_endpoint", "share_of_accounts"):
        assert key == "groups" or f"{key}:" in text


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:8480", "http://[::1]:8480", "http://localhost:1", "https://bss.example.com"],
)
def test_plain_http_is_for_loopback(home: Path, endpoint: str) -> None:
    text = CONFIG.replace("provider: {", f'provider: {{endpoint: "{endpoint}", ')
    assert config_of(home, text).provider.endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://a/",
    ],
)
def test_other_endpoints_are_refused(home: Path, endpoint: str) -> None:
    text = CONFIG.replace("provider: {", f'provider: {{endpoint: "{endpoint}", ')
    with pytest.raises(InvalidDocuments, match=r"provider\.endpoint"):
        config_of(home, text)


def test_no_secret_is_echoed_wherever_it_stands(home: Path) -> None:
    text = (
        "enterprise: acme\n"
        "provider:\n"
        "  endpoint: https://me:hunter2@bss.example.com\n"
        "  credentials: {access_key: hunter2, secret_kye: hunter2}\n"
        "  secret_key: |\n"
        "    hunter2\n"
        "state: postgresql://me:hunter2@host/db\n"
    )
    with pytest.raises(InvalidDocuments) as refused:
        config_of(home, text)
    shown = "\n".join(problem.render() for problem in refused.value.problems)
    assert len(refused.value.problems) >= 4
    assert "hunter2" not in shown + str(refused.value) + repr(refused.value)


def test_a_config_is_found_by_option_then_environment_then_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUDGETD_CONFIG", "/named/by/environment.yaml")
    assert find_config("option.yaml") == Path("option.yaml")
    assert find_config(None) == Path("/named/by/environment.yaml")
    monkeypatch.delenv("BUDGETD_CONFIG")
    monkeypatch.chdir(home)
    assert find_config(None) == Path("config.yaml")
    with pytest.raises(InvalidDocuments, match="--config: expected a file"):
        find_config("")


def test_comments_and_layout_do_not_change_the_digest(home: Path) -> None:
    config = config_of(home)
    before = load_policies(config.policies, config).policy_set.digest
    file = home / "policies" / "low.yaml"
    file.write_text("# a comment\n" + POLICY.replace("{when: {below: 1.00}}", "{when: {below: 1}}"))
    assert load_policies(config.policies, config).policy_set.digest == before
    file.rename(home / "policies" / "other.yml")
    assert load_policies(config.policies, config).policy_set.digest == before
    (home / "policies" / "other.yml").write_text(POLICY.replace("1.00", "1.01"))
    assert load_policies(config.policies, config).policy_set.digest != before


def test_limits_belong_to_the_digest(home: Path) -> None:
    config = config_of(home)
    other = config_of(home, CONFIG.replace("10.00", "11.00"))
    digests = {load_policies(one.policies, one).policy_set.digest for one in (config, other)}
    assert len(digests) == 2


def test_cases_and_hidden_files_are_no_policies(home: Path) -> None:
    for name in (".low.yaml", "low_test.yaml", "notes.txt", "low.yaml~"):
        (home / "policies" / name).write_text("not: a policy")
    config = config_of(home)
    names = [name for name, _ in load_policies(config.policies, config).policy_set.rules()]
    assert names == ["low/a"]


def test_one_bad_file_refuses_all_and_every_problem_is_told(home: Path) -> None:
    (home / "policies" / "bad.yaml").write_text(POLICY.replace("1.00", "1e3"))
    (home / "policies" / "worse.yaml").write_text("")
    said = refusal(home)
    assert "bad.yaml:4:52" in said
    assert "worse.yaml: an empty file" in said


def test_the_same_policy_in_two_files_is_refused(home: Path) -> None:
    (home / "policies" / "other.yaml").write_text(POLICY)
    assert "the policy 'low' stands in two files" in refusal(home)


def test_no_policies_is_not_what_anybody_means(home: Path) -> None:
    (home / "policies" / "low.yaml").unlink()
    assert "no policy file" in refusal(home)
    (home / "policies").rmdir()
    assert "policies: there is no such folder" in refusal(home)
    (home / "policies").write_text("")
    assert "not a folder" in refusal(home)


@pytest.mark.parametrize(
    ("written", "schedule", "said"),
    [
        ("399d", "", ""),
        ("400d", "", "readings are kept for 400d"),
        ("3211 readings", "", ""),
        ("9999 readings", "", "no more than 3211 readings are kept to look at"),
        ("389 readings", ", schedule: {every: 1d}", ""),
        ("401 readings", ", schedule: {every: 1d}", "no more than 400 readings are kept"),
    ],
)
def test_a_for_that_is_longer_than_readings_are_kept_is_refused(
    home: Path, written: str, schedule: str, said: str
) -> None:
    lasting = POLICY.replace("below: 1.00}}}", f"below: 1.00, for: {written}}}}}{schedule}}}")
    (home / "policies" / "low.yaml").write_text(lasting)
    config = config_of(home)
    if not said:
        assert load_policies(config.policies, config).policy_set
        return
    told = refusal(home)
    assert "low.yaml:4:63: rules[0].alert.when.for: it never holds: " in told
    assert said in told


@pytest.mark.parametrize("cut", range(1, len(POLICY) - 1, 7))
def test_a_half_written_file_never_loads_as_another_policy(home: Path, cut: int) -> None:
    (home / "policies" / "low.yaml").write_text(POLICY[:cut])
    assert "low.yaml" in refusal(home)


def test_a_symlink_loop_is_refused(home: Path) -> None:
    (home / "policies" / "loop.yaml").symlink_to("loop.yaml")
    assert "loop.yaml: a symlink loop" in refusal(home)


def test_a_symlink_to_a_file_is_read(home: Path) -> None:
    (home / "policies" / "low.yaml").rename(home / "real")
    (home / "policies" / "low.yaml").symlink_to("../real")
    config = config_of(home)
    assert len(load_policies(config.policies, config).policy_set.policies) == 1


def test_a_dangling_symlink_is_refused(home: Path) -> None:
    (home / "policies" / "gone.yaml").symlink_to("nowhere")
    assert "gone.yaml: there is no such file" in refusal(home)


def test_a_folder_named_like_a_policy_is_refused(home: Path) -> None:
    (home / "policies" / "x.yaml").mkdir()
    assert "x.yaml: expected a file, found a folder" in refusal(home)


def test_a_fifo_is_refused_and_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "policies" / "pipe.yaml")
    assert "pipe.yaml: expected a file, found a FIFO" in refusal(home)


def test_a_device_is_refused(home: Path) -> None:
    (home / "policies" / "zero.yaml").symlink_to("/dev/zero")
    assert "zero.yaml: expected a file, found a device" in refusal(home)


def test_what_anybody_may_write_is_refused(home: Path) -> None:
    (home / "policies" / "low.yaml").chmod(0o666)
    assert "low.yaml: anybody may write to this file" in refusal(home)
    (home / "policies" / "low.yaml").chmod(0o644)
    (home / "policies").chmod(0o777)
    assert "anybody may write into this folder" in refusal(home)
    (home / "config.yaml").chmod(0o646)
    with pytest.raises(InvalidDocuments, match="anybody may write"):
        load_config(home / "config.yaml")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(POLICY)
    file.chmod(0)
    folder = os.open(tmp_path, os.O_RDONLY)
    user = os.geteuid()
    try:
        if user == 0:
            # The administrator may read everything; somebody else may not.
            os.seteuid(65534)
        read = read_file(Path(f"/proc/self/fd/{folder}/secret.yaml"), "secret.yaml")
    finally:
        os.seteuid(user)
        os.close(folder)
    assert read == Problem(path="secret.yaml", message="it may not be read by this user")


def test_a_file_above_its_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 2048)
    read = read_file(tmp_path / "big", "big", largest=1024)
    assert isinstance(read, Problem)
    assert read.message == "larger than 1 KiB"


def test_credentials_come_from_where_the_config_says(home: Path) -> None:
    (home / "sk").write_text("the-secret\n")
    found = read_credentials(config_of(home), {"AK": "the-key"})
    assert found == AccessKey(access_key="the-key", secret_key="the-secret")
    assert "the-secret" not in repr(found)
    (home / "sk").write_text("rotated")
    assert read_credentials(config_of(home), {"AK": "k"}) == AccessKey(
        access_key="k", secret_key="rotated"
    )


def test_credentials_of_systemd_come_from_its_folder(home: Path) -> None:
    (home / "ak").write_text("the-key\n")
    text = CONFIG.replace("env:AK", "credential:ak").replace("file:sk", "credential:ak")
    found = read_credentials(config_of(home, text), {"CREDENTIALS_DIRECTORY": str(home)})
    assert found == AccessKey(access_key="the-key", secret_key="the-key")
    with pytest.raises(InvalidCredentials, match="CREDENTIALS_DIRECTORY is not set"):
        read_credentials(config_of(home, text), {})


def test_a_token_has_a_user_a_password_and_a_domain(home: Path) -> None:
    text = (
        "enterprise: acme\nprovider: {credentials: {token: {user: env:U, password: env:P,"
        ' domain: acme, iam_endpoint: "https://iam.example.com"}}}\n'
    )
    found = read_credentials(config_of(home, text), {"U": "reader", "P": "hunter2"})
    assert found == TokenLogin(
        user="reader", password="hunter2", domain="acme", iam_endpoint="https://iam.example.com"
    )
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("key", "secret", "said"),
    [
        (None, "s", "env:AK: the variable is not set"),
        ("", "s", "env:AK is empty"),
        (" k", "s", "env:AK has blanks or lines around it"),
        ("k", "\n", "is empty"),
        ("k", "s\n\n", "has blanks or lines around it"),
        ("k", "s\x01t", "holds characters no key has"),
        ("k", "sé", "holds characters no key has"),
        ("k" * 40, "s" * 20, "access_key and secret_key look swapped"),
        ("k", None, "there is no such file"),
    ],
)
def test_what_is_no_credential_is_refused_unquoted(
    home: Path, key: str | None, secret: str | None, said: str
) -> None:
    if secret is not None:
        (home / "sk").write_text(secret)
    with pytest.raises(InvalidCredentials, match=said) as refused:
        read_credentials(config_of(home), {} if key is None else {"AK": key})
    assert "s\x01t" not in str(refused.value)


def test_a_reference_cannot_leave_its_folder(home: Path) -> None:
    with pytest.raises(InvalidDocuments, match="secret_key"):
        config_of(home, CONFIG.replace("file:sk", "credential:../sk"))


def test_a_path_is_told_from_where_the_command_runs_and_whole_where_a_service_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, shown = home / "policies" / "low.yaml", []
    for place in (home, home / "policies", Path("/usr"), Path("/")):
        monkeypatch.chdir(place)
        shown.append(shown_path(path))
    assert shown == ["policies/low.yaml", "low.yaml", str(path), str(path)]

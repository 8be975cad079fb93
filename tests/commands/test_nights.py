"""What an operator who is called at night finds out with budgetd alone, and what to do."""

import json
import subprocess
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from budgetd.core.moment import format_minute
from budgetd.core.reconciliation import DEAD_TIME
from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import POLICY, Site
from .test_proofs import DEAD, WEB_ONLY, by_hand, seen_working

WEB = "acme_prod_web"

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def abroad(site: Site) -> Site:
    """A site that tells its times in Shanghai, and does not send again."""
    site.write(resend="never", limits="per_cycle: {share_of_accounts: 100%}", policy=POLICY)
    config = site.home / "config.yaml"
    config.write_text(config.read_text().replace("timezone: UTC", "timezone: Asia/Shanghai"))
    return site


def lose(running: RunningSandbox, times: int) -> None:
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.LOST_BEFORE, method="POST", times=times))


def test_three_doubts_hold_everything_and_each_command_says_so(
    abroad: Site, passing: RunningSandbox
) -> None:
    lose(passing, 2)
    assert abroad.run("apply", "--yes").exit_code == 7
    told = json.loads(abroad.run("status", "--format", "json").stdout)
    assert (len(told["doubts"]), told["held_by_doubt"]) == (2, False)
    assert "Nothing new is sent" not in abroad.run("status").stdout
    passing.sandbox.clock.advance(timedelta(minutes=1))
    lose(passing, 1)
    by_hand = ("transfer", "acme_streaming", "5.00", "--reason", "night", "--yes")
    assert abroad.run(*by_hand).exit_code == 7
    told = json.loads(abroad.run("status", "--format", "json").stdout)
    assert (len(told["doubts"]), told["held_by_doubt"]) == (3, True)
    assert (
        "Nothing new is sent anywhere until fewer than 3 are open." in abroad.run("status").stdout
    )
    doctor = abroad.run("doctor").stdout
    assert "3 transfers are open" in doctor
    assert "nothing new is sent until fewer than 3 are open" in doctor


def test_an_open_transfer_says_how_and_when_it_ends(abroad: Site, passing: RunningSandbox) -> None:
    lose(passing, 1)
    assert abroad.run("apply", "--yes").exit_code == 7
    ledger = Ledger(abroad.state, may_write=False)
    (intent,) = ledger.open_intents()
    (attempt,) = ledger.attempts(intent.id)
    ledger.close()
    dead = format_minute(attempt.signed_at + DEAD_TIME, ZoneInfo("Asia/Shanghai"))
    shown = abroad.run("transfers", "show", intent.id).stdout
    assert f"first cycle after {dead} that can read them; where they do not" in shown
    proof = " ".join(abroad.run("transfers", "prove", intent.id).stdout.split())
    assert f"The first cycle after {dead}:" in proof


def test_a_broken_policy_does_not_keep_the_doctor_from_the_rest(
    site: Site, running: RunningSandbox
) -> None:
    site.run("apply", "--yes")
    (site.home / "policies" / "p.yaml").write_text(POLICY.replace("below:", "belwo:"))
    ledger = Ledger(site.state, may_write=True)
    with ledger.writing():
        ledger.latch("moved twice", running.sandbox.clock.now())
    ledger.close()
    result = site.run("doctor")
    assert result.exit_code == 2
    assert "unknown key 'belwo'; did you mean 'below'?" in result.stdout
    assert "everything latched since" in result.stdout
    assert "ok  master cash     readable" in result.stdout


def test_the_line_of_an_unread_account_says_what_is_wrong_and_not_where(
    site: Site, running: RunningSandbox
) -> None:
    accounts = running.sandbox.book.accounts.values()
    (web,) = (one.id for one in accounts if one.display_name == "prod-web")
    running.sandbox.faults.order(
        FaultOrder(
            kind=FaultKind.MALFORMED, method="GET", path="retrieve-amount", contains=web, times=3
        )
    )
    (line,) = [line for line in site.run("plan").stdout.splitlines() if "unread " in line]
    assert "what is not documented, at $" in line
    assert "GET /v2" not in line


def test_what_to_do_after_a_transfer_is_never_cut_off(site: Site, running: RunningSandbox) -> None:
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.MALFORMED, method="POST", times=1))
    result = site.run("apply", "--yes")
    assert result.exit_code in (1, 7)
    assert "Nothing more is sent until `budgetd resume --reason`" in " ".join(result.stdout.split())


def test_the_log_tells_the_end_of_what_it_told_as_in_doubt(
    site: Site, running: RunningSandbox
) -> None:
    site.write(resend="never")
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.LOST_AFTER, method="POST"))
    before = ends_of(site.start("apply", "--yes"))
    (doubtful,) = (name for name, state in before if state == "in_doubt")
    site.write(resend="same_key")
    after = dict(ends_of(site.start("apply", "--yes")))
    assert after[doubtful] == "settled"
    assert site.states().count("settled") == len(before)


def ends_of(process: "subprocess.Popen[str]") -> list[tuple[str, str]]:
    """The transfers that a process logged the end of, each with its state."""
    _, log = process.communicate(timeout=60)
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    ended = [event for event in events if event["event"] == "transfer_ended"]
    return [(event["transfer"], event["state"]) for event in ended]


def test_the_unit_of_an_open_transfer_is_held_in_plain_words(
    site: Site, running: RunningSandbox
) -> None:
    site.write(resend="never")
    lose(running, 1)
    site.run("apply", "--yes")
    assert "is in doubt" in site.run("plan").stdout
    assert "in_doubt" not in site.run("plan").stdout


def ambiguous(site: Site, passing: RunningSandbox) -> str:
    """A transfer that the records cannot tell from two by hand, long after it left; its id."""
    seen_working(site, passing)
    site.write(policy=WEB_ONLY, resend="never")
    config = site.home / "config.yaml"
    config.write_text(config.read_text().replace("timezone: UTC", "timezone: Asia/Shanghai"))
    lose(passing, 1)
    assert site.run("apply", "--yes").exit_code == 7
    for _ in range(2):
        by_hand(passing, 1_990_00)
    passing.sandbox.clock.advance(DEAD + timedelta(minutes=20))
    site.run("apply", "--yes")
    (found,) = json.loads(site.run("transfers", "list", "--open", "--format", "json").stdout)[
        "transfers"
    ]
    return str(found["id"])


def test_what_needs_a_person_is_told_in_words_and_in_the_zone_of_the_config(
    site: Site, passing: RunningSandbox
) -> None:
    name = ambiguous(site, passing)
    assert f"transfer {name} needs a person" in " ".join(site.run("explain", WEB).stdout.split())
    site.run("transfers", "resolve", name, "--void", "--reason", "seen in the console", "--yes")
    shown, proof = (site.run("transfers", word, name).stdout for word in ("show", "prove"))
    for told in (shown, proof):
        assert "before: needs a person" in told
        assert "+00:00" not in told
        assert "needs_human" not in told
    at = format_minute(passing.sandbox.clock.now(), ZoneInfo("Asia/Shanghai"))
    assert f"read at {at}:" in shown


def test_records_that_cannot_be_read_are_told_by_the_log(
    site: Site, passing: RunningSandbox
) -> None:
    seen_working(site, passing)
    site.write(policy=WEB_ONLY, resend="never")
    lose(passing, 1)
    assert site.run("apply", "--yes").exit_code == 7
    passing.sandbox.clock.advance(DEAD)
    passing.sandbox.faults.order(
        FaultOrder(kind=FaultKind.MALFORMED, method="GET", path="/account-change-records", times=9)
    )
    result = site.run("apply", "--yes")
    assert result.exit_code == 7
    assert '"event": "records_unread"' in result.stderr
    assert '"waiting": 1' in result.stderr

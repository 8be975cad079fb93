"""The state file as the world leaves it, and the processes that want it at once."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest

from budgetd.core.answer import AnswerClass
from budgetd.ledger.database import LedgerError, open_database, pragma
from budgetd.ledger.locks import cycle_lock
from budgetd.ledger.schema import APPLICATION_ID
from budgetd.ledger.store import FencedError, Ledger, UnitTakenError

from .intents import intent_of, leading, promise, send

USE_PLAN = """\
import sys
from datetime import UTC, datetime
from pathlib import Path
from budgetd.ledger import kept
from budgetd.ledger.store import Ledger
ledger = Ledger(Path(sys.argv[1]), may_write=True)
print("ready", flush=True)
sys.stdin.readline()
print(kept.use_plan(ledger, "sha256:1", datetime(2026, 1, 1, tzinfo=UTC)))
"""
HOLD_LOCK = """\
import sys
from pathlib import Path
from budgetd.ledger.locks import cycle_lock
with cycle_lock(Path(sys.argv[1]), wait_s=0):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "budgetd.db"


def process(script: str, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def refuses(path: Path, words: str, *, only_reading: bool = False) -> None:
    """Neither reading nor writing opens it, and it stays as it was."""
    before = path.read_bytes() if path.is_file() else None
    for may_write in (False,) if only_reading else (False, True):
        with pytest.raises(LedgerError, match=words) as caught:
            Ledger(path, may_write=may_write)
        assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_the_pragmas_that_lose_nothing_are_in_force(path: Path) -> None:
    for may_write in (True, False):
        connection = open_database(path, may_write=may_write)
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == 2
        assert pragma(connection, "foreign_keys") == 1
        assert pragma(connection, "application_id") == APPLICATION_ID
        connection.close()


def test_the_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        ledger = Ledger(path, may_write=True)
        promise(ledger, intent_of())
        with cycle_lock(path, wait_s=0):
            modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
        ledger.close()
    finally:
        os.umask(before)
    assert set(modes) >= {"budgetd.db", "budgetd.db-wal", "budgetd.db.lock"}
    assert set(modes.values()) == {0o600}, modes


def test_who_only_reads_cannot_write(path: Path) -> None:
    Ledger(path, may_write=True).close()
    ledger = Ledger(path, may_write=False)
    with pytest.raises(apsw.ReadOnlyError):
        ledger.connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    ledger.close()


def test_an_emptied_file_is_no_new_ledger(path: Path) -> None:
    path.touch()
    refuses(path, "is empty")


def test_what_is_no_file_is_called_what_it_is(path: Path) -> None:
    path.mkdir()
    refuses(path, "found a folder")
    path.rmdir()
    os.mkfifo(path)
    refuses(path, "found no regular file")
    path.unlink()
    elsewhere = path.with_name("not-mounted.db")
    path.symlink_to(elsewhere)
    refuses(path, "a link to nothing")
    assert not elsewhere.exists()


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_bytes(b"SQLite format 2\0" + b"x" * 5000)
    refuses(path, "not a budgetd state file")


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    refuses(path, "not a budgetd state file")


def test_a_newer_schema_is_refused(path: Path) -> None:
    Ledger(path, may_write=True).close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    refuses(path, "schema 99")


def test_a_damaged_file_is_refused_or_told_when_it_is_met(path: Path) -> None:
    ledger = Ledger(path, may_write=True)
    for number in range(200):
        send(ledger, promise(ledger, intent_of(f"a{number}")), AnswerClass.SETTLED)
    ledger.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    refuses(path, "damaged|not a budgetd state file")


def test_a_file_cut_off_is_refused(path: Path) -> None:
    ledger = Ledger(path, may_write=True)
    for number in range(50):
        promise(ledger, intent_of(f"a{number}"))
    ledger.close()
    path.write_bytes(path.read_bytes()[:2000])
    refuses(path, "damaged|not a budgetd state file")


def test_weaker_settings_are_not_lived_with(path: Path) -> None:
    Ledger(path, may_write=True).close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    refuses(path, "journal_mode is delete, not wal", only_reading=True)


def test_a_folder_that_is_missing_or_none_is_told(tmp_path: Path) -> None:
    refuses(tmp_path / "nowhere" / "budgetd.db", "cannot be opened|does not exist")
    (tmp_path / "file").write_text("")
    refuses(tmp_path / "file" / "budgetd.db", "cannot be opened|does not exist")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(LedgerError):
        Ledger(tmp_path / "folder.db", may_write=True)


def test_a_folder_that_takes_no_files_is_told() -> None:
    path = Path("/proc/budgetd.db")
    with pytest.raises(LedgerError, match=r"/proc/budgetd\.db"):
        Ledger(path, may_write=True)
    with pytest.raises(LedgerError, match=r"/proc/budgetd\.db"), cycle_lock(path, wait_s=0):
        pytest.fail("a lock where no file can be")


def test_two_processes_use_a_plan_once(path: Path) -> None:
    Ledger(path, may_write=True).close()
    both = [process(USE_PLAN, path) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    told = sorted(one.communicate("\n", timeout=30)[0] for one in both)
    assert told == ["False\n", "True\n"]


def test_two_connections_promise_a_unit_once(path: Path) -> None:
    first = leading(path)
    promise(first, intent_of())
    second = leading(path)
    with pytest.raises(UnitTakenError):
        promise(second, intent_of())
    with pytest.raises(FencedError):
        promise(first, intent_of("another"))
    first.close()
    second.close()


def test_a_copy_taken_while_it_is_written_can_be_read(path: Path, tmp_path: Path) -> None:
    ledger = leading(path)
    intent = promise(ledger, intent_of())
    elsewhere = tmp_path / "copy"
    elsewhere.mkdir()
    for name in ("budgetd.db", "budgetd.db-wal"):
        shutil.copy(path.with_name(name), elsewhere / name)
    copied = Ledger(elsewhere / "budgetd.db", may_write=False)
    assert copied.intent(intent.id) == intent
    copied.close()
    ledger.close()


def test_another_process_keeps_the_lock_until_it_ends(path: Path) -> None:
    other = process(HOLD_LOCK, path)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    begun = time.monotonic()
    with (
        pytest.raises(LedgerError, match="another cycle has held"),
        cycle_lock(path, wait_s=0.3),
    ):
        pytest.fail("two cycles at once")
    assert time.monotonic() - begun >= 0.3
    other.kill()
    other.communicate(timeout=30)
    with cycle_lock(path, wait_s=5):
        pass


def test_a_waiter_gets_the_lock_when_it_is_free(path: Path) -> None:
    order: list[str] = []
    is_held = threading.Event()

    def hold() -> None:
        with cycle_lock(path, wait_s=0):
            is_held.set()
            time.sleep(0.3)
            order.append("first")

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    with cycle_lock(path, wait_s=10):
        order.append("second")
    holder.join()
    assert order == ["first", "second"]


def test_a_lock_file_that_was_replaced_locks_nobody_out_and_lets_nobody_in(path: Path) -> None:
    lock = path.with_name(path.name + ".lock")
    with cycle_lock(path, wait_s=0):
        lock.unlink()
        with (
            cycle_lock(path, wait_s=0),
            pytest.raises(LedgerError),
            cycle_lock(path, wait_s=0),
        ):
            pytest.fail("two cycles on one lock file")
    with cycle_lock(path, wait_s=0):
        pass


def test_what_is_raised_under_the_lock_is_raised_and_frees_it(path: Path) -> None:
    with pytest.raises(BlockingIOError), cycle_lock(path, wait_s=0):
        raise BlockingIOError
    with cycle_lock(path, wait_s=0):
        pass

"""Several processes on one state at the same moment: they queue, and move everything once."""

import subprocess
from pathlib import Path

from tests.crashes.scene import KEEP, TARGET, scene

from budgetd.sandbox.faults import FaultKind, FaultOrder

PATIENCE_S = 60.0
PROCESSES = 3
ROUNDS = 2


def test_three_processes_at_once_move_everything_once(tmp_path: Path) -> None:
    with scene(tmp_path) as place:
        for number in range(1, ROUNDS + 1):
            for one in list(place.spenders()):
                place.spend(one.id, 1100_00)
            for one in list(place.savers()):
                place.give(one.id, 1000_01)
            lost = FaultOrder(kind=FaultKind.LOST_AFTER, method="POST", nth=3)
            place.sandbox.faults.order(lost)
            several = [place.site.start("apply", "--yes") for _ in range(PROCESSES)]
            told = [subprocess.Popen.communicate(one, timeout=PATIENCE_S) for one in several]
            assert [one.returncode for one in several] == [0] * PROCESSES, told
            assert not any("Traceback" in errors for _, errors in told)
            place.look()
            assert place.wrong == []
            assert {one.cash.amount for one in place.spenders()} == {TARGET}
            assert {one.cash.amount for one in place.savers()} == {KEEP}
            assert place.moves() == 12 * number

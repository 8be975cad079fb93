"""One clock for the sandbox and every process of a test: real time, moved on by a file.

What may not be waited for in a test, a dead time of 45 minutes, is passed here.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from budgetd.sandbox.clock import real_time


@dataclass(frozen=True, slots=True)
class SharedClock:
    """Whoever reads the file has the same time."""

    path: Path

    def now(self) -> datetime:
        """The instant, in UTC."""
        return real_time() + self._ahead()

    def advance(self, **length: float) -> None:
        """Lets time pass at once, for everybody."""
        ahead = self._ahead() + timedelta(**length)
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(str(ahead.total_seconds()))
        os.replace(new, self.path)

    def _ahead(self) -> timedelta:
        try:
            return timedelta(seconds=float(self.path.read_text()))
        except FileNotFoundError:
            return timedelta(0)

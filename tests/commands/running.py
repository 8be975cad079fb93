"""`budgetd run` as a process of its own: its log as events, its signals, its end."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .site import BUDGETD

Event = dict[str, Any]
PATIENCE_S = 60.0


class Running:
    """The daemon, started on a config; a context manager that ends it, whatever happened.

    `environment` is added to a bare one. Its stdout is read as it comes: `log` holds the events.
    """

    def __init__(self, config: Path, environment: Mapping[str, str] | None = None) -> None:
        self.config = config
        self.log: list[Event] = []
        self._more = threading.Condition()
        bare = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
        self.process = subprocess.Popen(
            [str(BUDGETD), "--config", str(config), "run"],
            cwd=config.parent,
            env=bare | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_log, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_failure: object) -> None:
        self.kill()

    @property
    def errors(self) -> str:
        """What it said on stderr."""
        return "".join(self._errors)

    def events(self, name: str, since: int = 0) -> list[Event]:
        """The events of that name so far, from the `since`th line of the log on."""
        with self._more:
            return [event for event in self.log[since:] if event["event"] == name]

    def wait_for(
        self, name: str, *, since: int = 0, count: int = 1, patience_s: float = PATIENCE_S
    ) -> Event:
        """The `count`th event of that name from a line of the log on; fails if it dies, or does
        not say so within the patience."""
        deadline = time.monotonic() + patience_s
        while True:
            with self._more:
                found = [event for event in self.log[since:] if event["event"] == name]
                if len(found) >= count:
                    return found[count - 1]
                left_s = deadline - time.monotonic()
                if left_s > 0 and self.process.poll() is None:
                    self._more.wait(min(left_s, 0.2))
                    continue
                said = [event["event"] for event in self.log[-20:]]
            raise AssertionError(f"no {name} (exit {self.process.poll()}): {said}\n{self.errors}")

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def stop(self) -> float:
        """Asks it to stop and waits; the seconds it took."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        self.end()
        return time.monotonic() - begun

    def end(self) -> int:
        """Waits for its end; its exit code."""
        code = self.process.wait(timeout=PATIENCE_S)
        for reader in self._readers:
            reader.join(timeout=PATIENCE_S)
        return code

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read_log(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            with self._more:
                self.log.append(event)
                self._more.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

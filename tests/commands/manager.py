"""What a service manager hears from a daemon, on a real socket."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One datagram, and when it came on the clock that timers have."""

    at_s: float
    said: dict[str, str]


class Manager:
    """Listens at a path, or at an abstract name; `is_deaf` until it is told to hear."""

    def __init__(self, address: str, *, is_deaf: bool = False) -> None:
        self.address = address
        self.heard: list[Heard] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._reader = threading.Thread(target=self._read, daemon=True)
        if not is_deaf:
            self.hear()

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, *_failure: object) -> None:
        self._socket.shutdown(socket.SHUT_RD)
        if self._reader.ident is not None:
            self._reader.join(timeout=PATIENCE_S)
        self._socket.close()

    def hear(self) -> None:
        """From now on datagrams are read as they come."""
        self._reader.start()

    def fill(self) -> int:
        """Fills the queue, so that it takes nothing more; how much it took."""
        count = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.setblocking(False)
            try:
                while True:
                    ours.sendto(b"X_FILL=1", self._socket.getsockname())
                    count += 1
            except BlockingIOError:
                return count

    def environment(self, watchdog_s: float | None = None) -> dict[str, str]:
        """What a service is started with."""
        given = {"NOTIFY_SOCKET": self.address}
        if watchdog_s is not None:
            given["WATCHDOG_USEC"] = str(int(watchdog_s * 1_000_000))
        return given

    def told(self, name: str) -> list[Heard]:
        """What came with that assignment, in order."""
        return [one for one in list(self.heard) if name in one.said]

    def wait_for(self, name: str, count: int = 1) -> Heard:
        """The `count`th datagram with that assignment."""
        self.wait_until(lambda: len(self.told(name)) >= count, name)
        return self.told(name)[count - 1]

    def wait_until(self, what: Callable[[], bool], name: str) -> None:
        """Waits for something; fails where it does not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < deadline, (name, [one.said for one in self.heard[-10:]])
            time.sleep(0.01)

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            lines = data.decode().split("\n")
            said = dict(line.partition("=")[::2] for line in lines)
            assert len(said) == len(lines), data
            self.heard.append(Heard(at_s=time.monotonic(), said=said))


def at_a_path(folder: Path) -> str:
    """An address in a folder, as systemd's own is."""
    return str(folder / "notify")

"""What the service manager is told, over its own socket: ready, reloading, stopping, alive.

sd_notify(3) in its datagram form. The manager never holds up the daemon: what it cannot take at
once is dropped, and a change of state is told again with the next message. It may not decide
whether the daemon is well.
"""

import os
import socket
import time

_LONGEST = 200


class ServiceManager:
    """The manager that started this process; where there is none, telling does nothing."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._owed = ""
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @property
    def watchdog_s(self) -> float | None:
        """How often it wants to hear from us, in seconds; None where it does not watch."""
        micros = os.environ.get("WATCHDOG_USEC", "")
        pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
        if self._socket is None or not micros.isdecimal() or pid != str(os.getpid()):
            return None
        return int(micros) / 1_000_000

    def ready(self, status: str) -> None:
        """Started, or done with reloading."""
        self._tell_state(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """New documents are being read; `ready` ends it."""
        self._tell_state(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        """On the way out."""
        self._tell_state(f"STOPPING=1\nSTATUS={_line(status)}")

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows."""
        self._tell(f"STATUS={_line(text)}")

    def alive(self) -> None:
        """Feeds the watchdog."""
        self._tell("WATCHDOG=1")

    def close(self) -> None:
        """Ends it; nothing more is told."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, message: str) -> None:
        if self._owed:
            self._tell_state(self._owed)
        self._is_taken(message)

    def _tell_state(self, message: str) -> None:
        """Without READY a start, or a reload, would never end for the manager: it must arrive."""
        self._owed = "" if self._is_taken(message) else message

    def _is_taken(self, message: str) -> bool:
        if self._socket is not None:
            try:
                self._socket.sendto(message.encode(), self._address)
            except OSError:
                return False
        return True


def _line(text: str) -> str:
    """One short line: a newline would begin another assignment."""
    return "".join(char if char.isprintable() else " " for char in text)[:_LONGEST]

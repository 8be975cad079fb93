"""What people hear of the daemon: through the channels of the documents in force.

It may not wait for a channel, nor fail because of one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from budgetd.config.channels import Channel, digest_times, read_channels
from budgetd.core.standing import Policies
from budgetd.core.telling import Message
from budgetd.cycle import Report
from budgetd.ledger.alerts import notice_alerts
from budgetd.ledger.store import Ledger
from budgetd.logs import logger
from budgetd.notify import saying
from budgetd.notify.announcing import Announcer, Ended
from budgetd.notify.notifier import Notifier
from budgetd.notify.saying import Now
from budgetd.wiring import Opened


@dataclass(slots=True, kw_only=True)
class Telling:
    """The channels at work. `follow` comes first, and again with other documents."""

    clock: Callable[[], datetime]
    ledger: Ledger
    _announcer: Announcer | None = field(default=None, init=False)
    _opened: Opened | None = field(default=None, init=False)
    _channels: tuple[Channel, ...] = field(default=(), init=False)

    async def follow(self, opened: Opened) -> None:
        """Takes the channels of other documents; what waits in the old ones is still delivered.
        Raises `InvalidCredentials`."""
        config, before = opened.config, self._announcer
        self._opened, channels = opened, read_channels(config)
        if before is not None and channels == self._channels:
            before.zone, before.currency = config.timezone, config.currency
            return
        notifier = Notifier(config.enterprise, channels, self.clock)
        notifier.start()
        self._channels = channels
        if before is None:
            self._announcer = Announcer(
                notifier=notifier, zone=config.timezone, currency=config.currency
            )
            self._announcer.begin(self.ledger)
            return
        old, before.notifier = before.notifier, notifier
        await old.aclose()

    def began(self, mode: str, policies: Policies) -> None:
        """The daemon has started."""
        self._tell(lambda now: (saying.began(mode, policies, now),))

    def policies(self, policies: Policies) -> None:
        """Documents were loaded, or refused."""
        say = saying.refused if policies.problems else saying.loaded
        self._tell(lambda now: (say(policies, now),))

    def cycle(self, report: Report | None, stopped: str) -> None:
        """A cycle has ended, whole or early: everything of it that people have not heard."""
        assert self._opened is not None
        at = self.clock()
        if report is None or report.plan is None:
            ended = Ended(at=at, stopped=stopped)
        else:
            opened = self._opened
            notices = notice_alerts(
                self.ledger,
                report.plan,
                report.observation,
                opened.loaded.policy_set,
                opened.config.guards(),
            )
            for missed in report.missed:
                logger().warning(
                    "slot_missed",
                    rule=missed.rule,
                    period=missed.period,
                    undone=missed.undone,
                    selected=missed.selected,
                    accounts=list(missed.accounts),
                    reason=str(missed.reason or ""),
                    older=missed.older,
                )
            ended = Ended(
                at=at,
                plan=report.plan,
                observation=report.observation,
                outcomes=report.outcomes,
                notices=notices,
                missed=report.missed,
                announced=report.announced,
                discrepancies=report.discrepancies,
                stopped=stopped,
            )
        if self._announcer is not None:
            self._announcer.cycle(self.ledger, ended)

    def digests(self) -> Mapping[time, Callable[[], Awaitable[None]]]:
        """What is to be done at which local times of day."""
        return {at: self._digest(names) for at, names in digest_times(self._channels).items()}

    async def aclose(self, why: str) -> None:
        """The daemon ends; what waits is delivered for a few seconds."""
        self._tell(lambda now: (saying.ended(why, now),))
        if self._announcer is not None:
            await self._announcer.notifier.aclose()

    def _digest(self, names: tuple[str, ...]) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            if self._announcer is not None:
                self._announcer.digest(self.ledger, self.clock(), names)

        return tell

    def _tell(self, say: Callable[[Now], tuple[Message, ...]]) -> None:
        if self._announcer is not None:
            self._announcer.tell(*say(self._announcer.now(self.clock())))

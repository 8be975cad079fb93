"""Delivers messages: each channel by itself, one after another, tried again, never in the way.

`tell` neither blocks nor raises. What cannot be delivered in the end is an event of the log; no
address, token or text of a message stands in it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import SystemRandom
from time import monotonic
from uuid import uuid4

from budgetd.config.channels import Channel
from budgetd.config.notify import Kind
from budgetd.core.documents.problem import InvalidCredentials, Problem
from budgetd.core.telling import Message, Severity
from budgetd.logs import logger
from budgetd.notify.chats import CHATS, chat_request, judge_chat, problem_of_host
from budgetd.notify.mail import letter_of, send_letter
from budgetd.notify.post import Post
from budgetd.notify.request import DeliveryError
from budgetd.notify.webhook import webhook_request

QUEUE_LENGTH = 500
TIMEOUT_S = 10.0
MAIL_TIMEOUT_S = 30.0
"""Mail servers let strangers wait before they greet."""

WAITS_S = (1.0, 5.0, 20.0, 60.0, 120.0)
"""How long is waited before each further try: five of them, some three and a half minutes."""

JITTER = 0.25
SAID_LATELY_S = 600.0
MINUTE_S = 60.0


def check_channels(channels: Sequence[Channel]) -> None:
    """Raises `InvalidCredentials` for addresses that are none of their chat's."""
    problems = [
        Problem(path=f"notify.{channel.name}.url", message=problem)
        for channel in channels
        if (problem := problem_of_host(channel))
    ]
    if problems:
        raise InvalidCredentials(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things are waited for, in seconds; tests are less patient."""

    timeout_s: float = TIMEOUT_S
    mail_timeout_s: float = MAIL_TIMEOUT_S
    waits_s: tuple[float, ...] = WAITS_S
    said_lately_s: float = SAID_LATELY_S
    queue_length: int = QUEUE_LENGTH


class Notifier:
    """The channels, at work between `start` and `aclose`, in one event loop.

    `delivered`, `failed` and `dropped` count since the start. Raises `InvalidCredentials` for an
    address that is none of its chat's.
    """

    def __init__(
        self,
        enterprise: str,
        channels: Sequence[Channel],
        clock: Callable[[], datetime],
        patience: Patience | None = None,
    ) -> None:
        check_channels(channels)
        self._lines = [_Line(enterprise, one, clock, patience or Patience()) for one in channels]
        self._is_open = True

    def start(self) -> None:
        """Begins to deliver; what was told before waits until then."""
        for line in self._lines:
            line.start()

    def tell(self, message: Message) -> None:
        """Hands a message to every channel that takes it. Never blocks, never raises."""
        try:
            for line in self._lines if self._is_open else ():
                if line.channel.takes(message):
                    line.put(message)
        except Exception:
            # Whoever tells is in the middle of moving money; this must not stop it.
            logger().exception(
                "notification_dropped", channel="", message_event=str(message.event), dropped=0
            )

    async def aclose(self, timeout_s: float = 5.0) -> None:
        """Delivers what waits, for so many seconds, and ends. Nothing is told after it."""
        self._is_open = False
        tasks = [asyncio.create_task(line.drain()) for line in self._lines]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        for line, task in zip(self._lines, tasks, strict=True):
            task.cancel()
            await line.stop()

    @property
    def waiting(self) -> tuple[Message, ...]:
        """What was told and is not dealt with yet, channel by channel."""
        return tuple(message for line in self._lines for message in line.queue)

    @property
    def delivered(self) -> int:
        """How many deliveries arrived."""
        return sum(line.delivered for line in self._lines)

    @property
    def failed(self) -> int:
        """How many deliveries were given up."""
        return sum(line.failed for line in self._lines)

    @property
    def dropped(self) -> int:
        """How many messages found no place."""
        return sum(line.dropped for line in self._lines)


@dataclass(slots=True)
class _Line:
    """One channel, its queue, and the task that works it off."""

    enterprise: str
    channel: Channel
    clock: Callable[[], datetime]
    patience: Patience
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    queue: deque[Message] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _said: dict[tuple[str, str], float] = field(default_factory=dict)
    _sent: deque[float] = field(default_factory=deque)
    _task: asyncio.Task[None] | None = None
    _post: Post = field(init=False)

    def __post_init__(self) -> None:
        self._post = Post(self.patience.timeout_s)

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name=f"notify {self.channel.name}")

    def put(self, message: Message) -> None:
        if message.subject and self._was_said(message):
            return
        if len(self.queue) >= self.patience.queue_length:
            self.dropped += 1
            logger().warning(
                "notification_dropped",
                channel=self.channel.name,
                message_event=str(message.event),
                dropped=self.dropped,
            )
            return
        self.queue.insert(self._place(message), message)
        self._idle.clear()
        self._woken.set()

    def _place(self, message: Message) -> int:
        """At the end; what is critical goes before the others, but not before the first, which
        may be under way."""
        end = len(self.queue)
        if message.severity is not Severity.CRITICAL:
            return end
        waiting = enumerate(self.queue)
        return next(
            (at for at, one in waiting if at and one.severity is not Severity.CRITICAL), end
        )

    def _was_said(self, message: Message) -> bool:
        """Whether the same was told of the same a short while ago; else it is from now on."""
        now = monotonic()
        horizon = now - self.patience.said_lately_s
        self._said = {key: at for key, at in self._said.items() if at > horizon}
        key = (str(message.event), message.subject)
        if key in self._said:
            return True
        self._said[key] = now
        return False

    async def drain(self) -> None:
        """Returns once nothing waits."""
        if self._task is not None and self.queue:
            await self._idle.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self.queue:
            logger().warning("notifications_left", channel=self.channel.name, count=len(self.queue))

    async def _work(self) -> None:
        while True:
            while self.queue:
                # It stays in the queue until it is dealt with: what is left is counted at the end.
                await self._deal_with(self.queue[0])
                self.queue.popleft()
            self._idle.set()
            self._woken.clear()
            await self._woken.wait()

    async def _deal_with(self, message: Message) -> None:
        delivery_id = f"msg_{uuid4().hex}"
        reason, tries = "", 0
        for wait_s in (*self.patience.waits_s, None):
            tries += 1
            try:
                await self._pace()
                await self._try(message, delivery_id)
            except DeliveryError as error:
                reason = error.reason
                if not error.may_pass or wait_s is None:
                    break
                await asyncio.sleep(max(_jittered(wait_s), error.wait_s))
            except Exception as error:
                # A fault of ours ends this message, not the line.
                reason = f"an error of budgetd itself: {type(error).__name__}"
                break
            else:
                self.delivered += 1
                return
        self.failed += 1
        logger().warning(
            "notification_failed",
            channel=self.channel.name,
            kind=str(self.channel.kind),
            message_event=str(message.event),
            reason=reason,
            tries=tries,
        )

    async def _pace(self) -> None:
        """Waits where the chat takes no more within the minute."""
        chat = CHATS.get(self.channel.kind)
        if chat is None:
            return
        if len(self._sent) >= chat.per_minute:
            await asyncio.sleep(max(0.0, self._sent.popleft() + MINUTE_S - monotonic()))
        self._sent.append(monotonic())

    async def _try(self, message: Message, delivery_id: str) -> None:
        """One delivery. Raises `DeliveryError`."""
        channel, now = self.channel, self.clock()
        if channel.kind is Kind.EMAIL:
            assert channel.mailbox is not None
            letter = letter_of(channel, self.enterprise, message, now, delivery_id)
            await send_letter(channel.mailbox, letter, self.patience.mail_timeout_s)
            return
        if channel.kind is Kind.WEBHOOK:
            await self._post.send(
                webhook_request(channel, self.enterprise, message, now, delivery_id)
            )
            return
        request = chat_request(channel, self.enterprise, message, now)
        judge_chat(channel, await self._post.send(request))


def _jittered(wait_s: float) -> float:
    return wait_s * (1 + SystemRandom().uniform(-JITTER, JITTER))

"""Mail: one message handed in to a server, in a thread of its own.

smtplib blocks, and a server may answer byte by byte: who waits here waits no longer than the
deadline, and a thread that hangs keeps nobody from leaving. It may not log.
"""

import asyncio
import smtplib
import ssl
import threading
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from budgetd.config.channels import Channel, Mailbox
from budgetd.core.telling import Message
from budgetd.notify.request import DeliveryError
from budgetd.notify.wording import LONGEST_LINE, subject_of, text_of

LARGEST_BYTES = 100_000
GRACE_S = 5.0


def letter_of(
    channel: Channel, enterprise: str, message: Message, now: datetime, delivery_id: str
) -> EmailMessage:
    """The letter: plain text, never HTML. Nothing in a message can add a header to it."""
    mailbox = channel.mailbox
    assert mailbox is not None
    letter = EmailMessage()
    letter["From"] = mailbox.sender
    letter["To"] = ", ".join(mailbox.receivers)
    letter["Subject"] = subject_of(enterprise, message)[:LONGEST_LINE]
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{delivery_id}@{mailbox.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Budgetd-Event"] = str(message.event)
    letter.set_content(text_of(enterprise, message, LARGEST_BYTES), cte="base64")
    return letter


async def send_letter(mailbox: Mailbox, letter: EmailMessage, timeout_s: float) -> None:
    """Hands a letter in. Raises `DeliveryError`, which quotes neither login nor receiver."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[DeliveryError | None] = loop.create_future()

    def settle(problem: DeliveryError | None) -> None:
        if not done.done():
            done.set_result(problem)

    def work() -> None:
        # The thread gives up later than who waits for it: one of them names the reason.
        problem = _hand_in(mailbox, letter, timeout_s + GRACE_S)
        try:
            loop.call_soon_threadsafe(settle, problem)
        except RuntimeError:
            # The loop was closed: nobody waits any more.
            return

    threading.Thread(target=work, name="mail", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            problem = await done
    except TimeoutError:
        raise _late() from None
    if problem is not None:
        raise problem


def _hand_in(mailbox: Mailbox, letter: EmailMessage, timeout_s: float) -> DeliveryError | None:
    try:
        with _opened(mailbox, timeout_s) as server:
            if mailbox.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if mailbox.user:
                server.login(mailbox.user, mailbox.password)
            refused = server.send_message(letter)
    except smtplib.SMTPResponseException as error:
        # Its text may quote an address or a login; the code says enough.
        reason = f"the mail server answered {error.smtp_code}"
        return DeliveryError(reason, may_pass=400 <= error.smtp_code < 500)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        reason = f"the mail server refused every receiver ({codes[0]})"
        return DeliveryError(reason, may_pass=all(400 <= code < 500 for code in codes))
    except smtplib.SMTPNotSupportedError:
        return DeliveryError("the mail server offers no STARTTLS or no login", may_pass=False)
    except TimeoutError:
        return _late()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return DeliveryError(f"the mail server: {type(error).__name__}", may_pass=True)
    if refused:
        return DeliveryError(f"the mail server refused {len(refused)} receivers", may_pass=False)
    return None


def _late() -> DeliveryError:
    return DeliveryError("the mail server did not answer in time", may_pass=True)


def _opened(mailbox: Mailbox, timeout_s: float) -> smtplib.SMTP:
    # A name of its own: the real one of the machine is nobody's business.
    name = "budgetd.invalid"
    if mailbox.tls == "tls":
        return smtplib.SMTP_SSL(
            mailbox.host,
            mailbox.port,
            local_hostname=name,
            timeout=timeout_s,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(mailbox.host, mailbox.port, local_hostname=name, timeout=timeout_s)

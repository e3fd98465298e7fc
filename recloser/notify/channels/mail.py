"""Mail by SMTP, encrypted and to a verified server.

SMTP cannot be asked whether a message was taken. One whose outcome is unknown is sent again with the same Message-ID,
which mailboxes that know it show once; that is all the protocol allows.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from recloser.notify.channels import CALL_TIMEOUT_S
from recloser.notify.errors import DeliveryError, Postponed, Refused
from recloser.notify.words import headline, plain
from recloser.redaction import clean
from recloser.values import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recloser.notify.clock import Clock
    from recloser.store import Claim
    from recloser.values import Delivery

# Seven bits and short lines: nothing on the way has to change the message.
_POLICY = policy.SMTP.clone(cte_type="7bit")
_SUBJECT_LIMIT = 200
_OK, _TRANSIENT, _PERMANENT = 250, 400, 500


@dataclass(frozen=True)
class Mail:
    """A list of addresses, and the server that takes mail for them."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    tls: Literal["starttls", "tls"] = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = CALL_TIMEOUT_S

    @property
    def place(self) -> str:
        """Threads are kept by Message-IDs, which are made of our own keys."""
        return f"email:{self.host}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password."""
        return (self.password,) if self.password else ()

    def send(self, claim: Claim, clock: Clock) -> Receipt:  # noqa: ARG002 - a receiver may need the time
        """Hand the message over; it is delivered when the server says so after its last line."""
        message = self._message(claim.delivery)
        with self._session() as smtp:
            refused = self._envelope(smtp)
            answer = _hand_over(smtp, message.as_bytes())
        partly = f"; refused for {', '.join(refused)}" if refused else ""
        return Receipt(text=f"{answer}{partly}")

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        try:
            smtp = self._connect()
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"the mail server does not offer what is asked for: {error}") from None
        except (OSError, smtplib.SMTPException) as error:
            # A certificate that cannot be verified is among them: it may be renewed, and nothing was sent.
            raise Postponed(f"the mail server cannot be reached: {type(error).__name__}: {error}") from None
        try:
            yield smtp
        finally:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.tls == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if self.user is not None:
                smtp.login(self.user, self.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _envelope(self, smtp: smtplib.SMTP) -> list[str]:
        """Name sender and receivers; those that were refused, where others were not."""
        try:
            _expect_ok(smtp.mail(self.sender))
            answers = {address: smtp.rcpt(address) for address in self.to}
        except (OSError, smtplib.SMTPException) as error:
            raise Postponed(f"the mail server hung up: {type(error).__name__}: {error}") from None
        refused = {address: answer for address, answer in answers.items() if answer[0] >= _TRANSIENT}
        if len(refused) == len(self.to):
            _expect_ok(min(refused.values()))
        return list(refused)

    def _message(self, delivery: Delivery) -> EmailMessage:
        notice = delivery.notice
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = clean(headline(notice), _SUBJECT_LIMIT)
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = format_datetime(notice.at)
        message["Message-ID"] = self._id(delivery.key)
        if delivery.thread != delivery.key:
            message["In-Reply-To"] = message["References"] = self._id(delivery.thread)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(plain(notice))
        return message

    def _id(self, key: str) -> str:
        return f"<{sha256(key.encode()).hexdigest()[:32]}.recloser@{self.sender.rpartition('@')[2]}>"


def _hand_over(smtp: smtplib.SMTP, message: bytes) -> str:
    try:
        answer = smtp.data(message)
    except smtplib.SMTPDataError as error:  # it did not want to begin
        raise _judged(error.smtp_code, error.smtp_error) from None
    except (OSError, smtplib.SMTPException) as error:
        said = f"the mail server did not answer after the message: {type(error).__name__}: {error}"
        raise Postponed(said, uncertain=True) from None
    _expect_ok(answer)
    return f"{answer[0]} {_text(answer[1])}"


def _expect_ok(answer: tuple[int, bytes]) -> None:
    if answer[0] != _OK:
        raise _judged(*answer)


def _judged(code: int, said: bytes | str) -> DeliveryError:
    text = f"the mail server says {code} {_text(said)}"
    return Refused(text) if code >= _PERMANENT else Postponed(text)


def _text(said: bytes | str) -> str:
    return clean(said.decode("ascii", "replace") if isinstance(said, bytes) else said, 200)

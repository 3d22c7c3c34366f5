"""
One way to send mail: through the operator's own server, over TLS, a few letters at once.

RFC 5321, RFC 8314. `smtps://` speaks TLS from the first byte; `smtp://` demands STARTTLS (RFC 3207) and says nothing before it,
unless the server is on this machine. A letter goes to one person. What is written in it is `domain/notices/mail.py`'s.
"""

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from authserver.runtime.outbound import tls_context
from authserver.settings import LOOPBACK, MAILABLE

MOST_SECONDS: Final = 20.0

_AT_ONCE: Final = 2
_SILENT_S: Final = 10.0


class MailError(Exception):
    """A letter was not taken. `reason` is a word for the record; `is_final`: it will never be."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class Mail:
    """The one sender of a process. Raises OSError, ssl.SSLError, ValueError for files that cannot be used."""

    def __init__(
        self,
        *,
        url: str,
        sender: str,
        credentials: Path | None = None,
        ca_file: Path | None = None,
        seconds: float = MOST_SECONDS,
        silent_s: float = _SILENT_S,
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._is_ours = self._host in LOOPBACK
        self._sender = sender
        self._seconds = seconds
        self._silent_s = silent_s
        self._credentials = _credentials(credentials) if credentials else None
        self._tls: ssl.SSLContext = tls_context(ca_file)
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mail")

    async def send(self, *, to: str, subject: str, text: str, message_id: str) -> None:
        """Send one plain text. `message_id` is the same when it is sent again. Raises MailError."""
        letter = self.letter(to=to, subject=subject, text=text, message_id=message_id)
        # Whoever waits for a thread has not begun: it can be tried again without a second letter.
        try:
            await asyncio.wait_for(self._free.acquire(), self._seconds)
        except TimeoutError:
            raise MailError("busy") from None
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.get_running_loop().run_in_executor(self._threads, self._hand_over, letter, to)
        except TimeoutError:
            raise MailError("timeout") from None
        except RuntimeError:  # closed
            raise MailError("closed") from None
        finally:
            self._free.release()

    def letter(self, *, to: str, subject: str, text: str, message_id: str) -> EmailMessage:
        """Return the letter. Raises MailError for an address that mail servers read differently."""
        if not MAILABLE.fullmatch(to):
            raise MailError("address_not_mailable", is_final=True)
        letter = EmailMessage(policy=SMTP)
        try:
            letter["From"] = Address(addr_spec=self._sender)
            letter["To"] = Address(addr_spec=to)
            letter["Subject"] = subject
            letter["Message-ID"] = f"<{message_id}@{self._sender.partition('@')[2]}>"
            letter["Auto-Submitted"] = "auto-generated"
            letter.set_content(text)
        except ValueError:
            # The e-mail library refuses a header with a line break in it; nothing that comes here has one.
            raise MailError("letter_malformed", is_final=True) from None
        return letter

    async def close(self) -> None:
        """Let go of the threads; a letter that is being handed over is handed over."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, letter: EmailMessage, to: str) -> None:
        try:
            with self._connected() as server:
                if self._credentials is not None:
                    server.login(*self._credentials)
                server.send_message(letter, from_addr=self._sender, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise MailError(f"smtp_{code}", is_final=500 <= code < 600) from None
        except smtplib.SMTPNotSupportedError:
            raise MailError("no_starttls_or_auth") from None
        except smtplib.SMTPResponseException as error:
            raise MailError(f"smtp_{error.smtp_code}") from None
        except ssl.SSLError:
            raise MailError("tls") from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise MailError(f"unreachable_{type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        # Our own name in the greeting would be this machine's, asked from a resolver.
        name = self._sender.partition("@")[2]
        if self._is_tls:
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=name, timeout=self._silent_s, context=self._tls
            )
        server = smtplib.SMTP(self._host, self._port, local_hostname=name, timeout=self._silent_s)
        if not self._is_ours:
            try:
                server.starttls(context=self._tls)
            except BaseException:
                server.close()
                raise
        return server


def _credentials(file: Path) -> tuple[str, str]:
    user, colon, password = file.read_text(encoding="utf-8").strip().partition(":")
    if not colon or not user or not password or "\n" in password:
        raise ValueError("one line user:password")
    return user, password

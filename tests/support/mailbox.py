"""A mail server of our own on loopback, for real SMTP: what it is told to refuse it refuses, what it takes it keeps."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP


@dataclass(kw_only=True)
class Mailbox:
    """RFC 5321 as far as a client needs it. `refuse` maps a command's first word to the answer it gets."""

    host: str = "127.0.0.1"
    port: int = 0
    context: ssl.SSLContext | None = None
    """With it, STARTTLS is offered, or TLS is spoken at once (`implicit`)."""
    implicit: bool = False
    hangs: bool = False
    """Takes connections and says nothing."""
    connections: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    commands: list[tuple[bool, str]] = field(default_factory=list)
    """Every command, and whether it came over TLS."""
    _talks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    @property
    def url(self) -> str:
        return f"{'smtps' if self.implicit else 'smtp'}://{self.host}:{self.port}"

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=SMTP) for raw in self.raw]  # type: ignore[misc]

    def texts(self) -> list[str]:
        return [letter.get_content().replace("\r\n", "\n") for letter in self.letters]

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Mailbox"]:
        server = await asyncio.start_server(
            self._talk, self.host, 0, ssl=self.context if self.implicit else None,
            ssl_shutdown_timeout=0.1 if self.implicit else None,
        )  # fmt: skip
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            # A connection that is still being closed would be found unclosed by whichever test comes next.
            _, late = await asyncio.wait(self._talks, timeout=2) if self._talks else (set(), set())
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.connections += 1
            if self.hangs:
                await reader.read()
            else:
                writer.write(b"220 mailbox\r\n")
            secure = self.implicit
            while not self.hangs:
                line = (await reader.readuntil(b"\r\n")).decode("latin-1").rstrip("\r\n")
                word, space, rest = line.partition(" ")
                word = word.upper()
                line = word + space + rest
                self.commands.append((secure, line))
                if word in self.refuse:
                    writer.write(self.refuse[word].encode() + b"\r\n")
                elif word == "EHLO":
                    offered = ["mailbox", "AUTH PLAIN"]
                    if self.context is not None and not secure:
                        offered.append("STARTTLS")
                    last = len(offered) - 1
                    writer.write(
                        b"".join(
                            f"250{' ' if place == last else '-'}{each}\r\n".encode()
                            for place, each in enumerate(offered)
                        )
                    )
                elif word == "STARTTLS":
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    secure = True
                elif word == "AUTH":
                    self.commands[-1] = (secure, "AUTH " + base64.b64decode(line.split(" ")[2]).decode())
                    writer.write(b"235 welcome\r\n")
                elif word == "RCPT":
                    self.recipients.append(line)
                    writer.write(b"250 yes\r\n")
                elif word == "DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self.raw.append(body.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."))
                    writer.write(b"250 kept\r\n")
                elif word == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 yes\r\n")
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

"""A mail server with TLS that takes, refuses, puts off or hangs up, as asked."""

import asyncio
import ssl
import threading
from collections import deque
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from email.message import EmailMessage

HOST = "127.0.0.1"
HANG_UP = "hang up"
HANG_UP_AFTER = "hang up after"


class FakeMail:
    """Answers `script` for each message: an SMTP reply, or when to hang up; nothing left: it is taken."""

    user, password = "recloser", "made-up-password"

    def __init__(self, folder: Path, *, implicit_tls: bool = False, offers_tls: bool = True) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        self.messages: list[EmailMessage] = []
        self.script: deque[str] = deque()
        self.refused: dict[str, str] = {}
        """Address → reply."""
        self._sessions: list[SMTP] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._starttls = context if offers_tls and not implicit_tls else None
        self._implicit = context if implicit_tls else None

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _start(self) -> asyncio.Server:
        def session() -> SMTP:
            made = SMTP(
                self,
                hostname="mail.example",
                tls_context=self._starttls,
                authenticator=self._authenticate,
                auth_require_tls=self._starttls is not None,
                loop=self._loop,
            )
            self._sessions.append(made)
            return made

        return await self._loop.create_server(session, HOST, 0, ssl=self._implicit)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for session in self._sessions:
            if session.transport is not None:
                session.transport.abort()
        for _ in range(3):  # a transport is closed by a callback of the loop, one with TLS by two
            await asyncio.sleep(0)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        known = isinstance(given, LoginPassword) and (given.login, given.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        return AuthResult(success=known, handled=False)  # not handled: the server still has to say no

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.script.popleft() if self.script else "250 2.0.0 Ok: queued as 4F2A"
        if reply.startswith("250") or reply == HANG_UP_AFTER:
            content = envelope.content
            assert isinstance(content, bytes)
            self.messages.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        if reply in {HANG_UP, HANG_UP_AFTER}:
            assert server.transport is not None
            server.transport.abort()
        return reply if reply[0].isdecimal() else "421 gone"

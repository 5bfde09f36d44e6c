"""The doorman: who it is that shows a token or an API key."""

import time
from collections.abc import Awaitable, Callable, Collection
from math import inf
from typing import Protocol

import anyio
import structlog

from protocol.errors import ErrorCode, Refused
from server.auth.principal import OPEN, Session
from server.auth.refusals import stranger, unauthenticated
from server.auth.setup import make_tokens
from server.settings import AuthSettings

#: What API keys, and tickets, begin with: so they are told apart from tokens, and found in texts that leaked.
APIKEY, TICKET = "qdk_", "qdt_"
#: That an API key was revoked is noticed within this, in seconds, by who is connected already.
NOTICED = 30.0

log = structlog.get_logger("server.auth")


class ApiKeys(Protocol):
    """The API keys that were made."""

    async def find(self, secret: str) -> Session | None:
        """Give the session that a key opens."""

    async def living(self, digests: Collection[str]) -> set[str]:
        """Tell which of these keys still open one."""


class Tickets(Protocol):
    """Tickets, each for one connection."""

    async def issue(self, session: Session) -> str:
        """Make a ticket."""

    async def redeem(self, secret: str) -> Session | None:
        """Take a ticket, once."""


class Attempts(Protocol):
    """How often somebody failed to say who they are, from where the one at hand comes."""

    async def failed(self) -> None:
        """Count one more, or raise `Refused` when that was too often."""


class Doorman:
    """Let people and programs in, by what the settings say; in open mode everybody, as the same principal."""

    def __init__(
        self, settings: AuthSettings, apikeys: ApiKeys, tickets: Tickets, *, attempts: Attempts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.required = settings.required
        self.apikeys = apikeys
        self.tickets = tickets
        self._attempts = attempts
        self._tokens = make_tokens(settings)
        self._clock = clock

    def anybody(self) -> Session | None:
        """Give the session of somebody who has not said who they are; None where they must."""
        return None if self.required else Session(OPEN)

    async def admit(self, secret: str) -> Session:
        """Give the session that a token or an API key opens, or raise `Refused`."""
        if not self.required:
            return Session(OPEN)
        if not secret:
            raise stranger()
        return await self._tried(self._read, secret)

    async def _tried(self, read: Callable[[str], Awaitable[Session]], secret: str) -> Session:
        """Read a secret. Where too many were wrong that came from there, a wrong one is told to wait.

        One that is good opens all the same: behind a proxy all may come from one address, and among 256 random bits, or
        signatures, nobody finds one by trying.
        """
        try:
            return await read(secret)
        except Refused as refused:
            if refused.code is ErrorCode.UNAUTHENTICATED:
                await self._failed(refused.message)
            raise

    async def _failed(self, reason: str) -> None:
        if self._attempts is not None:
            await self._attempts.failed()
        log.warning("auth.failed", reason=reason)

    async def _read(self, secret: str) -> Session:
        if secret.startswith(APIKEY):
            found = await self.apikeys.find(secret)
            if found is None:
                raise unauthenticated("There is no such API key, or no longer.")
            return found
        if self._tokens is None:
            raise unauthenticated("This server takes API keys only; `quarterdeck keys create` makes one.")
        return await self._tokens.read(secret)

    async def over(self, session: Session) -> None:
        """Return when a session has ended; that an API key was revoked is noticed within `NOTICED` seconds."""
        while session.ends is None or session.ends > self._clock():
            rest = inf if session.ends is None else session.ends - self._clock()
            await anyio.sleep(min(rest, NOTICED))
            if session.apikey and await self.revoked({session.apikey}):
                return

    async def revoked(self, digests: Collection[str]) -> set[str]:
        """Tell which of these API keys are good no longer; while Redis is away, none are known to be bad."""
        try:
            return set(digests) - await self.apikeys.living(digests)
        except Refused:
            return set()

    async def redeem(self, ticket: str) -> Session:
        """Give the session that a ticket was made for, once, or raise `Refused`."""
        return await self._tried(self._redeem, ticket)

    async def _redeem(self, ticket: str) -> Session:
        found = await self.tickets.redeem(ticket) if ticket.startswith(TICKET) else None
        if found is None or (found.apikey and await self.revoked({found.apikey})):
            raise unauthenticated("There is no such ticket, or no longer: each is for one connection, within 30 s.")
        return found

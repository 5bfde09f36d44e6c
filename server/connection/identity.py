"""Who speaks on a connection: not known at first, perhaps, then for as long as the proof holds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from protocol.commands import Auth
from protocol.errors import CloseCode, ErrorCode, Refused
from protocol.frames import timestamp
from protocol.replies import Authenticated
from server import policy
from server.auth import Principal, Session
from server.auth.doorman import Doorman
from server.auth.refusals import unauthenticated

#: A clock that is put right meanwhile is noticed within this, in seconds.
LONGEST_WAIT = 3600.0


#: Counts a connection of the principal that it names, or raises `Refused`.
Admit = Callable[[str], Awaitable[None]]


class Identity:
    """Keep who it is, and end the connection when nobody has said so within `limit` seconds, or it holds no longer."""

    __slots__ = ("_admit", "_clock", "_doorman", "_end", "_loop", "session")

    def __init__(
        self, doorman: Doorman, session: Session | None, limit: float, end: Callable[[CloseCode], None],
        admit: Admit | None = None,
    ) -> None:  # fmt: skip
        self.session = session
        self._doorman = doorman
        self._admit = admit
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._clock: asyncio.TimerHandle | None = None
        if session is None:
            self._clock = self._loop.call_later(limit, end, CloseCode.AUTH_TIMEOUT)
        else:
            self._wait()

    @property
    def principal(self) -> Principal:
        """Who it is; raises `Refused` while that is not known."""
        if self.session is None:
            raise unauthenticated("Say who you are first: send `auth` with a `token`.")
        return self.session.principal

    async def introduce(self, command: Auth) -> Authenticated:
        """Take a token: the first, or a newer one of the same principal. Raises `Refused`."""
        if not self._doorman.required:
            raise Refused(ErrorCode.FORBIDDEN, "This server asks nobody who they are.")
        session = await self._doorman.admit(command.token)
        if self.session is not None and _subject(session) != _subject(self.session):
            raise Refused(ErrorCode.FORBIDDEN, "This connection is another's: open a new one for another principal.")
        if self.session is None and self._admit is not None:
            await self._admit(session.principal.subject)
        self.session = session
        self._wait()
        principal = session.principal
        return Authenticated(
            principal=principal.actor,
            tenant=principal.tenant,
            roles=sorted(principal.roles),
            rights=policy.rights(principal),
            expires_at=None if session.ends is None else timestamp(session.ends),
        )

    def stop(self) -> None:
        """Stop the clock."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _wait(self) -> None:
        """End the connection when its session ends, and not a moment earlier."""
        self.stop()
        if self.session is None or self.session.ends is None:
            return
        rest = self.session.ends - time.time()
        if rest <= 0:
            self._end(CloseCode.AUTH_EXPIRED)
        else:
            self._clock = self._loop.call_later(min(rest, LONGEST_WAIT), self._wait)


def _subject(session: Session) -> tuple[str, str]:
    return session.principal.tenant, session.principal.id

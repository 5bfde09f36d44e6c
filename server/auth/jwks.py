"""Keys at a URL: kept for a while, fetched anew when a token names an unknown one, used on while the URL fails."""

import time
from collections.abc import Awaitable, Callable, Sequence

import anyio
import structlog

from server.auth.keyset import BadKey, VerifyingKey, fitting, from_jwks
from server.auth.refusals import unavailable

#: Keys are looked at again after so long, in seconds.
FRESH = 600.0
#: Keys that could not be renewed are believed for so long, in seconds.
BELIEVED = 86_400.0
#: The URL is asked at most so often, in seconds, whatever tokens come: a made-up `kid` costs nothing.
PAUSE = 15.0
#: An answer may take so long, in seconds, and be so large, in bytes.
LIMIT = 5.0
LARGEST = 256 * 1024

log = structlog.get_logger("server.auth")
Fetch = Callable[[str], Awaitable[bytes]]


class FetchFailed(Exception):
    """Raised when the URL gives no keys."""


class RemoteKeys:
    """The keys that a URL gives. `clock` gives seconds that only grow."""

    def __init__(self, url: str, *, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._fetch = fetch or fetch_json
        self._clock = clock
        self._keys: Sequence[VerifyingKey] = ()
        self._renewed = self._asked = float("-inf")
        self._asking = anyio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerifyingKey]:
        """Give the keys that fit; raises `Refused` when there are none that could be believed."""
        found = fitting(self._known(), kid, algorithm)
        if found and self._clock() - self._renewed < FRESH:
            return found
        await self._renew()
        if not self._known():
            raise unavailable("The keys that tokens are checked with cannot be fetched")
        return fitting(self._known(), kid, algorithm)

    def _known(self) -> Sequence[VerifyingKey]:
        return self._keys if self._clock() - self._renewed < BELIEVED else ()

    async def _renew(self) -> None:
        """Ask the URL, once for all who wait, unless that was done just now."""
        async with self._asking:
            if self._clock() - self._asked < PAUSE:
                return
            self._asked = self._clock()
            try:
                self._keys = from_jwks(await self._fetch(self.url), public=True)
            except (FetchFailed, BadKey) as error:
                log.warning("jwks.failed", url=self.url, error=str(error), known=len(self._keys))
                return
            self._renewed = self._clock()


async def fetch_json(url: str) -> bytes:
    """Fetch a small document, or raise `FetchFailed`; where it redirects to is not followed."""
    import httpx  # here, because only who checks tokens by a URL needs it

    try:
        with anyio.fail_after(LIMIT):
            async with httpx.AsyncClient(timeout=LIMIT) as client, client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise FetchFailed(f"it answers with {answer.status_code}")
                content = b""
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        raise FetchFailed(f"it is larger than {LARGEST} bytes")
                return content
    except TimeoutError:
        raise FetchFailed(f"no answer within {LIMIT:g} s") from None
    except httpx.HTTPError as error:
        raise FetchFailed(str(error) or type(error).__name__) from None

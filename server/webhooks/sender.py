"""Making a call: one request to an address that was looked up once, judged, and is connected to as it was judged.

A name that has a public address when it is judged and a private one when it is connected to (DNS rebinding) gets
nowhere: there is one lookup. The certificate is checked for the name all the same. Redirects are not followed, the
proxies of the environment not used, and of the answer only the status and `Retry-After` are read.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import partial

import anyio
import anyio.to_thread
import httpcore

from server.webhooks.addresses import Allow, callable_among
from server.webhooks.records import PATIENT, Outcome
from server.webhooks.schedule import retry_after

#: "A reasonable timeout: 15 to 30 seconds" (Standard Webhooks).
LIMIT = 15.0
#: So many of a host's addresses are tried.
MOST_ADDRESSES = 3
#: Lookups at once.
LOOKUPS = 128
#: What is told of an error.
SHOWN = 200
#: What is told of an answer that is none (true), and of a request that cannot be written.
PROTOCOL = {True: "it hung up, or its answer is not HTTP", False: "the call cannot be written as HTTP"}


class NotCallable(Exception):
    """Raised for a host without an address that may be called."""


class Judged(httpcore.AsyncNetworkBackend):
    """Connect to hosts by the addresses that may be called, and to none that may not."""

    def __init__(self, allow: Allow) -> None:
        self._allow = allow
        self._inner = httpcore.AnyIOBackend()
        self._lookups = anyio.CapacityLimiter(LOOKUPS)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the host up, once, and connect to the first of its addresses that answers."""
        addresses = callable_among(host, await self._look_up(host, port), self._allow)
        if not addresses:
            raise NotCallable
        problem: Exception = httpcore.ConnectError("no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def _look_up(self, host: str, port: int) -> list[str]:
        """Look a host up on a thread that is for that alone.

        A name service may take its time, and those of receivers are strangers'; on the loop's own threads are the calls
        of models, which would wait for it, or it for them.
        """
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=self._lookups)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Sender:
    """Make calls. `limit`: seconds that one may take, all told; `trust`: whose certificates are believed."""

    def __init__(self, allow: Allow, *, limit: float = LIMIT, trust: ssl.SSLContext | None = None) -> None:
        self.limit = limit
        # No connection is kept: a receiver is called seldom, and each call is judged by the addresses of its moment.
        # Without a context httpcore reads the authorities anew for each, and the loop stands still for that.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or httpcore.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=Judged(allow),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Make one call, and tell what it came to."""
        began = time.monotonic()
        outcome = Outcome(error=f"no answer within {self.limit:g} s")
        with anyio.move_on_after(self.limit):
            outcome = await self._post(url, headers, body)
        return _took(outcome, time.monotonic() - began)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        waits = dict.fromkeys(("connect", "read", "write", "pool"), self.limit) | {
            "connect": self.limit / MOST_ADDRESSES
        }
        try:
            async with self._pool.stream(
                "POST", url, headers=named, content=body, extensions={"timeout": waits}
            ) as answer:
                return _outcome(answer)
        except NotCallable:
            return Outcome(error="refused: its host has no address of the public internet", final=True)
        except socket.gaierror as error:
            return Outcome(error=f"its host is not known: {error.strerror}")
        except httpcore.ProtocolError as error:
            # not its text: it quotes what the other side said, whoever that is, or a header that is ours to keep
            return Outcome(error=PROTOCOL[isinstance(error, httpcore.RemoteProtocolError)])
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError, ValueError) as error:
            return Outcome(error=f"{type(error).__name__}: {error}"[:SHOWN])

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


def _outcome(answer: httpcore.Response) -> Outcome:
    wait = None
    if answer.status in PATIENT:
        told = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
        wait = retry_after(told.decode("latin-1"), time.time())
    return Outcome(status=answer.status, retry_after=wait)


def _took(outcome: Outcome, seconds: float) -> Outcome:
    return Outcome(
        seconds=seconds,
        status=outcome.status,
        error=outcome.error,
        retry_after=outcome.retry_after,
        final=outcome.final,
    )

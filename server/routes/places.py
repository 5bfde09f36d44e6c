"""The places of those who are streamed to, or wait for an event: how many there are, and who has one.

They are counted in this process alone, which is what holds their sockets: a place is free when its request is over,
however that came, and no place is left behind by a process that died.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from protocol.errors import ErrorCode, Refused
from server.auth import OPEN, Principal
from server.outlet import Outlet
from server.quota import Limits, network
from server.rates import ADDRESS

#: Who finds no place is to come back after this, in seconds; nobody knows when one will be free.
AGAIN = 5
#: `principal` or `address`, and which.
Owner = tuple[str, str]


class Places:
    """Give each stream a place of its principal's, and of the address that it comes from. `limits`: none for no end."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.outlets: set[Outlet] = set()
        self.draining = False
        self._most = {} if limits is None else limits.streams
        self._taken: Counter[Owner] = Counter()

    def check(self, principal: Principal) -> None:
        """Raise `Refused` when there is no place for one more stream of a principal, from the address at hand."""
        self._check(self._owners(principal))

    @contextmanager
    def stream(self, outlet: Outlet, principal: Principal) -> Iterator[None]:
        """Have a place for an outlet, or raise `Refused` when there is none."""
        owners = self._owners(principal)
        self._check(owners)
        self._taken.update(owners)
        try:
            with self.waiting(outlet):
                yield
        finally:
            self._taken.subtract(owners)
            self._taken = +self._taken  # nobody is remembered who has none

    @contextmanager
    def waiting(self, outlet: Outlet) -> Iterator[None]:
        """Know an outlet while it waits; it is not counted, since it waits a minute at most."""
        self.outlets.add(outlet)
        try:
            if self.draining:
                _leave(outlet)
            yield
        finally:
            self.outlets.discard(outlet)

    def drain(self) -> None:
        """Take leave of all, and of those who still come; a browser comes back by itself, and to where it was."""
        self.draining = True
        for outlet in list(self.outlets):
            _leave(outlet)

    def _owners(self, principal: Principal) -> Sequence[Owner]:
        """Tell whose places are counted; in open mode, where nobody is told apart, the address's alone."""
        subject = "" if principal is OPEN else principal.subject
        owners = (("principal", subject), ("address", network(ADDRESS.get())))
        return [(scope, name) for scope, name in owners if name and scope in self._most]

    def _check(self, owners: Sequence[Owner]) -> None:
        for scope, name in owners:
            most = self._most[scope]
            if self._taken[scope, name] >= most:
                text = f"Too many streams: at most {most} at once of one {scope}."
                raise Refused(ErrorCode.RATE_LIMITED, text, retry_after=AGAIN)


def _leave(outlet: Outlet) -> None:
    outlet.end(0, "draining", (), 1.0)

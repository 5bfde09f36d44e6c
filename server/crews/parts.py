"""A part of an execution that people see as one step: a crew's task or a flow's method, and what it has cost so far."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from protocol.objects import Usage
from server import prices
from server.crews import outputs

#: A call of which nobody told what it used.
UNTOLD = Usage(calls=1)


@dataclass(kw_only=True)
class Part:
    """A part at work. `index` counts within the whole execution."""

    #: The beginning of the names of its steps: `t0`, or `m:draft.0`.
    scope: str
    index: int
    name: str
    usage: Usage = field(default_factory=Usage)
    tools: Counter[str] = field(default_factory=Counter)
    _earlier: float = 0.0
    _since: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, *parts: str | int) -> str:
        """Name a place in this part for the journal: `t0/draft/1`."""
        return "/".join((self.scope, *map(str, parts)))

    def start_clock(self) -> None:
        """Count the seconds from now as work."""
        self._since = time.monotonic()

    def resume(self, usage: Usage, seconds: float) -> None:
        """Go on from what it had cost on an earlier attempt."""
        self.usage, self._earlier = usage, seconds

    def stop_clock(self) -> None:
        """Count no more: a person is waited for."""
        self._earlier, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """Seconds of work so far, without the waiting for people."""
        return self._earlier + (time.monotonic() - self._since if self._since is not None else 0.0)

    def spend(self, usage: Usage | None) -> None:
        """Add what a model call used, now or in an earlier attempt; None, where nobody told. From any thread."""
        with self._lock:
            self.usage = prices.add(self.usage, usage or UNTOLD)

    def spent(self) -> dict[str, Any]:
        """Tell people what it has cost so far, as facts of a question."""
        cost = {"cost": msgspec.to_builtins(self.usage.cost)} if self.usage.cost else {}
        return {"tokens": self.usage.total_tokens, **cost}

    def count_tool(self, name: str) -> None:
        """Count a call of a tool. From any thread."""
        with self._lock:
            self.tools[name] += 1

    def work(self) -> outputs.Work:
        """Sum up the cost for the journal."""
        return outputs.Work(seconds=self.seconds, usage=self.usage, tools=dict(self.tools))

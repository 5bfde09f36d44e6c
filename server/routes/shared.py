"""An answer that whoever asks at about the same time shares: however many ask, finding it out costs the same."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

#: An answer is good for so long, in seconds.
LASTS = 1.0

T = TypeVar("T")


class Shared(Generic[T]):
    """Find something out for all who ask: those who come meanwhile wait for it, later ones are told what was found."""

    def __init__(self, find: Callable[[], Awaitable[T]]) -> None:
        self._find = find
        self._found: list[T] = []
        self._until = float("-inf")
        self._finding = anyio.Lock()

    async def __call__(self) -> T:
        """Give what was found within the last second, or now."""
        async with self._finding:
            if anyio.current_time() >= self._until:
                self._found = [await self._find()]
                self._until = anyio.current_time() + LASTS
            return self._found[0]

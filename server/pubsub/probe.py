"""A word that a process says to itself through Redis."""

import asyncio
import secrets

from redis.asyncio import Redis

from server import keys


class Probe:
    """Hears what this process says to itself through Redis."""

    def __init__(self) -> None:
        self.channel = keys.probe(secrets.token_hex(8))
        self._awaited: dict[bytes, asyncio.Event] = {}

    def deliver(self, payload: bytes) -> None:
        """Tell who waits for this word."""
        if payload in self._awaited:
            self._awaited[payload].set()

    def missed(self) -> None:
        """Let whoever waits go on waiting: a lost word proves nothing."""

    def dropped(self) -> None:
        """Never called: the probe always has a user."""

    async def prove(self, redis: Redis) -> None:
        """Say a new word and wait to hear it."""
        word = secrets.token_hex(8).encode()
        heard = self._awaited[word] = asyncio.Event()
        try:
            await redis.publish(self.channel, word)
            await heard.wait()
        finally:
            del self._awaited[word]

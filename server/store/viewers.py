"""Who looks at which checkpoint: known for some seconds at a time, and in no log."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.exceptions import NoScriptError

from protocol.frames import Presence, Viewer, presence_halves
from protocol.ids import CheckpointId, ConnectionId, ExecutionId
from server import keys
from server.scripts import View
from server.store.base import Base

#: Who is not shown again for so long is gone, in seconds.
PATIENCE = 15.0
#: More than so many are not shown at one checkpoint.
MOST = 50
#: So many words go into one round trip.
CHUNK = 500


class Seat(NamedTuple):
    """A connection's place at a checkpoint of a tenant."""

    tenant: str
    connection: ConnectionId
    execution: ExecutionId
    checkpoint: CheckpointId


class Viewers(Base):
    """Show who looks at checkpoints, and read it back."""

    #: Who is not shown again for so long is gone, in seconds.
    viewer_patience = PATIENCE

    async def show(self, seats: Mapping[Seat, Viewer | None]) -> None:
        """Tell everybody who sits where; None for a seat that is left. To be repeated while they sit."""
        items = list(seats.items())
        for first in range(0, len(items), CHUNK):
            chunk = items[first : first + CHUNK]
            try:
                await self._show(chunk)
            except NoScriptError:
                await self.scripts.load()
                await self._show(chunk)

    async def _show(self, seats: Sequence[tuple[Seat, Viewer | None]]) -> None:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for seat, viewer in seats:
                name = keys.viewers(seat.tenant, seat.execution)
                self.scripts.queue_view(pipeline, name, self._view(seat, viewer))
            await pipeline.execute()

    def _view(self, seat: Seat, viewer: Viewer | None) -> View:
        head, tail = presence_halves(seat.execution, seat.checkpoint)
        return View(
            prefix=f"{seat.checkpoint}/",
            connection=seat.connection,
            viewer=msgspec.json.encode(viewer) if viewer else b"",
            patience=int(self.viewer_patience * 1000),
            most=MOST,
            channel=keys.channel(seat.tenant, seat.execution),
            head=head,
            tail=tail,
        )

    async def viewers(self, execution: ExecutionId) -> list[Presence]:
        """Read who looks at an execution's checkpoints; where nobody does is left out."""
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            pipeline.hgetall(keys.viewers(self.tenant, execution))
            (seconds, micros), row = await pipeline.execute()
        return _shown(execution, row, seconds * 1000 + micros // 1000)


def _shown(execution: ExecutionId, row: Mapping[bytes, bytes], now: int) -> list[Presence]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for name, value in sorted(row.items()):
        upto, _, viewer = value.partition(b" ")
        if int(upto) > now:
            found[name.decode().partition("/")[0]].append(msgspec.json.decode(viewer, type=Viewer))
    return [
        Presence(execution=execution, checkpoint=CheckpointId(checkpoint), viewers=viewers)
        for checkpoint, viewers in found.items()
    ]

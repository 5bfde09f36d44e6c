"""Text that is being streamed, kept until the event that carries the whole of it, for those who join meanwhile.

Deltas are not in the log. Who joins, or comes back, in the middle of a stream is sent its deltas again as they were; a
client drops those that it has by their `index`.
"""

#: More than this is not kept for one execution, in bytes.
LIMIT = 1 << 18
#: Events behind which no stream of the execution goes on.
LANDMARKS = (b'{"type":"task.', b'{"type":"execution.')
COMPLETED = b'{"type":"llm.completed"'
FIELD = b'"stream":"'


class Streams:
    """The deltas of one execution's open streams, as JSON frames."""

    __slots__ = ("_open", "_size")

    def __init__(self) -> None:
        self._open: dict[bytes, list[bytes]] = {}
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def frames(self) -> list[bytes]:
        """Every delta of every open stream, in order within its stream."""
        return [frame for frames in self._open.values() for frame in frames]

    def add(self, frame: bytes) -> None:
        """Keep a delta. Only whole streams are kept: one whose beginning was not heard, or that is too long, is not."""
        name = _stream(frame)
        if name not in self._open and b'"index":0,' not in frame:
            return
        if self._size + len(frame) > LIMIT:
            self._drop(name)
            return
        self._open.setdefault(name, []).append(frame)
        self._size += len(frame)

    def follow(self, event: bytes) -> None:
        """Forget what an event has completed."""
        if event.startswith(COMPLETED):
            self._drop(_stream(event))
        elif event.startswith(LANDMARKS):
            self.clear()

    def clear(self) -> None:
        """Forget everything: deltas were lost, or nobody needs them."""
        self._open.clear()
        self._size = 0

    def _drop(self, name: bytes) -> None:
        self._size -= sum(map(len, self._open.pop(name, [])))


def _stream(frame: bytes) -> bytes:
    start = frame.find(FIELD) + len(FIELD)
    return frame[start : frame.find(b'"', start)]

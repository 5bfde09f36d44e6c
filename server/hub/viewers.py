"""Who looks at an execution's checkpoints: the last word on each, for those who join.

Like streamed text this is in no log. It is read from Redis when an execution is opened here and when pub/sub may have
lost something; and now and then while somebody looks, because nobody tells of a process that has died.
"""

from collections.abc import Iterable

from protocol.frames import Presence, encode
from protocol.ids import CheckpointId, ExecutionId

#: What presence frames begin with.
PRESENCE = b'{"type":"presence"'
FIELD = b'"checkpoint":"'
NOBODY = b'"viewers":[]}'


class Viewers:
    """The presence frames of one execution. `known`: they were read, and none was missed since."""

    __slots__ = ("_frames", "heard", "known", "learning")

    def __init__(self) -> None:
        self._frames: dict[bytes, bytes] = {}
        #: How often something was heard.
        self.heard = 0
        self.known = False
        self.learning = False

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def frames(self) -> list[bytes]:
        """The last word on each checkpoint that somebody looks at."""
        return list(self._frames.values())

    def hear(self, frame: bytes) -> None:
        """Take a frame as it was published."""
        self.heard += 1
        self._put(frame)

    def replace(self, execution: ExecutionId, found: Iterable[Presence]) -> list[bytes]:
        """Take what Redis says, and give the frames that are news."""
        named = {presence.checkpoint.encode(): encode(presence) for presence in found}
        gone = {
            name: encode(Presence(execution=execution, checkpoint=CheckpointId(name.decode()), viewers=[]))
            for name in self._frames.keys() - named.keys()
        }
        news = [frame for name, frame in (named | gone).items() if self._frames.get(name) != frame]
        for frame in news:
            self._put(frame)
        return news

    def _put(self, frame: bytes) -> None:
        start = frame.find(FIELD) + len(FIELD)
        name = frame[start : frame.find(b'"', start)]
        if frame.endswith(NOBODY):
            self._frames.pop(name, None)
        else:
            self._frames[name] = frame

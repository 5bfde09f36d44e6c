"""What a step's value looks like in Redis: as it is, or compressed when it is large."""

import zlib

#: Larger values are compressed, in bytes.
LARGE = 65_536
PLAIN, COMPRESSED = b"=", b"z"


def pack(value: bytes) -> bytes:
    """Write a value for Redis."""
    return PLAIN + value if len(value) <= LARGE else COMPRESSED + zlib.compress(value, 1)


def unpack(stored: bytes) -> bytes:
    """Read what `pack` wrote."""
    return zlib.decompress(stored[1:]) if stored.startswith(COMPRESSED) else stored[1:]

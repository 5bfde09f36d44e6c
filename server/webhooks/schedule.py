"""When a call that failed is made again: the schedule of Standard Webhooks. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60.0, 3600.0
#: Seconds before each call: at once, then after each failure.
SCHEDULE = (
    0.0, 5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
#: A wait is up to this part longer, by chance: those who failed together shall not come back together.
JITTER = 0.2
#: Nobody is waited for longer than this, whatever they ask.
LONGEST = 24 * HOUR


def delay(tries: int, chance: float) -> float | None:
    """Give the seconds to wait after so many failures; nothing when that was the last. `chance`: from 0 to 1."""
    return SCHEDULE[tries] * (1 + JITTER * chance) if tries < len(SCHEDULE) else None


def retry_after(text: str, now: float) -> float | None:
    """Read a `Retry-After`: seconds, or a date; nothing when it is neither. `now` in Unix seconds."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
    return min(max(0.0, seconds), LONGEST)


def moment(seconds: float) -> datetime:
    """Give a Unix time as an aware time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)

"""When to come back after a lost connection. Pure; the same rule as the JavaScript client's (`pauseAfter`)."""

from collections.abc import Callable

from protocol.frames import Bye

#: The pause before the n-th attempt is anything up to `SHORTEST * 2**n`, and at most `LONGEST`, in seconds.
SHORTEST, LONGEST = 0.5, 30.0
#: A connection that lasted this long was a good one, in seconds: the next attempt starts from the shortest pause.
STEADY = 5.0


def pause_after(code: int, bye: Bye | None, attempt: int, random: Callable[[], float]) -> float | None:
    """Tell how long to wait, in seconds; None means for ever.

    40xx: do not come back. 41xx: after a pause. 42xx: at once. `bye` names its own pause. Else full jitter, see
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if 4000 <= code < 4100 or (bye is not None and not bye.resume):
        return None
    if bye is not None and attempt == 0:
        return bye.after
    if 4200 <= code < 4300 and attempt == 0:
        return 0.0
    jitter = random() * min(LONGEST, SHORTEST * 2.0 ** min(attempt, 10))
    return SHORTEST + jitter if 4100 <= code < 4200 else jitter

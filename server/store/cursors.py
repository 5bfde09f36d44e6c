"""Where a page of a list that is ordered by time goes on: behind a score, and behind a member of that score."""

import math


def written(score: float, ident: str) -> str:
    """Write the cursor that goes on behind a member."""
    return f"{score:.3f}~{ident}"


def read(cursor: str | None) -> tuple[float, set[str]]:
    """Read from which score to go on, and which members of it were seen; raises `ValueError` for what is no cursor."""
    if not cursor:
        return float("inf"), set()
    score, _, ident = cursor.partition("~")
    if not math.isfinite(float(score)):
        raise ValueError(score)
    return float(score), {ident}

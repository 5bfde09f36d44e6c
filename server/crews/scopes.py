"""Where in an execution the current work stands: the beginning of the name of every step that it records."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: The scope of the current work; see `scope`.
SCOPE: ContextVar[str] = ContextVar("quarterdeck_scope", default="")


def within(scope: str, other: str) -> bool:
    """Tell whether a scope is another, or lies in it."""
    return f"{scope}/".startswith(f"{other}/")


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Be in this scope, for the block and all that is started in it."""
    token = SCOPE.set(name)
    try:
        yield
    finally:
        SCOPE.reset(token)

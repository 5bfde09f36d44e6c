"""Replacing methods of classes that are not ours, those of classes to come included, and never twice."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

#: What a method that was replaced is marked with.
MARK = "_quarterdeck"


def is_wrapped(method: object) -> bool:
    """Tell whether a method is one of our replacements."""
    return getattr(method, MARK, False) is True


def replace(owner: type | ModuleType, name: str, wrapper: Any) -> None:
    """Put `wrapper` in the place of a method, or of a module's function."""
    setattr(wrapper, MARK, True)
    setattr(owner, name, wrapper)


def replace_own(owner: type, name: str, wrap: Callable[[Any], Any]) -> None:
    """Wrap a method that the class itself defines, once; abstract ones are left alone."""
    method = owner.__dict__.get(name)
    if callable(method) and not is_wrapped(method) and not getattr(method, "__isabstractmethod__", False):
        replace(owner, name, wrap(method))


def with_subclasses(kind: type) -> Iterator[type]:
    """Give a class and all that are derived from it so far."""
    yield kind
    subclasses: list[type] = kind.__subclasses__()
    for subclass in subclasses:
        yield from with_subclasses(subclass)

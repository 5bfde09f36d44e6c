"""What a flow keeps: its state, and what its methods put on the flow itself. Seen, compared, and made so again."""

import pickle
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any

import msgspec
from crewai.flow.runtime import Flow
from pydantic import BaseModel

from server.crews.calls.codec import Unwritable
from server.crews.flows.values import from_bytes, to_bytes

#: A field of the state, one that its model does not name, a private one; an attribute of the flow itself.
STATE, EXTRA, PRIVATE, SELF = "state", "extra", "private", "self"
#: Bytes of something that is no data; a table of numbers, say.
LARGE = 4 * 1024 * 1024
_UNREAD = count()


class Field(msgspec.Struct, frozen=True, array_like=True):
    """Something that a flow keeps."""

    of: str
    name: str


class Changes(msgspec.Struct, frozen=True):
    """Fields that were set, each with its value as JSON, and fields that were taken away."""

    made: list[tuple[Field, msgspec.Raw]] = []
    gone: list[Field] = []


@dataclass(frozen=True)
class Held:
    """A value that cannot be written down, known by what it is now: the same object, with the same content.

    What holds connections or locks has no content that could be read, and is taken for a tool and not for data.
    """

    ident: int
    content: str


Snapshot = Mapping[Field, bytes | Held]


def snapshot(flow: Flow[Any]) -> Snapshot:
    """See what a flow keeps."""
    return {field: _seen(value) for field, value in _kept(flow)}


def _kept(flow: Flow[Any]) -> Iterator[tuple[Field, Any]]:
    for of, values in _places(flow).items():
        for name, value in list(values.items()):
            if of is not SELF or name not in Flow.model_fields:
                yield Field(of, str(name)), value


def _places(flow: Flow[Any]) -> Mapping[str, MutableMapping[str, Any]]:
    """Give what holds the values, to read and to change."""
    state = flow._state
    if not isinstance(state, BaseModel):
        return {STATE: state, SELF: vars(flow)}
    found: dict[str, MutableMapping[str, Any]] = {STATE: vars(state), SELF: vars(flow)}
    if state.__pydantic_extra__ is not None:
        found[EXTRA] = state.__pydantic_extra__
    if state.__pydantic_private__ is not None:
        found[PRIVATE] = state.__pydantic_private__
    return found


def _seen(value: Any) -> bytes | Held:
    try:
        return to_bytes(value)
    except Unwritable:
        return Held(id(value), _content(value))


def _content(value: Any) -> str:
    """Give a digest of the content. What is large is not read, for all else would wait, and passes for changed."""
    if sys.getsizeof(value) > LARGE:
        return f"unread {next(_UNREAD)}"
    with suppress(Exception):  # whatever a class of an author's may raise
        return sha256(pickle.dumps(value)).hexdigest()
    return ""


def changes(before: Snapshot, after: Snapshot) -> Changes | None:
    """Write down what differs, or nothing when that cannot be written."""
    made: list[tuple[Field, msgspec.Raw]] = []
    gone: list[Field] = []
    for field in dict.fromkeys((*before, *after)):
        value = after.get(field)
        if before.get(field) == value:
            continue
        if isinstance(value, Held):
            return None
        if value is None:
            gone.append(field)
        else:
            made.append((field, msgspec.Raw(value)))
    return Changes(made, gone)


def everything(seen: Snapshot, *, but: str) -> Changes:
    """Write down all that can be written: how a flow began. `but`: an id that belongs to this execution alone."""
    own = msgspec.json.encode(but)
    values = ((field, value) for field, value in seen.items() if isinstance(value, bytes) and value != own)
    return Changes([(field, msgspec.Raw(value)) for field, value in values])


def apply(flow: Flow[Any], made: Changes) -> None:
    """Make the same changes to a flow."""
    places = _places(flow)
    for field in made.gone:
        places[field.of].pop(field.name, None)
    for field, value in made.made:
        places[field.of][field.name] = from_bytes(bytes(value))
        if field.of == STATE and isinstance(flow._state, BaseModel):
            flow._state.__pydantic_fields_set__.add(field.name)

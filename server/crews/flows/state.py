"""What a method changed in its flow's state: written down, and done again on a later attempt."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from crewai.flow.runtime import Flow
from pydantic import BaseModel


class Changes(msgspec.Struct, frozen=True):
    """Fields that were set, as JSON, and keys that were taken away."""

    fields: dict[str, Any] = {}
    gone: list[str] = []


def snapshot(flow: Flow[Any]) -> dict[str, Any] | None:
    """Write the state as JSON, or give nothing when it does not come back from that as it was."""
    state = flow._state
    try:
        if isinstance(state, BaseModel):
            written: dict[str, Any] = state.model_dump(mode="json")
            return written if type(state).model_validate(written).model_dump(mode="json") == written else None
        plain: dict[str, Any] = json.loads(json.dumps(state))
        return plain if plain == state else None
    except (TypeError, ValueError, RecursionError):
        return None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Tell what differs."""
    missing = object()
    fields = {name: value for name, value in after.items() if before.get(name, missing) != value}
    return Changes(fields, [name for name in before if name not in after])


def redo(flow: Flow[Any], made: Changes) -> None:
    """Make the same changes to the state of a flow."""
    state = flow._state
    if isinstance(state, BaseModel):
        whole = type(state).model_validate({**state.model_dump(mode="json"), **made.fields})
        for name in made.fields:
            setattr(state, name, getattr(whole, name))
        return
    for name in made.gone:
        state.pop(name, None)
    state.update(made.fields)

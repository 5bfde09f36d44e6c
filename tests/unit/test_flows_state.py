"""What a flow keeps, seen before and after a method: what changed is found, written down, and made so again."""

import threading
from contextvars import copy_context
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tests.support.crews import CREWAI_WARNINGS
from tests.support.flows import Flow

from server.crews.flows.state import LARGE, apply, changes, everything, snapshot  # isort: skip  # behind crewai

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


class State(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str = "mine"
    names: list[str] = []
    hidden: str = Field(default="", exclude=True)
    tool: Any = None
    _private: int = PrivateAttr(default=0)


class Kept(Flow[State]):
    pass


class Loose(Flow[dict[str, Any]]):
    pass


def made(kind: type[Flow[Any]]) -> Any:
    """Make a flow in a context of its own: crewai keeps all flows in the one where it is first used."""
    return copy_context().run(kind)


class Table:
    """No data, but with a content."""

    def __init__(self, size: int = 0) -> None:
        self.rows: list[int] = []
        self.size = size

    def __sizeof__(self) -> int:
        return self.size


def test_every_kind_of_change_is_made_again() -> None:
    first: Any = made(Kept)
    second: Any = made(Kept)
    before = snapshot(first)
    first.state.names.append("Rara")
    first.state.hidden = "secret"
    first.state._private = 3
    first.state.beyond = (1, 2)
    first.notes = {"own": {1}}
    found = changes(before, snapshot(first))
    assert found is not None
    apply(second, found)
    assert second.state.model_dump(exclude={"id"}) == first.state.model_dump(exclude={"id"})
    assert second.notes == {"own": {1}}
    assert (second.state.hidden, second.state._private) == ("secret", 3)
    assert "names" in second.state.model_fields_set


def test_what_is_taken_away_is_taken_away_again() -> None:
    first: Any = made(Loose)
    second: Any = made(Loose)
    for flow in (first, second):
        flow.state["a"] = flow.note = 1
    before = snapshot(first)
    del first.state["a"]
    del first.note
    found = changes(before, snapshot(first))
    assert found is not None
    apply(second, found)
    assert "a" not in second.state
    assert not hasattr(second, "note")


def test_types_count_as_differences() -> None:
    flow: Any = made(Loose)
    flow.state["a"] = 1
    before = snapshot(flow)
    flow.state["a"] = True
    assert snapshot(flow) != before


def test_what_is_no_data_is_known_by_its_content() -> None:
    flow: Any = made(Loose)
    flow.table, flow.lock = Table(), threading.Lock()
    before = snapshot(flow)
    assert snapshot(flow) == before
    flow.table.rows.append(1)
    assert snapshot(flow) != before
    assert changes(before, snapshot(flow)) is None


def test_what_is_large_passes_for_changed() -> None:
    flow: Any = made(Loose)
    flow.table = Table(LARGE + 1)
    assert snapshot(flow) != snapshot(flow)


def test_how_a_flow_began_leaves_out_its_own_id() -> None:
    flow: Any = made(Loose)
    flow.state.update(id="x_1", topic="tea")
    fields = {field.name for field, _ in everything(snapshot(flow), but="x_1").made if field.of == "state"}
    assert fields == {"topic"}

"""Which steps an executor's last step leads to, looked up instead of searched for.

About `crewai/flow/runtime/__init__.py`, `Flow._find_triggered_methods`: after each step it asks each of 32 steps
twice whether it waits for that one. The steps of an executor wait for one of some names, never for several at once,
so a table of the names says the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from crewai.agents.agent_executor import AgentExecutor
from crewai.flow.flow import Flow
from crewai.flow.types import FlowMethodName

from server.crews.speed.contract import replace

RELIES_ON = {
    "crewai.flow.runtime:Flow._find_triggered_methods": "31cd59ec1dafce45",
    "crewai.flow.runtime:Flow._start_method_names": "9efd3a2c04cde1b1",
    "crewai.flow.runtime:Flow._listener_methods": "9787c2f1d034a45f",
    "crewai.flow.runtime:Flow._condition_met": "00f5de23130e5bc1",
    "crewai.flow.runtime:_is_multi_event_or": "c284760f100d0531",
    "crewai.flow.runtime:_condition_satisfied": "aeb7aebcd6a52db5",
    "crewai.flow.runtime:_condition_branches": "39379e7a2151f893",
}


class Waiting(NamedTuple):
    """A step that waits. `once`: for the first of several, and then not for the others of the same round."""

    name: FlowMethodName
    once: bool


class Table(NamedTuple):
    """The steps that wait for each name, of one definition; `steps` is None where a table cannot say it."""

    methods: Mapping[str, Any]
    starts: list[FlowMethodName]
    steps: Mapping[tuple[str, bool], list[Waiting]] | None


#: The table of each class of executors.
_tables: dict[type, Table] = {}


def install() -> None:
    """Have executors look it up."""
    replace(AgentExecutor, "_find_triggered_methods", _find_triggered_methods)
    replace(AgentExecutor, "_start_method_names", _start_method_names)


def _find_triggered_methods(
    self: AgentExecutor, trigger_method: FlowMethodName, router_only: bool
) -> list[FlowMethodName]:
    table = _table(self)
    if table.steps is None:
        return Flow._find_triggered_methods(self, trigger_method, router_only)
    return _first(table.steps.get((str(trigger_method), router_only), ()), self._fired_or_listeners)


def _start_method_names(self: AgentExecutor) -> list[FlowMethodName]:
    return list(_table(self).starts)


def _table(executor: AgentExecutor) -> Table:
    methods = executor._definition.methods
    table = _tables.get(type(executor))
    if table is None or table.methods is not methods:
        table = _tables[type(executor)] = tabulate(methods)
    return table


def _first(waiting: Iterable[Waiting], fired: set[FlowMethodName]) -> list[FlowMethodName]:
    triggered = [step for step in waiting if not (step.once and step.name in fired)]
    fired.update(step.name for step in triggered if step.once)
    return [step.name for step in triggered]


def tabulate(methods: Mapping[str, Any]) -> Table:
    """Turn the conditions of a definition into a table of names."""
    starts = [FlowMethodName(name) for name, method in methods.items() if method.is_start]
    steps: dict[tuple[str, bool], list[Waiting]] = defaultdict(list)
    for name, method in methods.items():
        if method.listen is None:
            continue
        if (names := alternatives(method.listen)) is None:
            return Table(methods, starts, None)
        for waited in names:
            once = len(names) > 1 and not method.router
            steps[waited, method.router].append(Waiting(FlowMethodName(name), once))
    return Table(methods, starts, dict(steps))


def alternatives(condition: Any) -> list[str] | None:
    """Give the names of which one is enough, or None for anything else."""
    if isinstance(condition, str):
        return [condition]
    branches = condition.get("or") if isinstance(condition, dict) and len(condition) == 1 else None
    if not isinstance(branches, list) or len(set(map(str, branches))) != len(branches):
        return None
    return branches if all(isinstance(branch, str) for branch in branches) else None

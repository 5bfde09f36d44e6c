"""Guardrails of tasks, run in a thread: one that asks a model would keep the event loop from everybody else meanwhile.

crewai/task.py has them twice: `_ainvoke_guardrail_function` calls the guardrail on the loop, and has the agent try
again there; `_invoke_guardrail_function` is the same, word for word, without `await`. The second is what runs here.
"""

import ast
import asyncio
import inspect
import textwrap
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import structlog
from crewai import Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.tasks.task_output import TaskOutput

from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import RUN, TASK
from server.crews.tasks import TaskRun

log = structlog.get_logger()

#: What the second calls in the place of what the first awaits.
TWINS = {"aexecute_task": "execute_task", "_aexport_output": "_export_output"}


def install() -> None:
    """Run guardrails in threads, unless crewai has changed: then they run its way."""
    original = Task._ainvoke_guardrail_function
    if is_wrapped(original):
        return
    if not alike(original, Task._invoke_guardrail_function):
        log.warning("CrewAI has changed: guardrails run on the event loop, and hold up other executions.")
        return
    replace(Task, "_ainvoke_guardrail_function", _in_thread(original))


def _in_thread(original: Callable[..., Awaitable[TaskOutput]]) -> Callable[..., Awaitable[TaskOutput]]:
    @wraps(original)
    async def _ainvoke_guardrail_function(
        self: Task, task_output: TaskOutput, agent: BaseAgent, *args: Any, **kwargs: Any
    ) -> TaskOutput:
        mine = TASK.get()
        if RUN.get() is None or not isinstance(mine, TaskRun):
            return await original(self, task_output, agent, *args, **kwargs)
        async with mine.team.turn(agent):  # it may be asked to try again
            return await asyncio.to_thread(self._invoke_guardrail_function, task_output, agent, *args, **kwargs)

    return _ainvoke_guardrail_function


def alike(waiting: Callable[..., Any], plain: Callable[..., Any]) -> bool:
    """Tell whether two functions differ by nothing but that the one awaits what the other calls."""
    try:
        return _plain(waiting) == _plain(plain)
    except (OSError, TypeError, SyntaxError):
        return False  # there is no source to compare


def _plain(function: Callable[..., Any]) -> str:
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef), "it is a method"
    body = found.body[1:] if ast.get_docstring(found) is not None else found.body
    return "\n".join(ast.dump(_Plain().visit(part)) for part in (found.args, *body))


class _Plain(ast.NodeTransformer):
    """Take `await` away, and call the synchronous one of two twins."""

    def visit_Await(self, node: ast.Await) -> Any:
        return self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        node.attr = TWINS.get(node.attr, node.attr)
        return self.generic_visit(node)

"""A second round of a task: the agent gets its own answer back, with what a person says about it."""

from typing import Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput
from crewai.tools.tool_failure import tool_failure_collector
from pydantic import BaseModel

REVISION = "Your previous answer:\n{draft}\n\nA person asks you to revise it:\n{feedback}"


async def redraft(task: Task, output: TaskOutput, shown: str, feedback: str, tools: list[Any]) -> TaskOutput:
    """Let the task's agent work again, tools, conversion and guardrails included, as for the first draft.

    `shown` is the text that the person has judged.
    """
    agent = task.agent
    assert agent is not None, "a task that gave an output has an agent"
    request = REVISION.format(draft=shown, feedback=feedback)
    context = f"{task.prompt_context}\n\n{request}" if task.prompt_context else request
    with tool_failure_collector() as failures:
        result = await agent.aexecute_task(task=task, context=context, tools=tools)
    new = output.model_copy(update=await _fields(task, result))
    new.messages = agent.last_messages  # type: ignore[attr-defined] # crewai does the same: only Agent has it
    new.tool_failures = list(failures)
    return await _guarded(task, new, tools)


async def _fields(task: Task, result: Any) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return {
            "raw": result.model_dump_json(),
            "pydantic": result if task.output_pydantic else None,
            "json_dict": result.model_dump() if task.output_json else None,
        }
    model, plain = (None, None) if _guards(task) else await task._aexport_output(result)
    return {"raw": result, "pydantic": model, "json_dict": plain}


def _guards(task: Task) -> bool:
    return bool(task._guardrails or task._guardrail)


async def _guarded(task: Task, output: TaskOutput, tools: list[Any]) -> TaskOutput:
    assert task.agent is not None, "checked by the caller"
    for number, guardrail in enumerate(task._guardrails or []):
        output = await task._ainvoke_guardrail_function(output, task.agent, tools, guardrail, number)
    if task._guardrail:
        output = await task._ainvoke_guardrail_function(output, task.agent, tools, task._guardrail)
    return output

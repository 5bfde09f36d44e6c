"""Small crews on a local model server, and what it takes to run them in a test."""

import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, cast

from server.crews import silence
from tests.support.openai_server import Call, OpenAIServer, Reply

silence()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # crewai warns about itself while it is imported
    from crewai import LLM, Agent, Crew, Process, Task
    from crewai.agents.agent_builder.base_agent import BaseAgent
    from crewai.knowledge.source.string_knowledge_source import StringKnowledgeSource
    from crewai.memory.unified_memory import Memory
    from crewai.tasks.conditional_task import ConditionalTask
    from crewai.tasks.task_output import TaskOutput
    from crewai.tools import BaseTool, tool
    from crewai.utilities.training_handler import CrewTrainingHandler

    from server.crews.adapter import CrewAdapter
    from server.crews.ask import ask_human
    from server.crews.files import keep_in
    from server.crews.loading.building import builder
    from server.crews.loading.catalogue import describe
    from server.crews.loading.configuration import constant as read
    from server.crews.loading.configuration import registration_of
    from server.crews.loading.copying import copied
    from server.crews.names import task_names
    from server.crews.process import prepare_library

__all__ = [
    "LLM",
    "Agent",
    "BaseAgent",
    "BaseTool",
    "ConditionalTask",
    "Crew",
    "CrewTrainingHandler",
    "Memory",
    "Process",
    "StringKnowledgeSource",
    "Task",
    "TaskOutput",
    "adapted",
    "agent",
    "ask_human",
    "copied",
    "delegate",
    "keep_in",
    "managed",
    "model",
    "single",
    "task",
    "threads_at_work",
    "tool",
]

#: For tests that run crewai: it uses its own deprecated fields, and warns that callbacks cannot be serialized.
CREWAI_WARNINGS = (
    "ignore::DeprecationWarning:crewai",
    "ignore::DeprecationWarning:pydantic",
    "ignore:.*will prevent checkpointing:UserWarning",
)


def model(server: OpenAIServer, **settings: Any) -> Any:
    """Make a model client of the local server."""
    return LLM(model="openai/gpt-4o-mini", base_url=server.url, api_key="sk-test-0123456789", **settings)


def agent(server: OpenAIServer, role: str = "Writer", **settings: Any) -> BaseAgent:
    """Make an agent on the local server."""
    settings = {"goal": "Write well", "backstory": "You have written a lot.", "llm": model(server), **settings}
    return Agent(role=role, max_retry_limit=0, **settings)


def task(name: str, who: BaseAgent | None, **settings: Any) -> Task:
    """Make a task that is described as `do NAME`, so that a test can find its prompts."""
    settings = {"description": f"do {name}", "expected_output": "A short text.", **settings}
    return Task(name=name, agent=who, **settings)


def single(server: OpenAIServer, *tools: Any, of_task: dict[str, Any] | None = None, **settings: Any) -> Crew:
    """Make a crew of one agent with one task, `it`."""
    writer = agent(server, tools=list(tools), **settings)
    return Crew(agents=[writer], tasks=[task("it", writer, **(of_task or {}))])


def delegate(server: OpenAIServer) -> None:
    """Have a manager delegate its task once."""
    asked = {"task": "judge the tea", "context": "It is green.", "coworker": "Critic"}
    server.reply("do it", Reply(calls=[Call("delegate_work_to_coworker", asked)]), "It is good.")
    server.reply("judge the tea", "Good.")


def managed(server: OpenAIServer) -> Crew:
    """Make a crew whose manager and agent share a model object."""
    shared = model(server)
    critic = agent(server, "Critic", llm=shared)
    return Crew(agents=[critic], tasks=[task("it", None)], process=Process.hierarchical, manager_llm=shared)


def adapted(
    build: Callable[[], Crew],
    constant: dict[str, Any] | None = None,
    manifest: dict[str, str] | None = None,
    **more: Any,
) -> CrewAdapter:
    """Make something that runs, of a factory; `more` are fields of its registration."""
    prepare_library()
    made = builder(build)
    crew = made()
    assert isinstance(crew, Crew)
    registration = registration_of([read({**(constant or {}), **more})], task_names(crew.tasks))
    description = describe("test", crew, registration, "")
    return CrewAdapter(cast("Callable[[], Crew]", made), description, registration=registration, manifest=manifest)


def threads_at_work() -> bool:
    """Tell whether a thread still works for a crew: none can be stopped, and it may ask the model once more."""
    frames = [frame for ident, frame in sys._current_frames().items() if ident != threading.main_thread().ident]
    files = {place.f_code.co_filename for frame in frames for place, _ in traceback.walk_stack(frame)}
    return any("/crewai/flow/" in file or "/crewai/llms/" in file for file in files)

"""Two tasks on a slow model, run by Quarterdeck or by crewai alone: `python -m tests.benchmarks.pair PLAN`.

The crew is made as a user's factory makes one: agent, model object and client are new for every execution.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.crews import prepare_process
from tests.support.crews import LLM, Agent, Crew, Task, adapted
from tests.support.journal import FakeJournal

# isort: split

from crewai.crews.crew_output import CrewOutput
from crewai.llms.base_llm import BaseLLM

#: Where the worker that runs the crew leaves its longest stall, in milliseconds.
STALL = "BENCHMARK_STALL"
TASKS = 2
PULSE = 0.005
POOL = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """So many crews at once, so many times, run by us or by crewai alone.

    `model`: the URL of one, or "" for one that answers at once; `threads`: in the loop's pool, 0 for what Python gives.
    """

    crews: int
    model: str
    ours: bool = False
    threads: int = 0
    rounds: int = 1


@dataclass(frozen=True)
class Figures:
    """What a run took: seconds from start to last end, processor time per task, the loop's longest stall."""

    seconds: float
    cpu_ms: float
    stall_ms: float


class Null(BaseLLM):
    """A model that answers at once."""

    def call(self, *args: Any, **kwargs: Any) -> str:
        """Say the same."""
        return "An answer."

    async def acall(self, *args: Any, **kwargs: Any) -> str:
        """Say the same."""
        return "An answer."


def crew() -> Crew:
    """Make the crew, for the model server that the environment names, or for a model that answers at once."""
    url = os.environ["TEST_MODEL"]
    model = LLM(model="openai/gpt-4o-mini", base_url=url, api_key="sk-test-0123456789") if url else Null(model="null/0")
    writer = Agent(role="Writer", goal="Write well", backstory="You have written a lot.", llm=model)
    tasks = [
        Task(name=f"t{n}", description=f"do t{n} about {{topic}}", expected_output="A short text.", agent=writer)
        for n in range(TASKS)
    ]
    return Crew(agents=[writer], tasks=tasks, before_kickoff_callbacks=[_watch])


def _watch(inputs: dict[str, Any] | None) -> dict[str, Any] | None:
    """Watch the loop of the process that runs this, from the first crew on."""
    if STALL in os.environ and not Pulse.running:
        Pulse.running = asyncio.get_running_loop().create_task(Pulse(Path(os.environ[STALL])).run(), context=Context())
    return inputs


class Pulse:
    """Measures how late the loop is."""

    running: "asyncio.Task[None] | None" = None

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.worst = 0.0

    async def run(self) -> None:
        """Measure for as long as the loop runs; the worst is written to the file when it has become worse."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(PULSE)
            late = time.perf_counter() - began - PULSE
            if late > self.worst:
                self.worst = late
                if self.file:
                    await asyncio.to_thread(self.file.write_text, f"{late * 1e3:.1f}")


async def measure(plan: Plan) -> Figures:
    """Run crews at once, after one that warms up; of several rounds, the middle one counts."""
    kickoff = await _ours() if plan.ours else _theirs
    if plan.threads:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(plan.threads))
    await kickoff("warming up")
    pulse = Pulse()
    pulsing = asyncio.create_task(pulse.run())
    rounds = sorted([await _round(kickoff, plan.crews) for _ in range(plan.rounds)])
    await asyncio.sleep(PULSE * 2)
    pulsing.cancel()
    seconds, cpu = rounds[plan.rounds // 2]
    return Figures(seconds, cpu / plan.crews / TASKS * 1e3, pulse.worst * 1e3)


Kickoff = Callable[[str], Coroutine[Any, Any, str]]


async def _round(kickoff: Kickoff, count: int) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    outputs = await asyncio.gather(*[asyncio.create_task(kickoff(f"x{number}")) for number in range(count)])
    assert set(outputs) == {"An answer."}
    return time.perf_counter() - began, time.process_time() - cpu


async def _theirs(topic: str) -> str:
    output = await crew().akickoff(inputs={"topic": topic})
    assert isinstance(output, CrewOutput)
    return output.raw


async def _ours() -> Kickoff:
    """Run crews as a worker does, but with a journal in memory."""
    prepare_process(POOL)
    made = adapted(crew)

    async def kickoff(topic: str) -> str:
        outcome = await made.run(FakeJournal(inputs={"topic": topic}))
        return outcome.output

    return kickoff


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    os.environ["TEST_MODEL"] = given.model
    print(json.dumps(asdict(asyncio.run(measure(given)))))

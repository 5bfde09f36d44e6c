"""Two tasks on a model that takes its time, for Quarterdeck and for crewai alone: `python -m tests.benchmarks.pair PLAN`.

The crew is made as a user's factory makes one: agent, model object and client are new for every execution.
"""

import asyncio
import json
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.crews import silence

silence()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # crewai warns about itself while it is imported
    from crewai import LLM, Agent, Crew, Task
    from crewai.llms.base_llm import BaseLLM

#: Where the worker that runs the crew leaves its longest stall, in milliseconds.
STALL = "BENCHMARK_STALL"
TASKS = 2
PULSE = 0.005


@dataclass(frozen=True)
class Plan:
    """So many crews at once; `threads`: of the loop's pool, 0 for what Python gives; `model`: a URL, or "" for none."""

    crews: int
    threads: int
    model: str


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


async def bare(plan: Plan) -> Figures:
    """Run crews with crewai alone."""
    if plan.threads:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(plan.threads))
    await crew().akickoff(inputs={"topic": "warming up"})
    pulse = Pulse()
    pulsing = asyncio.create_task(pulse.run())
    began, cpu = time.perf_counter(), time.process_time()
    runs = [asyncio.create_task(crew().akickoff(inputs={"topic": f"x{n}"})) for n in range(plan.crews)]
    outputs = await asyncio.gather(*runs)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await asyncio.sleep(PULSE * 2)
    pulsing.cancel()
    assert {output.raw for output in outputs} == {"An answer."}
    return Figures(seconds, cpu / plan.crews / TASKS * 1e3, pulse.worst * 1e3)


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    os.environ["TEST_MODEL"] = given.model
    print(json.dumps(asdict(asyncio.run(bare(given)))))

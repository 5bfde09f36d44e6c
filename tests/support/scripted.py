"""A scripted crew, a fake at our own boundary, and the parts of a server around it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from redis.asyncio import Redis

from protocol.commands import Decide, Start
from protocol.events import Event, TaskCompleted, TaskStarted
from protocol.frames import decode_event
from protocol.ids import ExecutionId
from protocol.objects import Action, Checkpoint, Crew, CrewCheckpoint, Draft, State, TaskOutput, TaskPlan, Usage
from server import keys
from server.auth import Principal, Role
from server.catalogue import Catalogue
from server.dispatch import Changed, Dispatch, Started
from server.engine.worker import Worker
from server.runnable import Journal, Limits, Outcome, Question, Runnable, Stopped
from server.store import Store, WorkerReport, Workers
from tests.support.waiting import wait_until

#: Both may do everything.
RARA = Principal("rara", "Rara", keys.OPEN_TENANT, frozenset({Role.ADMIN}))
DIMAS = Principal("dimas", "Dimas", keys.OPEN_TENANT, frozenset({Role.ADMIN}))
ACTIONS = (
    Action(id="approve", label="Approve"),
    Action(id="edit", label="Approve with edits"),
    Action(id="revise", label="Request changes", needs_feedback=True),
    Action(id="stop", label="Stop run", confirm=True),
)
Script = Callable[[Journal], Awaitable[Outcome]]


def question(version: int = 1, step: str = "t0/after", text: str = "draft") -> Question:
    return Question(
        step=step, version=version, name="after_planning", kind="task.after", title="Plan", description="",
        draft=Draft(text=f"{text} {version}"), actions=ACTIONS, task="plan",
    )  # fmt: skip


async def plan(journal: Journal) -> Outcome:
    """One task with a checkpoint after it, redrafted until a person is content."""
    journal.emit(TaskStarted(task="plan", index=0, round=1))
    version = 1
    while (answer := await journal.ask(question(version))).action == "revise":
        version += 1
        journal.emit(TaskStarted(task="plan", index=0, round=version))
    if answer.action == "stop":
        raise Stopped(answer.checkpoint, "plan")
    text = answer.output or f"draft {version}"
    done = TaskCompleted(task="plan", index=0, output=text, usage=Usage(), seconds=0.0, edited=answer.action == "edit")
    await journal.record("t0/output", text.encode(), event=done)
    return Outcome(output=text, tasks=(TaskOutput(task="plan", output=text),))


@dataclass
class Scripted(Runnable):
    """A crew that does what a function does, and remembers how often it was started."""

    script: Script = plan
    bounds: Limits = field(default_factory=Limits)
    started: list[ExecutionId] = field(default_factory=list)

    def describe(self) -> Crew:
        return Crew(
            name="scripted", title="Scripted", description="", kind="crew",
            inputs={"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
            checkpoints=[CrewCheckpoint(name="after_planning", title="Plan", task="plan", place="after")],
            tasks=[TaskPlan(name="plan")],
        )  # fmt: skip

    def limits(self) -> Limits:
        return self.bounds

    async def run(self, journal: Journal) -> Outcome:
        self.started.append(journal.execution)
        return await self.script(journal)


class Asked:
    """Stands for the queue: remembers what was asked for, and hands it to workers when told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def advance(self, member: str, offset: int) -> None:
        self.asked.append((member, offset))


class World:
    """A store, a dispatch and workers on one real Redis."""

    def __init__(self, redis: Redis, crew: Scripted) -> None:
        self.redis = redis
        self.crew = crew
        self.store = Store(redis)
        self.workers = Workers(redis)
        self.asked = Asked()
        catalogue = Catalogue(self.workers, ["scripted", "broken", "unknown_yet"])
        self.dispatch = Dispatch(self.store, self.workers, catalogue, self.asked)  # type: ignore[arg-type] # a stand-in
        self.running: list[Worker] = []

    async def prepare(self) -> None:
        broken = Crew(
            name="broken", title="Broken", description="", kind="crew", inputs={}, checkpoints=[], tasks=[],
            broken="No module named 'nowhere'",
        )  # fmt: skip
        await self.workers.publish([self.crew.describe(), broken])

    @asynccontextmanager
    async def worker(self, ident: str = "w1", slots: int = 4, hot: float = 30.0) -> AsyncIterator[Worker]:
        """Run a worker; its heartbeat lasts until the test takes it away."""
        worker = Worker(ident, self.store, self.workers, slots, hot=hot)
        worker.register({"scripted": self.crew}, ["scripted"])
        await self.lives(worker)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run, lambda: None)
            self.running.append(worker)
            await anyio.lowlevel.checkpoint()
            yield worker
            group.cancel_scope.cancel()
        self.running.remove(worker)

    async def lives(self, worker: Worker) -> None:
        import msgspec

        report: WorkerReport = worker.report()
        await self.redis.set(keys.worker(worker.ident), msgspec.json.encode(report), ex=600)
        await self.redis.zadd(keys.workers(), {worker.ident: 1})
        await self.redis.expire(keys.workers(), 600)

    async def dies(self, ident: str) -> None:
        await self.redis.delete(keys.worker(ident))

    async def start(self, **fields: object) -> ExecutionId:
        command = Start(crew="scripted", inputs={"topic": "tea"}, **fields)  # type: ignore[arg-type] # by the test
        started: Started = await self.dispatch.handle(command, RARA)
        return started.execution

    async def decide(self, checkpoint: Checkpoint, action: str, by: Principal = RARA, **fields: object) -> Changed:
        command = Decide(execution=checkpoint.execution, checkpoint=checkpoint.id, action=action, **fields)  # type: ignore[arg-type] # by the test
        changed: Changed = await self.dispatch.handle(command, by)
        for worker in self.running:
            worker.notice_all()
        return changed

    async def opened(self, execution: ExecutionId, version: int = 1) -> Checkpoint:
        """Wait for an open checkpoint of this version."""
        found: list[Checkpoint] = []

        async def look() -> bool:
            found[:] = [c for c in await self.store.open_checkpoints(execution) if c.version == version]
            return bool(found)

        await wait_until(look, description=f"version {version} of a checkpoint is open")
        return found[0]

    async def state(self, execution: ExecutionId, *states: State) -> None:
        """Wait for a state."""

        async def look() -> bool:
            holder = await self.store.holder(execution)
            return holder is not None and holder.state in states

        await wait_until(look, description=f"{execution} is {states}")

    async def log(self, execution: ExecutionId) -> list[Event]:
        """Read the whole log, and check that it has no hole."""
        page = await self.store.page(execution, 0, 10_000)
        assert page is not None
        assert [offset for offset, _ in page.frames] == list(range(1, page.last + 1))
        events = [decode_event(frame) for _, frame in page.frames]
        assert [event.offset for event in events] == list(range(1, page.last + 1))
        return events


def kinds(events: list[Event]) -> list[str]:
    """Name the kinds of events."""
    return [event.data.type.value for event in events]


async def gone(world: World, execution: ExecutionId) -> None:
    """Wait until no worker holds the execution."""

    async def free() -> bool:
        holder = await world.store.holder(execution)
        return holder is not None and not holder.owner and not any(execution in w.attempts for w in world.running)

    await wait_until(free, description="nobody holds it")


async def handed_over(world: World) -> str:
    """Wait for the next request to advance an execution, as the queue would bring it to a worker."""
    await wait_until(lambda: bool(world.asked.asked), description="a worker is asked for")
    return world.asked.asked.pop(0)[0]

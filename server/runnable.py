"""What the engine and a crew agree on: how a crew is described, run, watched, asked and answered.

The engine runs anything that is `Runnable`; a crew sees of the service only its `Journal`. Nothing here does I/O.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from protocol.events import Data
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Action, Actor, Crew, Draft, TaskOutput, ToolRequest

Kind = Literal["task.before", "task.after", "task.input", "tool", "flow", "ask", "recovery"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A checkpoint as a crew asks it.

    `step` names the place in the crew, the same on every attempt and for every version: with it a second attempt
    finds the checkpoint, and the answer, of the first. `version` counts from 1; each redraft is the next.
    `schema` is what a typed `response`, or the JSON of an edit, must fit; `tool` is the call that is asked about.
    """

    step: str
    version: int
    name: str
    kind: Kind
    title: str
    description: str
    draft: Draft
    actions: tuple[Action, ...]
    task: str | None = None
    agent: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    tool: ToolRequest | None = None
    #: How long it may stay open, and the action that is taken then; both or neither.
    seconds: float | None = None
    on_deadline: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person decided about one version of a checkpoint.

    `output` is the replacement of an `edit`, `arguments` those of an edited tool call, `response` a typed answer.
    """

    checkpoint: CheckpointId
    version: int
    action: str
    feedback: str | None = None
    output: str | None = None
    arguments: Mapping[str, Any] | None = None
    response: Any = None
    by: Actor | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a crew gave in the end. `output_json` is present for structured outputs."""

    output: str
    output_json: Any = None
    tasks: tuple[TaskOutput, ...] = ()


class Stopped(BaseException):
    """Raised by a crew when a person chose `stop`. A BaseException: no handler inside the crew may swallow it."""

    def __init__(self, checkpoint: CheckpointId, task: str | None) -> None:
        super().__init__(f"stopped at {checkpoint}")
        self.checkpoint = checkpoint
        self.task = task


class Suspended(BaseException):
    """Raised through a crew that is to be unwound while it waits; it is started again, and replayed, later.

    A BaseException: no handler inside the crew may swallow it, and nothing reports it as a failure.
    """


class CrewFailed(Exception):
    """Raised when a crew fails. `message` is for people; the traceback is the `__cause__`, for the log."""

    def __init__(self, code: str, message: str, task: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.task = task


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a crew's registration bounds: executions at once per worker, and seconds of work (waiting not counted)."""

    concurrency: int | None = None
    seconds: float | None = None


class Journal(Protocol):
    """All that a running crew sees of the service: one per execution and attempt.

    Methods that end in `_now` are for synchronous code. Called from a thread they wait there; called on the event loop
    itself, where nothing may wait, they do without: see each.
    """

    @property
    def execution(self) -> ExecutionId:
        """The execution's id."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the execution was started with."""

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The names of the checkpoints that apply."""

    @property
    def attempt(self) -> int:
        """1 for the first worker that runs this execution, then one more for each that takes over."""

    def emit(self, data: Data, *, once: str = "") -> None:
        """Append an event to the log, in order. Quick, from any thread.

        With `once`, a step: the event and that step are written together, and not again on any later attempt.
        """

    def delta(self, *, stream: str, text: str, task: str | None = None, agent: str | None = None) -> None:
        """Push a piece of streamed text; pieces are joined before they are sent. Quick, from any thread."""

    async def ask(self, question: Question) -> Answer:
        """Ask a person, and wait as long as it takes; an earlier attempt's answer comes at once. On the loop only.

        Raises `Suspended` when the wait is to go on without the crew.
        """

    def ask_now(self, question: Question) -> Answer:
        """Ask from synchronous code. On the loop's own thread, an answer that is not there yet suspends at once."""

    async def withdraw(self, prefix: str, reason: str) -> None:
        """Ask no longer what is asked in steps that begin so; an answer that came first stands. On the loop only."""

    def recall(self, step: str) -> bytes | None:
        """Give what an earlier attempt, or this one, recorded under `step`."""

    def steps(self) -> Collection[str]:
        """Name all steps that earlier attempts recorded."""

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record `value` under `step`, and append `event` in the same atomic step; durable when this returns.

        A crash leaves both or neither, so that a task's output is never kept without its event. On the loop only.
        """

    def record_now(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        """Record from synchronous code; durable when this returns.

        On the loop's own thread the event is appended right after the value, and not in the same step.
        """

    def busy(self, change: int) -> None:
        """Count the calls outside (models, tools) that are under way: +1 and -1. Quick, from any thread.

        An execution whose every strand waits for people, with no call under way, is idle, and may be parked.
        """

    @property
    def suspending(self) -> bool:
        """Tell whether the crew is to be unwound: at its next safe point, before a call, it raises `Suspended`."""


class Runnable(Protocol):
    """A registered crew that loaded."""

    def describe(self) -> Crew:
        """Describe the crew for the catalogue."""

    def limits(self) -> Limits:
        """Give the bounds that its registration sets."""

    async def run(self, journal: Journal) -> Outcome:
        """Run it once, from a fresh object.

        Raises `Stopped`, `CrewFailed`, or `Suspended` once all that it started has come to rest; cancelling it ends
        all that it started.
        """

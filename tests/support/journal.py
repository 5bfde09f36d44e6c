"""The engine's side of a crew, in memory: a journal whose recorded steps and answers outlive an attempt."""

import asyncio
import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from protocol.events import CheckpointWithdrawn, Data
from protocol.ids import CheckpointId, ExecutionId
from server.runnable import Answer, Question, Runnable, Suspended

DataT = TypeVar("DataT", bound=Data)
EndT = TypeVar("EndT", bound=BaseException)

#: Seconds within which the loop must take what a thread gives it, or whoever blocks it fails the test.
LOOP_LIMIT = 20.0
#: What a test says a person answers: an action, an action with its feedback or output, or a function of the question.
Say = str | tuple[str, str] | Callable[[Question], "Say"]


@dataclass(frozen=True)
class Piece:
    """A delta as the crew gave it."""

    stream: str
    text: str
    task: str | None
    agent: str | None


@dataclass
class Execution:
    """What is durable about an execution: shared by the journals of its attempts."""

    recorded: dict[str, bytes] = field(default_factory=dict)
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    questions: dict[tuple[str, int], Question] = field(default_factory=dict)
    attempts: int = 0

    @property
    def open(self) -> list[Question]:
        """The questions that nobody has answered, the newest version of each."""
        newest = {step: question for (step, _), question in self.questions.items()}
        return [question for place, question in newest.items() if (place, question.version) not in self.answers]

    def decide(self, name: str, say: "Say") -> None:
        """Answer the open question of that name, while nobody runs the execution."""
        question = next(question for question in self.open if question.name == name)
        self.answers[question.step, question.version] = made(question, say)


class FakeJournal:
    """A `Journal` that keeps what it is told. `answers` maps a checkpoint's name to what people say, in order.

    A question without an answer left waits; `decide` answers it. An answer of an earlier attempt comes at once.
    `parked`: a question without an answer suspends its crew at once.
    """

    def __init__(
        self,
        *,
        inputs: Mapping[str, Any] | None = None,
        checkpoints: Iterable[str] = (),
        answers: Mapping[str, Sequence[Say]] | None = None,
        of: Execution | None = None,
        parked: bool = False,
    ) -> None:
        self._execution = of or Execution()
        self._parked = parked
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        self._earlier = tuple(self._execution.recorded)
        #: Calls, and bodies of methods, that are under way.
        self.calls = 0
        self.suspending = False
        self._execution.attempts += 1
        self._inputs = dict(inputs or {})
        self._checkpoints = tuple(checkpoints)
        self._said = {name: list(said) for name, said in (answers or {}).items()}
        self._waiting: dict[tuple[str, int], asyncio.Future[Answer]] = {}
        #: Events and pieces of text in the order in which they came.
        self.told: list[Data | Piece] = []
        #: Every question that was asked anew in this attempt.
        self.asked: list[Question] = []

    @property
    def execution(self) -> ExecutionId:
        return ExecutionId("x_test")

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self._inputs

    @property
    def checkpoints(self) -> tuple[str, ...]:
        return self._checkpoints

    @property
    def attempt(self) -> int:
        return self._execution.attempts

    @property
    def recorded(self) -> dict[str, bytes]:
        return self._execution.recorded

    def emit(self, data: Data, *, once: str = "") -> None:
        if once and once in self._execution.recorded:
            return
        if once:
            self._execution.recorded[once] = b""
        self.told.append(data)

    def delta(self, *, stream: str, text: str, task: str | None = None, agent: str | None = None) -> None:
        self.told.append(Piece(stream, text, task, agent))

    async def ask(self, question: Question) -> Answer:
        place = (question.step, question.version)
        if (answered := self._answered(question)) is not None:
            return answered
        if self._parked:
            raise Suspended
        self._waiting[place] = asyncio.get_running_loop().create_future()
        self._execution.answers[place] = await self._waiting[place]
        return self._execution.answers[place]

    def _answered(self, question: Question) -> Answer | None:
        place = (question.step, question.version)
        if place in self._execution.answers:
            return self._execution.answers[place]
        self._execution.questions[place] = question
        self.asked.append(question)
        if said := self._said.get(question.name):
            self._execution.answers[place] = made(question, said.pop(0))
        return self._execution.answers.get(place)

    def ask_now(self, question: Question) -> Answer:
        if threading.get_ident() != self._thread:
            return asyncio.run_coroutine_threadsafe(self.ask(question), self._loop).result()
        if (answered := self._answered(question)) is not None:
            return answered
        raise Suspended

    async def withdraw(self, prefix: str, reason: str) -> None:
        for step, version in list(self._execution.questions):
            if step.startswith(prefix) and (step, version) not in self._execution.answers:
                del self._execution.questions[step, version]
                self.told.append(CheckpointWithdrawn(checkpoint=CheckpointId(f"cp_{step}"), reason=reason))
                if (waiting := self._waiting.pop((step, version), None)) is not None:
                    waiting.cancel()

    def recall(self, step: str) -> bytes | None:
        return self._execution.recorded.get(step)

    def steps(self) -> Collection[str]:
        return self._earlier

    async def record(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        self._keep(step, value, event)

    def record_now(self, step: str, value: bytes, *, event: Data | None = None) -> None:
        if threading.get_ident() == self._thread:
            self._keep(step, value, event)
            return
        work = self.record(step, value, event=event)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=LOOP_LIMIT)

    def _keep(self, step: str, value: bytes, event: Data | None) -> None:
        self._execution.recorded[step] = value
        if event is not None:
            self.told.append(event)

    def busy(self, change: int) -> None:
        self.calls += change

    @property
    def open(self) -> list[Question]:
        """The questions that wait."""
        return [q for q in self.asked if (w := self._waiting.get((q.step, q.version))) is not None and not w.done()]

    def decide(self, name: str, say: Say) -> None:
        """Answer the open question of that name."""
        question = next(question for question in self.open if question.name == name)
        self._waiting[question.step, question.version].set_result(made(question, say))

    def events(self, kind: type[DataT]) -> list[DataT]:
        """Give the events of one kind."""
        return [data for data in self.told if isinstance(data, kind)]

    def types(self) -> list[str]:
        """Give the types of all events in order, without the text between them."""
        return [data.type.value for data in self.told if isinstance(data, Data)]

    @property
    def pieces(self) -> list[Piece]:
        """All streamed text."""
        return [data for data in self.told if isinstance(data, Piece)]


def made(question: Question, say: Say) -> Answer:
    """Make the answer to a question."""
    if callable(say):
        return made(question, say(question))
    action, text = (say, None) if isinstance(say, str) else say
    offered = {action.id for action in question.actions}
    assert action in offered, f"{action} is not offered: {offered}"
    return Answer(
        checkpoint=CheckpointId(f"cp_{question.step}"),
        version=question.version,
        action=action,
        output=text if action == "edit" else None,
        response=text if action == "respond" else None,
        arguments=json.loads(text) if text and action == "edit" and question.kind == "tool" else None,
        feedback=text if action not in ("edit", "respond") else None,
    )


async def note_end(runnable: Runnable, journal: FakeJournal, kind: type[EndT], ends: list[EndT]) -> None:
    """Run, and note with which error of a kind it ended: a task group would wrap it, and cancel what runs beside."""
    try:
        await runnable.run(journal)
    except kind as end:
        ends.append(end)

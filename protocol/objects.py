"""The objects that frames carry: executions, crews, checkpoints and what they are made of.

Times are ISO 8601 in UTC with milliseconds and `Z`. Fields may be added in version 1; none is renamed or dropped.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.ids import CheckpointId, ConversationId, ExecutionId


class State(StrEnum):
    """Where an execution is. The last four are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class CheckpointState(StrEnum):
    """Where a checkpoint is: it asks (open), the crew redrafts (revising), or it is over."""

    OPEN = "open"
    REVISING = "revising"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Object(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all wire objects share: frozen, named fields, absent when unset."""


class Actor(Object, frozen=True, kw_only=True):
    """Who did something."""

    id: str
    name: str


class Rights(Object, frozen=True, kw_only=True, omit_defaults=False):
    """Which commands somebody may give: about `any` execution of their tenant, and about their `own` ones only."""

    any: list[str]
    own: list[str]


class Cost(Object, frozen=True, kw_only=True, omit_defaults=False):
    """What calls of language models cost: `amount` is an exact decimal number, `currency` a code such as `USD`.

    `unpriced` calls are not in it (their model has no price, or nobody told what they used): it is at least this much.
    """

    amount: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]{1,9})?$")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    unpriced: int = 0


class Usage(Object, frozen=True, kw_only=True, omit_defaults=False):
    """What language models were asked and answered, in tokens; `replayed` calls were answered from the journal.

    `cost` is absent where nothing has a price.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    calls: int = 0
    replayed: int = 0
    cost: Cost | UnsetType = UNSET


class Fault(Object, frozen=True, kw_only=True):
    """Why something failed, for a person to read: no traceback, no secret."""

    code: str
    message: str


class TaskPlan(Object, frozen=True, kw_only=True):
    """A task as it is known before it runs."""

    name: str
    agent: str | None = None
    title: str | None = None


class TaskState(Object, frozen=True, kw_only=True):
    """A task of an execution as it stands now. `state`: pending, running, completed, skipped, failed.

    `file`: the name of what it wrote, at `/api/v1/executions/{id}/files/{file}`.
    """

    name: str
    index: int
    agent: str | None = None
    state: str
    round: int = 1
    output: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    usage: Usage | None = None
    file: str | None = None


class TaskOutput(Object, frozen=True, kw_only=True):
    """What one task gave in the end."""

    task: str
    agent: str | None = None
    output: str


class Progress(Object, frozen=True, kw_only=True, omit_defaults=False):
    """How many tasks are done, out of how many."""

    done: int = 0
    total: int = 0


class Origin(Object, frozen=True, kw_only=True):
    """Where a forked execution comes from: it shares that execution's work up to the event at `offset`."""

    execution: ExecutionId
    checkpoint: CheckpointId
    offset: int


class Execution(Object, frozen=True, kw_only=True):
    """One run of a crew with its inputs. `parked`: it waits, and no worker has it."""

    id: ExecutionId
    crew: str
    title: str
    state: State
    inputs: dict[str, Any]
    checkpoints: list[str]
    conversation: ConversationId | None = None
    owner: Actor | None = None
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    epoch: str
    offset: int
    attempt: int
    parked: bool = False
    progress: Progress
    tasks: list[TaskState]
    usage: Usage
    waited: float
    output: str | None = None
    output_json: Any | UnsetType = UNSET
    error: Fault | None = None
    version: str | None = None
    forked_from: Origin | None = None


class Conversation(Object, frozen=True, kw_only=True):
    """Executions that follow each other in one thread of talk; how many there are, and the newest of them.

    An execution that was started without a conversation is one of its own, with the execution's id. `updated_at`: when
    the newest was made. It is gone when all its executions are.
    """

    id: ConversationId
    title: str
    created_at: str
    updated_at: str
    executions: int
    latest: ExecutionId


class CrewCheckpoint(Object, frozen=True, kw_only=True):
    """A checkpoint that a crew's registration offers; a `required` one applies to every execution.

    `deadline`: seconds after which `on_deadline` happens; both are there, or neither.
    """

    name: str
    title: str
    task: str
    place: Literal["before", "after"]
    description: str = ""
    required: bool = False
    deadline: float | None = None
    on_deadline: Literal["stop", "skip", "approve"] | None = None


class Crew(Object, frozen=True, kw_only=True):
    """Something runnable that is registered. `broken` tells why it cannot run; `demo`: no language model is at work.

    `version` changes with the crew's code and texts.
    """

    name: str
    title: str
    description: str
    kind: Literal["crew", "flow"]
    inputs: dict[str, Any]
    checkpoints: list[CrewCheckpoint]
    tasks: list[TaskPlan]
    broken: str | None = None
    demo: bool = False
    version: str | None = None


class Draft(Object, frozen=True, kw_only=True):
    """What a checkpoint shows for judgement."""

    text: str
    content_type: str = "text/markdown"
    language: str | None = None
    json: Any | UnsetType = UNSET


class ToolRequest(Object, frozen=True, kw_only=True):
    """The tool call that a checkpoint of kind `tool` is about; `call` is how `tool.started` will name it."""

    name: str
    arguments: dict[str, Any]
    schema: dict[str, Any] | None = None
    call: str | None = None


class Action(Object, frozen=True, kw_only=True, omit_defaults=False):
    """One way to answer a checkpoint."""

    id: str
    label: str
    needs_feedback: bool = False
    confirm: bool = False


class Judgement(Object, frozen=True, kw_only=True):
    """One decision in a checkpoint's history."""

    version: int
    action: str
    by: Actor | None = None
    at: str
    feedback: str | None = None


class Checkpoint(Object, frozen=True, kw_only=True):
    """A question to a person that holds the crew."""

    id: CheckpointId
    execution: ExecutionId
    name: str
    kind: Literal["task.before", "task.after", "task.input", "tool", "flow", "ask", "recovery"]
    state: CheckpointState
    version: int
    title: str
    description: str
    task: str | None = None
    agent: str | None = None
    draft: Draft
    facts: dict[str, Any]
    tool: ToolRequest | None = None
    actions: list[Action]
    schema: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None
    tally: dict[str, Any] | None = None
    deadline: str | None = None
    on_deadline: str | None = None
    digest: str
    opened_at: str
    history: list[Judgement]

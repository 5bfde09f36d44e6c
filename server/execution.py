"""The execution's state machine: one table, and the one function that applies an event to it.

Rule 1: what decides whether an event may happen, and where it leads, stands in this file as data. The script that
commits events (`lua/commit.lua`) holds no transition of its own; the tables below are rendered into it, and a test
runs every case against both.

A missing entry is a refusal. A refusal is a value (`Verdict`), not an exception.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from protocol.events import EventType
from protocol.objects import State

E, S = EventType, State

#: What a running crew reports on the way; it changes nothing about where the execution is.
PROGRESS = frozenset({
    E.TASK_STARTED, E.TASK_COMPLETED, E.TASK_FAILED, E.TASK_SKIPPED, E.AGENT_STARTED, E.AGENT_COMPLETED,
    E.TOOL_STARTED, E.TOOL_COMPLETED, E.TOOL_FAILED, E.LLM_STARTED, E.LLM_COMPLETED, E.JOURNAL_MISSED,
})  # fmt: skip
#: What happens to an open checkpoint short of an answer.
DELIBERATION = frozenset({E.CHECKPOINT_VOTED, E.CHECKPOINT_COMMENTED, E.CHECKPOINT_EXTENDED, E.CHECKPOINT_ESCALATED})
#: What closes a checkpoint.
CLOSING = frozenset({E.CHECKPOINT_DECIDED, E.CHECKPOINT_EXPIRED, E.CHECKPOINT_WITHDRAWN})

#: From where, by what, to where. `None` is an execution that does not exist yet.
TRANSITIONS: Mapping[State | None, Mapping[EventType, State]] = {
    None: {E.EXECUTION_QUEUED: S.QUEUED},
    S.QUEUED: {
        E.EXECUTION_STARTED: S.RUNNING,
        E.EXECUTION_RESUMED: S.RUNNING,
        E.EXECUTION_PAUSED: S.PAUSED,
        E.EXECUTION_CANCELLED: S.CANCELLED,
    },
    S.RUNNING: {
        **dict.fromkeys(PROGRESS, S.RUNNING),
        E.CHECKPOINT_OPENED: S.WAITING,
        E.EXECUTION_RECOVERED: S.RUNNING,
        E.EXECUTION_PARKED: S.QUEUED,
        E.EXECUTION_PAUSED: S.PAUSED,
        E.EXECUTION_COMPLETED: S.COMPLETED,
        E.EXECUTION_FAILED: S.FAILED,
        E.EXECUTION_STOPPED: S.STOPPED,
        E.EXECUTION_CANCELLED: S.CANCELLED,
    },
    S.WAITING: {
        **dict.fromkeys(PROGRESS, S.WAITING),
        **dict.fromkeys(DELIBERATION, S.WAITING),
        **dict.fromkeys(CLOSING, S.WAITING),  # settles, see below
        E.CHECKPOINT_OPENED: S.WAITING,
        E.EXECUTION_RECOVERED: S.WAITING,
        E.EXECUTION_RESUMED: S.WAITING,
        E.EXECUTION_PARKED: S.WAITING,
        E.EXECUTION_PAUSED: S.PAUSED,
        E.EXECUTION_FAILED: S.FAILED,
        E.EXECUTION_STOPPED: S.STOPPED,
        E.EXECUTION_CANCELLED: S.CANCELLED,
    },
    S.PAUSED: {
        # The worker goes on to its next safe point: what is in flight is paid for, and comes to its end.
        **dict.fromkeys(PROGRESS, S.PAUSED),
        **dict.fromkeys(DELIBERATION, S.PAUSED),
        **dict.fromkeys(CLOSING, S.PAUSED),
        E.CHECKPOINT_OPENED: S.PAUSED,
        E.EXECUTION_PARKED: S.PAUSED,
        E.EXECUTION_RESUMED: S.WAITING,  # settles, see below
        E.EXECUTION_COMPLETED: S.COMPLETED,
        E.EXECUTION_FAILED: S.FAILED,
        E.EXECUTION_STOPPED: S.STOPPED,
        E.EXECUTION_CANCELLED: S.CANCELLED,
    },
    S.COMPLETED: {},
    S.FAILED: {},
    S.STOPPED: {},
    S.CANCELLED: {},
}

#: `waiting` means that a checkpoint is open. Where none is left, it settles to this: by whether a worker holds it.
SETTLED: Mapping[bool, State] = {True: S.RUNNING, False: S.QUEUED}

#: Ends: nothing can happen any more.
ENDS = frozenset(state for state, row in TRANSITIONS.items() if state is not None and not row)

#: Events by which a worker takes the lease, in each state. Their fence must be the next number. A person who resumes a
#: paused execution takes none.
CLAIMS: Mapping[State, frozenset[EventType]] = {
    S.QUEUED: frozenset({E.EXECUTION_STARTED, E.EXECUTION_RESUMED}),
    S.RUNNING: frozenset({E.EXECUTION_RECOVERED}),
    S.WAITING: frozenset({E.EXECUTION_RECOVERED, E.EXECUTION_RESUMED}),
}

#: Events by which the lease is given up.
RELEASES = frozenset({E.EXECUTION_PARKED})

#: Events that only the worker that holds the lease may append. Their fence must be the current number.
FENCED = PROGRESS | {
    E.CHECKPOINT_OPENED, E.EXECUTION_PARKED, E.EXECUTION_COMPLETED, E.EXECUTION_FAILED, E.EXECUTION_STOPPED,
}  # fmt: skip


class Verdict(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    #: The same idempotency key came before; the first answer is given again.
    DUPLICATE = "duplicate"
    #: The writer's lease is not, or no longer, the current one.
    FENCED = "fenced"
    #: There is no such transition.
    REJECTED = "rejected"
    #: The checkpoint is not in the state and version that the event was made for.
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Change:
    """What an event does to a checkpoint: a compare-and-set of its token, `state:version` ("" before it is opened)."""

    checkpoint: str
    expected: str
    token: str


@dataclass(frozen=True)
class Machine:
    """What the rules need to know of an execution."""

    state: State | None = None
    offset: int = 0
    fence: int = 0
    owned: bool = False
    #: How many events the worker that holds the lease has written; a repeated number is a repeated write.
    written: int = 0
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)


def is_open(token: str) -> bool:
    """Tell whether a checkpoint's token says that it waits for an answer."""
    return token.startswith("open:")


def claims(state: State | None, event: EventType) -> bool:
    """Tell whether a worker takes the lease by this event."""
    return state is not None and event in CLAIMS.get(state, frozenset())


def apply(
    machine: Machine,
    event: EventType,
    *,
    key: str = "",
    fence: int = 0,
    number: int = 0,
    change: Change | None = None,
) -> tuple[Machine, Verdict]:
    """Apply an event, or say why not; a refusal leaves the machine as it was.

    `number` counts a worker's writes under one lease (0: not counted), so that a write which is sent again after a
    lost connection is not applied twice.
    """
    if key in machine.seen:
        return machine, Verdict.DUPLICATE
    if claims(machine.state, event) and fence != machine.fence + 1:
        return machine, Verdict.FENCED
    if event in FENCED and not (machine.owned and fence == machine.fence):
        return machine, Verdict.FENCED
    if 0 < number <= machine.written:
        return machine, Verdict.DUPLICATE
    target = TRANSITIONS[machine.state].get(event)
    if target is None:
        return machine, Verdict.REJECTED
    if change and machine.checkpoints.get(change.checkpoint, "") != change.expected:
        return machine, Verdict.CONFLICT
    return _move(machine, event, target, key, fence, number, change), Verdict.APPLIED


def _move(
    machine: Machine, event: EventType, target: State, key: str, fence: int, number: int, change: Change | None
) -> Machine:
    checkpoints = {**machine.checkpoints, change.checkpoint: change.token} if change else machine.checkpoints
    claimed = claims(machine.state, event)
    owned = claimed or (machine.owned and event not in RELEASES and target not in ENDS)
    if target is S.WAITING and not any(map(is_open, checkpoints.values())):
        target = SETTLED[owned]
    offset = machine.offset + 1
    return replace(
        machine,
        state=target,
        offset=offset,
        fence=fence if claimed else machine.fence,
        owned=owned,
        written=0 if claimed else max(machine.written, number),
        checkpoints=checkpoints,
        seen={**machine.seen, key: offset} if key else machine.seen,
    )

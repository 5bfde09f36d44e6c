"""What AG-UI's door makes of frames and payloads, for the tests of its twin in the npm package.

`python -m tests.golden.agui` writes `agui.json` anew.
"""

from pathlib import Path
from typing import Any

import msgspec

from protocol import events, frames, objects
from protocol.errors import ErrorCode, Refused
from server.routes.agui.conversation import history
from server.routes.agui.interrupts import decision_of, interrupt_of
from server.routes.agui.request import RunAgentInput, checkpoints_for, inputs_for
from server.routes.agui.translation import Translation
from tests.golden import examples
from tests.golden import objects as golden

FILE = Path(__file__).with_name("agui.json")
USER = {"id": "m1", "role": "user", "content": "Tea, please"}
Json = dict[str, Any]


def checkpoint(*actions: str, kind: str = "task.after", noted: str = "revise", **more: Any) -> objects.Checkpoint:
    """Make a checkpoint that offers these actions; those `noted` need a note."""
    offered = [objects.Action(id=action, label=action, needs_feedback=action == noted) for action in actions]
    return msgspec.structs.replace(golden.OPEN, actions=offered, kind=kind, **more)


TASK = checkpoint("approve", "edit", "revise", "skip", "stop")
TOOL = checkpoint("approve", "edit", "reject", "stop", kind="tool", noted="reject")
ASK = checkpoint("respond", "skip", "stop", kind="ask", schema=None)
OLD = msgspec.structs.replace(TOOL, tool=objects.ToolRequest(name="post", arguments={}), deadline=None)

#: What payloads mean: the fields of a decision.
MEANT: list[tuple[objects.Checkpoint, Any, Json]] = [
    (TASK, {"approved": True}, {"action": "approve"}),
    (TASK, {"approved": True, "output": "Mine"}, {"action": "edit", "output": "Mine"}),
    (TASK, {"approved": False}, {"action": "stop"}),
    (TASK, {"approved": False, "feedback": "no"}, {"action": "revise", "feedback": "no"}),
    (TASK, {"action": "skip"}, {"action": "skip"}),
    (TASK, {"action": "approve", "version": 1}, {"action": "approve", "version": 1}),
    (TOOL, {"approved": True, "editedArgs": {"to": "b"}}, {"action": "edit", "arguments": {"to": "b"}}),
    (TOOL, {"approved": True, "arguments": {"to": "b"}}, {"action": "edit", "arguments": {"to": "b"}}),
    (TOOL, {"approved": False}, {"action": "reject", "feedback": "(no reason given)"}),
    (TOOL, {"approved": False, "feedback": "no"}, {"action": "reject", "feedback": "no"}),
    (TOOL, {"approved": False, "action": "stop"}, {"action": "stop"}),
    (TOOL, {"action": "reject"}, {"action": "reject", "feedback": "(no reason given)"}),
    (ASK, "To Rara.", {"action": "respond", "response": "To Rara."}),
    (ASK, {"response": "To Rara."}, {"action": "respond", "response": "To Rara."}),
    (ASK, {"approved": False}, {"action": "stop"}),
]
#: What is no answer: it decides nothing.
NONSENSE: list[Any] = [
    None, {}, [], 7, "yes", {"approved": "yes"}, {"action": 7}, {"feedback": "hm"},
    {"approved": False, "action": "approve"}, {"approved": False, "action": "edit", "output": "Mine"},
    {"approved": True, "action": "stop"},
]  # fmt: skip


def event(data: events.Data, offset: int = 1) -> events.Event:
    """Put data into an envelope."""
    envelope = events.ENVELOPES[data.type]
    return envelope(execution=golden.EXECUTION, epoch=golden.EPOCH, offset=offset, at=golden.AT, data=data)


BEGAN = event(events.TaskStarted(task="content_plan", index=0, agent="Planner", round=1))
DELTA = frames.Delta(execution=golden.EXECUTION, task="content_plan", agent="Planner", stream="l_1", index=0, text="Hm")
CALLED = event(events.ToolStarted(call="t_1", tool="post", arguments={"to": "@teh"}), 2)
GIVEN = event(events.ToolCompleted(call="t_1", tool="post", result="sent", seconds=1), 3)


def piece(index: int, text: str) -> frames.Delta:
    """Make a piece of a text."""
    return msgspec.structs.replace(DELTA, index=index, text=text)


def whole(state: objects.State, **more: Any) -> objects.Execution:
    """Make an execution in a state."""
    over = {"ended_at": golden.LATER} if state in ("completed", "failed", "stopped", "cancelled") else {}
    plain: Json = {"error": None, "ended_at": None}
    return msgspec.structs.replace(golden.WHOLE, state=state, **(plain | over | more))


DRAFTED = msgspec.structs.replace(TASK, draft=objects.Draft(text="To sea."))
S = objects.State
#: Runs: what was said before, and what is done to the translation, one step after the other.
RUNS: dict[str, tuple[list[Json], list[tuple[str, Any]]]] = {
    **{
        f"{told.data.type} in the middle of a task": (
            [USER], [("begin", []), ("take", BEGAN), ("take", DELTA), ("take", told), ("take", BEGAN)],
        )
        for told in examples.enveloped()
    },
    **{
        f"a text by the pieces {heard}": (
            [USER],
            [
                ("begin", []), ("take", BEGAN), *(("take", piece(*one)) for one in heard),
                ("take", event(events.CheckpointOpened(checkpoint=DRAFTED))),
            ],
        )
        for heard in (
            [(0, "To "), (1, "sea.")], [(1, "sea.")], [(0, "To "), (0, "To "), (1, "sea.")],
            [(0, "To "), (2, "!"), (3, "?")], [(0, ""), (1, "To sea.")], [],
        )
    },
    "a tool's approval": (
        [USER], [("begin", []), ("take", BEGAN), ("take", event(events.CheckpointOpened(checkpoint=TOOL)))],
    ),
    "a tool's approval that names no call": (
        [USER], [("begin", []), ("take", event(events.CheckpointOpened(checkpoint=OLD)))],
    ),
    "what comes of an approved call": ([USER], [("begin", [TOOL]), ("take", CALLED), ("take", GIVEN)]),
    "what comes of a call that nobody approved": ([USER], [("begin", []), ("take", CALLED), ("take", GIVEN)]),
    "an answer to an agent's question": (
        [USER], [("begin", [ASK]), ("take", event(events.CheckpointWithdrawn(checkpoint=golden.CHECKPOINT)))],
    ),
    "two questions, of which one is decided": (
        [USER],
        [
            ("begin", [ASK, msgspec.structs.replace(TASK, id="cp_2")]),
            ("take", event(events.CheckpointWithdrawn(checkpoint=golden.CHECKPOINT))),
        ],
    ),
    "questions are offered again": ([], [("begin", [TASK, msgspec.structs.replace(TOOL, id="cp_2")]),
                                         ("interrupt", [TASK, msgspec.structs.replace(TOOL, id="cp_2")])]),
    "nothing is decided": ([USER], [("begin", [TASK]), ("giveUp", None)]),
    "somebody was faster": ([USER], [("begin", [TASK]), ("custom", ["decision.lost", {"interruptId": "cp_1"}])]),
    **{
        f"{state} before": ([USER], [("begin", []), ("ended", whole(state))])
        for state in (S.COMPLETED, S.STOPPED, S.CANCELLED)
    },
    "completed before without an output": ([USER], [("begin", []), ("ended", whole(S.COMPLETED, output=None))]),
    "failed before": ([USER], [("begin", []), ("ended", whole(S.FAILED, error=golden.FAULT))]),
    **{
        f"a snapshot: {state}": (
            [USER],
            [
                ("begin", []), ("take", BEGAN), ("take", DELTA),
                ("take", frames.Snapshot(execution=whole(state), checkpoints=waiting, epoch="e2", offset=40)),
                ("take", event(events.TaskFailed(task="content_plan", index=0))),
            ],
        )
        for state, waiting in ((S.RUNNING, []), (S.WAITING, [TASK]), (S.COMPLETED, []), (S.CANCELLED, []))
    },
    "a refusal": (
        [USER],
        [
            ("begin", []), ("take", BEGAN),
            ("take", frames.Error(code=ErrorCode.NOT_FOUND, message="Gone.", retry=False)),
        ],
    ),
}  # fmt: skip


def ran(said: list[Json], steps: list[tuple[str, Any]]) -> list[Any]:
    """Do to a translation what a run does."""
    run = Translation("t", "r", golden.WHOLE, said)
    told: list[Any] = []
    for step, value in steps:
        match step:
            case "custom":
                told.append(run.custom(*value))
            case "giveUp":
                told += run.give_up()
            case _:
                told += getattr(run, step)(value)
    return told


def crew(*required: str, **fields: str) -> objects.Crew:
    """Make a crew with these inputs."""
    properties = {name: {"type": kind} for name, kind in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return objects.Crew(name="c", title="C", description="", kind="crew", inputs=schema, checkpoints=[], tasks=[])


ANSWERED = [USER, {"id": "m2", "role": "assistant", "content": "Here."}]
PARTS = [
    {"id": "m1", "role": "user", "content": [{"type": "text", "text": "Tea,"}, {"type": "text", "text": "please"}]}
]
#: Which inputs a crew is started with, by what the user said and what `forwardedProps` hold.
STARTS: list[tuple[objects.Crew, list[Json], Any]] = [
    (crew(user_input="string", language="string"), [USER], None),
    (crew(language="string", message="string", topic="string"), [USER], {}),
    (crew("about", about="string", tone="string"), [USER], {"checkpoints": ["after_planning"]}),
    (crew(about="string", count="integer"), PARTS, {}),
    (crew(about="string", tone="string"), [USER], {}),
    (crew(topic="string"), [USER], {"inputs": {"topic": "Salt"}}),
    (crew(topic="string", tone="string"), [USER], {"inputs": {"topic": "Salt"}}),
    (crew(topic="string"), ANSWERED, None),
    (crew(topic="string"), [], None),
]
HISTORIES: list[list[Json]] = [[], [USER], ANSWERED, [*ANSWERED, {"id": "b", "role": "activity", "content": {}}]]


def started(made: objects.Crew, messages: list[Json], props: Any) -> Json:
    """Give what a crew is started with."""
    asked = RunAgentInput(thread_id="t", run_id="r", messages=messages, forwarded_props=props)
    return {"inputs": inputs_for(made, asked), "checkpoints": checkpoints_for(asked)}


def decided(asked: objects.Checkpoint, payload: Any) -> Json | None:
    """Give the fields of a decision; nothing for what is none."""
    try:
        decision: Json = msgspec.to_builtins(decision_of(asked, payload, "k"))
    except Refused:
        return None
    return {name: value for name, value in decision.items() if name not in ("type", "key")}


def laid_out() -> Json:
    """Lay all out as JSON."""
    pairs = [(asked, payload) for asked, payload, _ in MEANT] + [(TASK, payload) for payload in NONSENSE]
    laid: Json = msgspec.to_builtins({
        "execution": golden.WHOLE,
        "runs": [
            {"name": name, "messages": said, "steps": steps, "events": ran(said, steps)}
            for name, (said, steps) in RUNS.items()
        ],
        "interrupts": [{"asked": one, "interrupt": interrupt_of(one)} for one in (TASK, TOOL, ASK, OLD)],
        "decisions": [{"asked": one, "payload": said, "decision": decided(one, said)} for one, said in pairs],
        "starts": [
            {"crew": made, "messages": said, "props": props, **started(made, said, props)}
            for made, said, props in STARTS
        ],
        "histories": [{"messages": said, "history": history(said, golden.WHOLE)} for said in HISTORIES],
    })  # fmt: skip
    return laid


def text() -> str:
    """Write the file's content."""
    return msgspec.json.format(msgspec.json.encode(laid_out()), indent=1).decode() + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

"""One example of each object that frames carry, with every optional field set."""

import msgspec

from protocol import objects
from protocol.ids import CheckpointId, ConversationId, ExecutionId

AT = "2026-11-23T07:48:09.120Z"
LATER = "2026-11-23T07:50:00.000Z"
EPOCH = "c0ffee42"
EXECUTION = ExecutionId("x_01m83sbg98v6ma97yfav2wm5k8")
CHECKPOINT = CheckpointId("cp_01m83sbgj4e1fz3t0x9qk2v7rn")
CONVERSATION = ConversationId("cv_01m83sbg0000000000000000zz")
SOMEBODY = objects.Actor(id="u_7", name="Ayu Lestari")
RIGHTS = objects.Rights(any=["list", "get", "watch", "start"], own=["cancel", "decide"])
INPUTS = {"user_input": "Ramadan campaign for kopi susu ☕, 3 creators", "budget": 1500.5, "tags": ["tea", None, True]}
COST = objects.Cost(amount="0.00201", currency="USD", unpriced=1)
USAGE = objects.Usage(
    prompt_tokens=412, completion_tokens=98, total_tokens=510, calls=2, replayed=1, cost=COST
)  # fmt: skip
FAULT = objects.Fault(code="task_failed", message="The almanac has no such day.")

OPEN = objects.Checkpoint(
    id=CHECKPOINT,
    execution=EXECUTION,
    name="after_planning",
    kind="task.after",
    state=objects.CheckpointState.OPEN,
    version=2,
    title="Agree on the plan",
    description="Nothing is written before this.",
    task="content_plan",
    agent="Planner",
    draft=objects.Draft(text='# Plan\n\n“Two” <creators> & \\ "quotes"\u2028', language="en", json={"creators": 2}),
    facts={"tokens": 510, "cost": msgspec.to_builtins(COST), "tools": {"trend_lookup": 1}},
    tool=objects.ToolRequest(name="post", arguments={"to": "@kopi"}, schema={"type": "object"}, call="t_1"),
    actions=[
        objects.Action(id="approve", label="Approve"),
        objects.Action(id="revise", label="Request changes", needs_feedback=True),
        objects.Action(id="stop", label="Stop run", confirm=True),
    ],
    schema={"type": "object", "properties": {"creators": {"type": "integer"}}},
    policy={"approvals": 2},
    tally={"approve": 1},
    deadline=LATER,
    on_deadline="stop",
    digest="sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    opened_at=AT,
    history=[objects.Judgement(version=1, action="revise", by=SOMEBODY, at=AT, feedback="Two creators, not three")],
)

ORIGIN = objects.Origin(execution=EXECUTION, checkpoint=CHECKPOINT, offset=7)
WHOLE = objects.Execution(
    id=EXECUTION,
    crew="content",
    title="Ramadan campaign",
    state=objects.State.WAITING,
    inputs=INPUTS,
    checkpoints=["after_planning"],
    conversation=CONVERSATION,
    owner=SOMEBODY,
    created_at=AT,
    started_at=AT,
    ended_at=LATER,
    epoch=EPOCH,
    offset=9,
    attempt=2,
    progress=objects.Progress(done=1, total=4),
    tasks=[
        objects.TaskState(
            name="content_plan", index=0, agent="Planner", state="completed", round=2, output="# Plan", started_at=AT,
            ended_at=LATER, usage=USAGE, file="plan.md",
        ),
        objects.TaskState(name="strategy", index=1, state="pending"),
    ],
    usage=USAGE,
    waited=12.5,
    output="# Strategy",
    output_json={"steps": []},
    error=FAULT,
    version="4f1c",
    forked_from=ORIGIN,
)  # fmt: skip

"""One example of every command, control frame, event and answer, made of the structs, with every optional field set.

`python -m tests.golden.examples` writes `frames.json` anew.
"""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from protocol import commands, events, frames, objects
from protocol.errors import CloseCode, ErrorCode
from protocol.ids import ConnectionId, Position
from protocol.webhooks import Webhook
from tests.golden import answers
from tests.golden.objects import (
    AT,
    CHECKPOINT,
    CONVERSATION,
    EPOCH,
    EXECUTION,
    FAULT,
    INPUTS,
    LATER,
    OPEN,
    ORIGIN,
    RIGHTS,
    SOMEBODY,
    USAGE,
    WHOLE,
)

FILE = Path(__file__).with_name("frames.json")
HOOK = Webhook(
    url="https://crm.example/hooks/quarterdeck", events=["checkpoint.opened", "execution.stopped"],
    secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", format="slack",
)  # fmt: skip
COMMANDS: list[commands.Command] = [
    commands.Auth(id=1, token="a-ticket"),
    commands.Start(
        id="s-1", crew="content", inputs=INPUTS, checkpoints=["after_planning"], conversation=CONVERSATION,
        title="Ramadan campaign", watch=False, webhooks=[HOOK], key="k-1",
    ),
    commands.Watch(id=2, execution=EXECUTION, after=Position(epoch=EPOCH, offset=7)),
    commands.Unwatch(id=3, inbox=True),
    commands.Decide(
        id=4, execution=EXECUTION, checkpoint=CHECKPOINT, action="edit", version=2, feedback="Shorter", output="# Plan",
        arguments={"to": "@kopi"}, response={"creators": 2}, digest=OPEN.digest, key="k-2",
    ),
    commands.Comment(id=12, execution=EXECUTION, checkpoint=CHECKPOINT, text="Is the tide right?", key="c-1"),
    commands.Extend(id=13, execution=EXECUTION, checkpoint=CHECKPOINT, seconds=600),
    commands.Cancel(id=5, execution=EXECUTION, reason="No more tea"),
    commands.Pause(id=9, execution=EXECUTION, reason="Lunch"),
    commands.Resume(id=10, execution=EXECUTION, reason="Back"),
    commands.Fork(
        id=11, execution=EXECUTION, checkpoint=CHECKPOINT, action="edit", version=2, feedback="Two, not three",
        output="# Another plan", arguments={"limit": 3}, response={"ok": True}, digest="sha256:00", key="k-3",
        webhooks=[Webhook(url="https://crm.example/hooks", events=["execution.completed"])],
    ),
    commands.List(
        id=6, what="executions", cursor="1795420089120.000~x_1", limit=20,
        filter=commands.Filter(state="waiting", crew="content", conversation=CONVERSATION),
    ),
    commands.Get(id=7, execution=EXECUTION),
    commands.Deliveries(id=16, execution=EXECUTION, cursor="50", limit=20),
    commands.Resend(id=17, execution=EXECUTION, delivery="9-xmfrggzdfmztwq2lk"),
    commands.Say(id=14, conversation=CONVERSATION, text="And tea, what about tea?", crew="content", key="k-4"),
    commands.View(id=15, execution=EXECUTION, checkpoint=CHECKPOINT, state="editing"),
    commands.Ping(id=8),
    commands.Pong(),
]  # fmt: skip

CONTROL: list[Struct] = [
    frames.Welcome(
        protocol=1, connection=ConnectionId("c_01m83sbg98v6ma97yfav2wm5k9"), server_time=AT, heartbeat=25, auth="done",
        principal=SOMEBODY, rights=RIGHTS, crews=["content"],
        limits=frames.Limits(frame=65_536, watches=100, commands_per_10s=200),
    ),
    frames.Reply(re="s-1", data={"execution": EXECUTION, "epoch": EPOCH, "offset": 1}),
    frames.Error(
        re=4, code=ErrorCode.UNAVAILABLE, message="Redis cannot be reached; try again.", retry=True, retry_after=1.5,
        detail={"by": {"id": "u_7", "name": "Ayu Lestari"}, "version": 2},
    ),
    frames.Snapshot(execution=WHOLE, checkpoints=[OPEN], epoch=EPOCH, offset=9),
    frames.Synced(execution=EXECUTION, epoch=EPOCH, offset=9),
    frames.Delta(execution=EXECUTION, task="content_plan", agent="Planner", stream="l_1", index=3, text=" Kopi ☕\n"),
    frames.Presence(
        execution=EXECUTION, checkpoint=CHECKPOINT,
        viewers=[
            frames.Viewer(
                id="c_01m83sbg98v6ma97yfav2wm5k9", name="Ayu Lestari", state="editing", person="u_7"
            )
        ],
    ),
    frames.ServerPing(at=AT),
    frames.Bye(code=CloseCode.DRAINING, reason=CloseCode.DRAINING.slug, after=0.75, resume=True),
]  # fmt: skip

DATA: list[events.Data] = [
    events.ExecutionQueued(
        crew="content", title="Ramadan campaign", inputs=INPUTS, checkpoints=["after_planning"],
        conversation=CONVERSATION, tasks=[objects.TaskPlan(name="content_plan", agent="Planner", title="Content plan")],
        version="4f1c", forked_from=ORIGIN,
    ),
    events.ExecutionStarted(worker="w_1", attempt=1),
    events.ExecutionRecovered(worker="w_2", attempt=2),
    events.ExecutionParked(reason="waiting", waiting_for=[CHECKPOINT]),
    events.ExecutionResumed(reason="decided"),
    events.ExecutionPaused(reason="lunch"),
    events.ExecutionCompleted(
        output="# Strategy", output_json={"steps": []}, usage=USAGE, seconds=61.25, waited=12.5,
        tasks=[objects.TaskOutput(task="content_plan", agent="Planner", output="# Plan")],
    ),
    events.ExecutionFailed(task="content_plan", error=FAULT),
    events.ExecutionStopped(checkpoint=CHECKPOINT, task="content_plan"),
    events.ExecutionCancelled(reason="No more tea"),
    events.TaskStarted(task="content_plan", index=0, agent="Planner", round=2),
    events.TaskCompleted(
        task="content_plan", index=0, agent="Planner", output="# Plan", output_json=None, usage=USAGE, seconds=3.5,
        edited=True, file="plan.md",
    ),
    events.TaskFailed(task="content_plan", index=0, message="The almanac has no such day."),
    events.TaskSkipped(task="content_plan", index=0, message="Skipped by a person."),
    events.AgentStarted(agent="Planner", task="content_plan"),
    events.AgentCompleted(agent="Planner", task="content_plan"),
    events.ToolStarted(call="t_1", tool="trend_lookup", arguments={"topic": "kopi"}, task="trends", agent="Scout"),
    events.ToolCompleted(call="t_1", tool="trend_lookup", result="up", truncated=True, seconds=0.5),
    events.ToolFailed(call="t_1", tool="trend_lookup", result="no table", truncated=True, seconds=0.5),
    events.LlmStarted(call="c_1", stream="l_1", model="gpt-4o-mini", task="content_plan", agent="Planner"),
    events.LlmCompleted(
        call="c_1", stream="l_1", model="gpt-4o-mini", task="content_plan", agent="Planner", usage=USAGE, seconds=2.5,
        replayed=True,
    ),
    events.CheckpointOpened(checkpoint=OPEN),
    events.CheckpointDecided(
        checkpoint=CHECKPOINT, name="after_planning", version=2, action="edit", via="websocket", feedback="Shorter",
        diff="--- draft\n+++ edited\n@@ -1 +1 @@\n-a\n+b", response={"creators": 2},
    ),
    events.CheckpointVoted(checkpoint=CHECKPOINT, version=2, action="approve", tally={"approve": 1}),
    events.CheckpointCommented(checkpoint=CHECKPOINT, text="Why two?"),
    events.CheckpointExtended(checkpoint=CHECKPOINT, deadline=LATER),
    events.CheckpointEscalated(checkpoint=CHECKPOINT, to=["u_8"]),
    events.CheckpointExpired(checkpoint=CHECKPOINT, outcome="stop"),
    events.CheckpointWithdrawn(checkpoint=CHECKPOINT, reason="cancelled"),
    events.JournalMissed(step="t0/llm/3", reason="The prompt differs."),
]  # fmt: skip


def enveloped() -> list[events.Event]:
    """Put the data into envelopes, with offsets that count."""
    return [
        events.ENVELOPES[data.type](execution=EXECUTION, epoch=EPOCH, offset=offset, at=AT, by=SOMEBODY, data=data)
        for offset, data in enumerate(DATA, 1)
    ]


def laid_out() -> dict[str, Any]:
    """Lay all out as they are on the wire."""
    return {"commands": msgspec.to_builtins(COMMANDS), "control": msgspec.to_builtins(CONTROL),
            "events": msgspec.to_builtins(enveloped()), **answers.laid_out()}  # fmt: skip


def text() -> str:
    """Write the file's content."""
    return msgspec.json.format(msgspec.json.encode(laid_out()), indent=1).decode() + "\n"


if __name__ == "__main__":
    FILE.write_text(text())

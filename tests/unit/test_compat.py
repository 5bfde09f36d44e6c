"""Existing contracts in the words of this server: tables of states, actions, results and refusals."""

from typing import Any

import msgspec
import pytest

from protocol.errors import ERRORS, ErrorCode, Refused
from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import (
    Action,
    Checkpoint,
    CheckpointState,
    Draft,
    Execution,
    Fault,
    Progress,
    State,
    TaskState,
    Usage,
)
from server.execution import ENDS
from server.routes.compat import bodies, platform_shown, refusals, shown, words

BEGAN, ENDED = "2026-11-24T10:00:00.000Z", "2026-11-24T10:01:30.500Z"
TASKS = [
    TaskState(
        name="plan", index=0, agent="Planner", state="completed", output="A plan.", started_at=BEGAN, ended_at=ENDED
    ),
    TaskState(name="write", index=1, agent="Writer", state="running", started_at=ENDED),
    TaskState(name="print", index=2, state="pending"),
]


def execution(state: State, **fields: Any) -> Execution:
    """Make an execution that has come some way."""
    known: dict[str, Any] = {
        "id": ExecutionId("x_1"), "crew": "story", "title": "Tea", "inputs": {}, "checkpoints": [], "created_at": BEGAN,
        "started_at": BEGAN, "ended_at": ENDED if state in ENDS else None, "epoch": "e", "offset": 9, "attempt": 1,
        "progress": Progress(done=1, total=3), "tasks": TASKS, "usage": Usage(), "waited": 0.0,
    }  # fmt: skip
    return Execution(state=state, **{**known, **fields})


def checkpoint(*actions: str, state: CheckpointState = CheckpointState.OPEN, **fields: Any) -> Checkpoint:
    """Make a checkpoint that offers these actions."""
    known: dict[str, Any] = {
        "id": CheckpointId("cp_1"), "execution": ExecutionId("x_1"), "name": "after_planning", "kind": "task.after",
        "version": 2, "title": "Plan", "description": "Is the plan right?", "task": "plan", "agent": "Planner",
        "draft": Draft(text="abc" * 400), "facts": {}, "digest": "sha256:0", "opened_at": BEGAN, "history": [],
    }  # fmt: skip
    offered = [Action(id=action, label=action.title()) for action in actions]
    return Checkpoint(state=state, actions=offered, **{**known, **fields})


STATUSES = {
    "queued": "pending", "running": "running", "paused": "running", "waiting": "waiting_feedback",
    "completed": "completed", "failed": "error", "stopped": "stopped", "cancelled": "cancelled",
}  # fmt: skip


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_status(state: State) -> None:
    assert words.STATUS[state] == STATUSES[state]
    told = shown.status(execution(state), [])
    assert (told.status, told.result is not None) == (STATUSES[state], state is State.COMPLETED)


TASK, ASK, FLOW, TOOL = (
    ("approve", "edit", "revise", "skip", "stop"),
    ("respond", "skip", "stop"),
    ("outcome:good", "outcome:bad", "respond", "stop"),
    ("approve", "edit", "reject", "stop"),
)
MEANT = [
    (TASK, "continue", None, "approve"), (TASK, "revise", "shorter", "revise"), (TASK, "skip", None, "skip"),
    (TASK, "stop", None, "stop"), (ASK, "continue", "blue", "respond"), (ASK, "revise", "blue", "respond"),
    (FLOW, "continue", "fine", "respond"), (TOOL, "revise", "not there", "reject"), (TOOL, "continue", None, "approve"),
    (TOOL, "skip", None, "skip"),  # not offered: the dispatch says so
]  # fmt: skip


@pytest.mark.parametrize(("offered", "action", "feedback", "meant"), MEANT)
def test_actions_mean_what_the_checkpoint_offers(
    offered: tuple[str, ...], action: str, feedback: str | None, meant: str
) -> None:
    assert words.meant(action, feedback, checkpoint(*offered)) == meant
    assert (action in words.answers(checkpoint(*offered))) is (meant in offered)


@pytest.mark.parametrize(
    ("action", "feedback", "code"),
    [
        ("approve", None, "not_offered"), ("", None, "not_offered"), ("edit", "x", "not_offered"),
        ("revise", None, "needs_feedback"), ("revise", " \n", "needs_feedback"),
    ],
)  # fmt: skip
def test_actions_that_there_are_not(action: str, feedback: str | None, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        words.meant(action, feedback, checkpoint(*TASK))
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("name", "phase"),
    [("after_planning", "planning"), ("before_finalization", "finalization"), ("after:METHOD/TASK", "METHOD/TASK"),
     ("agree", "plan"), ("after_", "plan")],
)  # fmt: skip
def test_a_checkpoint_names_its_phase(name: str, phase: str) -> None:
    assert words.phase(checkpoint(*TASK, name=name)) == phase


def test_a_completed_execution_shows_its_result() -> None:
    used = Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7, calls=2, replayed=5)
    done = execution(State.COMPLETED, output="A story.", usage=used)
    assert msgspec.to_builtins(shown.status(done, [checkpoint(*TASK, state=CheckpointState.DECIDED)])) == {
        "execution_id": "x_1", "status": "completed", "current_checkpoint": None, "completed_checkpoints": ["cp_1"],
        "result": {
            "status": "complete", "output": "A story.",
            "task_outputs": [{"task": "plan", "agent": "Planner", "output": "A plan."}],
            "token_usage": {
                "total_tokens": 7, "prompt_tokens": 3, "completion_tokens": 4, "successful_requests": 2
            },
        },
        "error": None,
    }  # fmt: skip
    assert "token_usage" not in msgspec.to_builtins(shown.result(execution(State.COMPLETED)))


def test_an_execution_shows_which_checkpoint_waits_and_why_it_failed() -> None:
    decided, expired, withdrawn, waits = (
        checkpoint(*TASK, id=CheckpointId(f"cp_{state}"), state=state)
        for state in (
            CheckpointState.DECIDED, CheckpointState.EXPIRED, CheckpointState.WITHDRAWN, CheckpointState.OPEN
        )
    )  # fmt: skip
    told = shown.status(execution(State.WAITING), [decided, expired, withdrawn, waits])
    assert (told.current_checkpoint, told.completed_checkpoints) == ("cp_open", ["cp_decided", "cp_expired"])
    failed = shown.status(execution(State.FAILED, error=Fault(code="crew_failed", message="No such day.")), [])
    assert (failed.status, failed.error, failed.result) == ("error", "No such day.", None)


def test_a_checkpoint_shows_what_is_to_be_judged() -> None:
    told = msgspec.to_builtins(shown.question(checkpoint(*TASK)))
    context = told.pop("context")
    assert told == {
        "execution_id": "x_1", "checkpoint_id": "cp_1", "checkpoint_name": "after_planning",
        "description": "Is the plan right?", "status": "pending", "created_at": BEGAN,
    }  # fmt: skip
    assert context["result_preview"] == ("abc" * 400)[:500]
    assert (context["phase"], context["status"], context["version"]) == ("planning", "waiting_feedback", 2)
    assert (context["draft"], context["actions"]) == ("abc" * 400, ["continue", "stop", "revise", "skip"])


def test_progress_names_what_was_worked_on() -> None:
    assert msgspec.to_builtins(shown.progress(execution(State.RUNNING))) == [
        {"agent": "Planner", "task": "plan", "timestamp": ENDED},
        {"agent": "Writer", "task": "write", "timestamp": ENDED},
    ]


def platform(state: State, *checkpoints: Checkpoint, **fields: Any) -> Any:
    return msgspec.to_builtins(platform_shown.status(execution(state, **fields), checkpoints))


def test_the_platform_shows_what_goes_on() -> None:
    running = {
        "status": "running", "current_task": "write", "progress": {"completed_tasks": 1, "total_tasks": 3}
    }  # fmt: skip
    assert platform(State.RUNNING) == running
    assert platform(State.QUEUED, tasks=[]) == {**running, "current_task": None}
    waiting = platform(State.WAITING, checkpoint(*TASK))
    assert (waiting["status"], waiting["task_id"], waiting["current_task"]) == ("pending_human_input", "plan", "plan")
    assert waiting["task_output"] == "abc" * 400


def test_the_platform_shows_ends() -> None:
    assert platform(State.COMPLETED, output="A story.") == {
        "status": "completed",
        "result": {
            "output": "A story.",
            "tasks": [{"task_id": "plan", "output": "A plan.", "agent": "Planner", "execution_time": 90.5}],
        },
        "execution_time": 90.5,
    }
    failed = platform(State.FAILED, error=Fault(code="crew_failed", message="No such day."))
    assert failed == {"status": "error", "error": "No such day.", "execution_time": 90.5}
    for state in (State.STOPPED, State.CANCELLED):
        assert platform(state) == {
            "status": "error", "error": f"The execution was {state}.", "execution_time": 90.5
        }  # fmt: skip


@pytest.mark.parametrize("code", ErrorCode)
def test_every_refusal_has_all_its_forms(code: ErrorCode) -> None:
    refused = Refused(code, "No.", retry_after=2.0, inputs=["topic"])
    plain, together, platform = (form(refused) for form in (refusals.detail, refusals.error, refusals.platform))
    assert msgspec.json.decode(plain.body) == {"detail": "No."}
    assert msgspec.json.decode(together.body) == {"status": "error", "error": "No."}
    assert (together.status_code >= 500) is (ERRORS[code].status >= 500 or code is ErrorCode.CREW_BROKEN)
    assert together.status_code in ({ERRORS[code].status} if code in refusals.WHO else {400, 500})
    assert msgspec.json.decode(platform.body).items() >= {"message": "No.", "detail": "No."}.items()
    assert {answer.headers["retry-after"] for answer in (plain, together, platform)} == {"2"}


WRONG = [
    ({"message": 7}, bodies.Execute, ["message"]),
    ({"checkpoints": ["a", 1]}, bodies.Execute, ["checkpoints", 1]),
    ({"execution_id": "x"}, bodies.Feedback, []),
    ({"inputs": {}, "checkpoints": "all"}, bodies.Kickoff, ["checkpoints"]),
]


@pytest.mark.parametrize(("body", "struct", "path"), WRONG)
def test_a_wrong_body_is_told_by_its_place(body: dict[str, Any], struct: Any, path: list[str | int]) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(body, struct)
    (fault,) = bodies.wrong(str(error.value)).detail["body"]
    assert fault["loc"] == ["body", *path]
    assert "$" not in fault["msg"]

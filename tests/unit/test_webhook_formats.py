"""What a webhook is told: the event as it was, a message that Slack takes, the shapes of CrewAI's platform."""

from typing import Any

import msgspec
import pytest

from protocol.events import (
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointWithdrawn,
    Data,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStopped,
    TaskCompleted,
    ToolCompleted,
    ToolFailed,
)
from protocol.frames import event_halves
from protocol.objects import Actor, Cost, Draft, Fault, Usage
from server.webhooks.formats import FORMATS, SHOWN, Notice
from tests.golden.objects import AT, CHECKPOINT, EXECUTION, OPEN, USAGE

META = {"requestId": "travel-req-123"}
LINK = f"https://crews.example/x/{EXECUTION}"


def notice(data: Data, by: str | None = "Ayu", **fields: Any) -> Notice:
    head, tail = event_halves(EXECUTION, data, at=AT, by=Actor(id="u", name=by) if by else None)
    frame = head + b'e1","offset":9' + tail
    told = {"crew": "content", "title": "Ramadan <3", "public": "https://crews.example", **fields}
    return Notice(frame=frame, **told)


def written(form: str, given: Notice) -> Any:
    return msgspec.json.decode(FORMATS[form](given))


def test_standard_is_the_event_as_it_was_and_where_it_is_found() -> None:
    given = notice(CheckpointOpened(checkpoint=OPEN))
    body = FORMATS["standard"](given)
    assert given.frame[:-1] in body
    assert msgspec.json.decode(body) == {
        "type": "checkpoint.opened",
        "timestamp": AT,
        "data": {
            **msgspec.json.decode(given.frame),
            "crew": "content",
            "title": "Ramadan <3",
            "link": f"{LINK}/c/{CHECKPOINT}",
        },
    }
    whole = written("standard", notice(ExecutionCancelled(), by=None))
    assert whole["data"]["link"] == LINK


def test_an_end_tells_what_the_run_cost() -> None:
    data = ExecutionCompleted(output="Done.", tasks=[], usage=USAGE, seconds=1, waited=0)
    cost = written("standard", notice(data))["data"]["data"]["usage"]["cost"]
    assert cost == {"amount": "0.00201", "currency": "USD", "unpriced": 1}


DECIDED = CheckpointDecided(
    checkpoint=CHECKPOINT, name="after_planning", version=1, action="revise", via="rest", feedback="Two & <!channel>"
)
FAILED = ExecutionFailed(error=Fault(code="task_failed", message="No <such> day."))


@pytest.mark.parametrize(
    ("data", "by", "text"),
    [
        (DECIDED, "Ayu <b>", "Ayu &lt;b&gt; answered after_planning: revise.\n> Two &amp; &lt;!channel&gt;\n"
         f"<{LINK}/c/{CHECKPOINT}|Read>"),
        (CheckpointExpired(checkpoint=CHECKPOINT, outcome="stop"), None,
         f"nobody answered in time: stop. <{LINK}/c/{CHECKPOINT}|Read>"),
        (CheckpointWithdrawn(checkpoint=CHECKPOINT), None,
         f"a question is no longer asked. <{LINK}/c/{CHECKPOINT}|Read>"),
        (FAILED, None, f"failed: No &lt;such&gt; day. <{LINK}|Read>"),
        (ExecutionStopped(checkpoint=CHECKPOINT), None, f"Somebody stopped it. <{LINK}/c/{CHECKPOINT}|Read>"),
        (ExecutionCancelled(), "Ayu", f"Ayu cancelled it. <{LINK}|Read>"),
        (ExecutionCompleted(output="a\nb", tasks=[], usage=USAGE, seconds=1, waited=0), None,
         f"done. It cost at least 0.00201 USD.\n> a\n> b\n<{LINK}|Read all of it>"),
        (ExecutionCompleted(output="a", tasks=[], usage=Usage(), seconds=1, waited=0), None,
         f"done.\n> a\n<{LINK}|Read all of it>"),
    ],
    ids=lambda value: getattr(value, "type", ""),
)  # fmt: skip
def test_slack(data: Data, by: str | None, text: str) -> None:
    assert written("slack", notice(data, by)) == {"text": f"*Ramadan &lt;3*: {text}"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (FAILED, "failed: No &lt;such&gt; day.\nIt cost 57.4 IDR."),
        (ExecutionStopped(checkpoint=CHECKPOINT), "Ayu stopped it. It cost 57.4 IDR."),
        (ExecutionCancelled(), "Ayu cancelled it. It cost 57.4 IDR."),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_slack_tells_of_every_end_what_it_cost(data: Data, text: str) -> None:
    given = notice(data, cost=Cost(amount="57.4", currency="IDR"))
    assert written("slack", given)["text"].startswith(f"*Ramadan &lt;3*: {text} <{LINK}")


def test_slack_shows_the_beginning_of_a_draft() -> None:
    long = msgspec.structs.replace(OPEN, draft=Draft(text="<!here> word & " * 200), title="Agree *now*")
    text = written("slack", notice(CheckpointOpened(checkpoint=long)))["text"]
    assert "<!here>" not in text
    assert text.count("&lt;!here&gt;") < SHOWN
    assert text.endswith(f"…\n<{LINK}/c/{CHECKPOINT}|Read and answer>")
    assert len(text) < 4 * SHOWN


def test_the_platforms_task() -> None:
    data = TaskCompleted(
        task="plan", index=0, agent="Planner", output="one two three four five six seven eight nine ten eleven",
        output_json={"creators": 2}, usage=USAGE, seconds=1, edited=False,
    )  # fmt: skip
    assert written("crewai.task", notice(data, meta=META)) == {
        "description": "", "name": "plan", "expected_output": "",
        "summary": "one two three four five six seven eight nine ten...", "agent": "Planner",
        "output": data.output, "output_json": {"creators": 2}, "kickoff_id": EXECUTION, "meta": META,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [ToolCompleted, ToolFailed])
def test_the_platforms_step(kind: Any) -> None:
    data = kind(call="c1", tool="search", result="seven days", seconds=1)
    assert written("crewai.step", notice(data, arguments={"q": "tides"})) == {
        "prompt": "", "thought": "", "tool": "search", "tool_input": {"q": "tides"}, "result": "seven days",
        "kickoff_id": EXECUTION,
    }  # fmt: skip


def test_the_platforms_crew() -> None:
    data = ExecutionCompleted(output="Done.", tasks=[], usage=USAGE, seconds=1, waited=0)
    assert written("crewai.crew", notice(data)) == {
        "kickoff_id": EXECUTION, "result": "Done.", "result_json": None,
        "token_usage": {"total_tokens": 510, "prompt_tokens": 412, "completion_tokens": 98},
    }  # fmt: skip


def test_the_platforms_question() -> None:
    told = written("crewai.human", notice(CheckpointOpened(checkpoint=OPEN), meta=META))
    assert told == {
        "execution_id": EXECUTION, "task_id": "content_plan", "task_output": OPEN.draft.text, "kickoff_id": EXECUTION,
        "meta": META,
    }  # fmt: skip

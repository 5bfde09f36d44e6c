"""AG-UI's rules apart from HTTP: which input takes the words, what a payload means, what a run says. Pure."""

from typing import Any

import msgspec
import pytest

from protocol import events
from protocol.errors import ErrorCode, Refused
from protocol.frames import Delta, decode_server_frame
from protocol.objects import Checkpoint, Crew
from server.routes.agui.conversation import history
from server.routes.agui.interrupts import decision_of, response_schema
from server.routes.agui.request import RunAgentInput, inputs_for
from server.routes.agui.translation import Translation
from tests.golden import agui, examples, objects
from tests.golden.agui import ASK, MEANT, NONSENSE, TASK, TOOL, USER, crew


@pytest.mark.parametrize(
    ("made", "props", "inputs"),
    [
        (crew(user_input="string", language="string"), None, {"user_input": "Tea, please"}),
        (crew(language="string", message="string", topic="string"), {}, {"message": "Tea, please"}),
        (crew("about", about="string", tone="string"), {}, {"about": "Tea, please"}),
        (crew(about="string", count="integer"), {}, {"about": "Tea, please"}),
        (crew(about="string", tone="string"), {}, {}),
        (crew(topic="string"), {"inputs": {"topic": "Salt"}}, {"topic": "Salt"}),
        (crew(topic="string", tone="string"), {"inputs": {"topic": "Salt"}}, {"tone": "Tea, please", "topic": "Salt"}),
    ],
)
def test_which_input_takes_the_words(made: Crew, props: Any, inputs: dict[str, str]) -> None:
    asked = RunAgentInput(thread_id="t", run_id="r", messages=[USER], forwarded_props=props)
    assert inputs_for(made, asked) == inputs


def test_the_table_for_the_npm_package_is_current() -> None:
    assert agui.FILE.read_text(encoding="utf-8") == agui.text(), "stale: run `make schema`"


def test_words_that_were_answered_are_not_said_again() -> None:
    answered = [USER, {"id": "m2", "role": "assistant", "content": "Here."}]
    assert inputs_for(crew(topic="string"), RunAgentInput(thread_id="t", run_id="r", messages=answered)) == {}


@pytest.mark.parametrize(("asked", "payload", "meant"), MEANT)
def test_what_a_payload_means(asked: Checkpoint, payload: Any, meant: dict[str, Any]) -> None:
    decision = msgspec.to_builtins(decision_of(asked, payload, "k"))
    named = {"type", "execution", "checkpoint", "key"}
    version = {} if "version" in meant else {"version": asked.version}
    assert {name: value for name, value in decision.items() if name not in named} == meant | version


@pytest.mark.parametrize("payload", NONSENSE)
def test_silence_and_nonsense_decide_nothing(payload: Any) -> None:
    with pytest.raises(Refused) as refused:
        decision_of(TASK, payload, "k")
    assert refused.value.code is ErrorCode.BAD_FIELD


def test_what_is_offered_is_what_can_be_answered() -> None:
    assert set(response_schema(TASK)["properties"]) == {"action", "feedback", "approved", "output"}
    assert set(response_schema(TOOL)["properties"]) == {"action", "feedback", "approved", "arguments", "editedArgs"}
    assert set(response_schema(ASK)["properties"]) == {"action", "feedback", "response"}


def test_a_tools_approval_is_an_interrupt_of_its_call_which_is_told_once() -> None:
    """As the specification has it: the call, the interrupt that names it, and in the next run its result alone."""
    call = f"{TOOL.execution}/t_1"
    first = Translation("t", "r1", objects.WHOLE, [USER])
    event = events.ENVELOPES[events.EventType.CHECKPOINT_OPENED]
    opened = event(execution=TOOL.execution, epoch="e", offset=1, at="", data=events.CheckpointOpened(checkpoint=TOOL))
    said = msgspec.to_builtins([*first.begin(), *first.take(opened)])
    assert [frame["type"] for frame in said] == [
        "RUN_STARTED", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT",
        "RUN_FINISHED",
    ]  # fmt: skip
    (interrupt,) = said[-1]["outcome"]["interrupts"]
    assert (interrupt["reason"], interrupt["toolCallId"]) == ("tool_call", call)
    assert interrupt["responseSchema"]["required"] == ["approved"]
    for known in (said[-2]["messages"], [USER]):
        second = Translation("t", "r2", objects.WHOLE, known)
        said_then = msgspec.to_builtins(second.begin([TOOL]))
        for data in (
            events.ToolStarted(call="t_1", tool="post", arguments={"to": "@teh"}),
            events.ToolCompleted(call="t_1", tool="post", result="sent", seconds=1),
        ):
            envelope = events.ENVELOPES[data.type]
            said_then += msgspec.to_builtins(
                second.take(envelope(execution=TOOL.execution, epoch="e", offset=2, at="", data=data))
            )
        assert [frame["type"] for frame in said_then] == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "TOOL_CALL_RESULT"]
        assert said_then[-1]["toolCallId"] == call
        assert "@teh" in str(second._talk.messages()), "the arguments are those that a person gave"


def test_every_event_is_translated_and_what_was_opened_is_closed() -> None:
    """Each kind of event alone, in the middle of a task whose text streams."""
    golden = msgspec.json.decode(examples.FILE.read_bytes())
    delta = next(frame for frame in golden["control"] if frame["type"] == "delta")
    began = next(frame for frame in golden["events"] if frame["type"] == "task.started")
    for frame in golden["events"]:
        run = Translation("t", "r", objects.WHOLE, [USER])
        said = run.begin()
        for one in (began, delta, frame):
            said += run.take(decode_server_frame(msgspec.json.encode(one)))
        if run.over:
            kinds = [msgspec.to_builtins(event)["type"] for event in said]
            assert kinds[-1] in ("RUN_FINISHED", "RUN_ERROR")
            assert kinds.count("STEP_STARTED") == kinds.count("STEP_FINISHED")
            assert kinds.count("TEXT_MESSAGE_START") == kinds.count("TEXT_MESSAGE_END")
            assert run.take(decode_server_frame(msgspec.json.encode(began))) == [], "it says nothing more"


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ([(0, "To "), (1, "sea.")], ["To ", "sea."]),
        ([(1, "sea.")], ["To sea."]),
        ([(0, "To "), (0, "To "), (1, "sea.")], ["To ", "sea."]),
        ([(0, "To "), (2, "!"), (3, "?")], ["To ", "To sea."]),
        ([], ["To sea."]),
    ],
)
def test_a_text_of_which_a_piece_was_missed_is_said_as_a_whole(heard: list[tuple[int, str]], said: list[str]) -> None:
    """Text streams before anybody listens, and may be left out for a slow reader; the draft has all of it."""
    golden = {frame["type"]: frame for frame in msgspec.json.decode(examples.FILE.read_bytes())["events"]}
    opened = golden["checkpoint.opened"]
    opened["data"]["checkpoint"] |= {"draft": {"text": "To sea."}, "task": "t", "kind": "task.after"}
    run = Translation("t", "r", objects.WHOLE, [USER])
    events = run.begin()
    for index, text in heard:
        events += run.take(Delta(execution=objects.EXECUTION, task="t", stream="s", index=index, text=text))
    events += run.take(decode_server_frame(msgspec.json.encode(opened)))
    frames = msgspec.to_builtins(events)
    assert [frame["delta"] for frame in frames if frame["type"] == "TEXT_MESSAGE_CONTENT"] == said
    starts, ends = (
        [f["messageId"] for f in frames if f["type"] == f"TEXT_MESSAGE_{which}"] for which in ("START", "END")
    )
    assert starts == ends
    messages = next(frame["messages"] for frame in frames if frame["type"] == "MESSAGES_SNAPSHOT")
    assert [message["content"] for message in messages] == ["Tea, please", "To sea."]


def test_history_is_the_clients_own_or_what_the_tasks_gave() -> None:
    known: list[dict[str, Any]] = [
        USER,
        {"id": "a", "role": "assistant", "content": "x"},
        {"id": "b", "role": "activity", "content": {}},
    ]
    assert history(known, objects.WHOLE) == known[:2]
    outputs = [task.output for task in objects.WHOLE.tasks if task.output is not None]
    assert [message["content"] for message in history([USER], objects.WHOLE)] == ["Tea, please", *outputs]

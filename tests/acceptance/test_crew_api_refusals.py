"""What `/api/crew` refuses, and how it says so."""

from typing import Any

import pytest

from tests.support.crew_api import asked, call, execute, feedback
from tests.support.stack import Stack

FEEDBACK = {"execution_id": "x_none", "checkpoint_id": "agree", "action": "continue"}
REFUSALS: list[tuple[str, str, Any, int, bool]] = [
    # method, path, body, status, whether the detail is a list of what is wrong with the body
    ("GET", "/api/crew/status/x_none", None, 404, False),
    ("GET", "/api/crew/checkpoint/x_none", None, 404, False),
    ("DELETE", "/api/crew/execution/x_none", None, 404, False),
    ("GET", "/api/crew/executions?limit=0", None, 422, False),
    ("GET", "/api/crew/executions?cursor=tea", None, 422, False),
    ("POST", "/api/crew/feedback", FEEDBACK, 404, False),
    ("POST", "/api/crew/feedback", {"execution_id": "x_none"}, 422, True),
    ("POST", "/api/crew/feedback", b"{", 422, True),
    ("POST", "/api/crew/execute", {"message": 7}, 422, True),
    ("POST", "/api/crew/execute", {"message": "tea", "checkpoints": "agree"}, 422, True),
    ("POST", "/api/crew/execute", [], 422, True),
    ("POST", "/api/crew/execute", {}, 400, False),
    ("POST", "/api/crew/execute", {"message": " "}, 400, False),
    ("POST", "/api/crew/execute", {"message": "tea", "checkpoints": ["unheard"]}, 400, False),
    ("POST", "/api/crew/execute", {"message": "tea", "crew": "nobody"}, 404, False),
    ("POST", "/api/crew/execute", {"message": "tea", "crew": "unimportable"}, 409, False),
    ("POST", "/api/crew/execute", {"message": "x" * 200_000}, 413, False),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "listed"), REFUSALS)
async def test_refusals_have_a_detail(
    stack: Stack, method: str, path: str, body: Any, status: int, listed: bool
) -> None:
    answer = await call(stack, method, path, body)
    assert (answer.status, list(answer.json)) == (status, ["detail"])
    assert isinstance(answer.json["detail"], list if listed else str)


async def test_what_is_not_there_has_a_detail_too(stack: Stack) -> None:
    for path, status, said in (("nothing", 404, "Not Found"), ("execute", 405, "Method Not Allowed")):
        answer = await call(stack, "GET", f"/api/crew/{path}")
        assert (answer.status, answer.json["detail"]) == (status, said)
    assert answer.headers["allow"] == "POST"


async def test_answers_that_are_refused_leave_the_checkpoint_open(stack: Stack, topic: str) -> None:
    execution = await execute(stack, topic, "release")
    ident = (await asked(stack, execution))["checkpoint_id"]
    for action, words, named in (
        ("approve", None, ident), ("", None, ident), ("revise", None, ident), ("revise", "  ", "release"),
        ("revise", "before a task there is nothing to revise", ident),
    ):  # fmt: skip
        assert (await feedback(stack, execution, named, action, words)).status == 400
    assert (await feedback(stack, execution, "agree", "continue")).status == 404
    body = {"execution_id": execution, "checkpoint_id": ident, "action": "continue", "version": 7}
    assert (await call(stack, "POST", "/api/crew/feedback", body)).status == 409
    assert (await asked(stack, execution))["checkpoint_id"] == ident
    assert (await call(stack, "DELETE", f"/api/crew/execution/{execution}")).status == 200

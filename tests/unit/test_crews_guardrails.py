"""When two functions count as twins, of which one waits and the other does not."""

from collections.abc import Callable
from typing import Any

import tests.support.crews  # noqa: F401  # the first import of crewai, without its warnings
from server.crews.guardrails import alike


class Some:
    async def waits(self, text: str) -> Any:
        """Wait."""
        return await self.aexecute_task(text)

    def calls(self, text: str) -> Any:
        return self.execute_task(text)

    def calls_another(self, text: str) -> Any:
        return self.finish_task(text)

    def takes_more(self, text: str, times: int = 2) -> Any:
        return self.execute_task(text)

    aexecute_task: Callable[..., Any]
    execute_task: Callable[..., Any]
    finish_task: Callable[..., Any]


def test_functions_are_alike_that_differ_by_their_waiting_alone() -> None:
    assert alike(Some.waits, Some.calls)
    assert not alike(Some.waits, Some.calls_another)
    assert not alike(Some.waits, Some.takes_more)
    assert not alike(Some.waits, len)

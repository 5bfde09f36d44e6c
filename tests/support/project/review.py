"""A flow that drafts, asks a person, and acts on the world: a line in a ledger, once."""

import os
from pathlib import Path
from typing import Any

from crewai.flow.flow import Flow, listen, start
from crewai.flow.human_feedback import human_feedback


class Review(Flow[dict[str, Any]]):
    """Have a draft approved, and publish it."""

    @start()
    def draft(self) -> str:
        return f"a draft about {self.state.get('topic')}"

    @listen(draft)
    @human_feedback(message="Publish it?", emit=["approved", "rejected"], llm="gpt-4o-mini", default_outcome="approved")
    def judge(self, draft: str) -> str:
        return draft

    @listen("approved")
    def publish(self, _: Any) -> str:
        return self._write("published")

    @listen("rejected")
    def drop(self, _: Any) -> str:
        return self._write("dropped")

    def _write(self, what: str) -> str:
        line = f"{what} {self.state['topic']}"
        with Path(os.environ["TEST_LEDGER"]).open("a") as ledger:
            ledger.write(f"{line}\n")
        return line

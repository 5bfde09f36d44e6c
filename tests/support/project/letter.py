"""A flow that asks people for one of its outcomes."""

from crewai.flow.flow import Flow, listen, start
from crewai.flow.human_feedback import human_feedback


class Review(Flow):  # type: ignore[type-arg]  # of any state
    """Have a letter judged."""

    @start()
    @human_feedback(message="Shall it go out?", emit=["send_it", "too_long"], llm="gpt-4o-mini")
    def letter(self) -> str:
        """Write it."""
        return "# Dear Rara\n\nThe parcel is on its way."

    @listen("send_it")
    def sent(self) -> str:
        """Send it."""
        return "It was sent."

    @listen("too_long")
    def shortened(self) -> str:
        """Make it shorter."""
        return "It was shortened."

from crewai.flow import Flow, listen, start
from pydantic import BaseModel


class GreetingState(BaseModel):
    who: str = ""


class GreetingFlow(Flow[GreetingState]):
    """Greet somebody."""

    @start()
    def choose(self) -> str:
        return self.state.who

    @listen(choose)
    def greet(self) -> str:
        return f"Hello, {self.state.who}"


def kickoff() -> None:
    GreetingFlow().kickoff()

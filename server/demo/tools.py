"""The one tool of the demo crew."""

from crewai.tools import BaseTool
from pydantic import BaseModel, Field

from server.demo.trend_table import rows_of, topic_for


class TrendQuery(BaseModel):
    """What `TrendLookup` needs to know."""

    topic: str = Field(description="The subject of the campaign in a few words, such as 'coffee'.")


class TrendLookup(BaseTool):
    """Look up trends in the table that ships with the demo crew: no network, the same answer every time."""

    name: str = "trend_lookup"
    description: str = "Look up current audience trends for a topic. Returns lines of `trend | strength from 0 to 100`."
    args_schema: type[BaseModel] = TrendQuery

    def _run(self, topic: str) -> str:
        found = topic_for(topic)
        return f"Topic: {found.name}\n{rows_of(found)}"

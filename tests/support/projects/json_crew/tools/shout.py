"""A tool of the project's own."""

from crewai.tools import BaseTool


class Shout(BaseTool):
    name: str = "shout"
    description: str = "Make a text loud."

    def _run(self, text: str) -> str:
        return text.upper()

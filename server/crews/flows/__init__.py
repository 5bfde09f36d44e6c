"""Flows: run like crews, with their methods as tasks, and with the same checkpoints where a flow asks a person."""

from server.crews.flows import asking, feedback, methods, races
from server.crews.flows.adapter import adapt_flow
from server.crews.flows.catalogue import describe_flow


def install() -> None:
    """Wrap what flows do in an execution. Harmless when repeated."""
    methods.install()
    races.install()
    feedback.install()
    asking.install()


__all__ = ["adapt_flow", "describe_flow", "install"]

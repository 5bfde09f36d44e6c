"""`export`: an execution as a document, as an object, or as its log."""

import sys

import msgspec

from protocol.client import Read
from protocol.events import Event
from server.cli.remote.session import connected
from server.cli.remote.show import cost_of


def export(url: str, execution: str, form: str) -> int:
    """Write it to standard output; 0."""
    with connected(url) as client:
        read = client.get(execution)
        if form == "events":
            _events(client, read)
        elif form == "json":
            print(msgspec.json.format(msgspec.json.encode(read), indent=2).decode())
        else:
            sys.stdout.write(document(read))
    return 0


def _events(client: object, read: Read) -> None:
    from protocol.client import Client

    assert isinstance(client, Client)
    with client.watch(read.execution.id) as frames:
        for frame in frames:
            if isinstance(frame, Event):
                print(msgspec.json.encode(frame).decode())
                if frame.offset >= read.execution.offset:  # it may go on, or wait for months
                    return


def document(read: Read) -> str:
    """Write an execution as Markdown: what was asked, what each task gave, what people decided, the result. Pure."""
    run = read.execution
    about = ", ".join([run.crew, run.state, run.created_at, *cost_of(run.usage)])
    lines = [f"# {run.title}", "", about, ""]
    lines += [f"* **{name}**: {value}" for name, value in run.inputs.items()]
    for task in run.tasks:
        if task.output is not None:
            lines += ["", f"## {task.name}", "", task.output]
    decisions = [(entry, one) for one in read.checkpoints for entry in one.history]
    if decisions:
        lines += ["", "## Decisions", ""]
        for entry, one in sorted(decisions, key=lambda pair: pair[0].at):
            note = f": {entry.feedback}" if entry.feedback else ""
            lines.append(f"* {entry.at} {entry.by.name if entry.by else 'nobody'}, {one.title}: {entry.action}{note}")
    if run.error is not None:
        lines += ["", "## Error", "", run.error.message]
    if run.output is not None and run.output != (run.tasks[-1].output if run.tasks else None):
        lines += ["", "## Result", "", run.output]
    return "\n".join(lines) + "\n"

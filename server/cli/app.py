"""The commands and their options. What they do is imported when it is done: `--help` is quick, and so is a start."""

import os
from enum import StrEnum
from typing import Annotated, Optional

import typer

from server.cli.keys import app as keys_app


def _end(code: int, **_: object) -> None:
    raise typer.Exit(code)


app = typer.Typer(
    name="quarterdeck", result_callback=_end, help="Run CrewAI crews and flows that ask people.", no_args_is_help=False,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is well; 1 it failed; 2 the command is wrong; 3 a person stopped the run, or it was "
    "cancelled; 4 the server refused; 5 there is no server.",
)  # fmt: skip

Path = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it
    typer.Argument(metavar="[PATH]", help="A CrewAI project, or a crew's or flow's file; else QUARTERDECK_CREWS."),
]
Url = Annotated[str, typer.Option("--url", envvar="QUARTERDECK_URL", help="The server, such as http://127.0.0.1:8000.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, one object a line, for scripts.")]
Execution = Annotated[str, typer.Argument(help="The execution's id.")]
Reason = Annotated[Optional[str], typer.Option(help="Why; everybody who watches is told.")]  # noqa: UP045
Text = Optional[str]  # noqa: UP045


class Form(StrEnum):
    """How an execution is written out."""

    MARKDOWN = "markdown"
    JSON = "json"
    EVENTS = "events"


LOCAL = "http://127.0.0.1:8000"


def run(arguments: list[str]) -> int:
    """Run a command; give the exit code."""
    try:
        app(arguments, prog_name="quarterdeck")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Ask nobody who they are, even where others than this machine reach the port."),
]
app.add_typer(keys_app)


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        raise typer.Exit(_serve("serve", None, ["serve"]))


def _serve(role: str, path: str | None, arguments: list[str], *, insecure: bool = False) -> int:
    from server.cli.serving import start

    if insecure:
        os.environ["QUARTERDECK_INSECURE"] = "on"

    return start(role, path, arguments)


@app.command()
def serve(path: Path = None, insecure: Insecure = False) -> int:
    """Start everything: the web process, workers, restarted when they die, and a Valkey if no Redis is named."""
    return _serve("serve", path, ["serve", *([path] if path else [])], insecure=insecure)


@app.command()
def web(path: Path = None, insecure: Insecure = False) -> int:
    """Start one web process."""
    return _serve("web", path, ["web", *([path] if path else [])], insecure=insecure)


@app.command()
def worker(path: Path = None) -> int:
    """Start one worker."""
    return _serve("worker", path, ["worker", *([path] if path else [])])


@app.command()
def crews(url: Url = LOCAL, json: Json = False) -> int:
    """List the crews of the server."""
    from server.cli.remote import lists

    return lists.crews(url, json)


@app.command("list")
def executions(
    url: Url = LOCAL,
    json: Json = False,
    state: Annotated[Text, typer.Option(help="Only those in this state.")] = None,
    crew: Annotated[Text, typer.Option(help="Only those of this crew.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
) -> int:
    """List executions, newest first."""
    from server.cli.remote import lists

    return lists.executions(url, json, state=state, crew=crew, limit=limit)


@app.command()
def inbox(
    url: Url = LOCAL,
    json: Json = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on, and list anew after each change.")] = False,
) -> int:
    """List what waits for people."""
    from server.cli.remote import lists

    return lists.inbox(url, json, follow=follow)


@app.command("run")
def run_crew(
    crew: Annotated[str, typer.Argument(help="The crew's name.")],
    inputs: Annotated[Optional[list[str]], typer.Argument(metavar="[NAME=VALUE]...")] = None,  # noqa: UP045
    checkpoint: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--checkpoint", "-c", help="Stop there and ask; may be given several times."),
    ] = None,
    title: Annotated[Text, typer.Option(help="What to call the run.")] = None,
    ask: Annotated[bool, typer.Option(help="Ask here what the crew asks; else others answer.")] = True,
    url: Url = LOCAL,
    json: Json = False,
) -> int:
    """Start a crew, follow it, and answer here what it asks. The result goes to standard output."""
    from server.cli.remote import following

    return following.run(url, json, crew, inputs or [], checkpoint or [], title=title, ask=ask)


@app.command()
def watch(
    execution: Execution,
    ask: Annotated[bool, typer.Option(help="Ask here what the crew asks.")] = False,
    url: Url = LOCAL,
    json: Json = False,
) -> int:
    """Follow an execution from its start to its end."""
    from server.cli.remote import following

    return following.watch(url, json, execution, ask=ask)


@app.command()
def decide(
    execution: Execution,
    action: Annotated[str, typer.Argument(help="approve, edit, revise, skip, stop, or what else it offers.")],
    checkpoint: Annotated[Text, typer.Option("--checkpoint", "-c", help="Its id or name, if several are open.")] = None,
    feedback: Annotated[Text, typer.Option("--feedback", "-m", help="A note to the crew.")] = None,
    output: Annotated[Text, typer.Option(help="What to take instead (edit); `-` reads standard input.")] = None,
    arguments: Annotated[Text, typer.Option(help="A tool's arguments, as JSON (edit).")] = None,
    response: Annotated[Text, typer.Option(help="The answer (respond); JSON where a form is asked for.")] = None,
    url: Url = LOCAL,
    json: Json = False,
) -> int:
    """Answer an open checkpoint."""
    from server.cli.remote import deciding

    given = {"feedback": feedback, "output": output, "arguments": arguments, "response": response}
    return deciding.decide(url, json, execution, checkpoint, action, given)


@app.command()
def fork(
    execution: Execution,
    checkpoint: Annotated[str, typer.Argument(help="The checkpoint's id or name.")],
    action: Annotated[str, typer.Argument(help="How it is answered this time.")],
    feedback: Annotated[Text, typer.Option("--feedback", "-m")] = None,
    output: Annotated[Text, typer.Option(help="`-` reads standard input.")] = None,
    arguments: Annotated[Text, typer.Option(help="As JSON.")] = None,
    response: Annotated[Text, typer.Option()] = None,
    url: Url = LOCAL,
    json: Json = False,
) -> int:
    """Start a new execution that shares all work up to a checkpoint, and answers it otherwise."""
    from server.cli.remote import deciding

    given = {"feedback": feedback, "output": output, "arguments": arguments, "response": response}
    return deciding.fork(url, json, execution, checkpoint, action, given)


@app.command()
def cancel(execution: Execution, reason: Reason = None, url: Url = LOCAL, json: Json = False) -> int:
    """End an execution, wherever it is."""
    return _steer("cancel", execution, reason, url, json)


@app.command()
def pause(execution: Execution, reason: Reason = None, url: Url = LOCAL, json: Json = False) -> int:
    """Have an execution rest from its next safe point on."""
    return _steer("pause", execution, reason, url, json)


@app.command()
def resume(execution: Execution, reason: Reason = None, url: Url = LOCAL, json: Json = False) -> int:
    """Have a paused execution go on."""
    return _steer("resume", execution, reason, url, json)


def _steer(verb: str, execution: str, reason: str | None, url: str, json: bool) -> int:
    from server.cli.remote import deciding

    return deciding.steer(url, json, verb, execution, reason)


@app.command()
def export(
    execution: Execution,
    form: Annotated[Form, typer.Option("--format")] = Form.MARKDOWN,
    url: Url = LOCAL,
) -> int:
    """Write an execution to standard output: as a document, as one JSON object, or its log, one event a line."""
    from server.cli.remote import exporting

    return exporting.export(url, execution, form)


@app.command()
def doctor(json: Json = False) -> int:
    """Look at Redis, the model's key, the crews and the ports, and say what to do about what is wrong."""
    from server.cli.doctor import examine

    return examine(as_json=json)

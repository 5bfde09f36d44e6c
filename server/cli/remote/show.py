"""What people see in a terminal: on standard error, so that standard output holds the result and nothing else."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from protocol.events import (
    CheckpointDecided,
    CheckpointExpired,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionParked,
    ExecutionPaused,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStopped,
    JournalMissed,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    ToolCompleted,
    ToolFailed,
)
from protocol.objects import Checkpoint, Usage
from server import prices

err = Console(stderr=True, highlight=False)
#: What is read by a program is not folded at the edge of a screen.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 10_000)


def as_json(value: Any) -> None:
    """Write one object on one line of standard output."""
    print(msgspec.json.encode(value).decode(), flush=True)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Write a table to standard output."""
    made = Table(box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*map(escape, row))
    out.print(made)


def event(said: Event) -> None:
    """Tell of an event in one line, if people would want to know."""
    line = told(said)
    if line:
        err.print(f"[dim]{said.at[11:19]}[/] {line}")


def told(said: Event) -> str:
    """Put an event into words, with rich's markup. Pure; nothing for what is not worth a line."""
    match said.data:
        case TaskStarted(task=task, agent=agent, round=number):
            again = f", round {number}" if number > 1 else ""
            return f"[bold]{escape(task)}[/] {escape(agent or '')}{again}"
        case TaskCompleted(task=task, seconds=seconds, usage=usage):
            return f"[green]✓[/] {escape(task)} [dim]{_spent(seconds, usage)}[/]"
        case ExecutionCompleted(seconds=seconds, usage=usage) if usage.cost:
            return f"[green]✓[/] [dim]{_spent(seconds, usage)} in all[/]"
        case TaskFailed(task=task, message=message):
            return f"[red]✗ {escape(task)}[/] {escape(message or '')}"
        case TaskSkipped(task=task, message=message):
            return f"[dim]↷ {escape(task)}: {escape(message or 'skipped')}[/]"
        case ToolCompleted(tool=tool, result=result):
            return f"  [cyan]{escape(tool)}[/] [dim]{escape(_short(result))}[/]"
        case ToolFailed(tool=tool, result=result):
            return f"  [red]{escape(tool)}[/] {escape(_short(result))}"
        case CheckpointDecided(name=name, action=action, feedback=feedback):
            who = escape(said.by.name if said.by else "somebody")
            return f"[bold]{who}[/]: {escape(action)} at {escape(name)}{_noted(feedback)}"
        case CheckpointExpired():
            return "[yellow]The time for an answer is over.[/]"
        case ExecutionParked(waiting_for=waiting_for):
            return "[dim]at rest until somebody answers[/]" if waiting_for else "[dim]left its worker[/]"
        case ExecutionRecovered():
            return "[yellow]its worker was lost; another goes on[/]"
        case ExecutionPaused() | ExecutionResumed() as steered:
            return "[yellow]paused[/]" if isinstance(steered, ExecutionPaused) else "[dim]goes on[/]"
        case JournalMissed(step=step):
            return f"[dim]asked anew: {escape(step)}[/]"
        case ExecutionFailed(error=error):
            return f"[red]failed[/]: {escape(error.message)}"
        case ExecutionStopped():
            return "[yellow]stopped by a person[/]"
        case ExecutionCancelled(reason=reason):
            return f"[yellow]cancelled[/]{_noted(reason)}"
    return ""


def _spent(seconds: float, usage: Usage) -> str:
    return ", ".join([f"{seconds:.1f} s", f"{usage.total_tokens:,} tokens", *cost_of(usage)])


def cost_of(usage: Usage) -> list[str]:
    """Put what something cost into words, to the last digit; none where nobody knows."""
    return [prices.told(usage.cost)] if usage.cost else []


def _noted(text: str | None) -> str:
    return f" [italic]{escape(_short(text))}[/]" if text else ""


def _short(text: str, most: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def checkpoint(asked: Checkpoint) -> None:
    """Show a checkpoint with its draft."""
    err.print()
    draft = asked.draft
    body: Any = Markdown(draft.text)
    if draft.content_type == "application/json":
        body = Syntax(draft.text, "json", word_wrap=True)
    title = f"{escape(asked.title)} [dim]{escape(asked.name)}, version {asked.version}[/]"
    err.print(Panel(body, title=title, title_align="left", border_style="dark_orange"))
    if asked.description:
        err.print(escape(asked.description))

"""The command line against a real installation, as people type it and as scripts use it."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import anyio.to_thread
import pytest

from server.cli import main
from tests.support.client import Client
from tests.support.processes import ROOT, environment
from tests.support.stack import Stack
from tests.support.story import told

LIMIT = 60.0
#: Commands that talk to no server.
LOCAL = {"sail", "doctor"}


class Output(NamedTuple):
    """What a command wrote."""

    stdout: str
    stderr: str


class Shell:
    """Runs `quarterdeck` against the stack's first web process."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.environ = {
            **environment(folder), "QUARTERDECK_URL": f"http://127.0.0.1:{stack.port}", "COLUMNS": "200",
        }  # fmt: skip

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "server", *words]

    async def __call__(self, *words: str, code: int = 0, given: str = "") -> Output:
        """Run it in this process, as a script would: its output is no terminal."""
        url = () if "--url" in words or words[0] in LOCAL else ("--url", self.environ["QUARTERDECK_URL"])
        out, err = io.StringIO(), io.StringIO()

        def run() -> int:
            with redirect_stdout(out), redirect_stderr(err):
                return main([*words, *url])

        before, sys.stdin = sys.stdin, io.StringIO(given)
        try:
            ended = await anyio.to_thread.run_sync(run)
        finally:
            sys.stdin = before
        assert ended == code, err.getvalue()
        assert "Traceback" not in err.getvalue()
        return Output(out.getvalue(), err.getvalue())

    async def apart(self, *words: str, code: int = 0) -> str:
        """Run it in a process of its own; give its standard output."""

        def run() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                self.command(*words), env=self.environ, capture_output=True, text=True, timeout=LIMIT, check=False,
                cwd=ROOT,
            )  # fmt: skip

        done = await anyio.to_thread.run_sync(run)
        assert done.returncode == code, done.stderr
        return done.stdout

    async def lines(self, *words: str, code: int = 0) -> list[Any]:
        """Run it for its JSON."""
        return [json.loads(line) for line in (await self(*words, "--json", code=code)).stdout.splitlines()]

    @contextmanager
    def typing(self, *words: str) -> "Iterator[Terminal]":
        """Run it in a terminal of its own."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.command(*words), env=self.environ, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
            os.close(ours)


class Terminal:
    """What a person sees and types."""

    def __init__(self, process: "subprocess.Popen[bytes]", end: int) -> None:
        self.process = process
        self.seen = ""
        self._end = end

    async def sees(self, text: str) -> None:
        """Read until a text is there, behind what was looked for before."""
        with anyio.fail_after(LIMIT):
            while text not in self.seen:
                self.seen += (await anyio.to_thread.run_sync(os.read, self._end, 4096)).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def types(self, line: str) -> None:
        os.write(self._end, f"{line}\n".encode())

    async def ended(self) -> tuple[int, str]:
        """Wait for its end; give the exit code, and what it wrote to standard output."""

        def drain() -> None:
            try:
                while os.read(self._end, 4096):
                    pass
            except OSError:  # the other end is closed
                return

        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, drain)
            out = await anyio.to_thread.run_sync(self.process.communicate)
        return self.process.returncode, out[0].decode()


@pytest.fixture
def shell(stack: Stack, tmp_path: Path) -> Shell:
    return Shell(stack, tmp_path)


async def waiting(client: Client, topic: str) -> dict[str, Any]:
    reply = await client.command("start", crew="story", inputs={"topic": topic}, checkpoints=["agree"], title=topic)
    return await client.question(reply["execution"], "agree")


async def test_a_script_runs_a_crew(shell: Shell, topic: str) -> None:
    done = await shell("run", "story", f"topic={topic}")
    assert done.stdout == told("publish", topic) + "\n", "the result, and nothing else"
    assert "✓" in done.stderr
    events = await shell.lines("run", "story", f"topic={topic}x")
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
    (listed,) = [one for one in await shell.lines("list", "--crew", "story") if one["id"] == events[0]["execution"]]
    assert listed["state"] == "completed"
    again = await shell.lines("watch", events[0]["execution"])
    assert again == events


async def test_a_person_answers_in_the_terminal(shell: Shell, topic: str, tmp_path: Path) -> None:
    """Sends back with a note, edits the new version, and has the result on standard output."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "Mine, by hand." > "$1"\n')
    editor.chmod(0o700)
    shell.environ["EDITOR"] = str(editor)
    with shell.typing("run", "story", f"topic={topic}", "--checkpoint", "agree") as terminal:
        await terminal.sees("version 1")
        await terminal.sees("Your answer")
        terminal.types("9")
        await terminal.sees("Your answer")
        terminal.types("3")
        await terminal.sees("What should be otherwise")
        terminal.types("more salt")
        await terminal.sees("version 2")
        await terminal.sees("Your answer")
        terminal.types("2")
        code, out = await terminal.ended()
    assert (code, out) == (0, told("publish", topic) + "\n")
    (run,) = [one for one in await shell.lines("list") if one["inputs"] == {"topic": topic}]
    document = (await shell("export", run["id"])).stdout
    assert "Mine, by hand." in document
    assert "revise: more salt" in document


async def test_somebody_else_is_faster(shell: Shell, client: Client, topic: str) -> None:
    checkpoint = await waiting(client, topic)
    with shell.typing("watch", checkpoint["execution"], "--ask") as terminal:
        await terminal.sees("Your answer")
        await client.decide(checkpoint, "approve")
        terminal.types("1")
        await terminal.sees("decided")
        code, out = await terminal.ended()
    assert (code, out) == (0, told("publish", topic) + "\n")


async def test_answers_from_scripts(shell: Shell, client: Client, topic: str) -> None:
    checkpoint = await waiting(client, topic)
    execution = checkpoint["execution"]
    assert execution in (await shell("inbox")).stdout
    assert [one["id"] for one in (await shell.lines("inbox"))[0] if one["execution"] == execution] == [checkpoint["id"]]
    refused = await shell("decide", execution, "revise", code=4)
    assert "needs_feedback" in refused.stderr
    await shell("decide", execution, "edit", "--output", "-", given="From a pipe.")
    await client.end(execution)
    taken = await shell("decide", execution, "approve", code=4)
    assert "no open checkpoint" in taken.stderr
    forked = (await shell("fork", execution, "agree", "approve")).stdout.strip()
    assert forked.startswith("x_")
    assert (await shell("watch", forked)).stdout == told("publish", topic) + "\n"
    assert json.loads((await shell("export", forked, "--format", "json")).stdout)["execution"]["forked_from"]
    log = [json.loads(line) for line in (await shell("export", forked, "--format", "events")).stdout.splitlines()]
    assert [event["offset"] for event in log] == list(range(1, len(log) + 1))


async def test_runs_are_steered(shell: Shell, client: Client, topic: str) -> None:
    execution = (await waiting(client, topic))["execution"]
    assert (await shell.lines("pause", execution))[0]["state"] == "paused"
    assert (await shell.lines("resume", execution))[0]["state"] == "waiting"
    await shell("cancel", execution, "--reason", "enough")
    assert "enough" in (await shell("watch", execution, code=3)).stderr
    assert "ended" in (await shell("pause", execution, code=4)).stderr


async def test_who_is_not_asked_here_is_told_how_to_answer(shell: Shell, client: Client, topic: str) -> None:
    checkpoint = await waiting(client, topic)
    execution = checkpoint["execution"]
    with shell.typing("watch", execution) as terminal:
        await terminal.sees(f"quarterdeck decide {execution} approve --checkpoint agree")
        await shell("decide", execution, "stop")
        assert (await terminal.ended())[0] == 3


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "nobody"), 4, "unknown_crew"),
        (("run", "story"), 4, "missing_inputs"),
        (("run", "story", "topic"), 2, "not of the form name=value"),
        (("run", "story", "topic=@/nowhere/brief.md"), 2, "No such file"),
        (("watch", "x_00000000000000000000000000"), 4, "not_found"),
        (("decide", "x_00000000000000000000000000", "approve"), 4, "not_found"),
        (("crews", "--url", "http://127.0.0.1:9"), 5, "quarterdeck serve"),
        (("crews", "--url", "ftp://x"), 5, "not the address of a server"),
        (("sail",), 2, "No such command"),
    ],
)
async def test_what_goes_wrong_is_one_line_and_a_code(
    shell: Shell, words: tuple[str, ...], code: int, says: str
) -> None:
    assert says in (await shell(*words, code=code)).stderr


async def test_the_crews_are_listed(shell: Shell) -> None:
    crews = {crew["name"]: crew for crew in await shell.lines("crews")}
    assert [point["name"] for point in crews["story"]["checkpoints"]] == ["agree", "release"]
    assert "broken" in crews["unbuildable"]
    assert "story" in (await shell("crews")).stdout


async def test_completion_is_there_for_shells(shell: Shell) -> None:
    shell.environ |= {"_QUARTERDECK_COMPLETE": "complete_bash", "COMP_WORDS": "quarterdeck can", "COMP_CWORD": "1"}
    assert (await shell.apart()).split() == ["cancel"]


async def test_the_doctor_says_what_is_wrong(shell: Shell, redis_server: str, tmp_path: Path) -> None:
    shell.environ |= {"QUARTERDECK_DATA": str(tmp_path / "data"), "PORT": "0", "TEST_MODEL": "http://127.0.0.1:9"}
    found = [json.loads(line) for line in (await shell.apart("doctor", "--json", code=1)).splitlines()]
    assert [one["what"].split()[0] for one in found if one["grade"] == "bad"] == ["unbuildable", "unimportable"]
    assert any("embedded Valkey" in one["what"] for one in found)
    demo = "content=server.demo.crew:ContentPlan"
    shell.environ |= {"QUARTERDECK_CREWS": demo, "QUARTERDECK_REDIS_URL": redis_server}
    good = await shell.apart("doctor")
    assert "answers." in good
    assert "the demo crew writes demo texts" in good

"""Crews: do they load, and is there a model for them. They are loaded in a process of their own, as a worker does."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import msgspec

from protocol.objects import Crew
from server.cli.doctor.finding import Finding, bad, doubtful, good
from server.settings import Settings

#: Importing crewai takes seconds, and a crew's module may take some more.
PATIENCE = 120.0
LOAD = """
import sys, msgspec
from protocol.objects import Crew
from server import crews
from server.settings import Settings
settings = Settings.read()
loaded = crews.load(settings.crews, settings.project, settings.config).values()
found = [one if isinstance(one, Crew) else one.describe() for one in loaded]
print("\\n" + msgspec.json.encode(found).decode())
"""
#: Variables by which the usual providers are given their keys (LiteLLM's names).
KEYS = (
    "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "AZURE_API_KEY", "AWS_ACCESS_KEY_ID",
    "GROQ_API_KEY", "MISTRAL_API_KEY", "OPENROUTER_API_KEY", "DEEPSEEK_API_KEY", "WATSONX_APIKEY", "OLLAMA_HOST",
)  # fmt: skip


def examine(settings: Settings) -> Iterator[Finding]:
    """Load the crews that the settings name."""
    try:
        loaded = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", LOAD],
            capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=settings.project,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        yield bad(f"The crews do not load within {PATIENCE:g} s.", "Look at what their modules do when imported.")
        return
    if loaded.returncode:
        last = loaded.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        yield bad(f"The crews cannot be loaded: {last[0]}", "Start `quarterdeck worker` to see the whole of it.")
        return
    yield from judge(msgspec.json.decode(loaded.stdout.strip().splitlines()[-1], type=list[Crew]), os.environ)


def judge(crews: list[Crew], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Judge what was loaded, and whether there is a key for a model. Pure."""
    for crew in crews:
        if crew.broken:
            yield bad(f"{crew.name} cannot run: {crew.broken}", "The worker's log has the traceback.")
        else:
            yield good(f"{crew.name} loads: {crew.title}")
    found = [name for name in KEYS if environ.get(name)]
    if found:
        yield good(f"There is a model's key: {', '.join(found)}.")
    elif any(crew.demo for crew in crews):
        yield doubtful("No model's key: the demo crew writes demo texts.", "Set OPENAI_API_KEY, or your provider's.")
    else:
        yield doubtful(
            "None of the usual variables holds a model's key.", f"If your crews need one, set {KEYS[0]} or the like."
        )

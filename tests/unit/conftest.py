"""Folders of a user, which crews are loaded from, and the model of those crews."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.openai_server import OpenAIServer


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to load crews from; what was imported from it is forgotten again, as are variables that it set."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, environ = set(sys.modules), dict(os.environ)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
    os.environ.clear()
    os.environ.update(environ)
    if "crewai" in sys.modules:
        from crewai.events.event_bus import crewai_event_bus

        crewai_event_bus.reset_runtime_state()  # it would keep the flows of all later tests


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """The model of crews whose files name one of OpenAI's."""
    with OpenAIServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        yield running

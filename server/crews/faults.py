"""What is told about an exception: one readable line without secrets. The traceback is for the log only."""

import os
import re
from collections.abc import Iterator

from server.runnable import CrewFailed

LONGEST = 500
#: Packages whose exceptions mean that a language model could not be reached, or refused.
MODEL_PACKAGES = frozenset({"anthropic", "azure", "botocore", "google", "httpcore", "httpx", "litellm", "openai"})
SECRETS = re.compile(
    r"(?i)\b(?:sk|pk|rk|gsk|xai|ghp|hf|AIza)[-_]?[A-Za-z0-9*_\-]{8,}"
    r"|(?<=bearer )\S+"
    r"|(?<=api_key=)[^\s,)&]+|(?<=token=)[^\s,)&]+|(?<=password=)[^\s,)&]+"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
)
SECRET_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")


def crew_failed(error: BaseException, task: str | None, *, model: bool = False) -> CrewFailed:
    """Make the failure that is shown for `error`, which becomes its cause. `model`: a language model's call failed."""
    if isinstance(error, CrewFailed):
        return error  # said already, by our own code within the crew's
    code = "model_error" if model or _from_model(error) else "task_failed" if task else "crew_failed"
    failure = CrewFailed(code, readable(error), task)
    failure.__cause__ = error
    return failure


def readable(error: BaseException) -> str:
    """Say in one line what went wrong; at most 500 characters, secrets masked."""
    text = " ".join(str(error).split())
    return masked(text or type(error).__name__)[:LONGEST]


def masked(text: str) -> str:
    """Replace what looks like a secret, and every value of a secret variable of the environment, with stars."""
    for name, value in os.environ.items():
        if SECRET_NAMES.search(name) and len(value) >= 8:
            text = text.replace(value, "***")
    return SECRETS.sub("***", text)


def _from_model(error: BaseException) -> bool:
    return any(type(link).__module__.partition(".")[0] in MODEL_PACKAGES for link in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__

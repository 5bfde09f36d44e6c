"""What a call to a model used, whatever its provider calls it. Pure.

crewai's own providers fold what was read from and written to a cache into the tokens of the prompt; Anthropic's and
Bedrock's raw numbers leave both out (crewai/types/usage_metrics.py, `_has_unreconciled_anthropic_cache_keys`).
"""

from collections.abc import Mapping
from typing import Any

from protocol.objects import Usage
from server.prices import Tokens

#: What providers call the same numbers.
PROMPT = ("prompt_tokens", "input_tokens", "prompt_token_count", "inputTokens")
COMPLETION = ("completion_tokens", "output_tokens", "candidates_token_count", "outputTokens")
TOTAL = ("total_tokens", "total_token_count", "totalTokens")
CACHED = ("cached_prompt_tokens", "cached_tokens")
CACHED_BESIDE = ("cache_read_input_tokens", "cacheReadInputTokens")
WRITTEN = ("cache_creation_tokens",)
WRITTEN_BESIDE = ("cache_creation_input_tokens", "cacheWriteInputTokens")
DETAILS = ("prompt_tokens_details", "input_tokens_details")


def tokens_of(reported: Mapping[str, Any] | None) -> Tokens:
    """Read the tokens of one model call, whatever the provider calls its numbers."""
    reported = reported or {}
    prompt, completion = _number(reported, PROMPT), _number(reported, COMPLETION)
    read, written = _number(reported, CACHED_BESIDE), _number(reported, WRITTEN_BESIDE)
    if "prompt_tokens" not in reported:  # where it is there, LiteLLM has added up
        prompt += read + written
    cached = _number(reported, CACHED) or read or _nested(reported)
    return Tokens(prompt, completion, cached, _number(reported, WRITTEN) or written)


def usage_of(reported: Mapping[str, Any] | None) -> Usage:
    """Read the usage of one model call, without its cost."""
    prompt, completion, *_ = tokens_of(reported)
    total = max(_number(reported or {}, TOTAL), prompt + completion)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)


def _nested(reported: Mapping[str, Any]) -> int:
    details = (reported.get(name) for name in DETAILS)
    return next((_number(found, ("cached_tokens",)) for found in details if isinstance(found, Mapping)), 0)


def _number(reported: Mapping[str, Any], names: tuple[str, ...]) -> int:
    values = (reported.get(name) for name in names)
    return next((int(value) for value in values if isinstance(value, int | float)), 0)

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
NUMBER = (int, float)


def tokens_of(reported: Mapping[str, Any] | None) -> Tokens:
    """Read the tokens of one model call, whatever the provider calls its numbers."""
    if not reported:
        return Tokens(0, 0)
    prompt = _number(reported, PROMPT)
    read, wrote = _number(reported, CACHED_BESIDE), _number(reported, WRITTEN_BESIDE)
    if "prompt_tokens" not in reported:  # where it is there, LiteLLM has added up
        prompt += read + wrote
    cached = _number(reported, CACHED) or read or _nested(reported)
    return Tokens(prompt, _number(reported, COMPLETION), cached, _number(reported, WRITTEN) or wrote)


def usage_of(reported: Mapping[str, Any] | None, tokens: Tokens | None = None) -> Usage:
    """Read the usage of one model call, without its cost; `tokens`, if they are read already."""
    prompt, completion, *_ = tokens or tokens_of(reported)
    total = max(_number(reported, TOTAL) if reported else 0, prompt + completion)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)


def _nested(reported: Mapping[str, Any]) -> int:
    for name in DETAILS:
        if isinstance(details := reported.get(name), Mapping):
            return _number(details, ("cached_tokens",))
    return 0


def _number(reported: Mapping[str, Any], names: tuple[str, ...]) -> int:
    for name in names:
        if isinstance(value := reported.get(name), NUMBER):
            return int(value)
    return 0

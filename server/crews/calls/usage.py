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
CACHED_BESIDE = ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount")
WRITTEN = ("cache_creation_tokens",)
WRITTEN_BESIDE = ("cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount")
DETAILS = ("prompt_tokens_details", "input_tokens_details")
#: No call uses more; a number above is as little believed as one below zero. Sums of these are far from 64 bits.
MOST = 1_000_000_000
#: In place of a number that somebody told, and that is none: what is not known has no price.
UNKNOWN = -1


def tokens_of(reported: Mapping[str, Any] | None) -> Tokens:
    """Read the tokens of one model call, whatever the provider calls its numbers; less than 0 are not known."""
    if not reported:
        return Tokens(0, 0)
    prompt = _told(reported, PROMPT)
    read, wrote = _number(reported, CACHED_BESIDE), _number(reported, WRITTEN_BESIDE)
    if "prompt_tokens" not in reported and prompt != UNKNOWN:  # where it is there, LiteLLM has added up
        prompt += read + wrote
    cached = _number(reported, CACHED) or read or _nested(reported)
    return Tokens(prompt, _told(reported, COMPLETION), cached, _number(reported, WRITTEN) or wrote)


def usage_of(reported: Mapping[str, Any] | None, tokens: Tokens | None = None) -> Usage:
    """Read the usage of one model call, without its cost; `tokens`, if they are read already."""
    prompt, completion = (max(0, number) for number in (tokens or tokens_of(reported))[:2])
    total = max(_number(reported, TOTAL) if reported else 0, prompt + completion)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)


def _nested(reported: Mapping[str, Any]) -> int:
    for name in DETAILS:
        if isinstance(details := reported.get(name), Mapping):
            return _number(details, ("cached_tokens",))
    return 0


def _told(reported: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """Give a number that a price needs; `UNKNOWN`, where what is told is none."""
    found = _number(reported, names, UNKNOWN)
    return found if found != UNKNOWN or any(name in reported for name in names) else 0


def _number(reported: Mapping[str, Any], names: tuple[str, ...], otherwise: int = 0) -> int:
    for name in names:
        value = reported.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST:
            return int(value)
    return otherwise

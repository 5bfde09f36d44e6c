"""What the calls to models of this process cost: each is priced once, when it was really made."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import structlog
from msgspec import structs

from protocol.objects import Usage
from server import telemetry
from server.crews.calls.usage import tokens_of, usage_of
from server.crews.run import Run
from server.prices import Prices

log = structlog.get_logger()
_prices = Prices()


def price_by(prices: Prices) -> None:
    """Price the calls of this process's executions so."""
    global _prices
    _prices = prices


def spent(run: Run, model: str, provider: str, reported: Mapping[str, Any] | None) -> Usage:
    """Read what a call that was made just now used, price it, and count it for the operator."""
    tokens = tokens_of(reported)
    usage = usage_of(reported, tokens)
    if not _prices:
        return usage
    cost = _prices.cost(_qualified(model, provider), tokens)
    if not cost:
        unpriced(run, model, provider)
        return usage
    telemetry.COST.labels(run.crew, cost.currency).inc(float(cost.amount))
    return structs.replace(usage, cost=cost)


def unpriced(run: Run, model: str, provider: str) -> None:
    """Count a call that no cost has, where there are prices."""
    if _prices:
        telemetry.UNPRICED.labels(run.crew, model).inc()
        _tell(model, provider)


def provider_of(model: Any) -> str:
    """Give the provider that a model says it has; none, where it says nothing."""
    return str(getattr(model, "provider", None) or "")


@lru_cache(64)
def _tell(model: str, provider: str) -> None:
    if _prices.of(_qualified(model, provider)) is None:
        log.warning("No price is known for this model: costs are told as “at least”.", model=model)


def _qualified(model: str, provider: str) -> str:
    """Put the provider before a model's name: crewai's own clients have taken it from there."""
    return model if not provider or model.startswith(f"{provider}/") else f"{provider}/{model}"

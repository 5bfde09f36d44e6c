"""Doors for tests: open ones, and ones that ask."""

from redis.asyncio import Redis

from server.auth.doorman import Doorman
from server.settings import AuthSettings
from server.store.apikeys import ApiKeys
from server.store.tickets import Tickets
from tests.support.tokens import AUDIENCE, ISSUER, SECRET

#: A server that takes the tokens of `tests/support/tokens.py`.
ASKING = AuthSettings(required=True, key=SECRET, issuer=ISSUER, audience=(AUDIENCE,))


def doorman(redis: Redis, settings: AuthSettings | None = None) -> Doorman:
    """Make one; without settings everybody may pass."""
    return Doorman(settings or AuthSettings(), ApiKeys(redis), Tickets(redis))

"""Secrets that are made here: shown once, and kept only as what is left of them."""

import hashlib
import secrets


def make(prefix: str) -> str:
    """Make a secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Give what is kept of a secret: nobody finds the way back, and with 256 bits nobody guesses it either."""
    return hashlib.sha256(secret.encode()).hexdigest()

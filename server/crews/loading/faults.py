"""Why a crew cannot be loaded."""


class Unloadable(Exception):
    """Raised when a registration leads to no crew; the message says why, for a person."""


class BadConfiguration(Unloadable):
    """Raised when what is said about a crew cannot be understood; the message says what to change."""

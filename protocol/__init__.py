"""The wire contract: what server, browser and Python clients say to each other.

Only the standard library and msgspec are imported here, so that any process may use it.
"""

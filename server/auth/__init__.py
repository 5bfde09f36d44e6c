"""Who speaks: the principal that every command carries.

`principal` says what one is. `tokens`, `keyset` and `jwks` read JSON Web Tokens, `apikeys` keeps keys that were made
here, `tickets` are for one connection, and `doorman` asks whichever of them is meant.
"""

from server.auth.principal import OPEN, Principal, Role, Session

__all__ = ["OPEN", "Principal", "Role", "Session"]

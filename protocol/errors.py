"""Error codes and close codes, as tables: what each means, and whether trying again can help."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, Literal, NamedTuple


class ErrorCode(StrEnum):
    """Why a command was refused."""

    BAD_JSON = "bad_json"
    BAD_FRAME = "bad_frame"
    BAD_FIELD = "bad_field"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNKNOWN_CREW = "unknown_crew"
    CREW_BROKEN = "crew_broken"
    MISSING_INPUTS = "missing_inputs"
    UNKNOWN_CHECKPOINT = "unknown_checkpoint"
    NOT_OFFERED = "not_offered"
    ALREADY_DECIDED = "already_decided"
    STALE_VERSION = "stale_version"
    STALE_DIGEST = "stale_digest"
    INVALID_OUTPUT = "invalid_output"
    NEEDS_FEEDBACK = "needs_feedback"
    ENDED = "ended"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    OVER_QUOTA = "over_quota"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class ErrorRule(NamedTuple):
    """What one error code means: may the same command succeed later, its HTTP status, its reason."""

    retry: bool
    status: int
    meaning: str


ERRORS: Mapping[ErrorCode, ErrorRule] = {
    ErrorCode.BAD_JSON: ErrorRule(False, 400, "The message is not valid JSON (or msgpack)."),
    ErrorCode.BAD_FRAME: ErrorRule(False, 400, "The message is not an object with a known `type`."),
    ErrorCode.BAD_FIELD: ErrorRule(False, 422, "A field is unknown, missing or of the wrong type."),
    ErrorCode.TOO_LARGE: ErrorRule(False, 413, "The message is larger than `limits.frame`."),
    ErrorCode.UNAUTHENTICATED: ErrorRule(False, 401, "The connection must authenticate first."),
    ErrorCode.FORBIDDEN: ErrorRule(False, 403, "This principal may not do that."),
    ErrorCode.NOT_FOUND: ErrorRule(False, 404, "There is no such execution, checkpoint or conversation."),
    ErrorCode.UNKNOWN_CREW: ErrorRule(False, 404, "No crew is registered under that name."),
    ErrorCode.CREW_BROKEN: ErrorRule(False, 409, "The crew could not be loaded; `detail.reason` says why."),
    ErrorCode.MISSING_INPUTS: ErrorRule(False, 422, "The crew needs inputs that were not given: `detail.inputs`."),
    ErrorCode.UNKNOWN_CHECKPOINT: ErrorRule(False, 422, "The crew has no checkpoint or task of that name."),
    ErrorCode.NOT_OFFERED: ErrorRule(False, 409, "This checkpoint does not offer that action: `detail.actions`."),
    ErrorCode.ALREADY_DECIDED: ErrorRule(False, 409, "Somebody decided first: `detail.by, action, at, version`."),
    ErrorCode.STALE_VERSION: ErrorRule(False, 409, "The draft was redrafted meanwhile: `detail.version`."),
    ErrorCode.STALE_DIGEST: ErrorRule(False, 409, "What would be approved is not what was shown."),
    ErrorCode.INVALID_OUTPUT: ErrorRule(False, 422, "The edited output does not fit its schema: `detail.fields`."),
    ErrorCode.NEEDS_FEEDBACK: ErrorRule(False, 422, "This action needs a note in `feedback`."),
    ErrorCode.ENDED: ErrorRule(False, 409, "The execution has ended: `detail.state`."),
    ErrorCode.CONFLICT: ErrorRule(False, 409, "The command contradicts one that came first."),
    ErrorCode.RATE_LIMITED: ErrorRule(True, 429, "Too many commands; wait `retry_after` seconds."),
    ErrorCode.OVER_QUOTA: ErrorRule(False, 429, "A limit of this server is reached."),
    ErrorCode.UNAVAILABLE: ErrorRule(True, 503, "Redis or a worker is out of reach; try again."),
    ErrorCode.INTERNAL: ErrorRule(False, 500, "The server failed; its log says why."),
}


class Refused(Exception):
    """Raised when a command is refused. It reaches the client as an `error` frame or a problem document."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retry_after: float | None = None,
        **detail: Any,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.detail = detail


class CloseCode(IntEnum):
    """Why a connection was closed.

    The hundreds say what a client should do: 40xx do not come back, 41xx come back after a pause,
    42xx come back at once. Codes below 4000 are RFC 6455's own.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    WIRE_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_PAYLOAD = 1007
    MESSAGE_TOO_BIG = 1009
    SERVICE_RESTART = 1012
    PROTOCOL_ERROR = 4000
    FORBIDDEN = 4003
    UNSUPPORTED_PROTOCOL = 4006
    CLOSED_BY_ADMIN = 4009
    AUTH_EXPIRED = 4101
    AUTH_TIMEOUT = 4104
    SLOW_CONSUMER = 4108
    HEARTBEAT_LOST = 4110
    OVERLOADED = 4113
    RATE_LIMITED = 4129
    DRAINING = 4200

    @property
    def slug(self) -> str:
        """The code's name on the wire, in the close reason and in `bye.reason`."""
        return self.name.lower()


class CloseRule(NamedTuple):
    """What one close code means: when a client comes back (`None`: as it sees fit), and why it was closed."""

    back: Literal["never", "later", "at once"] | None
    meaning: str


CLOSES: Mapping[CloseCode, CloseRule] = {
    CloseCode.NORMAL: CloseRule(None, "The connection did its work: whoever closes first says so."),
    CloseCode.GOING_AWAY: CloseRule(None, "The other side goes away: a page that is left, a server that ends."),
    CloseCode.WIRE_ERROR: CloseRule("never", "What came is no WebSocket frame (RFC 6455)."),
    CloseCode.UNSUPPORTED_DATA: CloseRule(
        "never", "A binary message on the JSON subprotocol, or a text message on the msgpack one."
    ),
    CloseCode.INVALID_PAYLOAD: CloseRule("never", "A text message is no UTF-8."),
    CloseCode.MESSAGE_TOO_BIG: CloseRule("never", "A message is larger than `limits.frame`."),
    CloseCode.SERVICE_RESTART: CloseRule(None, "The server restarts."),
    CloseCode.PROTOCOL_ERROR: CloseRule("never", "The client does not keep to the contract."),
    CloseCode.FORBIDDEN: CloseRule("never", "This principal may not use this server."),
    CloseCode.UNSUPPORTED_PROTOCOL: CloseRule("never", "The client offers no subprotocol that the server speaks."),
    CloseCode.CLOSED_BY_ADMIN: CloseRule("never", "An operator closed the connection."),
    CloseCode.AUTH_EXPIRED: CloseRule("later", "What the client authenticated with has expired: bring a fresh one."),
    CloseCode.AUTH_TIMEOUT: CloseRule("later", "The client did not say in time who it is."),
    CloseCode.SLOW_CONSUMER: CloseRule(
        "later", "The client reads too slowly. Come back, and resume from the last event that was read."
    ),
    CloseCode.HEARTBEAT_LOST: CloseRule("later", "The client gave no sign of life after a `ping`."),
    CloseCode.OVERLOADED: CloseRule("later", "The server has more to do than it can."),
    CloseCode.RATE_LIMITED: CloseRule("later", "Too many connections or commands."),
    CloseCode.DRAINING: CloseRule("at once", "The server shuts down; another takes over. Come back and resume."),
}

"""The commit script and the pure state machine agree: on every case, then on random sequences."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import redis as sync_redis
from hypothesis import HealthCheck, given, settings

from protocol.events import EventType
from protocol.ids import ExecutionId
from protocol.objects import State
from server import keys
from server.execution import Change, Machine, Verdict, apply, is_open
from server.scripts import Commit, Entry, source
from tests.unit.test_execution import STEPS

KEYS = keys.execution("t", ExecutionId("x"))
CHECKPOINTS: dict[str, dict[str, str]] = {
    "none": {},
    "one": {"a": "open:1"},
    "two": {"a": "open:1", "b": "open:1"},
    "over": {"a": "decided:1"},
}
#: Fence and number of a write, where the lease is 1 and three writes came before.
LEASES = ((1, 0), (1, 3), (1, 4), (2, 0), (2, 1), (3, 0))
CHANGES = (None, Change("a", "open:1", "decided:1"), Change("c", "", "open:1"))


class Database:
    """The commit script on a real server, written and read in the terms of `Machine`, in one round trip a case."""

    def __init__(self, url: str) -> None:
        self.client = sync_redis.Redis.from_url(url)
        self.sha = self.client.script_load(source("commit"))
        self.pipe: Any = self.client.pipeline(transaction=False)

    @contextmanager
    def together(self) -> Iterator[None]:
        yield
        self.replies: list[Any] = self.pipe.execute()

    def results(self) -> tuple[Commit, Machine]:
        commit, row, tokens, seen = self.replies[-4:]
        return Commit.read(commit), machine(row, tokens, seen)

    def write(self, machine: Machine) -> None:
        self.pipe.delete(*KEYS)
        if machine.state is not None:
            count = sum(map(is_open, machine.checkpoints.values()))
            fields: dict[str, Any] = {"state": machine.state.value, "offset": machine.offset, "fence": machine.fence}
            fields |= {"open": count, "written": machine.written, "owner": "w" if machine.owned else "", "epoch": "e"}
            self.pipe.hset(KEYS.state, mapping=fields)
        for checkpoint, token in machine.checkpoints.items():
            self.pipe.hset(KEYS.checkpoints, f"{checkpoint}:token", token)
        for key, offset in machine.seen.items():
            self.pipe.hset(KEYS.keys, key, offset)

    def read(self) -> None:
        for name in (KEYS.state, KEYS.checkpoints, KEYS.keys):
            self.pipe.hgetall(name)

    def commit(self, event: EventType, *, key: str, fence: int, number: int, change: Change | None) -> None:
        entry = Entry(
            event=event, head=b"{", tail=b"}", now=5000, retention=60_000, channel="c", key=key, fence=fence,
            number=number, owner="w", epoch="e", change=change,
        )  # fmt: skip
        self.pipe.evalsha(self.sha, len(KEYS), *KEYS, *entry.arguments())


def machine(row: dict[bytes, bytes], tokens: dict[bytes, bytes], seen: dict[bytes, bytes]) -> Machine:
    """Read what is stored."""
    if not row:
        return Machine()
    checkpoints = {k.decode()[:-6]: v.decode() for k, v in tokens.items() if k.endswith(b":token")}
    assert int(row[b"open"]) == sum(map(is_open, checkpoints.values()))
    return Machine(
        State(row[b"state"].decode()), int(row[b"offset"]), int(row[b"fence"]), bool(row[b"owner"]),
        int(row[b"written"]), checkpoints, {k.decode(): int(v) for k, v in seen.items()},
    )  # fmt: skip


def cases() -> Iterator[tuple[Machine, EventType, str, int, int, Change | None]]:
    """List every case; what is the same under another name is left out."""
    for state, event, (fence, number), key, owned, tokens, change in product(
        [None, *State], EventType, LEASES, ("", "new", "old"), (True, False), CHECKPOINTS.values(), CHANGES
    ):
        if (
            (state is None and (owned or tokens))
            or (change and fence == 3)
            or (number and key)
            or (owned and not tokens)
        ):
            continue
        some = state is not None
        before = Machine(state, 7 * some, 1 * some, owned, 3 * some, tokens, {"old": 5} if some else {})
        yield before, event, key, fence, number, change


def test_every_case_agrees(redis_server: str) -> None:
    database, checked = Database(redis_server), 0
    for before, event, key, fence, number, change in cases():
        with database.together():
            database.write(before)
            database.commit(event, key=key, fence=fence, number=number, change=change)
            database.read()
        commit, stored = database.results()
        after, verdict = apply(before, event, key=key, fence=fence, number=number, change=change)
        case = (before, event, key, fence, number, change)
        assert commit.verdict is verdict, case
        assert stored == after, case
        expected = before.seen.get(key, before.offset) if verdict is Verdict.DUPLICATE else after.offset
        assert commit.offset == expected, case
        checked += 1
    database.client.delete(*KEYS)
    assert checked > 5000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_sequences_agree(redis_server: str, steps: list[tuple[EventType, str, int, int, Change | None]]) -> None:
    database, expected = Database(redis_server), Machine()
    database.client.delete(*KEYS)
    for event, key, fence, number, change in steps:
        with database.together():
            database.commit(event, key=key, fence=fence, number=number, change=change)
            database.read()
        commit, stored = database.results()
        expected, verdict = apply(expected, event, key=key, fence=fence, number=number, change=change)
        assert (commit.verdict, stored) == (verdict, expected)
    log: Any = database.client.xrange(KEYS.log)
    assert [int(i.split(b"-")[0]) for i, _ in log] == list(range(1, expected.offset + 1))
    database.client.delete(*KEYS)
    database.client.close()

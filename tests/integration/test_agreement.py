"""The commit script and the pure state machine agree: on every case, then on random sequences."""

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
    """The commit script on a real server, written and read in the terms of `Machine`."""

    def __init__(self, url: str) -> None:
        self.client = sync_redis.Redis.from_url(url)
        self.script = self.client.register_script(source("commit"))

    def write(self, machine: Machine) -> None:
        self.client.delete(*KEYS)
        if machine.state is not None:
            count = sum(map(is_open, machine.checkpoints.values()))
            fields: dict[str, Any] = {
                "state": machine.state.value,
                "offset": machine.offset,
                "fence": machine.fence,
                "open": count,
            }
            fields["written"] = machine.written
            fields |= {"owner": "w" if machine.owned else "", "epoch": "e"}
            self.client.hset(KEYS.state, mapping=fields)
        for checkpoint, token in machine.checkpoints.items():
            self.client.hset(KEYS.checkpoints, f"{checkpoint}:token", token)
        for key, offset in machine.seen.items():
            self.client.hset(KEYS.keys, key, offset)

    def read(self) -> Machine:
        row: Any = self.client.hgetall(KEYS.state)
        tokens: Any = self.client.hgetall(KEYS.checkpoints)
        seen: Any = self.client.hgetall(KEYS.keys)
        if not row:
            return Machine()
        checkpoints = {k.decode()[:-6]: v.decode() for k, v in tokens.items() if k.endswith(b":token")}
        assert int(row[b"open"]) == sum(map(is_open, checkpoints.values()))
        return Machine(
            State(row[b"state"].decode()), int(row[b"offset"]), int(row[b"fence"]), bool(row[b"owner"]),
            int(row[b"written"]), checkpoints, {k.decode(): int(v) for k, v in seen.items()},
        )  # fmt: skip

    def commit(self, event: EventType, *, key: str, fence: int, number: int, change: Change | None) -> Commit:
        entry = Entry(
            event=event, head=b"{", tail=b"}", now=5000, retention=60_000, channel="c", key=key, fence=fence,
            number=number, owner="w", epoch="e", change=change,
        )  # fmt: skip
        reply: Any = self.script(keys=list(KEYS), args=entry.arguments())
        return Commit.read(reply)


def test_every_case_agrees(redis_server: str) -> None:
    database, cases = Database(redis_server), 0
    for state, event, (fence, number), key, owned, tokens, change in product(
        [None, *State], EventType, LEASES, ("", "new", "old"), (True, False), CHECKPOINTS.values(), CHANGES
    ):
        if (
            (state is None and (owned or tokens))
            or (change and fence == 3)
            or (number and key)
            or (not tokens and owned)
        ):
            continue  # the same case under another name
        seen = {"old": 5} if state else {}
        before = Machine(state, 7 if state else 0, 1 if state else 0, owned, 3 if state else 0, tokens, seen)
        database.write(before)
        after, verdict = apply(before, event, key=key, fence=fence, number=number, change=change)
        commit = database.commit(event, key=key, fence=fence, number=number, change=change)
        case = (state, event, fence, number, key, owned, tokens, change)
        assert commit.verdict is verdict, case
        assert database.read() == after, case
        expected = before.seen.get(key, before.offset) if verdict is Verdict.DUPLICATE else after.offset
        assert commit.offset == expected, case
        cases += 1
    database.client.delete(*KEYS)
    assert cases > 5000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_sequences_agree(redis_server: str, steps: list[tuple[EventType, str, int, int, Change | None]]) -> None:
    database, machine = Database(redis_server), Machine()
    database.client.delete(*KEYS)
    for event, key, fence, number, change in steps:
        machine, verdict = apply(machine, event, key=key, fence=fence, number=number, change=change)
        assert database.commit(event, key=key, fence=fence, number=number, change=change).verdict is verdict
        assert database.read() == machine
    log: Any = database.client.xrange(KEYS.log)
    assert [int(i.split(b"-")[0]) for i, _ in log] == list(range(1, machine.offset + 1))
    database.client.delete(*KEYS)

"""Rate limits: how they are written, what a command counts as, and in whose name."""

import pytest

from protocol.commands import AnyCommand, Decide, Fork, Get, List, Say, Start
from protocol.ids import CheckpointId, ConversationId, ExecutionId
from server.quota import BadRate, Kind, Limits, kinds, network

X, CP = ExecutionId("x_1"), CheckpointId("cp_1")


def test_the_defaults_let_an_office_share_an_address() -> None:
    limits = Limits.read()
    assert set(limits.principal) == set(limits.address) == set(Kind)
    for kind in Kind:
        assert limits.address[kind].amount == 5 * limits.principal[kind].amount
        assert limits.address[kind].get_expiry() == limits.principal[kind].get_expiry()
    assert limits.commands_in(10) == 200


def test_each_can_be_changed_alone() -> None:
    limits = Limits.read(["starts=2/minute", " address.connects = 7/second ", "commands=30 per 2 minutes"])
    assert str(limits.principal[Kind.STARTS]) == "2 per 1 minute"
    assert str(limits.address[Kind.STARTS]) == "10 per 1 minute", "five times, unless it says otherwise"
    assert str(limits.address[Kind.CONNECTS]) == "7 per 1 second"
    assert limits.principal[Kind.CONNECTS] == Limits.read().principal[Kind.CONNECTS]
    assert limits.commands_in(10) == 2


def test_streams_are_so_many_at_once() -> None:
    assert Limits.read().streams == {"principal": 100, "address": 500}
    assert Limits.read(["streams=3"]).streams == {"principal": 3, "address": 15}
    assert Limits.read(["address.streams=7", "streams=3"]).streams == {"principal": 3, "address": 7}


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "10/minute", "1000001", "9" * 5000])
def test_what_is_no_number_of_streams_is_refused(text: str) -> None:
    with pytest.raises(BadRate, match="from 1 to"):
        Limits.read([f"streams={text}"])


@pytest.mark.parametrize(
    "part", ["", "starts", "starts=", "starts=many", "runs=1/minute", "tenant.starts=1/minute", "address.=1/minute"]
)
def test_what_cannot_be_read_is_refused(part: str) -> None:
    with pytest.raises(BadRate):
        Limits.read([part])


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        (Start(crew="a"), {Kind.COMMANDS, Kind.STARTS}),
        (Say(conversation=ConversationId("cv_1"), text="more"), {Kind.COMMANDS, Kind.STARTS}),
        (Decide(execution=X, checkpoint=CP, action="approve"), {Kind.COMMANDS, Kind.DECISIONS}),
        (Fork(execution=X, checkpoint=CP, action="approve"), {Kind.COMMANDS, Kind.STARTS, Kind.DECISIONS}),
        (Get(execution=X), {Kind.COMMANDS}),
        (List(what="crews"), {Kind.COMMANDS}),
    ],
)
def test_what_a_command_counts_as(command: AnyCommand, counts: set[Kind]) -> None:
    assert set(kinds(command)) == counts


@pytest.mark.parametrize(
    ("host", "whose"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a-unix-socket", "a-unix-socket"),
    ],
)
def test_whom_an_address_stands_for(host: str, whose: str) -> None:
    assert network(host) == whose

"""Who may do what, cell by cell; what the table says is written in `server/policy.py` and in the README."""

import re
from typing import get_args

import pytest

from protocol.commands import AnyCommand, Auth, Ping
from server import policy
from server.auth import OPEN, Principal, Role
from server.policy import Verdict, judge

#: One letter per role, in the order of `Role`: y allowed, o for the owner only, n never.
TABLE = {
    "auth": "yyyy", "ping": "yyyy", "pong": "yyyy", "unwatch": "yyyy",
    "list": "yyyy", "get": "yyyy", "watch": "yyyy", "view": "yyyy", "deliveries": "yyyy",
    "start": "nyny", "fork": "nyny", "say": "nyny",
    "cancel": "oooy", "pause": "oooy", "resume": "oooy", "resend": "oooy",
    "decide": "ooyy", "comment": "ooyy", "extend": "ooyy",
}  # fmt: skip
VERDICTS = {"y": Verdict.ALLOWED, "o": Verdict.OWNER, "n": Verdict.FORBIDDEN}
CELLS = [
    (role, command, VERDICTS[letter]) for command, row in TABLE.items() for role, letter in zip(Role, row, strict=True)
]
FREE = {"auth", "ping", "pong", "unwatch"}


def somebody(*roles: Role) -> Principal:
    return Principal("rara", "Rara", "kopi", frozenset(roles))


def names() -> set[str]:
    return {str(command.__struct_config__.tag) for command in get_args(AnyCommand)}


def test_every_command_of_the_contract_has_a_row() -> None:
    assert names() <= TABLE.keys()


@pytest.mark.parametrize(("role", "command", "verdict"), CELLS)
def test_each_cell(role: Role, command: str, verdict: Verdict) -> None:
    assert judge(somebody(role), command) is verdict


@pytest.mark.parametrize("command", TABLE)
def test_roles_add_up(command: str) -> None:
    """Two roles allow what either does."""
    one, two = judge(somebody(Role.OPERATOR), command), judge(somebody(Role.APPROVER), command)
    both = judge(somebody(Role.OPERATOR, Role.APPROVER), command)
    assert both is min(one, two, key=[Verdict.ALLOWED, Verdict.OWNER, Verdict.FORBIDDEN].index)


@pytest.mark.parametrize("command", TABLE)
def test_who_has_no_role_sees_nothing(command: str) -> None:
    assert judge(somebody(), command) is (Verdict.ALLOWED if command in FREE else Verdict.HIDDEN)


@pytest.mark.parametrize("command", TABLE)
def test_everybody_may_do_everything_in_open_mode(command: str) -> None:
    assert judge(OPEN, command) is Verdict.ALLOWED


@pytest.mark.parametrize("roles", [(), *((role,) for role in Role), (Role.OPERATOR, Role.APPROVER)])
def test_everybody_is_told_what_they_may(roles: tuple[Role, ...]) -> None:
    who = somebody(*roles)
    told = policy.rights(who)
    assert {*told.any, *told.own} | FREE <= TABLE.keys()
    for command in TABLE.keys() - FREE:
        verdict = judge(who, command)
        assert (command in told.any, command in told.own) == (verdict is Verdict.ALLOWED, verdict is Verdict.OWNER)


def test_a_command_that_nobody_has_thought_of_is_forbidden() -> None:
    assert judge(somebody(Role.ADMIN), "destroy") is Verdict.FORBIDDEN


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("start", "`start` needs the role `operator` or `admin`."),
        ("decide", "`decide` needs the role `approver` or `admin`, or that the execution is yours."),
        ("cancel", "`cancel` needs the role `admin`, or that the execution is yours."),
    ],
)
def test_a_refusal_says_which_role_it_takes(command: str, text: str) -> None:
    assert policy.needs(command) == text


def test_a_command_is_named_as_on_the_wire() -> None:
    assert (policy.name_of(Ping()), policy.name_of(Auth(token="t"))) == ("ping", "auth")


def test_the_written_table_says_the_same() -> None:
    """The table in the docstring is what is shown to people; it must be the one that is judged by."""
    assert policy.__doc__ is not None
    rows = re.findall(r"^\| (\w[^|]*) \|(.+)\|$", policy.__doc__, re.MULTILINE)[1:]
    for commands, cells in rows:
        *said, owner = [cell.strip() == "yes" for cell in cells.split("|")]
        for command in commands.split(", "):
            assert said == [letter == "y" for letter in TABLE[command]], command
            assert owner is (command in policy.OWNERS), command

"""What may be said about a crew, and where: the keys, the places, the mistakes."""

import re
from typing import Any

import pytest

from server.crews.loading.configuration import constant, registration_of, said_about, target_in
from server.crews.loading.faults import BadConfiguration
from server.crews.registration import Registration, spelled
from server.projects import Table

import tests.support.crews  # isort: skip  # noqa: F401 - the first import of crewai, without its warnings
from crewai.utilities.string_utils import sanitize_tool_name  # isort: skip

TASKS = ["plan", "write"]
AGREE = {"name": "agree", "task": "plan", "place": "after"}


def read(content: Any, name: str = "mine", crews: tuple[str, ...] = ("mine",)) -> Registration:
    return registration_of(said_about(name, [Table("quarterdeck.toml", content)], crews), TASKS)


def test_every_key_is_carried() -> None:
    said = {
        "title": "T", "description": "D", "idempotent": ["look_*"], "approve": ["pay"], "concurrency": 2,
        "timeout": 1.5, "freeze_clock": False,
        "checkpoints": [{**AGREE, "required": True, "deadline": 60, "on_deadline": "skip", "description": "Look."}],
    }  # fmt: skip
    found = read(said)
    assert (found.title, found.description, found.concurrency, found.timeout) == ("T", "D", 2, 1.5)
    assert (found.idempotent, found.approve, found.freeze_clock) == (("look_*",), ("pay",), False)
    (checkpoint,) = found.checkpoints
    assert (checkpoint.title, checkpoint.required, checkpoint.deadline) == ("agree", True, 60)
    assert checkpoint.on_deadline == "skip"
    assert registration_of([constant(said)], TASKS) == found


def test_without_a_word_everything_has_its_default() -> None:
    assert read({}) == Registration() == registration_of([constant({})], TASKS)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"titlle": "x"}, "there is no key 'titlle'; did you mean 'title'?"),
        ({"title": 3}, "'title' must be a text, not 3."),
        ({"idempotent": "pay"}, "'idempotent' must be a list of tool names or patterns, not 'pay'."),
        ({"approve": [""]}, "'approve' must be a list of tool names or patterns"),
        ({"approve": [1]}, "'approve' must be a list of tool names or patterns"),
        ({"approvve": ["pay"]}, "did you mean 'approve'?"),
        ({"concurrency": 0}, "'concurrency' must be a whole number from 1, not 0."),
        ({"concurrency": True}, "'concurrency' must be a whole number from 1, not True."),
        ({"concurrency": 1.5}, "'concurrency' must be a whole number from 1"),
        ({"timeout": 0}, "'timeout' must be a number of seconds above 0, not 0."),
        ({"timeout": float("inf")}, "'timeout' must be a number of seconds above 0"),
        ({"timeout": "1m"}, "'timeout' must be a number of seconds above 0, not '1m'."),
        ({"freeze_clock": "no"}, "'freeze_clock' must be true or false, not 'no'."),
        ({"checkpoints": {}}, "'checkpoints' must be a list, not {}."),
        ({"checkpoints": [3]}, "checkpoint 1 must be a table of keys and values, not 3."),
        ({"checkpoints": [{"name": "a"}]}, "checkpoint 1 lacks 'task', 'place'."),
        ({"checkpoints": [{**AGREE, "deadline": 60}]}, "'deadline' and 'on_deadline' belong together"),
        ({"checkpoints": [{**AGREE, "on_deadline": "stop"}]}, "'deadline' and 'on_deadline' belong together"),
        ({"checkpoints": [{**AGREE, "deadline": -1, "on_deadline": "stop"}]}, "'deadline' must be a number of seconds"),
        (
            {"checkpoints": [{**AGREE, "deadline": 1, "on_deadline": "go"}]},
            "'stop', 'skip', 'approve', not 'go'",
        ),
        ({"checkpoints": [{**AGREE, "task": "plam"}]}, "there is no task 'plam'; did you mean 'plan'?"),
        ({"checkpoints": [{**AGREE, "place": "behind"}]}, "'place' must be one of 'before', 'after', not 'behind'."),
        ({"checkpoints": [{**AGREE, "name": "before:x"}]}, "a name may not begin with"),
        ({"checkpoints": [{**AGREE, "name": " "}]}, "'name' must be a text that is not empty"),
        ({"checkpoints": [AGREE, AGREE]}, "two checkpoints are called 'agree'."),
        ({"checkpoints": [{**AGREE, "titlle": "x"}]}, "checkpoint 1: there is no key 'titlle'"),
        (
            {"title": "x" * 80, "concurrency": "y" * 200},
            "yyy….",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_place_and_the_reason(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadConfiguration) as top:
        read(said)
    with pytest.raises(BadConfiguration) as named:
        read({"crews": {"mine": said}})
    assert str(top.value).startswith("quarterdeck.toml")
    assert str(named.value).startswith("quarterdeck.toml, crews.mine")
    assert complaint in str(top.value)
    assert complaint in str(named.value)


def test_a_constant_knows_no_crews_and_no_target() -> None:
    for key in ("crews", "target"):
        with pytest.raises(BadConfiguration, match=f"there is no key '{key}'"):
            constant({key: {}})


def test_the_nearer_place_counts_key_by_key() -> None:
    files = [
        Table("first", {"title": "1", "description": "1", "timeout": 1, "crews": {"mine": {"description": "2"}}}),
        Table("second", {"timeout": 3, "crews": {"other": {"title": "not mine"}}}),
    ]
    found = registration_of([constant({"concurrency": 9}), *said_about("mine", files, ["mine", "other"])], TASKS)
    assert (found.concurrency, found.title, found.description, found.timeout) == (9, "1", "2", 3)


def test_the_nearest_target_is_meant() -> None:
    files = [Table("a", {"target": "a:a", "crews": {"mine": {"target": "b:b"}}}), Table("b", {"title": "x"})]
    found = target_in(said_about("mine", files, ["mine"]))
    assert found is not None
    assert (found.content["target"], found.where) == ("b:b", "a, crews.mine")
    assert target_in(said_about("mine", files[1:], ["mine"])) is None


def test_a_table_for_a_crew_that_is_not_served_here_is_let_be() -> None:
    assert read({"crews": {"quite_another": {"title": "x"}}}) == Registration()
    assert read({"crews": {"mine": {"title": "x"}, "mine2": {"title": "y"}}}).title == "x"
    with pytest.raises(BadConfiguration, match="there is no crew 'mime'; did you mean 'mine'"):
        read({"crews": {"mime": {"approve": ["pay"]}}})


@pytest.mark.parametrize(
    ("patterns", "tool", "meant"),
    [
        (["pay"], "pay", True), (["pay"], "payment", False), (["pay*"], "payment", True), ([], "pay", False),
        (["Send mail"], "send_mail", True), (["SendMail"], "send_mail", True), (["send-*"], "Send Mail", True),
        (["send_mail"], "Send Mail", True), (["*"], "anything", True), (["get_[ab]"], "get_a", True),
        (["get_[ab]"], "get_c", False), (["crm.*"], "crm_delete", True), (["read_?"], "read_1", True),
    ],
)  # fmt: skip
def test_tools_are_named_as_the_author_or_as_the_model_knows_them(patterns: list[str], tool: str, meant: bool) -> None:
    assert Registration(approve=tuple(patterns)).needs_approval(tool) is meant
    assert Registration(idempotent=tuple(patterns)).is_idempotent(tool) is meant


def test_tools_are_spelt_as_crewai_spells_them() -> None:
    names = ["Send mail", "SendMail", "send-mail", "HTTPGet", "it's here", "a.b c", "__x__", "getURL2"]
    assert [spelled(name) for name in names] == [sanitize_tool_name(name) for name in names]


@pytest.mark.parametrize(
    ("approve", "meant"),
    [
        ("send_maill", "send_mail"),
        ("SenndMail", "send_mail"),
        ("sennd_mail*", "send_mail"),
        ("Send mail", None),
        ("send_*", None),
        ("transfer_money", None),
    ],
)
def test_no_tool_runs_unapproved_for_a_slip_of_the_pen(approve: str, meant: str | None) -> None:
    said = [constant({"approve": [approve]})]
    if meant is None:
        assert registration_of(said, TASKS, ["Send Mail", "look_up"]).approve == (approve,)
        return
    with pytest.raises(BadConfiguration, match=re.escape(f"no agent has the tool '{approve}'; did you mean '{meant}'")):
        registration_of(said, TASKS, ["Send Mail", "look_up"])

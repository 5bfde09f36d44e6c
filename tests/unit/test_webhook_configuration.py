"""Webhooks of the configuration: where they may stand, whom they are for, and what is wrong with them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.webhooks import USUAL
from server.settings import BadSetting, Settings
from server.webhooks.configuration import subscriptions
from server.webhooks.subscriptions import Subscriptions

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def read(environ: dict[str, str]) -> Subscriptions:
    return subscriptions(Settings.read(environ), environ)


def listed(*entries: dict[str, Any]) -> str:
    return msgspec.json.encode(entries).decode()


def heard(known: Subscriptions, crew: str) -> list[str]:
    """The hosts that hear of a crew's failures."""
    names = known.fields(crew).get("hooks:execution.failed", b"").decode().split()
    endpoints = [known.endpoint(name, None) for name in names]
    return [endpoint.host for endpoint in endpoints if endpoint]


def test_without_any_nobody_hears() -> None:
    assert read({}).fields("content") == {}


def test_the_variable_is_for_all_crews_or_for_some() -> None:
    known = read({
        "QUARTERDECK_CREWS": "a=m:A,b=m:B",
        "QUARTERDECK_WEBHOOKS": listed(
            {"url": "https://every.example/", "secret": SECRET},
            {"url": "https://some.example/", "crews": ["b"], "format": "slack", "events": ["execution.failed"]},
        ),
    })  # fmt: skip
    assert (heard(known, "a"), heard(known, "b")) == (["every.example"], ["every.example", "some.example"])
    first, second = (each.endpoint for each in known.configured)
    assert (first.events, first.secret, first.format) == (list(USUAL), SECRET, "standard")
    assert (second.events, second.secret, second.format) == (["execution.failed"], None, "slack")


def test_the_variable_may_name_a_file(tmp_path: Path) -> None:
    file = tmp_path / "hooks.toml"
    file.write_text('[[webhooks]]\nurl = "https://a.example/"\nsecret_env = "HOOK"\n')
    known = read({"QUARTERDECK_WEBHOOKS": str(file), "HOOK": SECRET})
    assert [each.endpoint.secret for each in known.configured] == [SECRET]


def test_a_project_and_the_operators_file_say_it_for_their_crews(tmp_path: Path) -> None:
    """As with all that is said about a crew, the later place counts more."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "quarterdeck.toml").write_text(f'[[webhooks]]\nurl = "https://{name}.example/"\n')
    config = tmp_path / "crews.toml"
    config.write_text('[[crews.two.webhooks]]\nurl = "https://operator.example/"\n')
    environ = {"QUARTERDECK_CREWS": f"one={tmp_path}/one,two={tmp_path}/two"}
    assert [heard(read(environ), name) for name in ("one", "two")] == [["one.example"], ["two.example"]]
    environ["QUARTERDECK_CONFIG"] = str(config)
    assert [heard(read(environ), name) for name in ("one", "two")] == [["one.example"], ["operator.example"]]


def test_private_addresses_must_be_allowed() -> None:
    entry = listed({"url": "http://10.0.0.5/hook"})
    with pytest.raises(BadSetting, match="QUARTERDECK_WEBHOOK_ALLOW"):
        read({"QUARTERDECK_WEBHOOKS": entry})
    known = read({"QUARTERDECK_WEBHOOKS": entry, "QUARTERDECK_WEBHOOK_ALLOW": "10.0.0.0/8, hooks.intern"})
    assert known.allow.host("hooks.intern")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"QUARTERDECK_WEBHOOKS": "[{"}, "QUARTERDECK_WEBHOOKS"),
        ({"QUARTERDECK_WEBHOOKS": "nowhere.toml"}, "nowhere.toml"),
        ({"QUARTERDECK_WEBHOOKS": listed({"link": "https://a.example/"})}, "entry 1"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://a.example/", "events": ["done"]})}, "done"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://a.example/", "format": "teams"})}, "teams"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://u:do-not-tell@a.example/"})}, "password"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://a.example/", "secret": "do-not-tell"})}, "whsec_"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://a.example/", "secret_env": "NOT_SET"})}, "NOT_SET"),
        ({"QUARTERDECK_WEBHOOKS": listed({"url": "https://a.example/", "secret": SECRET, "secret_env": "X"})}, "both"),
        (
            {
                "QUARTERDECK_WEBHOOKS": listed(
                    {"url": "https://a.example/", "secret": SECRET}, {"url": "https://a.example/"}
                )
            },
            "two secrets",
        ),
        ({"QUARTERDECK_WEBHOOK_ALLOW": "10.0.0.0/99"}, "QUARTERDECK_WEBHOOK_ALLOW"),
        ({"QUARTERDECK_WEBHOOK_SECONDS": "0"}, "QUARTERDECK_WEBHOOK_SECONDS"),
        ({"QUARTERDECK_PUBLIC_URL": "crews.example"}, "QUARTERDECK_PUBLIC_URL"),
        ({"QUARTERDECK_PUBLIC_URL": "https://crews.example/<x>"}, "QUARTERDECK_PUBLIC_URL"),
    ],
)
def test_what_is_wrong_is_said_by_name_and_without_secrets(environ: dict[str, str], message: str) -> None:
    with pytest.raises(BadSetting, match=message) as refused:
        read(environ)
    assert "do-not-tell" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_crews_loader_takes_the_key(tmp_path: Path) -> None:
    from server.crews.loading.configuration import registration_of, said_about
    from server.projects import Table

    said = said_about(
        "a", [Table("quarterdeck.toml", {"title": "A", "webhooks": [{"url": "https://a.example/"}]})], ["a"]
    )
    assert registration_of(said, ["t"]).title == "A"


@pytest.mark.parametrize("text", [f'{{"secret": "{SECRET}"}}', "https://hooks.slack.com/services/T0/B0/do-not-tell"])
def test_what_is_no_path_is_not_quoted(text: str) -> None:
    """Its own secret, or an address that is one, would be in every log."""
    with pytest.raises(BadSetting, match="a list in JSON") as refused:
        read({"QUARTERDECK_WEBHOOKS": text})
    assert SECRET not in str(refused.value)
    assert "do-not-tell" not in str(refused.value)
    with pytest.raises(BadSetting, match=r"/nowhere/hooks\.toml"):
        read({"QUARTERDECK_WEBHOOKS": "/nowhere/hooks.toml"})

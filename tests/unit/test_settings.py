"""Settings: what is honoured, and one clear line for what cannot be."""

from pathlib import Path

import pytest

from server.settings import BadSetting, Settings, is_loopback, registrations
from tests.support.samples import sample


def test_the_defaults_work_on_a_laptop() -> None:
    settings = Settings.read({})
    assert (settings.host, settings.port, settings.redis_url, settings.roles) == ("127.0.0.1", 8000, None, None)
    assert (list(settings.crews), settings.default_crew) == (["content"], "content")


def test_what_is_set_is_honoured() -> None:
    settings = Settings.read({
        "PORT": "9000", "QUARTERDECK_DATA": "/tmp/x", "QUARTERDECK_REDIS_URL": "redis://h", "QUARTERDECK_ROLES": "web",
        "QUARTERDECK_CREWS": "a=m:A, b = n.o:B", "QUARTERDECK_SLOTS": "4", "QUARTERDECK_RATE_LIMITS": "off",
        "QUARTERDECK_ORIGINS": "https://a.example, https://b.example", "QUARTERDECK_DEFAULT_CREW": "b",
    })  # fmt: skip
    assert (settings.port, str(settings.data), settings.redis_url) == (9000, "/tmp/x", "redis://h")
    assert (settings.crews, settings.default_crew) == ({"a": "m:A", "b": "n.o:B"}, "b")
    assert (settings.slots, settings.rate_limits, settings.roles) == (4, None, ("web",))
    assert settings.origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"), ("PORT", "70000"), ("PORT", "-1"), ("PORT", "٣"), ("QUARTERDECK_SLOTS", "0"),
        ("QUARTERDECK_ROLES", "web,db"), ("QUARTERDECK_ROLES", ""), ("QUARTERDECK_LOG", "xml"),
        ("QUARTERDECK_CREWS", "content"), ("QUARTERDECK_CREWS", "a=m:A,a=m:B"),
        ("QUARTERDECK_CREWS", "=m:A"), ("QUARTERDECK_CREWS", "a=module"),
        ("QUARTERDECK_RATE_LIMITS", "maybe"), ("QUARTERDECK_HOST", "0.0.0.0"), ("QUARTERDECK_HOST", "example.com"),
        ("QUARTERDECK_DEFAULT_CREW", "other"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Settings.read({name: value})


def test_open_mode_beyond_this_machine_must_be_asked_for() -> None:
    settings = Settings.read({"QUARTERDECK_HOST": "0.0.0.0", "QUARTERDECK_INSECURE": "on"})
    assert settings.insecure


@pytest.mark.parametrize("name", [f"QUARTERDECK_AUTH_{name}" for name in ("JWKS", "KEYFILE", "ISSUER", "AUDIENCE")])
def test_who_means_to_ask_and_says_it_wrongly_does_not_ask_nobody(name: str) -> None:
    """Behind a proxy on this machine nothing else would notice it."""
    with pytest.raises(BadSetting, match=f"{name} ") as refused:
        Settings.read({name: "https://idp.example/"})
    assert "_KEY" in str(refused.value)


@pytest.mark.parametrize("tenant", ["a:b", "a/b", "}{", "kopi ", "-", "x" * 101])
def test_a_tenant_that_cannot_be_is_none_to_fall_back_on(tenant: str) -> None:
    with pytest.raises(BadSetting, match="QUARTERDECK_AUTH_TENANT="):
        Settings.read({"QUARTERDECK_AUTH": "on", "QUARTERDECK_AUTH_TENANT": tenant})


def test_who_asks_for_keys_alone_may_have_said_more() -> None:
    """As a worker has it, from which the key is kept."""
    auth = Settings.read({"QUARTERDECK_AUTH": "on", "QUARTERDECK_AUTH_ISSUER": "https://idp.example/"}).auth
    assert (auth.required, auth.tokens) == (True, False)
    with pytest.raises(BadSetting, match="QUARTERDECK_AUTH_JWKS "):
        Settings.read({"QUARTERDECK_AUTH": "on", "QUARTERDECK_AUTH_JWKS": "https://idp.example/"})


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.example/", ("https://a.example",)),
        ("https://A.Example:443, http://b.example:80", ("https://a.example", "http://b.example")),
        ("http://[::1]:3000,tauri://localhost", ("http://[::1]:3000", "tauri://localhost")),
        ("http://localhost:3000,http://localhost:3000/", ("http://localhost:3000",)),
    ],
)
def test_origins_are_written_as_browsers_send_them(text: str, origins: tuple[str, ...]) -> None:
    assert Settings.read({"QUARTERDECK_ORIGINS": text}).origins == origins


@pytest.mark.parametrize(
    "text",
    ["*", "null", "a.example", "https://", "https://a.example/page", "https://a.example?x", "https://*.example",
     "https://me@a.example", "https://a.example:x", "http://[", "https://a.example;b.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="QUARTERDECK_ORIGINS"):
        Settings.read({"QUARTERDECK_ORIGINS": text})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


def test_registrations_keep_their_order() -> None:
    assert list(registrations("z=a:A,y=b:B,x=c:C")) == ["z", "y", "x"]


def test_a_crew_may_be_registered_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    json, letters = sample("json_crew", tmp_path), sample("letters.yaml", tmp_path)
    assert registrations("json_crew, mail=letters.yaml, letters.yaml, later=./not/there, a=m:A") == {
        "postcards": str(json),
        "mail": str(letters),
        "letters": str(letters),
        "later": str(tmp_path / "not" / "there"),
        "a": "m:A",
    }
    with pytest.raises(BadSetting, match="the name 'postcards' is given twice"):
        registrations("json_crew, postcards=m:A")


def test_the_operators_file_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "crews.toml"
    with pytest.raises(BadSetting, match="QUARTERDECK_CONFIG"):
        Settings.read({"QUARTERDECK_CONFIG": str(file)})
    file.write_text("")
    assert Settings.read({"QUARTERDECK_CONFIG": str(file)}).config == file


def test_prices_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    assert not Settings.read({}).prices
    file.write_text('currency = "IDR"\n[prices]\n"gpt-4o*" = { input = 41_000.5, output = 164_000 }\n')
    prices = Settings.read({"QUARTERDECK_PRICES": str(file)}).prices
    assert (prices.currency, bool(prices), prices.of("gpt-4o-mini") is not None) == ("IDR", True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("[prices", "cannot be read"),
        ("[prices]\nm = 3", "prices"),
        ("[prices]\nm = { input = 1, output = -1 }", "of 'm' is not from 0"),
    ],
)
def test_prices_that_cannot_be_are_refused_with_the_reason(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "prices.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadSetting, match=f"QUARTERDECK_PRICES=.*{said}"):
        Settings.read({"QUARTERDECK_PRICES": str(file)})

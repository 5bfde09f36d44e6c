"""Which keys are taken, and where from: a setting, a file, a URL."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from protocol.errors import ErrorCode, Refused
from server.auth.jwks import BELIEVED, FRESH, PAUSE, FetchFailed, RemoteKeys
from server.auth.keyset import BadKey, from_jwks, from_text
from server.auth.setup import make_tokens
from server.settings import AuthSettings, BadSetting
from tests.support.tokens import SECRET, jwk, jwks, pem

URL = "https://issuer.example/jwks.json"


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        (SECRET, "HS256"), (pem("RS256"), "RS256"), (pem("ES256"), "ES256"), (pem("EdDSA"), "EdDSA"),
        (json.dumps(jwk("ES256", "one")), "ES256"), (jwks(one="EdDSA").decode(), "EdDSA"),
        (json.dumps({**jwk("EdDSA", "one"), "alg": "Ed25519"}), "EdDSA"), (json.dumps(jwk("HS256", "one")), "HS256"),
    ],
)  # fmt: skip
def test_each_key_has_the_one_algorithm_of_its_kind(text: str, algorithm: str) -> None:
    (key,) = from_text(text)
    assert key.algorithm == algorithm
    others = {"HS256", "RS256", "ES256", "EdDSA", "none", "RS512", "PS256"} - {algorithm}
    assert not any(key.fits(None, other) for other in others)


def der(algorithm: str) -> str:
    return "".join(pem(algorithm).splitlines()[1:-1])


def unsafe() -> list[str]:
    """Write keys that nobody should use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        small, short = RSAKey.generate_key(1024), OctKey.import_key("too short")
        return [small.as_pem(private=False).decode(), json.dumps(small.as_dict()), json.dumps(short.as_dict())]


NO_KEYS = [
    "", "short", "x" * 31, "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----", "{", "{}",
    '{"keys": []}', '{"keys": 7}', der("RS256"), der("ES256"), der("EdDSA"), "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
    ECKey.generate_key("P-384").as_pem(private=False).decode(), OKPKey.generate_key("X25519").as_pem().decode(),
    json.dumps({**jwk("RS256", "a"), "n": "!"}), json.dumps({**jwk("RS256", "a"), "use": "enc"}),
    json.dumps({**jwk("RS256", "a"), "alg": "RS512"}), *unsafe(),
]  # fmt: skip


@pytest.mark.parametrize("text", NO_KEYS, ids=range(len(NO_KEYS)))
def test_what_is_no_safe_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        from_text(text)


def test_secrets_do_not_come_from_urls() -> None:
    assert [key.kid for key in from_jwks(jwks(a="HS256", b="ES256"), public=True)] == ["b"]
    with pytest.raises(BadKey):
        from_jwks(jwks(a="HS256"), public=True)


def test_keys_of_other_kinds_are_passed_over() -> None:
    listed = [jwk("ES256", "a"), {"kty": "AKP", "alg": "ML-DSA-44"}, {}, {**jwk("RS256", "b"), "use": "enc"}]
    assert [key.kid for key in from_jwks(json.dumps({"keys": listed}).encode())] == ["a"]


def test_a_key_at_a_url_that_nobody_should_use_does_not_spoil_the_others() -> None:
    """Its owner may have many, for many; what we are given by an operator must be right as a whole."""
    listed = [
        json.loads(unsafe()[1]),
        {**jwk("RS256", "a"), "n": "!"},
        {**jwk("ES256", "c"), "x": 7},
        jwk("ES256", "d"),
    ]
    content = json.dumps({"keys": listed}).encode()
    assert [key.kid for key in from_jwks(content, public=True)] == ["d"]
    with pytest.raises(BadKey):
        from_jwks(content)
    with pytest.raises(BadKey, match="2048"):
        from_jwks(json.dumps({"keys": listed[:1]}).encode(), public=True)


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": 7}, {"kty": ["EC"]}, {"kty": "EC", "crv": {}}, {"kty": "EC", "crv": "P-256"}, {"kid": 7}, {"alg": 7},
        {"alg": []}, {"use": []}, {"key_ops": 7},
    ],
)  # fmt: skip
def test_odd_keys_at_a_url_are_passed_over(odd: dict[str, Any]) -> None:
    listed = [{**jwk("ES256", "a"), **odd}, {"kty": "EC", **odd}, jwk("EdDSA", "b")]
    assert "b" in [key.kid for key in from_jwks(json.dumps({"keys": listed}).encode(), public=True)]


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem("RS256"))
    assert make_tokens(AuthSettings(required=True, key_file=file)) is not None
    assert make_tokens(AuthSettings(required=True)) is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"key": "weak secret"}, "at least 32 bytes"),
        ({"key_file": Path("/nowhere/key.pem")}, "cannot be read"),
        ({"key": SECRET, "algorithms": ("RS256",)}, "leaves nothing"),
    ],
)
def test_keys_that_cannot_be_used_are_told_and_not_shown(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadSetting) as bad:
        make_tokens(AuthSettings(required=True, **settings))
    assert reason in str(bad.value)
    assert settings.get("key", "nothing") not in str(bad.value)
    assert SECRET not in repr(AuthSettings(key=SECRET))


class Url:
    """A URL with keys, and a clock."""

    def __init__(self, content: bytes) -> None:
        self.content: bytes | Exception = content
        self.asked = 0
        self.now = 1000.0
        self.keys = RemoteKeys(URL, fetch=self.fetch, clock=lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        assert url == URL
        self.asked += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    async def found(self, kid: str, algorithm: str = "ES256") -> list[str | None]:
        return [key.kid for key in await self.keys.find(kid, algorithm)]


async def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    url = Url(jwks(a="ES256"))
    for _ in range(3):
        assert await url.found("a") == ["a"]
    assert url.asked == 1
    url.now += FRESH
    assert await url.found("a") == ["a"]
    assert url.asked == 2


async def test_a_new_key_is_found_at_once_and_an_old_one_is_forgotten() -> None:
    url = Url(jwks(a="ES256"))
    await url.found("a")
    url.content, url.now = jwks(b="ES256"), url.now + PAUSE
    assert await url.found("b") == ["b"]
    assert await url.found("a") == []


async def test_made_up_names_do_not_make_the_url_be_asked_again_and_again() -> None:
    url = Url(jwks(a="ES256"))
    for number in range(50):
        assert await url.found(f"made-up-{number}") == []
    assert url.asked == 1
    url.now += PAUSE
    assert await url.found("made-up") == []
    assert url.asked == 2
    assert await url.found("a") == ["a"]


@pytest.mark.parametrize("failure", [FetchFailed("away"), b"<html>", b'{"keys": []}'])
async def test_known_keys_are_believed_while_the_url_fails_but_not_for_ever(failure: Any) -> None:
    url = Url(jwks(a="ES256"))
    await url.found("a")
    url.content = failure
    url.now += FRESH
    assert await url.found("a") == ["a"]
    assert url.asked == 2
    url.now += PAUSE / 2
    assert await url.found("a") == ["a"]
    assert url.asked == 2, "a URL that fails is left in peace for a while"
    url.now += BELIEVED
    with pytest.raises(Refused) as refused:
        await url.found("a")
    assert (refused.value.code, refused.value.retry_after) == (ErrorCode.UNAVAILABLE, 1.0)
    url.content, url.now = jwks(a="ES256"), url.now + PAUSE
    assert await url.found("a") == ["a"]

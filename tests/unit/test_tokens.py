"""Which tokens are believed, and what is read of them."""

import base64
import hmac
import time
from typing import Any

import pytest
from joserfc import jwt

from protocol.errors import ErrorCode, Refused
from server.auth import Role
from server.auth.keyset import from_jwks, from_text
from server.auth.tokens import LEEWAY, OwnKeys, Tokens
from server.settings import AuthSettings
from tests.support.tokens import AUDIENCE, ISSUER, SECRET, claims, forged, jwks, key, pem, token, unsigned

SETTINGS = AuthSettings(required=True, key=SECRET, issuer=ISSUER, audience=(AUDIENCE, "other"))


def reader(key: str = SECRET, settings: AuthSettings = SETTINGS) -> Tokens:
    return Tokens(OwnKeys(from_text(key)), settings)


async def refusal(tokens: Tokens, secret: str) -> str:
    with pytest.raises(Refused) as refused:
        await tokens.read(secret)
    assert refused.value.code is ErrorCode.UNAUTHENTICATED
    return refused.value.message


async def test_a_good_token_says_who_it_is() -> None:
    expires = int(time.time()) + 60
    session = await reader().read(token(exp=expires))
    rara = session.principal
    assert (rara.id, rara.name, rara.tenant) == ("rara", "Rara", "kopi")
    assert rara.roles == {Role.OPERATOR}
    assert session.ends == expires


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_every_kind_of_public_key(algorithm: str) -> None:
    kind = "EdDSA" if algorithm == "Ed25519" else algorithm
    for text in (pem(kind), jwks(k1=kind).decode()):
        session = await reader(text).read(token(algorithm, header={"kid": "k1"}) if kind == algorithm else spelt(kind))
        assert session.principal.id == "rara"
    assert "signature" in await refusal(reader(pem(kind)), token(kind, number=1))


def spelt(kind: str) -> str:
    """Name the algorithm as RFC 9864 does."""
    return jwt.encode({"alg": "Ed25519"}, claims(), key(kind), algorithms=["Ed25519"])


BAD: list[tuple[dict[str, Any], str]] = [
    ({"exp": 1}, "expired"),
    ({"exp": int(time.time()) - LEEWAY - 2}, "expired"),
    ({"exp": None}, "lacks `exp`"),
    ({"exp": "tomorrow"}, "exp"),
    ({"exp": int(time.time() + 3600) * 1000}, "in seconds"),
    ({"exp": 10**400}, "in seconds"),
    ({"exp": 1e300}, "in seconds"),
    ({"nbf": int(time.time()) + 3600}, "not valid yet"),
    ({"iat": int(time.time()) + 3600}, "not valid yet"),
    ({"iss": "https://other.example"}, "`iss`"),
    ({"iss": None}, "lacks `iss`"),
    ({"aud": "somebody else"}, "`aud`"),
    ({"aud": ["one", "two"]}, "`aud`"),
    ({"aud": None}, "lacks `aud`"),
    ({"sub": None}, "lacks `sub`"),
    ({"sub": "x" * 201}, "`sub`"),
    ({"tenant": "a:b"}, "`tenant`"),
    ({"tenant": "a/b"}, "`tenant`"),
    ({"tenant": "}{"}, "`tenant`"),
    ({"tenant": ""}, "`tenant`"),
    ({"tenant": 7}, "`tenant`"),
]


@pytest.mark.parametrize(("changes", "reason"), BAD)
async def test_a_token_that_says_the_wrong_things_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason in await refusal(reader(), token(**changes))


async def test_clocks_may_differ_a_little() -> None:
    now = int(time.time())
    session = await reader().read(token(exp=now - LEEWAY + 2))
    assert session.ends == now + 2
    await reader().read(token(nbf=now + LEEWAY - 2))


@pytest.mark.parametrize("aud", ["other", ["somebody", AUDIENCE]])
async def test_one_audience_of_several_is_enough(aud: Any) -> None:
    assert (await reader().read(token(aud=aud))).principal.id == "rara"


async def test_a_token_for_an_audience_needs_one() -> None:
    settings = AuthSettings(required=True, key=SECRET)
    assert "AUDIENCE" in await refusal(reader(settings=settings), token())
    await reader(settings=settings).read(token(aud=None, iss=None))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS1", "RS256", "HS512"])
async def test_a_token_that_nobody_signed_is_refused(alg: str) -> None:
    await refusal(reader(), unsigned(alg))
    await refusal(reader(pem("RS256")), unsigned(alg))


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_never_taken_for_a_secret(kind: str) -> None:
    """The confusion: HS256, with the public key's text as the secret, which everybody knows."""
    for secret in (pem(kind), pem(kind).strip()):
        await refusal(reader(pem(kind)), forged(secret))
        await refusal(reader(jwks(k=kind).decode()), forged(secret))
    await reader().read(forged(SECRET))  # with the right secret it is as good as any


async def test_only_the_algorithms_that_are_set_are_taken() -> None:
    settings = AuthSettings(required=True, issuer=ISSUER, audience=(AUDIENCE,), algorithms=("ES256",))
    keys = OwnKeys(from_jwks(jwks(a="RS256", b="ES256")))
    tokens = Tokens(keys, settings)
    await tokens.read(token("ES256", header={"kid": "b"}))
    assert "'RS256'" in await refusal(tokens, token("RS256", header={"kid": "a"}))


async def test_the_key_that_is_named_is_the_one_that_is_meant() -> None:
    tokens = Tokens(OwnKeys(from_jwks(jwks(a="RS256", b="ES256"))), SETTINGS)
    await tokens.read(token("ES256", header={"kid": "b"}))
    await tokens.read(token("ES256"))
    for wrong in ("a", "c"):
        assert "not known" in await refusal(tokens, token("ES256", header={"kid": wrong}))


def headed(header: str) -> str:
    """Write a token of a header, which nobody signed."""
    return f"{base64.urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.e30"


def nested(depth: int) -> str:
    """Write a header that is deep enough to exhaust whoever reads it."""
    return headed(f'{{"alg":"HS256","x":{"[" * depth}{"]" * depth}}}')


@pytest.mark.parametrize(
    "text",
    ["", "x", "a.b.c", "é.é.é", "." * 10, "eyJhbGciOiJIUzI1NiJ9", "e30.e30.e30", "a" * 5000, nested(90), nested(5000)],
)
async def test_what_is_no_token_is_refused(text: str) -> None:
    await refusal(reader(), text)


@pytest.mark.parametrize("value", ["5", "null", "true", "1.5", "[5]", "[null]", "[[]]", "[{}]", "{}", '"exp"', '["x"]'])
@pytest.mark.parametrize("name", ["crit", "typ", "cty", "b64", "kid", "jwk", "x5c"])
async def test_a_header_of_wrong_types_is_refused(name: str, value: str) -> None:
    await refusal(reader(), headed(f'{{"alg":"HS256","{name}":{value}}}'))


async def test_a_signed_token_that_exhausts_whoever_reads_it_is_refused() -> None:
    signing = base64.urlsafe_b64encode(f'{{"x":{"[" * 5000}{"]" * 5000}}}'.encode()).decode().rstrip("=")
    signed = f"{token().split('.')[0]}.{signing}"
    made = hmac.digest(SECRET.encode(), signed.encode(), "sha256")
    await refusal(reader(), f"{signed}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}")


async def test_half_a_letter_is_no_name() -> None:
    """JSON can name it, and nobody can write it down."""
    half = "half a \ud83d"
    assert "`sub`" in await refusal(reader(), forged(SECRET, sub=half))
    assert (await reader().read(forged(SECRET, name=half))).principal.name == "rara"


async def test_a_changed_token_is_refused() -> None:
    header, _, signature = token().split(".")
    other = token(roles=["admin"]).split(".")[1]
    assert "signature" in await refusal(reader(), f"{header}.{other}.{signature}")


CLAIMS: list[tuple[AuthSettings, dict[str, Any], tuple[str, str, set[Role]]]] = [
    (SETTINGS, {"tenant": None}, ("open", "Rara", {Role.OPERATOR})),
    (SETTINGS, {"name": None}, ("kopi", "rara", {Role.OPERATOR})),
    (SETTINGS, {"name": " " * 3}, ("kopi", "rara", {Role.OPERATOR})),
    (SETTINGS, {"roles": None}, ("kopi", "Rara", set())),
    (SETTINGS, {"roles": "viewer approver"}, ("kopi", "Rara", {Role.VIEWER, Role.APPROVER})),
    (SETTINGS, {"roles": ["admin", "root", 7]}, ("kopi", "Rara", {Role.ADMIN})),
    (SETTINGS, {"roles": {"admin": True}}, ("kopi", "Rara", set())),
    (
        AuthSettings(tenant="home", tenant_claim="org", roles_claim="realm_access.roles", name_claim="email"),
        {"realm_access": {"roles": ["viewer"]}, "email": "rara@kopi.example", "aud": None},
        ("home", "rara@kopi.example", {Role.VIEWER}),
    ),
    (
        AuthSettings(roles_claim="https://kopi.example/roles"),
        {"https://kopi.example/roles": ["approver"], "aud": None},
        ("kopi", "Rara", {Role.APPROVER}),
    ),
]


@pytest.mark.parametrize(("settings", "changes", "expected"), CLAIMS)
async def test_what_is_read_of_the_claims(settings: AuthSettings, changes: dict[str, Any], expected: Any) -> None:
    rara = (await reader(settings=settings).read(token(**changes))).principal
    assert (rara.tenant, rara.name, rara.roles) == expected

"""Each key of a set stands or falls alone."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from resource_lib.identity.verification_key import UnusableKeyError, import_key, import_key_set
from resource_lib.testing import TestIssuer
from resource_lib.testing.issuer import base64url

pytestmark = pytest.mark.requirement("keys:import:each-stands-or-falls-alone")

ES256 = TestIssuer().jwks["keys"][0]
EDDSA = TestIssuer(algorithm="EdDSA").jwks["keys"][0]
RS256 = TestIssuer(algorithm="RS256").jwks["keys"][0]


def without(jwk, name):
    return {key: value for key, value in jwk.items() if key != name}


def weak_rsa():
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key().public_numbers().n
    return RS256 | {"n": base64url(modulus.to_bytes(128, "big"))}


def p384():
    point = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    return ES256 | {
        "crv": "P-384",
        "x": base64url(point.x.to_bytes(48, "big")),
        "y": base64url(point.y.to_bytes(48, "big")),
    }


UNUSABLE = {
    "a private EC key": ES256 | {"d": "AAAA"},
    **{f"an RSA key with {name}": RS256 | {name: "AAAA"} for name in ("d", "p", "q", "dp", "dq", "qi", "oth")},
    "a symmetric key": {"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "k"},
    "a symmetric key without its secret": {"kty": "oct", "alg": "ES256", "kid": "k"},
    "a secret beside a public key": ES256 | {"k": "AAAA"},
    "no alg": without(ES256, "alg"),
    "alg none": ES256 | {"alg": "none"},
    "alg HS256": ES256 | {"alg": "HS256"},
    "alg of another key": ES256 | {"alg": "RS256"},
    "alg ES384": ES256 | {"alg": "ES384"},
    "alg PS256": RS256 | {"alg": "PS256"},
    "alg a list": ES256 | {"alg": ["ES256"]},
    "no kid": without(ES256, "kid"),
    "an empty kid": ES256 | {"kid": ""},
    "kid a number": ES256 | {"kid": 7},
    "kid a list": ES256 | {"kid": ["k"]},
    "a kid of 201 characters": ES256 | {"kid": "k" * 201},
    "for encryption": ES256 | {"use": "enc"},
    "use a list": ES256 | {"use": ["sig"]},
    "for wrapping": ES256 | {"key_ops": ["wrapKey"]},
    "key_ops a string": ES256 | {"key_ops": "verify"},
    "key_ops a number": ES256 | {"key_ops": 7},
    "a point off the curve": ES256 | {"y": ES256["x"]},
    "the point at infinity": ES256 | {"x": base64url(bytes(32)), "y": base64url(bytes(32))},
    "x too short": ES256 | {"x": base64url(bytes(31))},
    "x too long": ES256 | {"x": base64url(bytes(33))},
    "x padded": ES256 | {"x": ES256["x"] + "="},
    "x in the standard alphabet": ES256 | {"x": "+" + ES256["x"][1:]},
    "x not ASCII": ES256 | {"x": "é"},
    "x missing": without(ES256, "x"),
    "x a number": ES256 | {"x": 7},
    "another curve": p384(),
    "another curve's name": ES256 | {"crv": "secp256k1"},
    "another kty": ES256 | {"kty": "RSA"},
    "kty missing": without(ES256, "kty"),
    "Ed448": EDDSA | {"crv": "Ed448"},
    "X25519": EDDSA | {"crv": "X25519"},
    "Ed25519 too short": EDDSA | {"x": base64url(bytes(31))},
    "EdDSA on an EC key": ES256 | {"alg": "EdDSA"},
    "RSA of 1024 bits": weak_rsa(),
    "RSA of 16384 bits": RS256 | {"n": base64url(b"\xff" * 2048)},
    "an even modulus": RS256 | {"n": base64url(b"\xff" * 255 + b"\xfe")},
    "exponent 1": RS256 | {"e": "AQ"},
    "exponent 3": RS256 | {"e": "Aw"},
    "an even exponent": RS256 | {"e": base64url((65538).to_bytes(3, "big"))},
    "a huge exponent": RS256 | {"e": base64url(b"\xff" * 200)},
    "no exponent": without(RS256, "e"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_key_is_refused(name):
    """RFC 7517 §4, RFC 7518 §3.3 and §6, RFC 8725 §3.1 and §3.2, RS-15."""
    with pytest.raises(UnusableKeyError) as caught:
        import_key(UNUSABLE[name])

    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize("jwk", [ES256, EDDSA, RS256, without(ES256, "use"), ES256 | {"key_ops": ["verify"]}])
def test_a_usable_key_is_taken(jwk):
    """The control of the test above."""
    assert jwk["kid"] == import_key(jwk).kid


def test_a_bad_key_does_not_take_the_good_ones_with_it():
    """RFC 7517 §5: ignore what cannot be used."""
    jwks = [*UNUSABLE.values(), ES256, "not a key", None, EDDSA]

    found = import_key_set({"keys": jwks})

    assert {ES256["kid"], EDDSA["kid"]} == set(found.by_kid)
    assert len(jwks) - 2 == len(found.refused)


def test_two_keys_with_one_kid_are_both_refused():
    """RFC 7517 §4.5: nobody can say which one is meant, so neither is. One that is not for signatures does not count."""
    found = import_key_set({"keys": [ES256, TestIssuer().jwks["keys"][0] | {"kid": ES256["kid"]}, EDDSA]})
    other_use = import_key_set({"keys": [ES256, ES256 | {"use": "enc"}]})

    assert {EDDSA["kid"]} == set(found.by_kid)
    assert {ES256["kid"]} == set(other_use.by_kid)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": []},
        {"keys": None},
        {"keys": {}},
        {"keys": [{}]},
        {"keys": [ES256 | {"d": "AAAA"}]},
        {"keys": [ES256] * 2},
    ],
)
def test_a_set_without_a_usable_key_is_none(document):
    """JK-06: an empty set must not replace a good one."""
    with pytest.raises(UnusableKeyError):
        import_key_set(document)


def test_a_set_has_at_most_a_hundred_keys():
    """Ours: more is a mistake or an attack."""
    keys = [ES256 | {"kid": f"k{number}"} for number in range(101)]

    assert 100 == len(import_key_set({"keys": keys[:100]}).by_kid)
    with pytest.raises(UnusableKeyError, match="100"):
        import_key_set({"keys": keys})


def test_an_unchanged_key_stays_the_same_object():
    """Ours: a refresh that changes nothing ends no remembered verdict."""
    first = import_key_set({"keys": [ES256, EDDSA]})

    second = import_key_set({"keys": [EDDSA, ES256]}, known=first)
    third = import_key_set({"keys": [EDDSA | {"x": TestIssuer(algorithm="EdDSA").jwks["keys"][0]["x"]}]}, known=first)

    assert first.by_kid[ES256["kid"]] is second.by_kid[ES256["kid"]]
    assert first.by_kid[EDDSA["kid"]] is not third.by_kid[EDDSA["kid"]]

"""
Somebody else's corpus of wrong signatures: C2SP Wycheproof, 401 JSON Web Signatures of which 355 must be refused.

Our pre-parser reads them all. Algorithms that we never offer (HMAC, PSS, SHA-384 and SHA-512) are verified here, in the test, by
keys of their own, so that every vector reaches the parser in front of them instead of falling for its algorithm.
"""

import hmac
import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from resource_lib.identity import compact_jws
from resource_lib.identity.invalid_token import InvalidToken
from resource_lib.identity.verification_key import UnusableKeyError, VerificationKey, import_key

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "wycheproof" / "json_web_signature_test.json"
GROUPS = json.loads(VECTORS.read_bytes())["testGroups"]
TESTS = [(group, test) for group in GROUPS for test in group["tests"]]

EXPECTED_DIFFERENCES = {
    346: "the key says alg PS256, the token PS384: a key has one algorithm (RFC 8725 §3.1)",
    347: "the key says alg ES521, which does not exist",
    350: "as 346, with key_ops",
    351: "as 347, with key_ops",
    372: "a question mark inside the base64url header (RFC 7515 §2 knows no such character)",
    373: "a question mark inside the base64url payload",
}
"""Called valid there and refused by us, each on purpose."""

DAMAGED = {367: 357, 370: 357}
"""Called invalid for padding that the file does not hold: they are, byte for byte, the valid vector named beside them."""


def key_of(group):
    """The key of a group. Ours where we offer its algorithm, else one made here."""
    jwk = group.get("public") or group["private"]
    alg = jwk.get("alg")
    if (
        jwk.get("use", "sig") != "sig"
        or "verify" not in jwk.get("key_ops", ["verify"])
        or alg in ("ES256", "RS256", "EdDSA")
    ):
        return import_key(jwk)
    return VerificationKey(kid=jwk["kid"], alg=alg, verify=verifier(jwk), jwk=jwk)


def verifier(jwk):
    def number(name):
        return int.from_bytes(data(name), "big")

    def data(name):
        return urlsafe_b64decode(jwk[name] + "==")

    alg = jwk["alg"]
    if alg == "HS256":
        return lambda signature, signed: hmac.compare_digest(hmac.digest(data("k"), signed, "sha256"), signature)
    if alg == "ES521":
        point = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP521R1()).public_key()

        def es512(signature, signed):
            r, s = (int.from_bytes(half, "big") for half in (signature[:66], signature[66:]))
            return quiet(point.verify, encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA512()))

        return es512
    key = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[alg[2:]]
    pad = padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(digest), digest.digest_size)
    return lambda signature, signed: quiet(key.verify, signature, signed, pad, digest)


def quiet(check, *arguments):
    try:
        check(*arguments)
    except InvalidSignature:
        return False
    return True


def accepts(group, token):
    """Whether our path says yes: shape, header, key, algorithm, signature."""
    try:
        key = key_of(group)
        text = token if isinstance(token, str) else json.dumps(token)
        header_segment, payload, signature, signed = compact_jws.split(text.encode("ascii"))
        header = compact_jws.read_header(header_segment, types={None})
        compact_jws.decode(payload)
        return header.alg == key.alg and header.kid == key.kid and key.verify(compact_jws.decode(signature), signed)
    except (InvalidToken, UnusableKeyError):
        return False


def name(test):
    return f"{test['tcId']}-{test['comment']}"


@pytest.mark.requirement("token:forged:wycheproof-is-refused")
@pytest.mark.parametrize(("group", "test"), TESTS, ids=[name(test) for _, test in TESTS])
def test_wycheproof_and_we_agree_except_where_we_say_why_not(group, test):
    """RS-01, RS-14, RS-15, RS-16; RFC 7515 §5.2."""
    is_valid = test["result"] == "valid" or test["tcId"] in DAMAGED
    expected = is_valid and test["tcId"] not in EXPECTED_DIFFERENCES

    assert expected == accepts(group, test["jws"])


def test_the_corpus_is_whole():
    """401 vectors, 355 of them invalid; the six differences are called valid there."""
    assert 401 == len(TESTS)
    assert 355 == sum(test["result"] == "invalid" for _, test in TESTS)
    assert set(EXPECTED_DIFFERENCES) <= {test["tcId"] for _, test in TESTS if test["result"] == "valid"}


@pytest.mark.requirement("token:forged:wycheproof-is-refused")
@pytest.mark.parametrize(("damaged", "original"), DAMAGED.items())
def test_a_vector_that_lost_its_padding_is_refused_once_it_has_it(damaged, original):
    """RFC 7515 §2: base64url without padding. What vectors 367 and 370 meant to ask."""
    found = {test["tcId"]: (group, test["jws"]) for group, test in TESTS}
    group, token = found[damaged]
    header, payload, signature = token.split(".")

    assert found[original][1] == token
    assert not accepts(group, f"{header}.{payload}=.{signature}")
    assert not accepts(group, f"{header}.{payload}==.{signature}")
    assert not accepts(group, f"{header}.{payload}.{signature}=")

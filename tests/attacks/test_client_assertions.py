"""
The forger at the token endpoint: somebody who saw K's assertions and its public key, and can shape every byte of a new one.

TK-19 to TK-26 and SF-07 of the attack catalogue; the corpus of `test_nasty_tokens.py` and Wycheproof's vectors once more, against
this reader.
"""

import hmac
import json
import time
import tracemalloc

import pytest
from cryptography.hazmat.primitives import serialization
from jwcrypto import jwk

from authserver.domain.clients import key_set
from authserver.domain.clients.client import InvalidClientDataError
from authserver.runtime import foreign_jws
from authserver.runtime.foreign_jws import UnreadableTokenError
from tests.attacks.test_nasty_tokens import CASES
from tests.attacks.test_wycheproof import DAMAGED, EXPECTED_DIFFERENCES, TESTS
from tests.attacks.test_wycheproof import name as vector_name
from tests.spec.test_rfc7523_client_assertion import is_refused, present
from tests.support import assertions

pytestmark = pytest.mark.one_database

RSA = assertions.new_key("rsa", kty="RSA", size=2048)
EC = assertions.new_key("ec")
ED = assertions.new_key("ed", kty="OKP", crv="Ed25519")


def said(server, app, **changed):
    return assertions.claims(app.app.client_id, server.issuer, server.now, **changed)


def raw(server, app, extra):
    """Good claims as JSON text with `extra` before the closing brace."""
    return (json.dumps(said(server, app), separators=(",", ":"))[:-1] + "," + extra + "}").encode()


def forged(key, payload, head, signature):
    covered = ".".join(assertions.encoded(json.dumps(part).encode()) for part in (head, payload))
    return f"{covered}.{assertions.encoded(signature(covered.encode()) if callable(signature) else signature)}"


@pytest.mark.requirement("client-assertion:algorithm:is-the-registered-one")
@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES256K", "RS1", "A128KW", "dir"]
)
@pytest.mark.parametrize("how", ["no signature", "hmac with the PEM", "hmac with the JWK", "hmac with the number"])
async def test_no_algorithm_turns_a_public_key_into_a_secret(server, alg, how):
    """RFC 8725 §3.1 (TK-23), CVE-2024-37568, CVE-2024-33663: K's public key is public."""
    app = server.client("K", key=RSA)
    await server.operator.set_client(app.app, jwks=assertions.key_set(RSA))
    public = assertions.public(RSA)
    pem = (
        jwk.JWK(**public)
        .get_op_key("verify")
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    secrets = {
        "hmac with the PEM": pem,
        "hmac with the JWK": json.dumps(public).encode(),
        "hmac with the number": public["n"].encode(),
    }
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(alg, "sha256")
    signature = b"" if how == "no signature" else lambda data: hmac.digest(secrets[how], data, digest)

    token = forged(RSA, said(server, app), {"alg": alg, "kid": RSA["kid"]}, signature)

    assert is_refused(await present(app, token))


@pytest.mark.requirement("client-assertion:algorithm:is-the-registered-one")
@pytest.mark.parametrize(("registered", "used"), [(EC, RSA), (RSA, EC), (ED, EC), (EC, ED)], ids=lambda key: key["kid"])
async def test_another_kind_of_key_under_the_right_name_proves_nobody(server, registered, used):
    """TK-23: RS256 with an EC key and the other way round."""
    app = server.client("K", key=registered)
    await server.operator.set_client(app.app, jwks=assertions.key_set(registered))

    for alg in foreign_jws.ALGORITHMS:
        head = {"alg": alg, "kid": registered["kid"]}
        real = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[used["kty"]]
        token = forged(used, said(server, app), head, lambda data, real=real: assertions.signature(used, data, real))
        assert is_refused(await present(app, token))


HEADERS = {
    "crit": {"crit": ["b64"], "b64": False}, "crit alone": {"crit": ["exp"]}, "empty crit": {"crit": []}, "b64": {"b64": False},
    "b64 true": {"b64": True}, "zip": {"zip": "DEF"}, "jku": {"jku": "https://evil.example/jwks"}, "x5u": {"x5u": "https://evil.example"},
    "jwk": {"jwk": assertions.public(EC)}, "x5c": {"x5c": ["MII"]}, "kid of a number": {"kid": 7}, "kid of a list": {"kid": ["k1"]},
    "no kid text": {"kid": ""}, "long kid": {"kid": "x" * 201}, "kid of a path": {"kid": "../../dev/null"}, "kid of SQL": {"kid": "k1' OR '1"},
    "typ of an access token": {"typ": "at+jwt"}, "typ of a proof": {"typ": "dpop+jwt"}, "typ of a number": {"typ": 7},
    "typ of a logout": {"typ": "logout+jwt"}, "typ of a request": {"typ": "oauth-authz-req+jwt"}, "no alg": {"alg": None},
    "alg of a list": {"alg": ["ES256"]}, "alg in lower case": {"alg": "es256"}, "alg with a space": {"alg": "ES256 "},
}  # fmt: skip


@pytest.mark.requirement("client-assertion:forged:every-nasty-token-is-refused")
@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_steers_even_when_it_is_signed(server, name):
    """RFC 7515 §4.1, RFC 8725 §3.11, CVE-2026-32597: signed by K's own key; only the header is wrong."""
    app = server.client("K")
    head = assertions.header(app.app.key, "ES256", **HEADERS[name])

    assert is_refused(await present(app, assertions.signed(app.app.key, said(server, app), head=head)))


@pytest.mark.requirement("client-assertion:key:proves-the-client")
@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]
)
@pytest.mark.parametrize("more", [{}, {"x5t": "abc"}, {"x5t#S256": "abc", "cty": "JWT"}], ids=str)
async def test_what_real_clients_put_into_a_header_is_no_fault(server, typ, more):
    """RFC 7515 §4: unknown members are ignored; rfc7523bis §4: the explicit type."""
    app = server.client("K")
    head = assertions.header(app.app.key, "ES256", typ=typ, **more)

    assert (await present(app, assertions.signed(app.app.key, said(server, app), head=head))).ok


BODIES = {
    "two issuers": lambda s, a: raw(s, a, f'"iss":"{a.app.client_id}"'),
    "two audiences": lambda s, a: raw(s, a, f'"aud":"{s.issuer}"'),
    "two ends": lambda s, a: raw(s, a, f'"exp":{s.now + 60}'),
    "two jtis": lambda s, a: raw(s, a, '"jti":"x"'),
    "NaN": lambda s, a: raw(s, a, '"z":NaN'),
    "deep": lambda s, a: raw(s, a, '"z":' + "[" * 2500 + "]" * 2500),
    "deeper": lambda s, a: raw(s, a, '"z":' + "[" * 5000),
    "a list": lambda s, a: json.dumps([said(s, a)]).encode(),
    "two objects": lambda s, a: json.dumps(said(s, a)).encode() * 2,
    "nothing": lambda s, a: b"",
    "null": lambda s, a: b"null",
    "UTF-16": lambda s, a: json.dumps(said(s, a)).encode("utf-16"),
    "BOM": lambda s, a: b"\xef\xbb\xbf" + json.dumps(said(s, a)).encode(),
    "NUL": lambda s, a: raw(s, a, '"z":"\\u0000"'),
    "a lone surrogate": lambda s, a: raw(s, a, '"z":"\\ud800"'),
    "a huge number": lambda s, a: raw(s, a, '"z":' + "9" * 4500),
    "an end beyond every float": lambda s, a: json.dumps(said(s, a)).replace(str(s.now + 60), "1e999").encode(),
    "9 KB": lambda s, a: raw(s, a, '"z":"' + "z" * 9000 + '"'),
}


@pytest.mark.requirement("client-assertion:size:is-bounded-before-parsing")
@pytest.mark.parametrize("name", BODIES)
async def test_no_payload_means_two_things_even_when_it_is_signed(server, name):
    """TK-25, RFC 8725 §2.4: each signed by K's own key."""
    app = server.client("K")

    assert is_refused(await present(app, assertions.signed(app.app.key, BODIES[name](server, app))))


HUGE = {
    "1 MiB": lambda good: good + "A" * 2**20,
    "a header of 200 KB": lambda good: assertions.encoded(json.dumps({"alg": "ES256", "z": "z" * 200_000}).encode()) + good[good.index(".") :],
    "10,000 deep": lambda good: good.split(".")[0] + "." + assertions.encoded(b'{"z":' + b"[" * 10_000) + "." + good.split(".")[2],
    "no dots": lambda good: good.replace(".", ""),
    "one dot": lambda good: good.rpartition(".")[0],
    "three dots": lambda good: good + ".x",
    "four dots": lambda good: good + ".x.y",
    "1,000 dots": lambda good: "." * 1000,
    "60,000 dots": lambda good: "." * 60_000,
    "JSON": lambda good: json.dumps(dict(zip(("protected", "payload", "signature"), good.split("."), strict=True))),
    "padding": lambda good: good + "==",
    "a line break": lambda good: good[:40] + "\n" + good[40:],
    "beyond ASCII": lambda good: good + "é",
}  # fmt: skip


@pytest.mark.requirement("client-assertion:size:is-bounded-before-parsing")
@pytest.mark.parametrize("name", HUGE)
async def test_a_huge_or_mangled_assertion_costs_milliseconds_and_no_memory(server, name):
    """TK-25, CVE-2025-30204, CVE-2025-27144, CVE-2025-61920: 400, 401 or 413, never an accident."""
    app = server.client("K")
    sent = HUGE[name](app.assertion())

    answer = await present(app, sent)
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(UnreadableTokenError):
        foreign_jws.read(sent)
    took, (_, peak) = time.thread_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.status in {400, 401, 413}
    assert took < 0.05
    assert peak < 200_000


@pytest.mark.requirement("client-assertion:forged:every-nasty-token-is-refused")
async def test_the_corpus_of_nasty_tokens_proves_nobody(server):
    """RS-01 to RS-17: each of them as a client assertion; refused with 400 or 401, and the server goes on."""
    app = server.client("K")
    strange = {}
    for number, case in enumerate(CASES):
        if len(case.token) > 60_000:
            continue
        app = server.client("K", address=f"203.0.{number % 250}.{number // 250 + 1}")
        answer = await present(app, case.token.encode("utf-8", "replace").decode())
        if answer.status not in {400, 401} or answer.error not in {"invalid_client", "invalid_request"}:
            strange[case.id] = answer.status

    assert {} == strange
    assert (await present(server.client("K"), server.client("K").assertion())).ok


@pytest.mark.requirement("client-assertion:forged:every-nasty-token-is-refused")
@pytest.mark.parametrize(("group", "test"), TESTS, ids=[vector_name(test) for _, test in TESTS])
def test_wycheproof_and_we_agree_about_signatures(group, test):
    """RFC 7515 §5.2: 401 vectors; what we never offer (HMAC) is refused whatever it says. A JWT's payload is JSON, these are not."""
    member = group.get("public") or group["private"]
    accepted = False
    try:
        found = key_set.given(json.dumps({"keys": [member]}))
        token = foreign_jws.UnprovenToken(**shape(test["jws"]))
        key = found.meant_by(alg=token.alg, kid=token.kid, now=0)
        accepted = key is not None and foreign_jws.is_signed_by(token, key.public)
    except (InvalidClientDataError, UnreadableTokenError):
        pass
    is_valid = test["result"] == "valid" or test["tcId"] in DAMAGED
    # 346 and 350: the key says PS256, the token PS384; the others name an algorithm that does not exist, or spell base64url wrongly.
    expected = is_valid and test["tcId"] not in EXPECTED_DIFFERENCES and member["kty"] != "oct"

    assert expected == accepted


def shape(token):
    """What `foreign_jws.read` would say, without demanding that the payload is JSON: Wycheproof signs other things."""
    text = token if isinstance(token, str) else json.dumps(token)
    if text.count(".") != 2:
        raise UnreadableTokenError("parts")
    head, payload, signature = text.split(".")
    if any(foreign_jws.from_base64url(part.encode()) is None for part in (payload, signature)):
        raise UnreadableTokenError("encoding")
    made = foreign_jws.read(f"{head}.{assertions.encoded(b'{}')}.{signature}")
    return {"text": text, "alg": made.alg, "kid": made.kid, "typ": made.typ, "claims": {}}


def es256(**changed):
    return {name: value for name, value in (assertions.public(EC) | changed).items() if value is not None}


def rsa(**changed):
    return {name: value for name, value in (assertions.public(RSA) | changed).items() if value is not None}


HUGE_MODULUS = assertions.encoded(b"\xc3" * 2048)
BAD_KEYS = {
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
    "a private key": EC,
    "a private RSA key": RSA,
    "one private member": rsa(d="AQAB"),
    "for encryption": es256(use="enc"),
    "for signing by us": es256(key_ops=["sign"]),
    "key_ops of a text": es256(key_ops="verify"),
    "16 Kbit": rsa(n=HUGE_MODULUS),
    "16 Kbit and a huge exponent": rsa(n=HUGE_MODULUS, e=HUGE_MODULUS),
    "a huge exponent": rsa(e=assertions.encoded(b"\x01" + b"\0" * 200 + b"\x01")),
    "exponent 1": rsa(e="AQ"),
    "exponent 3": rsa(e="Aw"),
    "an even exponent": rsa(e="AQAC"),
    "1024 bits": assertions.public(assertions.new_key("w", kty="RSA", size=1024)),
    "an even modulus": rsa(n=assertions.encoded(b"\xc2" * 256)),
    "a million digits": rsa(n="A" * 1_000_000),
    "off the curve": es256(x=assertions.encoded(b"\1" * 32)),
    "another curve": es256(crv="secp256k1"),
    "a curve that does not exist": es256(crv="P-999"),
    "a short coordinate": es256(x=assertions.encoded(b"\1" * 31)),
    "a number for x": es256(x=7),
    "no y": es256(y=None),
    "another algorithm": es256(alg="ES384"),
    "no signature algorithm": rsa(alg="RSA-OAEP"),
    "HS256": es256(alg="HS256"),
    "X25519": {"kty": "OKP", "crv": "X25519", "x": assertions.encoded(b"\1" * 32)},
    "no kty": es256(kty=None),
    "kty of a list": es256(kty=["EC"]),
    "a kid of a number": es256(kid=7),
    "a kid of 201": es256(kid="x" * 201),
    "no object": "ES256",
    "null": None,
}  # fmt: skip


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_proves_nothing_is_refused_when_it_is_given_and_skipped_when_it_is_fetched(name):
    """SF-07, RFC 7518 §6, RFC 8725 §3.5, Wycheproof json_web_key: at once, and beside a good key the good one still counts."""
    good = assertions.public(ED)
    began = time.thread_time()
    with pytest.raises(InvalidClientDataError, match=r"^jwks: "):
        key_set.given(json.dumps({"keys": [BAD_KEYS[name], good]}))
    try:
        usable = key_set.fetched(json.dumps({"keys": [BAD_KEYS[name], good]}).encode()).keys
    except InvalidClientDataError:
        usable = ()  # the whole document is too large
    took = time.thread_time() - began

    assert took < 0.3
    assert [good["x"]] == [key.jwk["x"] for key in usable] or len(json.dumps(BAD_KEYS[name])) > key_set.MAX_BYTES


ONE_KEY = es256()
BAD_SETS = {
    "100,000 keys": json.dumps({"keys": [ONE_KEY | {"kid": str(n)} for n in range(100_000)]}),
    "21 keys": json.dumps({"keys": [es256(kid=str(n)) for n in range(21)]}),
    "no key": '{"keys": []}',
    "keys of an object": '{"keys": {}}',
    "no set": '{"jwks": []}',
    "a list": "[]",
    "no JSON": "-----BEGIN PUBLIC KEY-----",
    "two key members": json.dumps({"keys": [es256()]})[:-1] + ', "keys": []}',
    "one name for two keys": json.dumps({"keys": [es256(kid="same"), rsa(kid="same")]}),
    "two keys without a name": json.dumps({"keys": [es256(kid=None), rsa(kid=None)]}),
    "deep": '{"keys": ' + "[" * 20_000 + "]" * 20_000 + "}",
}


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
@pytest.mark.parametrize("name", BAD_SETS)
def test_a_set_that_leaves_doubt_is_refused(name):
    """SF-07, RFC 7517 §4.5, §5: and in bounded time."""
    began = time.thread_time()
    with pytest.raises(InvalidClientDataError, match=r"^jwks: "):
        key_set.given(BAD_SETS[name])
    with pytest.raises(InvalidClientDataError, match=r"^jwks: "):
        key_set.fetched(BAD_SETS[name].encode())

    assert time.thread_time() - began < 1


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
def test_what_is_stored_of_a_key_is_its_public_half_and_nothing_else():
    """Ours: an operator's file may hold anything; a member we do not know is not kept."""
    text = key_set.given(json.dumps({"keys": [es256(x5c=["MII"], until=5, note="hello", use="sig")]})).text()

    assert {"keys": [{name: es256()[name] for name in ("kty", "crv", "x", "y", "kid")}]} == json.loads(text)

"""RFC 7521 §4.2, RFC 7523 §2.2 and §3, rfc7523bis: a client proves who it is with a key of its own."""

import json
from dataclasses import replace

import pytest

from authserver.jobs import expire
from authserver.oauth.client_assertion import ALGORITHMS, TYPE
from tests.support import assertions
from tests.support.oauth_client import OAuthClient
from tests.support.world import R1

pytestmark = pytest.mark.one_database

KINDS = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "ES512": {"kty": "EC", "crv": "P-521"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "Ed25519": {"kty": "OKP", "crv": "Ed25519"},
    **{f"{kind}{size}": {"kty": "RSA", "size": 2048} for kind in ("RS", "PS") for size in (256, 384, 512)},
}


async def present(app, assertion, **changed):
    """Ask for a token with this assertion and nothing else that says who is asking."""
    wanted = assertions.form(assertion) | {"grant_type": "client_credentials"} | changed
    return await app.token(authenticate=False, **wanted)


def is_refused(answer):
    return (401, "invalid_client") == (answer.status, answer.error)


@pytest.mark.requirement("client-assertion:key:proves-the-client")
@pytest.mark.parametrize("names", ["the assertion alone", "client_id too"])
async def test_a_key_is_enough_to_get_a_machines_token(server, names):
    """SEP-1046: `client_id` may be absent; the client is the assertion's subject."""
    app = server.client("K")

    answer = await present(app, app.assertion(), client_id=app.app.client_id if names == "client_id too" else None)

    assert answer.ok, answer.body
    assert app.app.client_id == answer.claims["client_id"]
    assert R1 == answer.claims["aud"]


@pytest.mark.requirement("client-assertion:key:proves-the-client")
async def test_a_code_and_a_refresh_are_for_the_holder_of_the_key(server):
    """RFC 7523 §2.2: every grant; and without the assertion neither works."""
    app = server.client("K")
    code = await app.authorize(scope="orders:read")
    bare = {"client_id": app.app.client_id}

    silent = await app.token(
        authenticate=False, grant_type="authorization_code", code=code.code, code_verifier=app.verifier, **bare
    )
    tokens = await app.redeem(code)
    stolen = await app.token(authenticate=False, grant_type="refresh_token", refresh_token=tokens.refresh_token, **bare)
    refreshed = await app.refresh(tokens)

    assert is_refused(silent)
    assert is_refused(stolen)
    assert tokens.ok
    assert refreshed.ok


@pytest.mark.requirement("client-assertion:key:proves-the-client")
async def test_a_key_opens_every_endpoint_that_asks_who_is_there(server):
    """RFC 7662 §2.1, RFC 7009 §2.1, RFC 9126 §2: one rule for all of them; the audience is the issuer at each."""
    app, key = server.client("K"), assertions.new_key()
    credential = await server.operator.credential_of(R1, auth_method="private_key_jwt", jwks=assertions.key_set(key))
    guard = OAuthClient(server=server, app=replace(credential, key=key))
    tokens = await app.redeem(await app.authorize(**await app.pushed(scope="orders:read")))

    known = await guard.introspect(tokens.access_token)
    revoked = await app.revoke(tokens.refresh_token)
    gone = await guard.introspect(tokens.access_token)

    assert known.body["active"]
    assert 200 == revoked.status
    assert {"active": False} == gone.body


@pytest.mark.requirement("client-assertion:jti:is-used-once")
@pytest.mark.parametrize("path", ["/introspect", "/revoke", "/par", "/token"])
@pytest.mark.parametrize("first", ["/introspect", "/revoke", "/par", "/token"])
async def test_an_assertion_that_was_used_at_one_endpoint_is_used_at_all(server, first, path):
    """RFC 7523 §3 item 7 (TK-21): what one of our endpoints saw, another does not take."""
    key = assertions.new_key()
    credential = await server.operator.credential_of(R1, auth_method="private_key_jwt", jwks=assertions.key_set(key))
    guard = OAuthClient(server=server, app=replace(credential, key=key))
    used = assertions.form(guard.assertion()) | {"token": "x", "grant_type": "x"}

    before = await guard.post(first, authenticate=False, **used)
    after = await guard.post(path, authenticate=False, **used)

    assert 401 != before.status
    assert is_refused(after)


@pytest.mark.requirement("client-assertion:method:is-the-registered-one")
@pytest.mark.parametrize("what", ["client disabled", "client removed", "tenant suspended"])
async def test_a_right_assertion_opens_nothing_once_its_client_or_tenant_is_gone(server, what):
    """AZ-51 for machines, CVE-2025-64521: at once, and by the same answer as a stranger's."""
    app = server.client("K")
    assert (await present(app, app.assertion())).ok
    match what:
        case "client disabled":
            await server.operator.set_client(app.app, is_active=False)
        case "client removed":
            await server.operator.remove_client(app.app)
        case _:
            await server.operator.set_tenant("t1", is_active=False)

    assert is_refused(await present(app, app.assertion()))


@pytest.mark.requirement("client-assertion:key:proves-the-client")
@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_every_advertised_algorithm_works(server, alg):
    """RFC 8414 §2: `token_endpoint_auth_signing_alg_values_supported` is no decoration."""
    key = assertions.new_key(**KINDS[alg])
    app = server.client("K", key=key)
    await server.operator.set_client(app.app, jwks=assertions.key_set(key))

    assert (await present(app, app.assertion(alg=alg))).ok


@pytest.mark.requirement("client-assertion:key:proves-the-client")
@pytest.mark.parametrize(("registered", "signed"), [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")])
@pytest.mark.parametrize("by", ["the key", "the client"])
async def test_ed25519_is_one_algorithm_by_its_old_name_and_its_new_one(server, registered, signed, by):
    """RFC 9864 §2.2: oauth4webapi signs with the new name what its key still calls by the old one."""
    key = assertions.new_key(**KINDS[signed])
    app = server.client("K", key=key)
    named = {"alg": registered} if by == "the key" else {}
    keys = json.dumps({"keys": [assertions.public(key, **named)]})
    await server.operator.set_client(app.app, jwks=keys, assertion_alg=registered if by == "the client" else "")

    assert (await present(app, app.assertion(alg=signed))).ok
    assert is_refused(await present(app, server.client("K").assertion()))


@pytest.mark.requirement("client-assertion:metadata:says-what-works")
async def test_the_metadata_names_the_method_and_its_algorithms(server):
    """SEP-1046, RFC 8414 §2: never `none`, nothing symmetric."""
    said = (await server.http.get("/.well-known/oauth-authorization-server")).json()

    assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
    assert set(KINDS) == set(said["token_endpoint_auth_signing_alg_values_supported"])


@pytest.mark.requirement("client-assertion:subject:names-the-client")
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "cli_other"}, {"sub": "cli_other"}, {"iss": None}, {"sub": None}, {"iss": ""}, {"iss": "", "sub": ""},
        {"iss": "cli_nobody", "sub": "cli_nobody"}, {"sub": ["x"]}, {"sub": 7}, {"iss": 7, "sub": 7},
        {"iss": ["x"], "sub": ["x"]}, {"iss": "a\nb", "sub": "a\nb"}, {"iss": "x" * 501, "sub": "x" * 501},
    ],
    ids=str,
)  # fmt: skip
async def test_an_assertion_speaks_of_its_own_client_alone(server, changed):
    """RFC 7523 §3 items 1 and 2 (TK-19)."""
    app = server.client("K")

    assert is_refused(await present(app, app.assertion(**changed)))


@pytest.mark.requirement("client-assertion:subject:names-the-client")
async def test_a_client_id_that_is_not_the_subject_is_refused(server):
    """RFC 7521 §4.2 (TK-19): another client's name beside the right assertion; and M's name signed by K's key."""
    app, other = server.client("K"), server.client("M").app.client_id

    beside = await present(app, app.assertion(), client_id=other)
    inside = await present(app, app.assertion(iss=other, sub=other))

    assert is_refused(beside)
    assert is_refused(inside)


@pytest.mark.requirement("client-assertion:audience:is-the-issuer-alone")
@pytest.mark.parametrize(
    "audience",
    [
        None, "", "ISSUER/token", "ISSUER/", "ISSUER/t/t3", "ISSUER?x", "ISSUER#", "http://127.0.0.1:900", "http://127.0.0.1",
        "https://evil.example", " ISSUER", "ISSUER ", ["ISSUER"], ["ISSUER", "https://evil.example"], [], {"ISSUER": 1}, 7, True,
        "HTTP://127.0.0.1:9000", "http://localhost:9000", R1,
    ],
    ids=str,
)  # fmt: skip
async def test_the_audience_is_our_issuer_as_one_string(server, audience):
    """rfc7523bis §4 (TK-20), CVE-2025-27370, CVE-2025-27371: what another server could have asked for proves nothing here."""
    app = server.client("K")

    def ours(value):
        return value.replace("ISSUER", server.issuer) if isinstance(value, str) else value

    said = [ours(one) for one in audience] if isinstance(audience, list) else ours(audience)

    assert is_refused(await present(app, app.assertion(aud=said)))
    assert (await present(app, app.assertion(aud=server.issuer))).ok


@pytest.mark.requirement("client-assertion:audience:token-endpoint-is-a-switch")
@pytest.mark.settings(assertion_audience_token_endpoint=True)
async def test_a_switch_takes_the_token_endpoint_too(server):
    """Design override, for clients older than rfc7523bis: one string still, and no other endpoint."""
    app, token = server.client("K"), f"{server.issuer}/token"

    assert (await present(app, app.assertion(aud=token))).ok
    assert (await present(app, app.assertion())).ok
    for audience in ([token], [server.issuer, token], f"{server.issuer}/", f"{token}/", f"{server.issuer}/introspect"):
        assert is_refused(await present(app, app.assertion(aud=audience)))


@pytest.mark.requirement("client-assertion:audience:is-the-issuer-alone")
async def test_an_assertion_for_a_tenants_own_issuer_is_for_it_alone(server):
    """Decision 22: the path is part of the name, and the issuer must speak for the client."""
    app = server.client("K")
    path = server.client("K", issuer_path="/t/t3")

    assert is_refused(await present(app, app.assertion(aud=path.base)))
    assert is_refused(await present(path, app.assertion(aud=path.base)))
    assert is_refused(await present(path, app.assertion(aud=app.base)))


@pytest.mark.requirement("client-assertion:life:is-short")
@pytest.mark.parametrize(
    ("changed", "is_good"),
    [
        ({"exp": 1}, True), ({"exp": 600}, True), ({"exp": -29}, True), ({"exp": 0.5}, True), ({"iat": None}, True),
        ({"iat": 25}, True), ({"nbf": 25}, True), ({"nbf": -600}, True), ({"iat": -86400}, True),
        ({"exp": None}, False), ({"exp": -31}, False), ({"exp": 700}, False), ({"exp": 3600}, False), ({"exp": 10**12}, False),
        ({"iat": 60}, False), ({"nbf": 60}, False), ({"nbf": 10**15}, False),
    ],
    ids=str,
)  # fmt: skip
async def test_an_assertion_is_good_for_minutes(server, changed, is_good):
    """RFC 7523 §3 items 4 to 6; the numbers count from the server's now."""
    app = server.client("K")
    said = {name: value if value is None else server.now + value for name, value in changed.items()}

    answer = await present(app, app.assertion(**said))

    assert is_good == answer.ok
    assert is_good or is_refused(answer)


@pytest.mark.requirement("client-assertion:life:is-short")
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1", True, [1], {"a": 1}, "", False], ids=str)
async def test_a_time_is_a_number(server, name, value):
    """RFC 7519 §2."""
    app = server.client("K")

    assert is_refused(await present(app, app.assertion(**{name: value})))


@pytest.mark.requirement("client-assertion:jti:is-used-once")
async def test_an_assertion_is_used_once(server):
    """RFC 7523 §3 item 7 (TK-21): not again, not for another grant, and a new one works."""
    app = server.client("K")
    used = app.assertion()

    first, second = await present(app, used), await present(app, used)
    other = await present(app, used, grant_type="refresh_token", refresh_token="rt_x")

    assert first.ok
    assert is_refused(second)
    assert is_refused(other)
    assert (await present(app, app.assertion())).ok


@pytest.mark.requirement("client-assertion:jti:is-used-once")
async def test_a_jti_is_used_once_whatever_else_is_said_around_it(server):
    """TK-21: the jti, not the bytes."""
    app = server.client("K")

    first = await present(app, app.assertion(jti="the-same", exp=server.now + 60))
    second = await present(app, app.assertion(jti="the-same", exp=server.now + 61))

    assert first.ok
    assert is_refused(second)


@pytest.mark.requirement("client-assertion:jti:is-used-once")
@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "nonsense"}, {"grant_type": "nonsense"}, {"grant_type": None}, {"resource": "https://nobody.example"},
        {"grant_type": "refresh_token", "refresh_token": "rt_x"},
    ],
    ids=str,
)  # fmt: skip
async def test_an_assertion_is_spent_even_by_a_request_that_fails(server, wrong):
    """Ours: once it was believed it is over, so that nobody can try around with one that was seen."""
    app = server.client("K")
    used = app.assertion()

    failed = await present(app, used, **wrong)

    assert 400 == failed.status
    assert is_refused(await present(app, used))


@pytest.mark.requirement("client-assertion:jti:is-used-once")
@pytest.mark.parametrize("jti", [None, "", 7, ["x"], "x" * 501, "a\nb", "a\0b", True], ids=repr)
async def test_a_jti_is_there_and_bounded(server, jti):
    """RFC 7523 §3 item 7: without one nothing could be used once."""
    app = server.client("K")

    assert is_refused(await present(app, app.assertion(jti=jti)))


@pytest.mark.requirement("client-assertion:jti:is-each-clients-own")
async def test_a_jti_that_another_client_used_is_not_used_up(server):
    """Ours: clients choose their own; and an assertion that proved nothing spends nothing."""
    app, forged = server.client("K"), server.client("K", key=assertions.new_key())
    twin = server.client("K", client_id=(await server.operator.add_key_client("t1", app.app.key)).id)

    assert is_refused(await present(forged, forged.assertion(jti="chosen")))
    assert (await present(twin, twin.assertion(jti="chosen"))).ok
    assert (await present(app, app.assertion(jti="chosen"))).ok
    assert is_refused(await present(app, app.assertion(jti="chosen")))


@pytest.mark.requirement("client-assertion:jti:is-used-once")
async def test_used_assertions_are_forgotten_only_when_they_have_expired(server):
    """Ours: the table does not grow for ever, and sweeping it opens no door."""
    app = server.client("K")
    used = app.assertion(exp=server.now + 600)
    assert (await present(app, used)).ok

    server.clock.advance(625)
    await expire(server.machines)
    still = await present(app, used)
    server.clock.advance(600)
    await expire(server.machines)

    assert is_refused(still)
    assert 0 == await rows(server)
    assert is_refused(await present(app, used))


async def rows(server):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        return connection.execute("SELECT count(*) FROM used_assertions").fetchone()[0]


@pytest.mark.requirement("client-assertion:type:is-required")
@pytest.mark.parametrize(
    "kind",
    [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TYPE.upper(), TYPE + " ", "jwt-bearer"],
)
async def test_the_type_of_an_assertion_is_named_exactly(server, kind):
    """RFC 7521 §4.2 (TK-26): and then it is not spent either."""
    app = server.client("K")
    sent = app.assertion()

    answer = await present(app, sent, client_assertion_type=kind)

    assert "invalid_request" == answer.error
    assert (await present(app, sent)).ok


@pytest.mark.requirement("client-assertion:type:is-required")
async def test_a_type_without_an_assertion_is_refused(server):
    """RFC 7521 §4.2 (TK-26)."""
    app = server.client("K")

    answer = await app.token(authenticate=False, grant_type="client_credentials", client_assertion_type=TYPE)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("client-assertion:credential:never-beside-another")
@pytest.mark.parametrize("beside", ["a secret in the header", "a secret in the body", "a bearer token", "itself"])
async def test_an_assertion_comes_alone(server, beside):
    """RFC 7521 §4.2, OAuth 2.1 §2.4 (TK-10): even when both are right."""
    app, other = server.client("K"), server.client("B")
    sent = assertions.form(app.assertion()) | {"grant_type": "client_credentials"}
    headers: dict[str, str] = {}
    match beside:
        case "a secret in the header":
            headers = other.credential()[0]
        case "a secret in the body":
            sent["client_secret"] = other.app.secret
        case "a bearer token":
            headers = {"authorization": "Bearer x"}
        case _:
            sent["client_assertion"] = [sent["client_assertion"]] * 2

    answer = await app.token(authenticate=False, headers=headers, **sent)

    assert 400 == answer.status
    assert "invalid_request" == answer.error


@pytest.mark.requirement("client-assertion:method:is-the-registered-one")
@pytest.mark.parametrize("letter", ["P", "B", "S", "M"])
async def test_a_key_proves_nobody_who_is_registered_otherwise(server, letter):
    """TK-17, TK-18: not even with the client's own keys in its record."""
    key = assertions.new_key()
    app = server.client(letter, key=key)
    await server.operator.set_client(app.app, jwks=assertions.key_set(key))

    assert is_refused(await present(app, app.assertion()))


@pytest.mark.requirement("client-assertion:method:is-the-registered-one")
@pytest.mark.parametrize("way", ["none", "client_secret_basic", "client_secret_post"])
async def test_nothing_but_its_key_proves_a_client_that_has_one(server, way):
    """TK-17, TK-18: silence, an empty secret, a guess."""
    app = server.client("K", auth_method=way, secret="guess", key=None)

    assert is_refused(await app.client_credentials())


@pytest.mark.requirement("client-assertion:algorithm:is-the-registered-one")
async def test_a_registered_algorithm_is_the_only_one(server):
    """RFC 7591 §2 `token_endpoint_auth_signing_alg`, RFC 8725 §3.1 (TK-23): RSA could sign in six ways; one was chosen."""
    key = assertions.new_key(kty="RSA", size=2048)
    app = server.client("K", key=key)
    await server.operator.set_client(app.app, jwks=assertions.key_set(key), assertion_alg="PS256")

    answers = {alg: (await present(app, app.assertion(alg=alg))).ok for alg in KINDS if alg[:2] in {"RS", "PS"}}

    assert {"PS256"} == {alg for alg, works in answers.items() if works}


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
async def test_a_signature_must_say_which_key_it_means(server):
    """RFC 7515 §4.1.4, RFC 7517 §4.5: a kid where there are several; without one only where there is no doubt."""
    first, second = assertions.new_key("first"), assertions.new_key("second")
    app = server.client("K", key=first)

    async def sent(**head):
        said = assertions.claims(app.app.client_id, server.issuer, server.now)
        return await present(app, assertions.signed(first, said, head=assertions.header(first, "ES256", **head)))

    await server.operator.set_client(app.app, jwks=assertions.key_set(first))
    alone = await sent(kid=None)
    await server.operator.set_client(app.app, jwks=assertions.key_set(first, second))

    assert alone.ok
    assert is_refused(await sent(kid=None))
    assert is_refused(await sent(kid="second"))
    assert is_refused(await sent(kid="third"))
    assert (await sent(kid="first")).ok


@pytest.mark.requirement("client-assertion:refusal:tells-nothing")
async def test_every_refused_assertion_is_answered_by_the_same_bytes(server):
    """RFC 6749 §5.2: an unknown client, a wrong key, a wrong audience, a replay look alike; our record tells them apart."""
    app, forged = server.client("K"), server.client("K", key=assertions.new_key())
    used = app.assertion()
    await present(app, used)
    known = await server.operator.events(None)

    answers = [
        await present(app, assertion)
        for assertion in (
            used,
            forged.assertion(),
            app.assertion(aud="https://evil.example"),
            app.assertion(iss="cli_nobody", sub="cli_nobody"),
            app.assertion(exp=server.now - 3600),
            "not.a.jwt",
        )
    ]
    reasons = {event["reason"] for event in await server.operator.events(None, besides=known)}

    assert 1 == len({answer.response.content for answer in answers})
    assert {401} == {answer.status for answer in answers}
    assert {"assertion_replayed", "assertion_signature", "assertion_audience", "assertion_time"} <= reasons


@pytest.mark.requirement("client-assertion:guessing:is-limited")
async def test_wrong_assertions_are_limited_and_the_rightful_client_goes_on(server):
    """OAuth 2.1 §2.4.1 (TK-15): the guesser's address waits; the client at its own does not."""
    guesser = server.client("K", key=assertions.new_key(), address="203.0.113.9")
    rightful = server.client("K", address="198.51.100.7")

    guesses = [await present(guesser, guesser.assertion()) for _ in range(40)]

    assert {401, 429} == {answer.status for answer in guesses}
    assert int(guesses[-1].response.headers["retry-after"]) >= 1
    assert (await present(rightful, rightful.assertion())).ok


@pytest.mark.requirement("client-assertion:jti:is-used-once")
@pytest.mark.settings(token_requests_per_minute=60)
async def test_a_request_that_is_one_too_many_spends_nothing(server):
    """CC-07: whoever has to wait may come back with the same assertion."""
    app = server.client("K")
    while (await app.client_credentials()).ok:
        pass
    held = app.assertion(exp=server.now + 120)

    waiting = await present(app, held)
    server.clock.advance(60)

    assert 429 == waiting.status
    assert (await present(app, held)).ok

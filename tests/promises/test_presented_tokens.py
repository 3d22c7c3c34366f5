"""A token that comes back to the server is read strictly, and counts only while everything it stands on does."""

import base64
import json

import pytest

from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.tokens import presented
from authserver.domain.tokens.presented import NotStandingError
from tests.support.world import R1


async def reason(server, token, *, path=""):
    """Return why a token counts for nothing, or None when it counts."""
    work = server.machines.work()
    issuer = (await all_issuers(work)).by_path[path]
    try:
        await presented.standing(work, issuer, await presented.read(work, issuer, token))
    except NotStandingError as refused:
        return refused.reason
    return None


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.mark.requirement("ours:presented:a-good-token-is-read-as-it-was-written")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
@pytest.mark.one_database
async def test_a_token_of_ours_is_known_again_with_every_algorithm(server_with, algorithm):
    """RFC 9068 §4."""
    server = await server_with(signing_algorithm=algorithm)
    await server.operator.rotate_keys()
    answer = await server.client("P").sign_in("u1")

    work = server.machines.work()
    found = await presented.read(work, (await all_issuers(work)).by_path[""], answer.access_token)

    assert answer.claims == found.claims
    assert R1 == found.resource
    assert await reason(server, answer.access_token) is None


@pytest.mark.requirement("ours:presented:anything-else-is-refused")
@pytest.mark.one_database
async def test_what_is_not_byte_for_byte_ours_is_refused(server):
    """RFC 8725 §3.1, §3.11: no header chooses anything, no text has two spellings, another issuer's token is nobody's here."""
    answer = await server.client("P").sign_in("u1")
    header, payload, signature = answer.access_token.split(".")
    said = json.loads(base64.urlsafe_b64decode(header + "=="))
    other = [
        encoded(json.dumps({**said, **changed}).encode())
        for changed in ({}, {"alg": "none"}, {"typ": "JWT"}, {"kid": "x"})
    ]
    widened = {**answer.claims, "scope": "orders:read orders:write"}

    hostile = [
        *(f"{one}.{payload}.{signature}" for one in other),
        f"{header}.{encoded(json.dumps(widened).encode())}.{signature}",
        f"{header}.{payload}.{signature[:-1]}{'B' if signature[-1] != 'B' else 'C'}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.{signature}",
        f"{header}.{payload}.{encoded(bytes(64))}",
        f"{header}.{payload}.\u00e9",
        "." * 10,
        "",
        "a" * 9000,
    ]

    assert all([await reason(server, token) for token in hostile])
    assert "not_our_access_token" == await reason(server, answer.access_token, path="/t/t3")
    assert await reason(server, answer.access_token) is None


@pytest.mark.requirement("ours:presented:falls-with-what-it-stands-on")
@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("authorization", "operator"),
        ("consent", "consent_withdrawn"),
        ("member", "ended_by_number"),
        ("removed", "ended_by_number"),
        ("tenant", "ended_by_number"),
        ("client", "ended_by_number"),
        ("resource", "ended_by_number"),
        ("link", "ended_by_number"),
        ("issuer", "issuer_changed"),
        ("password", "ended_by_number"),
        ("time", "expired"),
    ],
)
async def test_a_token_falls_at_once_with_what_it_stands_on(server, end, why):
    """Issue: disabling a user, client or tenant, or a password change, ends what hangs on it at once."""
    app, operator = server.client("P"), server.operator
    answer = await app.sign_in("u1")
    assert await reason(server, answer.access_token) is None
    server.clock.advance(1)

    match end:
        case "authorization":
            await operator.end_authorization("t1", answer.claims["authorization_id"])
        case "consent":
            await operator.withdraw_consent("u1", "t1", app.app, R1)
        case "member":
            await operator.set_member("u1", "t1", is_active=False)
        case "removed":
            await operator.remove_member("u1", "t1")
        case "tenant":
            await operator.set_tenant("t1", is_active=False)
        case "client":
            await operator.set_client(app.app, is_active=False)
        case "resource":
            await operator.set_resource(R1, is_active=False)
        case "link":
            await operator.unlink(R1, "t1")
        case "issuer":
            await operator.give_issuer("t1")
        case "password":
            await operator.change_password("u1", "another good horse battery")
        case "time":
            server.clock.advance(600)

    assert why == await reason(server, answer.access_token)
    await server.restart()
    assert why == await reason(server, answer.access_token)

"""An attacker with somebody's token, or with an MCP server, tries to make a deputy act where nobody allowed it."""

import base64
import json
from dataclasses import replace

import pytest

from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.tokens import presented
from authserver.domain.tokens.presented import NotStandingError
from authserver.oauth import token_request
from authserver.oauth.parameters import Parameters
from resource_lib.wire import api_key as wire
from tests.support.exchange import ACCESS_TOKEN, GRANT, SCOPES, Deputy, allowed_deputy, deputy
from tests.support.oauth_client import OAuthClient, basic
from tests.support.world import R1, R2, R5, R7, R9, WRITE


async def counts(server, answer):
    """Whether a token still counts when it comes back to the server."""
    work = server.machines.work()
    issuer = (await all_issuers(work)).by_path[""]
    try:
        await presented.standing(work, issuer, await presented.read(work, issuer, answer.access_token))
    except NotStandingError:
        return False
    return True


@pytest.mark.requirement("attack:exchange:no-deputy-can-be-confused")
@pytest.mark.one_database
async def test_a_server_trades_only_tokens_that_were_meant_for_it(server):
    """RFC 8693 §5, the confused deputy: a token for another resource that fell into a server's hands stays worthless."""
    await allowed_deputy(server)
    for here, there in ((R5, R2), (R2, R5)):
        await server.operator.allow_exchange(here, there, SCOPES)
    evil = await deputy(server, R5)
    for_r1 = await server.client("P").sign_in("u1")
    for_r2 = await server.client("P").sign_in("u1", resource=R2)
    for_r5 = await server.client("P").sign_in("u1", resource=R5)

    # Somebody else's token; the upstream's own; and one that was exchanged for another.
    exchanged = await (await deputy(server, R1)).exchange(for_r1)
    assert exchanged.ok
    for stolen in (for_r1, for_r2, exchanged):
        assert "invalid_request" == (await evil.exchange(stolen)).error
    assert (await evil.exchange(for_r5)).ok


@pytest.mark.requirement("attack:exchange:no-deputy-can-be-confused")
@pytest.mark.one_database
@pytest.mark.parametrize("letter", ["P", "N", "B", "S", "M", "X", "G"])
async def test_only_the_credential_of_an_mcp_server_trades(server, letter):
    """OAuth 2.1 §2.1, RFC 6749 §5.2: no application, public or confidential, whatever it was given."""
    await allowed_deputy(server)
    caller = await server.client("P").sign_in("u1")

    answer = await Deputy(app=server.client(letter)).exchange(caller)

    assert "unauthorized_client" == answer.error


@pytest.mark.requirement("attack:exchange:no-deputy-can-be-confused")
@pytest.mark.one_database
async def test_a_server_must_prove_who_it_is(server):
    """OAuth 2.1 §2.4: no secret, a wrong one, another method, and a credential that is disabled or public."""
    good, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")
    public = await deputy(server, R1, auth_method="none")
    app = good.app.app

    answers = [
        await Deputy(app=OAuthClient(server=server, app=changed)).exchange(caller)
        for changed in (
            replace(app, auth_method="none"),
            replace(app, auth_method="client_secret_post"),
            replace(app, secret="cs_guessed"),
            replace(app, client_id="cli_nobody"),
        )
    ]
    from_public = await public.exchange(caller)
    await server.operator.set_client(app, is_active=False)
    disabled = await good.exchange(caller)

    assert ["invalid_client"] * 4 == [answer.error for answer in answers]
    assert "unauthorized_client" == from_public.error
    assert "invalid_client" == disabled.error


@pytest.mark.requirement("attack:exchange:no-other-kind-of-token")
@pytest.mark.one_database
async def test_nothing_but_a_living_access_token_of_ours_is_taken(server):
    """RFC 8693 §2.1, RFC 8725 §3.11: refresh tokens, codes, secrets, other types of JWT, altered ones, another issuer's."""
    good, app = await allowed_deputy(server), server.client("P")
    caller = await app.sign_in("u1")
    code = await app.authorize("u1")
    header, payload, signature = caller.access_token.split(".")
    claims = caller.claims

    def encoded(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    hostile = [
        caller.refresh_token,
        code.code,
        good.app.app.secret,
        f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        f"{encoded({'alg': 'HS256', 'kid': kid, 'typ': 'at+jwt'})}.{payload}.{signature}",
        f"{encoded({'alg': 'ES256', 'kid': kid, 'typ': 'JWT'})}.{payload}.{signature}",
        f"{header}.{encoded({**claims, 'aud': R1, 'scope': WRITE})}.{signature}",
        f"{header}.{encoded({**claims, 'exp': claims['exp'] + 9999})}.{signature}",
        f"{header}.{payload}.",
        "x" * 20_000,
        "\u00e9",
        (await server.client("W").sign_in("u7")).access_token,
    ]

    for token in hostile:
        answer = await good.exchange(token)
        assert "invalid_request" == answer.error, token
        assert "subject_token: is not one that this server can exchange." == answer.body["error_description"]
    assert (await good.exchange(caller)).ok


@pytest.mark.requirement("attack:exchange:what-is-bound-to-a-key-is-not-traded")
@pytest.mark.one_database
async def test_a_token_that_is_bound_to_its_callers_key_is_refused(server):
    """RFC 9449 §7: the deputy was shown no proof, so it would strip the binding."""
    good, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")
    work = server.machines.work()
    from authserver.domain.keys.signing_key import key_ring

    key = (await key_ring(work, "")).signing(work.now)
    bound = key.access_token({**caller.claims, "cnf": {"jkt": "x"}})

    assert "invalid_request" == (await good.exchange(bound)).error
    assert (await good.exchange(key.access_token(caller.claims))).ok


@pytest.mark.requirement("attack:exchange:tenants-stay-apart")
@pytest.mark.one_database
async def test_a_target_that_the_persons_tenant_does_not_use_is_unknown(server):
    """C22: R9 is t2's, R7 t3's; a policy between servers opens no tenant, and the tenant stays the caller's."""
    for target in (R9, R7):
        await server.operator.allow_exchange(R5, target, SCOPES)
    shared = await deputy(server, R5)
    of_t1 = await server.client("G").sign_in("u5", tenant="t1")
    of_t2 = await server.client("G").sign_in("u5", tenant="t2")

    answers = {name: await shared.exchange(token, resource=R9) for name, token in (("t1", of_t1), ("t2", of_t2))}
    third = await shared.exchange(of_t2, resource=R7)

    assert "invalid_target" == answers["t1"].error
    assert server.world.tenants["t2"] == answers["t2"].claims["tenant_id"]
    assert server.world.people["u5"].subs["t2"] == answers["t2"].claims["sub"]
    assert "invalid_target" == third.error


@pytest.mark.requirement("attack:exchange:nothing-that-ended-is-traded")
@pytest.mark.parametrize(
    "end",
    [
        "authorization",
        "consent",
        "member",
        "removed",
        "tenant",
        "client",
        "actor resource",
        "password",
        "time",
        "issuer",
    ],
)
async def test_a_token_whose_authorization_ended_is_not_traded_and_what_it_was_traded_for_ends_too(server, end):
    """Decision 14: at once, from rows and not from memory, after a restart as before it."""
    good, app, operator = await allowed_deputy(server), server.client("P"), server.operator
    caller = await app.sign_in("u1")
    before = await good.exchange(caller)
    assert await counts(server, before)
    server.clock.advance(1)

    match end:
        case "authorization":
            await operator.end_authorization("t1", caller.claims["authorization_id"])
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
        case "actor resource":
            await operator.set_resource(R1, is_active=False)
        case "password":
            await operator.change_password("u1", "another good horse battery")
        case "time":
            server.clock.advance(600)
        case "issuer":
            await operator.give_issuer("t1")

    assert "invalid_request" == (await good.exchange(caller)).error
    assert not await counts(server, before)
    await server.restart()
    assert "invalid_request" == (await good.exchange(caller)).error


@pytest.mark.requirement("attack:exchange:nothing-that-ended-is-traded")
@pytest.mark.parametrize("kind", ["token", "key"])
async def test_an_end_that_comes_between_the_reading_and_the_commit_wins(server, kind):
    """Decision 4: the trade has read that all is well; what is ended before it commits gives nothing."""
    good = await allowed_deputy(server)
    made = await server.operator.add_api_key(who="u1")
    caller = await server.client("P").sign_in("u1")
    form = {"grant_type": GRANT, "subject_token": made.secret, "subject_token_type": wire.TOKEN_TYPE}
    header, ended = None, made.key.authorization_id
    if kind == "token":
        form |= {"subject_token": caller.access_token, "subject_token_type": ACCESS_TOKEN, "resource": R2}
        header = basic(good.app.app.client_id, good.app.app.secret)["authorization"].encode()
        ended = caller.claims["authorization_id"]
    work = server.machines.work(address="127.0.0.1")
    issuer = (await all_issuers(work)).by_path[""]

    answer = await token_request.handle(work, issuer, Parameters(list(form.items())), header)
    await server.operator.end_authorization("t1", ended)

    assert answer.access_token.token
    assert not await work.commit()


@pytest.mark.requirement("attack:exchange:what-the-operator-takes-back-is-gone")
@pytest.mark.parametrize("how", ["forbidden", "narrowed", "target disabled", "target unlinked", "actor disabled"])
async def test_what_was_traded_counts_only_while_the_operator_allows_it(server, how):
    """RFC 8693 §5: taking an exchange back acts on tokens that are out, not only on the next one."""
    good, caller, operator = await allowed_deputy(server), await server.client("P").sign_in("u1"), server.operator
    before = await good.exchange(caller)
    assert await counts(server, before)

    match how:
        case "forbidden":
            await operator.forbid_exchange(R1, R2)
        case "narrowed":
            await operator.allow_exchange(R1, R2, {"orders:write": ("orders:write",)})
        case "target disabled":
            await operator.set_resource(R2, is_active=False)
        case "target unlinked":
            await operator.unlink(R2, "t1")
        case "actor disabled":
            await operator.set_client(good.app.app, is_active=False)

    assert not (await good.exchange(caller)).ok
    assert not await counts(server, before)
    assert await counts(server, caller)


@pytest.mark.requirement("attack:exchange:follows-roles-and-consent")
async def test_a_role_or_a_scope_taken_away_is_gone_from_the_next_trade(server):
    """Decision 11: the caller's token still says it; the rows no longer do."""
    good, app = await allowed_deputy(server), server.client("P")
    admin = await app.sign_in("u2", scope=WRITE, tools=["update_order"])
    assert (await good.exchange(admin, scope="orders:admin")).ok
    assert (await good.exchange(admin, scope="orders:write")).ok

    await server.operator.set_member("u2", "t1", roles=("member",))
    without_role = await good.exchange(admin, scope="orders:admin")
    await app.sign_in("u2", scope=WRITE, tools=[])
    await server.operator.set_client(app.app, scope=("orders:read",))
    without_scope = await good.exchange(admin, scope="orders:write")

    assert "invalid_scope" == without_role.error
    assert "invalid_scope" == without_scope.error
    assert (await good.exchange(admin, scope="orders:read")).ok


@pytest.mark.requirement("attack:exchange:is-no-way-back")
@pytest.mark.one_database
async def test_what_was_traded_refreshes_nothing_and_opens_nothing_but_its_target(server):
    """RFC 8693 §2.2.1: no refresh token; and a later server of the chain holds only what its own pair allows."""
    good, caller = (
        await allowed_deputy(server),
        await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"]),
    )
    await server.operator.allow_exchange(R2, R5, {"orders:write": ("orders:write",)})
    upstream = await deputy(server, R2)

    read_only = await good.exchange(caller, scope="orders:read")
    refreshed = await good.app.refresh(read_only.access_token)
    further = await upstream.exchange(read_only, resource=R5, scope="orders:write")
    again = await good.exchange(read_only, scope="orders:write")

    assert not refreshed.ok
    assert "invalid_scope" == further.error
    assert "invalid_request" == again.error


@pytest.mark.requirement("attack:exchange:floods-are-slowed")
@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
async def test_a_server_that_floods_is_told_to_come_back(server):
    """Decision 12: as any other client."""
    good, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")

    answers = [await good.exchange(caller) for _ in range(30)]

    assert {200, 429} == {answer.status for answer in answers}

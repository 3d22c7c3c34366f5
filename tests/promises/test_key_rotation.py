"""Keys change by schedule and under load, and no token that was good stops being good (decision 16; JK-02, JK-03)."""

import asyncio
import contextlib
import json

import httpx2
import pytest

from authserver.domain.issuers import issuer as issuers
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.keys import rotation
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.revocation import feed
from authserver.opening import close_machines, open_machines
from resource_lib.identity.access_token import InvalidToken, Validator
from resource_lib.identity.jwks_cache import JWKSCache
from tests.support.oracle import header, verified_claims
from tests.support.world import R1

SCHEDULE = {"key_rotation_seconds": 10_000, "key_publish_ahead_seconds": 1000}


async def key_set(server):
    return (await server.http.get("/jwks.json")).json()


async def kid_of_a_new_token(server):
    return header((await server.client("M").client_credentials()).access_token)["kid"]


@pytest.mark.settings(**SCHEDULE)
@pytest.mark.requirement("ours:keys:published-before-use")
async def test_a_key_is_published_long_before_it_signs(server):
    """JK-02: a resource server that read the set a moment before must know the key when it meets it."""
    old = await kid_of_a_new_token(server)
    server.clock.advance(9000 - 1)
    early = await server.operator.rotate_keys_if_due()
    server.clock.advance(1)
    published = await server.operator.rotate_keys_if_due()
    kids = [key["kid"] for key in (await key_set(server))["keys"]]
    still = await kid_of_a_new_token(server)
    server.clock.advance(1000)
    then = await kid_of_a_new_token(server)

    assert (False, True) == (early, published)
    assert [old, then] == kids
    assert old == still
    assert then != old


@pytest.mark.settings(**SCHEDULE)
@pytest.mark.requirement("ours:keys:kept-until-the-last-token")
async def test_a_key_stays_published_until_the_last_token_it_signed_has_expired(server):
    """JK-02: and not for ever."""
    server.clock.advance(9000)
    assert await server.operator.rotate_keys_if_due()
    server.clock.advance(999)
    last = await server.client("M").client_credentials()
    old = header(last.access_token)["kid"]

    server.clock.advance(600)
    until_its_end = verified_claims(last.access_token, await key_set(server), issuer=server.issuer, audience=R1)
    server.clock.advance(120)
    afterwards = {key["kid"] for key in (await key_set(server))["keys"]}

    assert last.claims == until_its_end
    assert old not in afterwards


@pytest.mark.settings(**SCHEDULE)
@pytest.mark.requirement("ours:keys:one-starter-wins")
async def test_of_many_processes_that_rotate_at_once_one_publishes_a_key(server):
    """Decision 5: N starters; the generation number lets one of them win."""
    server.clock.advance(9000)
    async with contextlib.AsyncExitStack() as opened:
        processes = []
        for _ in range(6):
            machines = await open_machines(server.settings, clock=server.clock)
            opened.push_async_callback(close_machines, machines)
            issuer = (await all_issuers(machines.work())).by_path[""]
            processes.append(rotation.rotate_if_due(machines.work(), issuer))

        won = await asyncio.gather(*processes)

    assert 1 == won.count(True)
    server.machines.memory.forget()
    assert 2 == len((await key_set(server))["keys"])


@pytest.mark.requirement("ours:keys:one-starter-wins")
async def test_of_many_processes_that_start_on_an_empty_database_all_share_one_key_and_one_set_of_secrets(server):
    """Decision 5, 16: the deployment's secrets are made once, whoever starts first; another pair would orphan every row."""
    async with contextlib.AsyncExitStack() as opened:
        processes = await asyncio.gather(*(open_machines(server.settings, clock=server.clock) for _ in range(6)))
        for machines in processes:
            opened.push_async_callback(close_machines, machines)

        assert 1 == len({machines.keys.blind_index for machines in processes})
        assert 1 == len({machines.keys.personal_data for machines in processes})


@pytest.mark.one_database
@pytest.mark.settings(jwks_max_age_seconds=30)
@pytest.mark.requirement("ours:keys:ten-rotations-under-load")
async def test_ten_rotations_under_load_fail_no_validation(server):
    """JK-03, issue "it must show" 5: every token is accepted from its first second to its last, by the real library."""
    cache = JWKSCache(
        issuer=server.issuer, transport=httpx2.ASGITransport(app=server.app), clock=lambda: float(server.clock.now)
    )
    validator = Validator(
        issuer=server.issuer, resource=R1, keys=cache, remember=0, clock=lambda: float(server.clock.now)
    )
    app, held, kids, checked, failed = server.client("M"), [], set(), 0, []

    async def check(token):
        nonlocal checked
        checked += 1
        try:
            await validator.verify(token)
        except InvalidToken as error:
            failed.append((error.reason, header(token)["kid"]))

    async def client(number):
        answer = await app.client_credentials()
        held.append((server.clock.now, answer.access_token))
        kids.add(header(answer.access_token)["kid"])
        await check(answer.access_token)

    for _ in range(10):
        assert await server.operator.rotate_keys(publish_ahead_s=60)
        for _ in range(8):
            server.clock.advance(13)
            held[:] = [(made, token) for made, token in held if server.clock.now < made + 600]
            await asyncio.gather(*(client(number) for number in range(5)), *(check(token) for _, token in held[::7]))

    assert [] == failed
    assert 11 == len(kids)
    assert checked > 800


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:leaked-key-is-out-at-once")
async def test_a_key_that_leaked_is_out_of_the_set_at_once_and_the_next_one_signs(server):
    """Decision 16: removing it ends every token it signed."""
    token = await server.client("M").client_credentials()
    leaked = header(token.access_token)["kid"]
    await server.operator.rotate_keys()
    _, before = await feed.head(server.operator.work())

    assert await rotation.remove_now(server.operator.work(), leaked)

    [told] = await feed.since(server.operator.work(), after=before)
    assert ("key", "*", {"kid": leaked, "issuer_path": ""}) == (
        told["kind"],
        told["scope_tenant"],
        json.loads(told["subject"]),
    )
    assert leaked not in {key["kid"] for key in (await key_set(server))["keys"]}
    assert leaked != await kid_of_a_new_token(server)
    assert {"key:signing:published", "key:signing:removed"} <= set(await server.operator.kinds(None))


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:nothing-is-signed-without-a-key")
async def test_without_a_key_that_may_sign_nothing_is_issued_and_nothing_is_used_up(server):
    """Fail closed: an accident, no token, and the code is still good once a key is there."""
    app = server.client("P")
    code = await app.authorize()
    await without_any_key(server)

    without = await app.redeem(code)
    ready = await server.http.get("/readyz")
    await server.operator.rotate_keys()
    after = await app.redeem(code)

    assert without.status in {500, 503}
    assert 503 == ready.status_code
    assert after.ok


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:a-removed-key-is-replaced")
@pytest.mark.parametrize("next_is_published", [False, True])
async def test_a_leaked_key_that_signed_is_replaced_in_the_same_commit(server, next_is_published):
    """JK-06 kin: whoever takes a leaked key out in a hurry must not have to choose between the leak and weeks of nothing."""
    if next_is_published:
        await server.operator.rotate_keys(publish_ahead_s=24 * 3600)
    leaked = header((await server.client("M").client_credentials()).access_token)["kid"]

    assert await rotation.remove_now(server.operator.work(), leaked)

    assert 200 == (await server.http.get("/readyz")).status_code
    assert leaked != await kid_of_a_new_token(server)
    assert leaked not in {key["kid"] for key in (await key_set(server))["keys"]}
    assert not await server.operator.rotate_keys_if_due()


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:a-removed-key-is-replaced")
async def test_the_timetable_makes_a_key_where_none_may_sign(server):
    """Ours: whatever took the last one away, the next round brings another."""
    await without_any_key(server)
    assert 503 == (await server.http.get("/readyz")).status_code

    assert await server.operator.rotate_keys_if_due()

    assert 200 == (await server.http.get("/readyz")).status_code
    assert (await server.client("M").client_credentials()).ok


@pytest.mark.one_database
@pytest.mark.requirement("kill:key:no-clock-brings-it-back")
async def test_a_key_that_was_removed_in_an_emergency_is_out_by_any_clock(server):
    """RV-04: a clock that is set back by a day does not put it into the set again."""
    leaked = header((await server.client("M").client_credentials()).access_token)["kid"]
    server.clock.advance(2 * 24 * 3600)
    assert await rotation.remove_now(server.operator.work(), leaked)

    server.clock.advance(-24 * 3600)
    await server.restart()

    assert leaked not in {key["kid"] for key in (await key_set(server))["keys"]}


async def without_any_key(server):
    work = server.operator.work()
    await rotation.remove_all(work, "")
    assert await work.commit()


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:wrapped-at-rest")
async def test_private_keys_and_deployment_secrets_are_wrapped_at_rest(server):
    """Decision 16, C09: a JWE each; no private member and no key-encryption key in any byte of the database."""
    rest = server.bytes_at_rest()
    kek = server.settings.kek.get_secret_value().partition(":")[2].strip().encode()

    assert b'"d":' not in rest
    assert b"PRIVATE KEY" not in rest
    assert kek not in rest
    for secret in (server.machines.keys.blind_index, server.machines.keys.personal_data, server.machines.keys.audit):
        assert secret not in rest


@pytest.mark.one_database
@pytest.mark.requirement("ours:keys:wrapped-at-rest")
async def test_another_key_encryption_key_opens_nothing_and_says_so(server):
    """Decision 16: the start stops, naming the setting."""
    from pydantic import SecretStr

    from authserver.runtime.vault import LocalKeyEncryption, VaultError

    wrong = server.settings.model_copy(update={"kek": SecretStr(LocalKeyEncryption.generate())})

    with pytest.raises(VaultError) as refused:
        await open_machines(wrong, clock=server.clock)

    assert "AUTHSERVER_KEK_FILE" in str(refused.value) or "key is another" in str(refused.value)


class Failing(httpx2.AsyncBaseTransport):
    """Our key endpoint on a bad day: `answer` None passes on to the real server."""

    def __init__(self, app):
        self.real, self.answer, self.asked = httpx2.ASGITransport(app=app), None, 0

    async def handle_async_request(self, request):
        self.asked += 1
        if self.answer is None:
            return await self.real.handle_async_request(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        status, body = self.answer
        return httpx2.Response(status, content=body, headers={"content-type": "application/json"}, request=request)


FAILURES = [
    (500, b"{}"), (200, b"<html>"), (200, b'{"keys": []}'), (200, b""), (302, b""), (200, b"[]"), (200, b'{"keys": 1}'),
    httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"),
]  # fmt: skip


@pytest.mark.one_database
@pytest.mark.settings(jwks_max_age_seconds=30)
@pytest.mark.requirement("ours:keys:last-good-set-survives-failures")
@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_a_resource_server_goes_on_with_the_last_good_set_while_ours_fails(server, failure):
    """JK-06: up to the end of its staleness, after which it fails closed; and it never begins without a set."""
    from resource_lib.identity.jwks_cache import KeysUnavailableError

    def reading():
        transport = Failing(server.app)
        clock = lambda: float(server.clock.now)  # noqa: E731
        keys = JWKSCache(issuer=server.issuer, transport=transport, clock=clock, max_stale=300)
        return transport, Validator(issuer=server.issuer, resource=R1, keys=keys, remember=0, clock=clock)

    (transport, validator), (cold, beginner) = reading(), reading()
    token = (await server.client("M").client_credentials()).access_token
    before = await validator.verify(token)

    transport.answer = cold.answer = failure
    server.clock.advance(200)
    meanwhile = await validator.verify(token)
    with pytest.raises(KeysUnavailableError):
        await beginner.verify(token)
    server.clock.advance(200)
    with pytest.raises(KeysUnavailableError):
        await validator.verify(token)

    assert before.token_id == meanwhile.token_id
    assert transport.asked > 2


@pytest.mark.requirement("keys:issuer:takes-its-keys-along")
async def test_a_name_that_is_given_again_does_not_inherit_what_it_signed_before(server):
    """TN-10: a tenant's own issuer is taken away; whoever gets the name next signs with keys of their own."""
    machines, path = server.machines, "/t/t3"
    before = {key.kid for key in (await key_ring(machines.work(), path)).published(machines.work().now)}

    work = machines.work()
    issuers.remove(work, path=path)
    await rotation.remove_all(work, path)
    assert await work.commit()
    given_again = machines.work()
    issuer = issuers.add(given_again, slug="t3", tenant=server.world.tenants["t3"])
    assert await given_again.commit()
    await rotation.rotate_if_due(machines.work(), issuer)

    after = {key.kid for key in (await key_ring(machines.work(), path)).published(machines.work().now)}
    assert before
    assert after
    assert not before & after

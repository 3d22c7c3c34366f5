"""An API key: shown once, stored as a hash, for one resource and an end, and worth a few minutes' token at a time."""

import re

import pytest

from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.tokens import presented
from authserver.domain.tokens.presented import NotStandingError
from authserver.jobs import expire
from resource_lib.wire import api_key as wire
from tests.support.exchange import ACCESS_TOKEN, GRANT, SCOPES, deputy
from tests.support.oauth_client import TokenAnswer
from tests.support.world import R1, R2, R9, WRITE

DAY = 24 * 3600


async def exchange(server, key, *, path="", address=None, headers=None, **changed):
    """Send a key to the token endpoint, with no other credential; `None` leaves a parameter out."""
    http = server.http_from(address) if address else server.http
    form = {"grant_type": GRANT, "subject_token": key, "subject_token_type": wire.TOKEN_TYPE, **changed}
    data = {name: value for name, value in form.items() if value is not None}
    return TokenAnswer(response=await http.post(f"{server.issuer}{path}/token", data=data, headers=headers))


async def counts(server, answer):
    """Whether its token still counts when it comes back to the server."""
    work = server.machines.work()
    issuer = (await all_issuers(work)).by_path[""]
    try:
        await presented.standing(work, issuer, await presented.read(work, issuer, answer.access_token))
    except NotStandingError:
        return False
    return True


@pytest.mark.requirement("api-key:exchange:gives-a-short-token-of-its-owner")
async def test_a_persons_key_is_worth_a_token_of_that_person(server):
    """RFC 8693 §2.1, C02: no client authentication; the token is for the key's resource, and says that nobody logged in."""
    made = await server.operator.add_api_key(who="u1", scope="orders:read orders:write")

    answer = await exchange(server, made.secret)

    assert answer.ok, answer.body
    said = answer.claims
    assert ACCESS_TOKEN == answer.body["issued_token_type"]
    assert "refresh_token" not in answer.body
    assert 600 == answer.body["expires_in"]
    assert (server.world.people["u1"].subs["t1"], R1, made.key.id) == (said["sub"], said["aud"], said["client_id"])
    assert ["member"] == said["roles"]
    assert "urn:authserver:acr:api_key" == said["acr"]
    assert ["api_key"] == said["amr"]
    assert made.key.created_at == said["auth_time"]
    assert {"orders:read", "orders:write"} == answer.scope
    assert await counts(server, answer)


@pytest.mark.requirement("api-key:exchange:gives-a-short-token-of-its-owner")
async def test_a_machines_key_is_worth_a_token_of_that_machine(server):
    """Design §4: its subject is the client, without roles or a login."""
    made = await server.operator.add_api_key(app=server.world.clients["M"], scope="orders:write")

    answer = await exchange(server, made.secret)

    client_id = server.world.clients["M"].client_id
    assert (f"client:{client_id}", client_id) == (answer.claims["sub"], answer.claims["client_id"])
    assert not {"roles", "acr", "amr", "auth_time"} & set(answer.claims)
    assert await counts(server, answer)


@pytest.mark.one_database
@pytest.mark.requirement("api-key:exchange:narrows-and-never-widens")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, None),
        ({"scope": "orders:read"}, None),
        ({"resource": R1}, None),
        ({"scope": "orders:write"}, "invalid_scope"),
        ({"scope": "orders:read orders:admin"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"resource": R2}, "invalid_target"),
        ({"resource": R9}, "invalid_target"),
        ({"audience": "x"}, "invalid_target"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_client"),
        ({"subject_token_type": None}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
    ],
    ids=str,
)
async def test_a_key_gives_its_scopes_at_its_resource_and_nothing_else(server, changed, error):
    """RFC 8693 §2.1, §2.2.2."""
    made = await server.operator.add_api_key(who="u1")

    answer = await exchange(server, made.secret, **changed)

    assert error == (None if answer.ok else answer.error)


@pytest.mark.one_database
@pytest.mark.requirement("api-key:form:is-known-to-scanners")
async def test_a_key_names_itself_and_a_typo_is_refused_without_a_look_up(server, monkeypatch):
    """C02: prefix and checksum; a scanner finds it, and a slip of the hand costs no row."""
    made = await server.operator.add_api_key(who="u1")
    found = wire.PATTERN.search(f"export KEY={made.secret} # do not commit")
    asked = []
    read = server.machines.database.read

    async def counted(tenant, statement, values, *, platform=False):
        asked.append(statement)
        return await read(tenant, statement, values, platform=platform)

    monkeypatch.setattr(server.machines.database, "read", counted)
    place = 25
    typo = made.secret[:place] + ("a" if made.secret[place] != "a" else "b") + made.secret[place + 1 :]

    answer = await exchange(server, typo)

    assert made.secret == found.group()
    assert re.fullmatch(r"ask_[a-z2-7]{16}_[\w-]{43}_\w{6}", made.secret)
    assert "invalid_request" == answer.error
    assert not [statement for statement in asked if "api_keys" in statement.sqlite]
    assert (await exchange(server, made.secret)).ok
    assert [statement for statement in asked if "api_keys" in statement.sqlite]


@pytest.mark.requirement("api-key:rest:is-a-hash")
async def test_no_row_and_no_event_holds_a_key(server):
    """Decision 8, C47."""
    made = await server.operator.add_api_key(who="u1")
    await exchange(server, made.secret)

    if server.place.kind == "sqlite":
        at_rest = server.bytes_at_rest()
        assert made.key.id.encode() in at_rest
        assert made.secret[21:60].encode() not in at_rest
    assert not [row for row in await server.operator.events("t1") if made.secret[21:60] in str(row)]
    assert made.secret not in repr(made.key)


@pytest.mark.requirement("api-key:end:is-at-once")
@pytest.mark.parametrize(
    "end",
    [
        "disabled", "removed", "rotated", "over", "authorization", "member", "member removed", "person", "password", "tenant",
        "resource", "link", "issuer",
    ],
)  # fmt: skip
async def test_a_persons_key_ends_at_once_with_whatever_it_stands_on(server, end):
    """Issue: key, owner, tenant, resource; and what was made from it counts no more when it comes back."""
    operator = server.operator
    made = await operator.add_api_key(who="u1")
    before = await exchange(server, made.secret)
    assert before.ok

    match end:
        case "disabled":
            await operator.change_api_key("disable", made.key)
        case "removed":
            await operator.change_api_key("remove", made.key)
        case "rotated":
            await operator.change_api_key("rotate", made.key)
        case "over":
            server.clock.advance(30 * DAY)
        case "authorization":
            await operator.end_authorization("t1", before.claims["authorization_id"])
        case "member":
            await operator.set_member("u1", "t1", is_active=False)
        case "member removed":
            await operator.remove_member("u1", "t1")
        case "person":
            await operator.set_person("u1", is_active=False)
            await operator.set_person("u1", is_active=True)
        case "password":
            await operator.change_password("u1", "another horse battery staple")
        case "tenant":
            await operator.set_tenant("t1", is_active=False)
        case "resource":
            await operator.set_resource(R1, is_active=False)
        case "link":
            await operator.unlink(R1, "t1")
        case "issuer":
            await operator.give_issuer("t1")

    answer = await exchange(server, made.secret)
    assert "invalid_request" == answer.error
    assert "subject_token: is no API key that can be used here." == answer.body["error_description"]
    assert not await counts(server, before)
    await server.restart()
    assert "invalid_request" == (await exchange(server, made.secret)).error


@pytest.mark.requirement("api-key:end:is-at-once")
@pytest.mark.parametrize("end", ["client disabled", "client removed", "client moved"])
async def test_a_machines_key_ends_at_once_with_its_client(server, end):
    """Issue: via its owner."""
    operator, machine = server.operator, server.world.clients["M"]
    made = await operator.add_api_key(app=machine)
    assert (await exchange(server, made.secret)).ok

    match end:
        case "client disabled":
            await operator.set_client(machine, is_active=False)
        case "client removed":
            await operator.remove_client(machine)
        case "client moved":
            await operator.set_client(machine, resources=(R2,))

    assert "invalid_request" == (await exchange(server, made.secret)).error


@pytest.mark.requirement("api-key:end:what-ended-stays-ended")
async def test_an_enabled_key_begins_anew_and_what_it_gave_before_stays_dead(server):
    """Decision 14: nothing that died comes back."""
    made = await server.operator.add_api_key(who="u1")
    first = await exchange(server, made.secret)

    await server.operator.change_api_key("disable", made.key)
    await server.operator.change_api_key("enable", made.key)
    again = await exchange(server, made.secret)

    assert again.ok
    assert first.claims["authorization_id"] != again.claims["authorization_id"]
    assert await counts(server, again)
    assert not await counts(server, first)


@pytest.mark.requirement("api-key:rotate:one-operation-with-an-overlap")
async def test_a_rotated_key_overlaps_for_as_long_as_was_said(server):
    """Issue: the old secret works N hours more, then never again; a new end is set with it."""
    made = await server.operator.add_api_key(who="u1", days=2)
    first = await exchange(server, made.secret)

    rotated = await server.operator.change_api_key("rotate", made.key, overlap_s=3600, days=90)
    both = [await exchange(server, secret) for secret in (made.secret, rotated.secret)]
    server.clock.advance(3600)
    old, new = [await exchange(server, secret) for secret in (made.secret, rotated.secret)]
    server.clock.advance(80 * DAY)

    assert all(answer.ok for answer in both)
    assert await counts(server, first) is False
    assert "invalid_request" == old.error
    assert new.ok
    assert (await exchange(server, rotated.secret)).ok


@pytest.mark.requirement("api-key:exchange:follows-its-owner")
async def test_what_the_owner_may_no_longer_do_the_key_may_not_either(server):
    """Decision 11: the role, the registration and the resource as they are now."""
    admins = await server.operator.add_api_key(who="u2", scope="orders:read orders:admin")
    machines = await server.operator.add_api_key(app=server.world.clients["M"], scope="orders:read orders:write")
    assert (await exchange(server, admins.secret, scope="orders:admin")).ok

    await server.operator.set_member("u2", "t1", roles=("member",))
    await server.operator.set_client(server.world.clients["M"], scope=("orders:read",))

    assert "invalid_scope" == (await exchange(server, admins.secret, scope="orders:admin")).error
    assert {"orders:read"} == (await exchange(server, admins.secret)).scope
    assert {"orders:read"} == (await exchange(server, machines.secret)).scope


@pytest.mark.requirement("api-key:end:is-at-once")
async def test_a_new_password_ends_a_persons_keys_until_an_operator_enables_them(server):
    """Issue: a password change ends what hangs on the person; whoever took the account over keeps nothing."""
    made = await server.operator.add_api_key(who="u1")
    server.clock.advance(5)

    await server.operator.change_password("u1", "another good horse battery")
    ended = await exchange(server, made.secret)
    await server.operator.change_api_key("enable", made.key)

    assert "invalid_request" == ended.error
    assert (await exchange(server, made.secret)).ok


@pytest.mark.requirement("api-key:exchange:is-recorded")
async def test_its_uses_are_recorded_and_its_last_use_to_the_hour(server):
    """Decision 15; no diary: one write per key and hour."""
    made = await server.operator.add_api_key(who="u1")
    before = await server.operator.events("t1")
    used = []

    for wait in (0, 1800, 1799, 1):
        server.clock.advance(wait)
        assert (await exchange(server, made.secret)).ok
        used.append((await server.operator.api_key(made.key)).last_used_at - made.key.created_at)
    await server.operator.change_api_key("disable", made.key)

    assert [0, 0, 0, 3600] == used
    kinds = await server.operator.kinds("t1", besides=before)
    assert 4 == kinds.count("client:api_key:exchanged")
    assert 1 == kinds.count("operator:api_key:changed")
    assert 1 == kinds.count("client:authorization:ended")


@pytest.mark.one_database
@pytest.mark.requirement("api-key:guessing:is-slowed-and-locks-nobody-out")
async def test_guesses_are_slowed_and_a_right_key_from_the_same_address_still_works(server):
    """Decision 12: a call with a valid credential is never limited by address."""
    made = await server.operator.add_api_key(who="u1")
    body = wire.body_of(made.secret)
    guesses = [wire.with_checksum(body[:-2] + f"{number:02d}") for number in range(40)]

    answers = [await exchange(server, guess) for guess in guesses]
    right = await exchange(server, made.secret)
    elsewhere = await exchange(server, guesses[0], address="198.51.100.7")

    assert {400, 429} == {answer.status for answer in answers}
    assert [400] * 20 == [answer.status for answer in answers[:20]]
    assert all(int(answer.response.headers["retry-after"]) >= 1 for answer in answers if answer.status == 429)
    assert right.ok
    assert 400 == elsewhere.status


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("api-key:guessing:is-slowed-and-locks-nobody-out")
async def test_a_flood_with_one_key_is_slowed_and_costs_that_key_alone(server):
    """Decision 12: wherever the key is sent from, and whoever stands beside it."""
    made, neighbours = [await server.operator.add_api_key(who=who) for who in ("u1", "u2")]

    here = {(await exchange(server, made.secret)).status for _ in range(30)}

    assert {200, 429} == here
    assert 429 == (await exchange(server, made.secret, address="198.51.100.7")).status
    assert (await exchange(server, neighbours.secret)).ok


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("api-key:guessing:is-slowed-and-locks-nobody-out")
async def test_a_flood_of_wrong_keys_turns_no_right_one_away(server):
    """Decision 12: a call with a valid credential is never limited by its address, however much of a flood comes from there."""
    made = await server.operator.add_api_key(who="u1")
    body = wire.body_of(made.secret)

    flood = [await exchange(server, wire.with_checksum(body[:-2] + f"{number:02d}")) for number in range(40)]

    assert 429 == flood[-1].status
    assert (await exchange(server, made.secret)).ok


@pytest.mark.requirement("api-key:server:learns-only-of-its-own")
async def test_a_server_exchanges_only_keys_for_its_own_resource(server):
    """RFC 8693 §5: a key shown to the wrong server is worth nothing there; other clients cannot exchange one at all."""
    made = await server.operator.add_api_key(who="u1")
    form = {"resource": None, "subject_token_type": wire.TOKEN_TYPE}
    of_r1, of_r2 = await deputy(server, R1), await deputy(server, R2)

    own = await of_r1.exchange(made.secret, **form)
    strange = await of_r2.exchange(made.secret, **form)
    machine = await server.client("M").token(
        grant_type=GRANT, subject_token=made.secret, subject_token_type=wire.TOKEN_TYPE
    )
    nobody = await exchange(server, made.secret, headers={"authorization": "Basic eDp5"})
    half = await exchange(server, made.secret, client_id=server.world.clients["P"].client_id)

    assert own.ok
    assert R1 == own.claims["aud"]
    assert "invalid_request" == strange.error
    assert "unauthorized_client" == machine.error
    assert "invalid_client" == nobody.error
    assert "unauthorized_client" == half.error


@pytest.mark.one_database
@pytest.mark.requirement("api-key:server:learns-only-of-its-own")
async def test_a_key_works_only_at_the_issuer_of_its_tenant(server):
    """Decision 22."""
    made = await server.operator.add_api_key(who="u7", tenant="t3", resource="https://mcp7.example/mcp")

    assert "invalid_request" == (await exchange(server, made.secret)).error
    assert (await exchange(server, made.secret, path="/t/t3")).ok


@pytest.mark.one_database
@pytest.mark.requirement("api-key:exchange:its-token-goes-further")
async def test_the_token_of_a_key_is_exchanged_upstream_like_any_other(server):
    """RFC 8693 §4.1: and what comes out ends with the key."""
    made = await server.operator.add_api_key(who="u1")
    await server.operator.allow_exchange(R1, R2, SCOPES)
    of_r1, token = await deputy(server, R1), await exchange(server, made.secret)

    further = await of_r1.exchange(token)
    wider = await of_r1.exchange(token, scope="orders:write")
    assert await counts(server, further)
    await server.operator.change_api_key("disable", made.key)

    assert R2 == further.claims["aud"]
    assert {"sub": of_r1.actor} == further.claims["act"]
    assert "invalid_scope" == wider.error
    assert not await counts(server, further)


@pytest.mark.requirement("api-key:rest:is-forgotten-after-its-end")
async def test_a_key_is_forgotten_a_week_after_its_end(server):
    """Ours: no list of dead keys grows for ever."""
    made = await server.operator.add_api_key(who="u1", days=1)

    server.clock.advance(7 * DAY)
    await expire(server.machines)
    kept = await server.operator.api_key(made.key)
    server.clock.advance(DAY)
    await expire(server.machines)

    assert kept is not None
    assert await server.operator.api_key(made.key) is None


@pytest.mark.requirement("api-key:end:races")
async def test_a_key_that_is_ended_while_it_is_exchanged_gives_nothing_afterwards(server):
    """Decision 4: fourteen exchanges and one end at once; whatever was given before it is dead with it."""
    made = await server.operator.add_api_key(who="u1")

    answers = await server.together(
        *(exchange(server, made.secret) for _ in range(7)),
        server.operator.change_api_key("disable", made.key),
        *(exchange(server, made.secret) for _ in range(7)),
    )

    given = [answer for answer in answers if answer is not None and answer.ok]
    assert not [answer for answer in given if await counts(server, answer)]
    assert "invalid_request" == (await exchange(server, made.secret)).error


@pytest.mark.one_database
@pytest.mark.requirement("api-key:exchange:narrows-and-never-widens")
async def test_a_key_cannot_be_made_with_more_than_its_owner_may_have(server):
    """C02: refused when it is made, in words."""
    from authserver.domain.api_keys.api_key import InvalidApiKeyError

    for wrong in (
        {"who": "u1", "scope": "orders:admin"},
        {"who": "u1", "scope": "nonsense"},
        {"who": "u1", "scope": "offline_access"},
        {"who": "u1", "scope": ""},
        {"who": "u1", "days": 366},
        {"who": "u1", "days": 0},
        {"who": "u1", "resource": R9},
        {"app": server.world.clients["M"], "resource": R2},
        {"app": server.world.clients["M"], "scope": "orders:read tool:refund_order"},
        {"app": server.world.clients["P"]},
        {"app": server.world.clients["Y"]},
    ):
        with pytest.raises(InvalidApiKeyError):
            await server.operator.add_api_key(**wrong)
    assert (await server.operator.add_api_key(who="u1", scope=WRITE)).key

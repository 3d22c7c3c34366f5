"""Plan: learn something from a resource server's place, about tokens that are none of its business, or from how long it takes."""

import base64
import json
from dataclasses import replace

import pytest

from authserver.domain.keys import rotation
from authserver.domain.keys.signing_key import key_ring
from tests.support import assertions
from tests.support.oauth_client import OAuthClient
from tests.support.world import R2, R5, R9

INACTIVE = b'{"active":false}'


@pytest.mark.requirement("attack:introspection:one-answer-for-everything-else")
async def test_everything_that_is_not_for_this_server_has_the_same_bytes(server):
    """IN-03, IN-04, IN-05, IN-09, IN-10, CVE-2026-27840: other servers', tenants' and kinds' tokens, and what is none."""
    app, rs = server.client("P"), server.client("RS1")
    mine = await app.sign_in()
    code = await app.authorize(resource=R2)
    header, payload, signature = mine.access_token.split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    longer = base64.urlsafe_b64encode(json.dumps({**said, "exp": said["exp"] + 9999}).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    hostile = {
        "another server's": (await app.sign_in(resource=R2)).access_token,
        "another tenant's": (await server.client("Y").client_credentials(resource=R9)).access_token,
        "a shared server's": (await server.client("G").sign_in("u5", tenant="t1", resource=R5)).access_token,
        "another issuer's": (await server.client("W").sign_in("u7")).access_token,
        "a refresh token": mine.refresh_token,
        "a code": code.code,
        "a client secret": server.world.clients["B"].secret,
        "its own secret": rs.app.secret,
        "empty": "",
        "a space": " ",
        "random": "x" * 43,
        "cut short": mine.access_token[:-1],
        "one more": mine.access_token + "A",
        "padded": mine.access_token + "=",
        "unsigned": f"{none}.{payload}.",
        "signed for other words": f"{header}.{longer}.{signature}",
        "two dots": "..",
        "a thousand dots": "." * 1000,
        "not ASCII": mine.access_token + "\u00e9",
        "large": "A" * 60_000,
    }

    answers = {name: await rs.introspect(token) for name, token in hostile.items()}

    assert dict.fromkeys(hostile, (200, INACTIVE)) == {
        name: (answer.status, answer.response.content) for name, answer in answers.items()
    }
    assert 1 == len({tuple(sorted(answer.response.headers.items())) for answer in answers.values()})
    assert (await rs.introspect(mine.access_token)).body["active"]


@pytest.mark.one_database
@pytest.mark.requirement("attack:introspection:bounded")
async def test_a_megabyte_is_refused_before_it_is_read(server):
    """IN-05: bounded at the door."""
    answer = await server.client("RS1").introspect("A" * 1_000_000)

    assert 413 == answer.status
    assert "active" not in answer.body


@pytest.mark.requirement("attack:introspection:one-answer-for-everything-else")
async def test_another_servers_credential_is_told_nothing(server):
    """IN-03: neither another resource's server, nor another tenant's client, nor one that speaks for nothing."""
    tokens = await server.client("P").sign_in()

    answers = [await server.client(letter).introspect(tokens.access_token) for letter in ("RS2", "RS5", "X", "B", "M")]

    assert {(200, INACTIVE)} == {(answer.status, answer.response.content) for answer in answers}


@pytest.mark.one_database
@pytest.mark.requirement("attack:introspection:scanning-is-bounded")
async def test_a_server_that_scans_for_tokens_is_slowed_and_noted_and_still_told_of_good_ones(server):
    """IN-11, RFC 7662 §4: whoever sends a server garbage must not silence it for everybody else."""
    tokens, rs = await server.client("P").sign_in(), server.client("RS1")

    answers = [await rs.introspect(f"{number:043d}") for number in range(130)]
    slowed = [answer for answer in answers if answer.status == 429]

    assert 20 <= len(slowed) <= 40
    assert 1 <= int(slowed[-1].response.headers["retry-after"])
    assert (await rs.introspect(tokens.access_token)).body["active"]
    assert 200 == (await server.client("RS2").introspect("x")).status
    assert 1 <= (await server.operator.kinds(None)).count("client:introspection:refused") <= 10


@pytest.mark.one_database
@pytest.mark.settings(introspections_per_minute=60)
@pytest.mark.requirement("attack:introspection:scanning-is-bounded")
async def test_a_server_that_asks_without_end_is_told_when_to_come_back(server):
    """IN-11: per server, so that one does not slow another."""
    tokens, rs = await server.client("P").sign_in(), server.client("RS1")

    answers = [await rs.introspect(tokens.access_token) for _ in range(12)]

    assert (200, 429) == (answers[0].status, answers[-1].status)
    assert 1 <= int(answers[-1].response.headers["retry-after"])
    assert 200 == (await server.client("RS2").introspect(tokens.access_token)).status


@pytest.mark.one_database
@pytest.mark.requirement("attack:introspection:secrets-cannot-be-guessed")
async def test_guessing_a_servers_secret_is_slowed_for_the_guesser_alone(server):
    """TK-15 at this door: per client and address prefix."""
    tokens = await server.client("P").sign_in()
    guesser = server.client("RS1", secret="cs_guess", address="203.0.113.9")

    statuses = [(await guesser.introspect(tokens.access_token)).status for _ in range(40)]

    assert {401, 429} == set(statuses)
    assert (await server.client("RS1").introspect(tokens.access_token)).body["active"]


@pytest.mark.one_database
@pytest.mark.requirement("attack:introspection:no-clock-tells")
async def test_the_work_is_the_same_for_what_is_revoked_and_what_never_was(server, monkeypatch):
    """IN-05: counted, because a time measured beside other tests says nothing: one signature and one reading each."""
    app, rs = server.client("P"), server.client("RS1")
    revoked, expired = await app.sign_in(), await app.sign_in()
    foreign, known = await app.sign_in(resource=R2), await app.sign_in()
    assert (await rs.introspect(known.access_token)).body["active"]
    await app.revoke(revoked.access_token)
    await app.revoke(known.access_token)
    await app.introspect("so that the directory is at hand")
    await server.client("RS2").introspect(foreign.access_token)
    await rs.introspect("x")
    done: list[str] = []
    read = server.machines.database.read

    async def counted(tenant, statement, values, **more):
        done.append(statement.sqlite)
        return await read(tenant, statement, values, **more)

    monkeypatch.setattr(server.machines.database, "read", counted)
    for key in (await key_ring(server.machines.work(), "")).keys:
        verify = key.verify
        object.__setattr__(key, "verify", lambda *said, verify=verify: done.append("verify") or verify(*said))
    work = {}
    for name, token in {
        "revoked": revoked.access_token,
        "asked about before": known.access_token,
        "another server's": foreign.access_token,
        "random": "x" * 43,
        "a refresh token": revoked.refresh_token,
        "cut short": revoked.access_token[:-1],
    }.items():
        done.clear()
        assert INACTIVE == (await rs.introspect(token)).response.content
        work[name] = tuple(sorted(done))
    server.clock.advance(600)
    done.clear()
    await rs.introspect(expired.access_token)
    work["expired"] = tuple(sorted(done))

    assert 1 == len(set(work.values())), work
    assert ["SELECT", "verify"] == sorted(step[:6] for step in work["revoked"])


@pytest.mark.requirement("attack:introspection:no-verdict-is-kept")
async def test_a_token_that_was_asked_about_before_dies_with_its_row_its_key_and_its_time(server):
    """Decision 20: that we signed it is kept, while the key is published; that it counts is asked each time."""
    app, rs = server.client("P"), server.client("RS1")

    async def asked_about_before():
        tokens = await app.sign_in()
        assert [True, True] == [(await rs.introspect(tokens.access_token)).body["active"] for _ in range(2)]
        return tokens

    by_row, by_time = await asked_about_before(), await asked_about_before()
    other_text = await rs.introspect(by_time.access_token[:-1])
    await app.revoke(by_row.access_token)
    after_its_row = await rs.introspect(by_row.access_token)
    server.clock.advance(600)
    after_its_time = await rs.introspect(by_time.access_token)
    by_key = await asked_about_before()
    (kid,) = [key.kid for key in (await key_ring(server.machines.work(), "")).keys]
    assert await rotation.remove_now(server.machines.work(), kid)
    after_its_key = await rs.introspect(by_key.access_token)

    answers = (after_its_row, after_its_time, other_text, after_its_key)
    assert [INACTIVE] * 4 == [answer.response.content for answer in answers]


@pytest.mark.requirement("attack:introspection:the-stricter-end-wins")
@pytest.mark.parametrize("revived", ["tenant", "client", "member"])
async def test_one_end_is_enough_and_none_is_undone_by_lifting_another(server, revived):
    """IN-06, CVE-2026-8922: each alone and all together; what died with one does not come back with another."""
    app, rs, operator = server.client("B"), server.client("RS1"), server.operator
    tokens = await app.sign_in()
    acts = {
        "tenant": lambda is_active: operator.set_tenant("t1", is_active=is_active),
        "client": lambda is_active: operator.set_client(app.app, is_active=is_active),
        "member": lambda is_active: operator.set_member("u1", "t1", is_active=is_active),
    }
    for act in acts.values():
        await act(False)
    assert INACTIVE == (await rs.introspect(tokens.access_token)).response.content

    await acts[revived](True)
    one_lifted = await rs.introspect(tokens.access_token)
    for act in acts.values():
        await act(True)
    all_lifted = await rs.introspect(tokens.access_token)

    assert [INACTIVE] * 2 == [one_lifted.response.content, all_lifted.response.content]
    assert (await rs.introspect((await app.sign_in()).access_token)).body["active"]


@pytest.mark.requirement("attack:introspection:a-servers-own-end")
@pytest.mark.parametrize("end", ["disabled", "removed", "its resource disabled", "rotated"])
async def test_a_server_that_ended_is_told_nothing(server, end):
    """Ours: the credential of a resource server ends like any other client's."""
    tokens, rs = await server.client("P").sign_in(), server.client("RS1")
    assert (await rs.introspect(tokens.access_token)).body["active"]

    match end:
        case "disabled":
            await server.operator.set_client(rs.app, is_active=False)
        case "removed":
            await server.operator.remove_client(rs.app)
        case "its resource disabled":
            await server.operator.set_resource(rs.app.speaks_for, is_active=False)
        case "rotated":
            await server.operator.rotate_secret(rs.app)
    answer = await rs.introspect(tokens.access_token)

    if end == "its resource disabled":
        assert INACTIVE == answer.response.content
    else:
        assert (401, "invalid_client") == (answer.status, answer.error)


@pytest.mark.settings(introspections_per_minute=6)
@pytest.mark.requirement("attack:introspection:who-has-to-wait-keeps-the-assertion")
async def test_a_server_that_has_to_wait_may_come_back_with_the_same_assertion(server):
    """RFC 7523 §3, decision 12: 429 spends nothing; what was looked at is spent."""
    key = assertions.new_key("k1")
    made = await server.operator.credential_of(R2, auth_method="private_key_jwt", jwks=assertions.key_set(key))
    rs = OAuthClient(server=server, app=replace(made, key=key))
    token = (await server.client("P").sign_in("u1", resource=R2)).access_token
    assert (await rs.introspect(token)).body["active"]
    kept = assertions.form(rs.assertion())

    waits = await rs.introspect(token, authenticate=False, **kept)
    server.clock.advance(10)
    again = await rs.introspect(token, authenticate=False, **kept)
    server.clock.advance(10)
    replayed = await rs.introspect(token, authenticate=False, **kept)

    assert (429, 200, 401) == (waits.status, again.status, replayed.status)
    assert again.body["active"]

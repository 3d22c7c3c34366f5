"""
A stranger registers clients of their own: to run code in a browser, to be taken for somebody else, to get more than a
person allows, to fill the disk, or to lock others out.
"""

import asyncio

import orjson
import pytest

from authserver import jobs
from authserver.domain.audit import event
from authserver.domain.clients import registration
from tests.support.assertions import new_key, public
from tests.support.registering import PLAIN, client_of, register, register_raw, registered
from tests.support.server import DATABASES
from tests.support.workers import Workers
from tests.support.world import R1, R7

HARMFUL = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "javascript://claude.ai/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "blob:https://claude.ai/1",
    "about:blank",
    "filesystem:https://claude.ai/temporary/x",
    "view-source:https://claude.ai",
    "intent://scan/#Intent;scheme=zxing;end",
    "jar:https://claude.ai!/x",
    "https://claude.ai@evil.example/cb",
    "https://claude.ai\\@evil.example/cb",
    "https://evil.example/cb\r\nset-cookie: a=b",
    "https://evil.example/\x7fcb",
    "https://evil.example/<script>",
]
UNUSABLE = [
    "http://evil.example/cb",
    "https://evil.example/cb#fragment",
    "https://evil.example/cb#",
    "//evil.example/cb",
    "/cb",
    "cb",
    "*",
    "https://*.evil.example",
    "https://",
    "https:///cb",
    "https://evil.example:0/cb",
    "https://evil.example:99999/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://LOCALHOST/cb",
    "http://localhost:/cb",
    "http://localhost:000080/cb",
    "evilscheme://cb",
    "ftp://evil.example/cb",
    "mailto:evil@evil.example",
    "https://\u0435vil.example/cb",
    "https://evil.example/" + "a" * 10_000,
]


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:harmful-redirects-refuse-everything")
@pytest.mark.parametrize("uri", HARMFUL, ids=range(len(HARMFUL)))
async def test_a_harmful_redirect_uri_refuses_the_whole_registration(server, uri):
    """DR-03, CVE-2026-29192, GHSA-86j7-9j95-vpqj: nothing else that its sender says is believed."""
    answer = await register(server, redirect_uris=["https://agent.example/cb", uri])

    assert (400, "invalid_redirect_uri") == (answer.status_code, answer.json()["error"])
    assert "client_id" not in answer.json()
    assert "evil" not in answer.text


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:unusable-redirects-are-never-served")
@pytest.mark.parametrize("uri", UNUSABLE, ids=range(len(UNUSABLE)))
async def test_an_unusable_redirect_uri_is_refused_alone_and_dropped_beside_others(server, uri):
    """DR-03; clients.md rule 3: what was dropped is no address to send anybody to."""
    alone = await register(server, redirect_uris=[uri])
    app = await registered(server, redirect_uris=["https://agent.example/cb", uri])
    page = await app.ask("u1", redirect_uri=uri)

    assert (400, "invalid_redirect_uri") == (alone.status_code, alone.json()["error"])
    assert ("https://agent.example/cb",) == app.app.redirect_uris
    assert server.is_error_page(page)


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:redirects-are-a-bounded-list-of-texts")
@pytest.mark.parametrize(
    "uris",
    [
        ...,
        [],
        None,
        "https://agent.example/cb",
        {"0": "https://agent.example/cb"},
        [None],
        ["https://agent.example/cb", None],
        [["https://agent.example/cb"]],
        [7],
        [""],
        [f"https://agent.example/{number}" for number in range(200)],
    ],
    ids=range(11),
)
async def test_redirect_uris_are_a_list_of_a_few_texts(server, uris):
    """DR-03; empty lists are sent by real clients (MCP #3224) and cannot work."""
    answer = await register(server, redirect_uris=uris)

    assert (400, "invalid_redirect_uri") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:addresses-are-https-and-never-fetched")
@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"])
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://169.254.169.254/latest/meta-data",
        "//evil.example",
        "https://user@evil.example/",
        "https://evil.example/\r\nx: y",
        "https://[::1",
        ["https://evil.example"],
    ],
    ids=range(8),
)
async def test_an_address_of_another_form_is_refused(server, member, uri):
    """DR-05."""
    answer = await register(server, **{member: uri})

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:addresses-are-https-and-never-fetched")
async def test_nothing_that_a_client_names_is_fetched(server):
    """DR-05, arXiv 2605.22333: not at registration, and no picture of a stranger stands on the consent page."""
    calls = []

    async def listen(_reader, writer):
        calls.append(1)
        writer.close()

    listener = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    there = f"https://127.0.0.1:{port}"
    app = await registered(
        server,
        logo_uri=f"{there}/logo.png",
        client_uri=there,
        policy_uri=there,
        tos_uri=there,
        jwks_uri=f"{there}/jwks",
    )
    page = await app.consent_page("u1")
    listener.close()
    await listener.wait_closed()

    assert [] == calls
    assert str(port) not in page.response.text
    assert "img-src 'self'" in page.response.headers["content-security-policy"]


@pytest.mark.requirement("attack:registration:nothing-is-assigned-by-the-client")
async def test_members_that_would_give_a_client_more_are_ignored(server):
    """DR-07, ASVS 15.3: mass assignment."""
    more = {
        "tenant_id": server.world.tenants["t2"],
        "tenant": "*",
        "client_id": server.client("M").app.client_id,
        "client_secret": "chosen-by-the-client",
        "trusted": True,
        "verified": True,
        "is_verified": True,
        "is_admin": True,
        "skip_consent": True,
        "allowed_resources": ["https://mcp9.example/mcp"],
        "speaks_for": R1,
        "origin": "operator",
        "roles": ["admin"],
        "software_statement": "eyJhbGciOiJub25lIn0.eyJ0cnVzdGVkIjp0cnVlfQ.",
    }
    answer = await register(server, **more)
    app = await registered(server, **more)
    page = await app.consent_page("u1", scope="orders:read orders:admin")

    assert 201 == answer.status_code
    assert not set(more) - {"client_id"} & set(answer.json())
    assert more["client_id"] != answer.json()["client_id"]
    assert page.is_consent
    assert "Name not verified" in page.text
    assert "orders:admin" not in page.text
    listed = await server.operator.clients("*")
    made = next(client for client in listed if client.id == app.app.client_id)
    assert (False, "registration", "*", (), "") == (
        made.is_verified, made.origin.value, made.tenant, made.resources, made.speaks_for
    )  # fmt: skip


@pytest.mark.requirement("attack:registration:nobody-manages-a-client-over-the-network")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_registered_client_cannot_be_read_changed_or_deleted_there(server, method):
    """DR-10: RFC 7592 is not offered, so there is no token to steal, and none that is sent opens anything."""
    made = (await register(server, client_name="Mine")).json()
    app = client_of(server, made)
    tokens = await app.sign_in("u1")

    answers = [
        await server.http.request(
            method, path, headers={"authorization": f"Bearer {sent}"}, content=None if method == "GET" else b"{}"
        )
        for path in ("/register", f"/register/{made['client_id']}", f"/register?client_id={made['client_id']}")
        for sent in (tokens.access_token, tokens.refresh_token, made["client_id"])
    ]

    assert not {"registration_access_token", "registration_client_uri"} & set(made)
    assert {404, 405} >= {answer.status_code for answer in answers}
    assert not [answer for answer in answers if b"Mine" in answer.content]
    assert (await app.refresh(tokens)).ok
    assert made["client_id"] == (await register(server, client_name="Mine")).json()["client_id"]


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:software-statements-are-not-believed")
@pytest.mark.parametrize("statement", ["", "not.a.jwt", "eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IkV2aWwifQ.", 7])
async def test_a_software_statement_changes_nothing(server, statement):
    """DR-11, RFC 7591 §3.1.1: an unknown issuer's statement is ignored."""
    answer = await register(server, software_statement=statement)

    assert 201 == answer.status_code
    assert "Some Agent" == answer.json()["client_name"]
    assert "software_statement" not in answer.json()


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:names-are-short-printable-text")
@pytest.mark.parametrize("member", ["client_name", "software_id", "software_version", "scope"])
@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\x00b", "a\x1b[2Jb", "a\x85b", "a" * 5000, 7, ["a"], {"a": "b"}], ids=range(8)
)
async def test_text_with_control_characters_or_without_end_is_refused(server, member, text):
    """DR-12, CWE-117."""
    answer = await register(server, **{member: text})

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:names-are-short-printable-text")
async def test_a_megabyte_is_not_read(server):
    """DR-12, EX-02."""
    answer = await register_raw(server, orjson.dumps({**PLAIN, "client_name": "a" * 1_000_000}))

    assert 413 == answer.status_code


@pytest.mark.one_database
@pytest.mark.requirement("attack:registration:private-keys-are-refused")
@pytest.mark.parametrize(
    "keys",
    [
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [new_key()]}},
        {"jwks": {"keys": "x"}},
        {"jwks": {"keys": []}},
        {"jwks": "x"},
        {"jwks": {"keys": [public(new_key())]}, "jwks_uri": "https://a.example/jwks"},
        {"jwks_uri": "http://169.254.169.254/jwks"},
        {},
    ],
    ids=range(8),
)
async def test_keys_that_are_no_public_keys_are_refused(server, keys):
    """RFC 7517 §9.3: a secret that was sent is no secret; asked with the method that would use them."""
    answer = await register(
        server, redirect_uris=["https://a.example/cb"], token_endpoint_auth_method="private_key_jwt", **keys
    )

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.settings(registrations_per_minute=5)
@pytest.mark.requirement("attack:registration:limited-by-time")
async def test_a_flood_from_one_network_is_told_when_to_come_back_and_slows_nobody_else(server):
    """Decision 12, vault-cortex#483: by time, never by a number of rows."""
    flood = [await register(server, client_name=f"Agent {number}", address="192.0.2.1") for number in range(60)]
    neighbour = await register(server, client_name="Neighbour", address="192.0.2.2")
    refused = [answer for answer in flood if answer.status_code == 429]
    server.clock.advance(int(refused[-1].headers["retry-after"]))
    later = await register(server, client_name="Agent again", address="192.0.2.1")

    assert 30 == len([answer for answer in flood if answer.status_code == 201])
    assert 30 == len(refused)
    assert {"temporarily_unavailable"} == {answer.json()["error"] for answer in refused}
    assert (201, 201) == (neighbour.status_code, later.status_code)


@pytest.mark.one_database
@pytest.mark.settings(registrations_per_minute=5)
@pytest.mark.requirement("attack:registration:limited-by-time")
async def test_one_network_of_ipv6_has_one_budget(server):
    """Decision 12: a subscriber has a /64."""
    flood = [
        await register(server, client_name=f"Agent {number}", address=f"2001:db8:0:1::{number + 1:x}")
        for number in range(40)
    ]
    neighbour = await register(server, client_name="Neighbour", address="2001:db8:0:2::1")

    assert 30 == len([answer for answer in flood if answer.status_code == 201])
    assert 201 == neighbour.status_code


@pytest.mark.one_database
@pytest.mark.settings(registrations_per_minute=1)
@pytest.mark.requirement("attack:registration:the-ceiling-slows-and-never-closes")
async def test_a_flood_from_everywhere_slows_newcomers_and_turns_none_away(server):
    """Decision 12, vault-cortex#483: whoever comes from a network that sent nothing yet always gets in."""
    for number in range(60):
        await register(server, client_name=f"Agent {number}", address=f"198.51.100.{number}")

    slowed = [await register(server, client_name=f"Late {number}", address="203.0.113.1") for number in range(4)]
    newcomer = await register(server, client_name="Newcomer", address="203.0.113.2")

    assert [201, 201, 429, 429] == [answer.status_code for answer in slowed]
    assert 201 == newcomer.status_code
    server.clock.advance(3600)
    await jobs.expire(server.machines)
    names = {client.name for client in await server.operator.clients("*")}
    assert "Newcomer" not in names, "what comes during a flood is kept for an hour"
    assert "Agent 0" in names, "what came before it for a day"


@pytest.mark.one_database
@pytest.mark.settings(registrations_per_minute=2)
@pytest.mark.requirement("attack:registration:asking-again-adds-nothing")
async def test_a_client_that_registers_at_every_connect_is_one_row_and_is_not_slowed(server):
    """mcphub#1174: 58 clients, 42 of them identical; all of claude.ai shares few addresses."""
    before = len(await server.operator.clients("*"))
    answers = [await register(server) for _ in range(30)]

    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.json()["client_id"] for answer in answers})
    assert before + 1 == len(await server.operator.clients("*"))


@pytest.mark.requirement("attack:registration:a-tenants-own-door-has-its-tenants-policy")
async def test_registering_at_a_tenants_own_issuer_is_no_way_round_its_policy(server):
    """MCP A20: a stranger is a stranger at every door; what an operator made for the tenant is not asked about."""
    stranger = await registered(server, issuer_path="/t/t3", resource=R7)
    tokens = await stranger.sign_in("u7")
    ours = await server.client("W").sign_in("u7")

    await server.operator.set_trust("t3", "listed")
    later = await registered(server, issuer_path="/t/t3", resource=R7, client_name="Later")
    page = await later.consent_page("u7")

    assert not page.is_consent
    assert "invalid_grant" == (await stranger.refresh(tokens)).error
    assert (await server.client("W").refresh(ours)).ok
    await server.operator.let_in("t3", later.app.client_id)
    assert (await later.sign_in("u7")).ok
    await server.operator.block("t3", later.app.client_id)
    assert not (await later.consent_page("u7")).is_consent


@pytest.mark.requirement("attack:registration:nobody-prepares-anothers-registration")
@pytest.mark.parametrize(
    "lookalike",
    [
        "http://LOCALHOST/callback",
        "http://Localhost:3118/callback",
        "http://localhost:/callback",
        "http://localhost:000031/callback",
        "http://localhost./callback",
        "http://127.0.0.1/callback",
        "http://[::1]/callback",
        "http://localhost/callback/",
        "http://localhost/callback?",
        "http://localhost",
        "https://localhost/callback",
    ],
)
async def test_a_lookalike_that_was_registered_before_does_not_stand_in_for_the_real_one(server, lookalike):
    """ADR 17: two registrations are one only where every address of the second is served by the first."""
    await register(server, redirect_uris=[lookalike])

    app = await registered(server, redirect_uris=["http://localhost:3118/callback"])

    assert (await app.sign_in("u1")).ok


@pytest.mark.requirement("attack:registration:what-was-removed-stays-dead")
async def test_registering_the_same_again_revives_nothing_that_was_removed(server):
    """TK-40: an operator removed the client; its tokens stay dead under the new id, and the old id stays unknown."""
    app = await registered(server)
    tokens = await app.sign_in("u1")
    await server.operator.remove_client(app.app)

    again = await registered(server)

    assert app.app.client_id != again.app.client_id
    assert "invalid_client" == (await app.refresh(tokens)).error
    assert "invalid_grant" == (await again.refresh(tokens)).error


@pytest.mark.requirement("attack:registration:what-was-removed-stays-dead")
async def test_registering_the_same_again_does_not_undo_what_an_operator_disabled(server):
    """Ours: the block holds for whoever says the same."""
    app = await registered(server)
    await server.operator.set_client(app.app, is_active=False)

    again = await registered(server)

    assert app.app.client_id == again.app.client_id
    assert server.is_error_page(await again.ask("u1"))


@pytest.mark.requirement("attack:registration:a-secret-of-a-stranger-proves-little")
async def test_a_registered_client_with_a_secret_cannot_fill_the_record(server):
    """EX-09: whoever registers can refuse itself as often as it likes; a stranger's budget bounds what is written."""
    app = await registered(
        server, redirect_uris=["https://agent.example/cb"], token_endpoint_auth_method="client_secret_post"
    )
    before = len(await server.operator.events(None))

    for number in range(350):
        await app.redeem(f"unknown-{number}")

    assert before + 310 > len(await server.operator.events(None))


@pytest.mark.requirement("attack:registration:the-sweep-spares-what-is-used-meanwhile")
async def test_a_registration_that_is_used_while_the_sweep_runs_stays(server):
    """Ours: what the sweep decided by is repeated where it deletes."""
    app = await registered(server)
    server.clock.advance(24 * 3600)
    sweep = event.platform_work(server.machines, "expire")
    await registration.expire(sweep)
    tokens = await app.sign_in("u1")

    assert await sweep.commit()

    assert (await app.refresh(tokens)).ok


@pytest.mark.slow
@pytest.mark.requirement("attack:race:the-same-registration-between-processes")
@pytest.mark.parametrize("kind", DATABASES)
async def test_fifty_equal_registrations_at_two_processes_make_one_client(kind, templates, tmp_path_factory):
    """Ours: the database decides who was first; the losers get the winner's id."""
    deployment = Workers(templates, kind, tmp_path_factory.mktemp("registrations"))
    deployment.start()
    try:
        answers = await asyncio.gather(*(register(deployment) for _ in range(50)))
        others = await asyncio.gather(*(register(deployment, client_name=f"Other {number}") for number in range(20)))
    finally:
        await deployment.close()
        deployment.stop()
        deployment.place.discard()

    assert {201} == {answer.status_code for answer in [*answers, *others]}
    assert 1 == len({answer.json()["client_id"] for answer in answers})
    assert 20 == len({answer.json()["client_id"] for answer in others})

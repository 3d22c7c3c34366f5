"""A client_id that is the URL of a metadata document: draft-ietf-oauth-client-id-metadata-document-00, MCP A8 to A10."""

import json

import pytest

from authserver.jobs import expire
from authserver.oauth.client_id_metadata import UnusableDocumentError, check_client_id, freshness
from tests.support import assertions
from tests.support.internet import Answer
from tests.support.oauth_client import DEVICE_CODE
from tests.support.publisher import HOST, REDIRECT, URL, Publisher, app, document
from tests.support.server import Server
from tests.support.world import R5

DAY, WEEK = 24 * 3600, 7 * 24 * 3600


@pytest.mark.one_database
@pytest.mark.requirement("cimd:metadata:is-advertised-while-served")
async def test_documents_are_advertised_and_can_be_switched_off(server_with, publisher: Publisher):
    """§5, MCP A9: with `none` among the methods, without which real clients would not use it."""
    publisher.publish()
    on = await server_with(outbound=publisher.outbound())
    off = await server_with(outbound=publisher.outbound(), client_id_metadata_documents=False)

    said = [(await server.http.get("/.well-known/oauth-authorization-server")).json() for server in (on, off)]

    assert [True, False] == [metadata["client_id_metadata_document_supported"] for metadata in said]
    assert {"none", "private_key_jwt"} <= set(said[0]["token_endpoint_auth_methods_supported"])
    assert off.is_error_page(await app(off).ask("u1"))
    assert 0 == publisher.asked
    assert (await app(on).sign_in("u1")).ok


@pytest.mark.requirement("cimd:switch:off-ends-what-was-known")
async def test_switching_documents_off_ends_the_clients_that_were_known_by_them(server_with, publisher: Publisher):
    """Ours: off means that there are none."""
    publisher.publish()
    on = await server_with(outbound=publisher.outbound())
    tokens = await app(on).sign_in("u1")

    off = await server_with(outbound=publisher.outbound(), client_id_metadata_documents=False)

    assert (401, "invalid_client") == ((refused := await app(off).refresh(tokens)).status, refused.error)
    assert (await app(on).refresh(tokens)).ok


@pytest.mark.requirement("cimd:client:needs-no-registration")
async def test_a_client_that_nobody_registered_logs_in_and_refreshes(reading_server: Server, publisher: Publisher):
    """MCP A10: its document is fetched, and it is a client like any other, for whatever its person may grant."""
    publisher.publish()
    client = app(reading_server)

    page = await client.consent_page("u1", scope="orders:read orders:write tool:update_order offline_access")
    tokens = await client.sign_in("u1", scope="orders:read orders:write tool:update_order", tools=["update_order"])
    again = await client.refresh(tokens)

    assert "Published App" in page.text
    assert (URL, R5) == (tokens.claims["client_id"], tokens.claims["aud"])
    assert {"orders:read", "orders:write", "tool:update_order"} == tokens.scope == again.scope
    assert 1 == publisher.asked


@pytest.mark.one_database
@pytest.mark.requirement("cimd:consent:names-who-publishes-and-who-receives")
async def test_the_consent_page_names_the_host_that_vouches_and_the_host_that_receives(
    reading_server: Server, publisher: Publisher
):
    """MCP A17, A19, A20: the name is what the application calls itself; the hosts are what was checked."""
    publisher.publish(client_name="Claude", redirect_uris=["https://elsewhere.example.org/cb", "http://localhost/cb"])

    web = await app(reading_server, redirect_uris=("https://elsewhere.example.org/cb",)).consent_page("u1")
    local = await app(reading_server, redirect_uris=("http://localhost:3118/cb",)).consent_page("u1")

    for page in (web, local):
        assert HOST in page.text
        assert "Published by" in page.text
        assert "Name not verified" in page.text
    assert "elsewhere.example.org" in web.text
    assert "goes to a program on this computer" not in web.text
    assert "goes to a program on this computer" in local.text


@pytest.mark.one_database
@pytest.mark.requirement("cimd:loopback:any-port")
@pytest.mark.parametrize("port", [3118, 53066, 1, 65535])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_document_that_lists_loopback_without_a_port_means_every_port(
    reading_server: Server, publisher: Publisher, host: str, port: int
):
    """clients.md 6a, Claude Code: `http://localhost/callback` in the document, `http://localhost:3118/callback` sent."""
    url = publisher.publish(
        "https://client.example.net/oauth/claude-code-client-metadata",
        redirect_uris=["http://localhost/callback", "http://127.0.0.1/callback"],
    )
    sent = f"http://{host}:{port}/callback"

    answer = await app(reading_server, url, redirect_uris=(sent,)).authorize("u1")

    assert answer.page.location.startswith(sent + "?")
    assert answer.has_code
    other = app(reading_server, url, redirect_uris=(f"http://{host}:{port}/other",))
    assert reading_server.is_error_page(await other.ask("u1"))


DOCUMENTS = {
    "claude.ai lists jwt-bearer": {
        "grant_types": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
    },
    "unknown members": {"x-vendor": {"a": [1, 2]}, "mtls_endpoint_aliases": {}},
    "no grant types": {"grant_types": None, "response_types": None},
    "scalar lists": {"grant_types": "authorization_code", "response_types": "code"},
    "no method": {"token_endpoint_auth_method": None},
    "methods as a list": {
        "token_endpoint_auth_method": None,
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    },
    "methods as a text": {"token_endpoint_auth_method": None, "token_endpoint_auth_methods_supported": "none"},
    "prefers what it has no keys for": {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    },
    "lists a secret among others": {
        "token_endpoint_auth_method": None,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
    },
    "one redirect is bad": {"redirect_uris": [REDIRECT, "http://client.example.net/callback", "custom:/cb"]},
    "a private-use redirect of a known client": {
        "redirect_uris": [REDIRECT, "cursor://anysphere.cursor-mcp/oauth/callback"]
    },
    "odd pages": {"client_uri": "javascript:alert(1)", "logo_uri": 7, "tos_uri": "https://client.example.net/tos"},
    "lists client_credentials too": {"grant_types": ["authorization_code", "client_credentials"]},
}


@pytest.mark.one_database
@pytest.mark.requirement("cimd:document:what-is-not-served-is-left-out")
@pytest.mark.parametrize("changed", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_what_a_document_asks_for_that_is_not_served_is_left_out(
    reading_server: Server, publisher: Publisher, changed: dict[str, object]
):
    """§4, clients.md rule 4: real documents list what other servers do."""
    publisher.publish(**changed)

    tokens = await app(reading_server).sign_in("u1")

    assert tokens.ok
    stored = next(client for client in await reading_server.operator.clients("*") if client.id == URL)
    assert ("none", False, "document") == (stored.auth_method, stored.is_verified, stored.origin)
    assert "client_credentials" not in stored.grant_types
    assert REDIRECT in stored.redirect_uris
    assert "http://client.example.net/callback" not in stored.redirect_uris
    assert {} == dict(stored.about) or {"tos_uri": "https://client.example.net/tos"} == dict(stored.about)
    refused = await app(reading_server).client_credentials(resource=R5)
    assert "unauthorized_client" == refused.error


@pytest.mark.requirement("cimd:auth:private-key-jwt")
@pytest.mark.parametrize(
    "methods",
    [
        {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        },
        {
            "token_endpoint_auth_method": None,
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        },
        {"token_endpoint_auth_method": None, "token_endpoint_auth_methods_supported": "private_key_jwt"},
    ],
)
async def test_a_client_whose_document_holds_keys_proves_who_it_is(
    reading_server: Server, publisher: Publisher, methods: dict[str, object]
):
    """clients.md 6a, ChatGPT: it signs where private_key_jwt is served, whichever way its document says that it can."""
    key = assertions.new_key()
    publisher.publish(jwks=json.loads(assertions.key_set(key)), **methods)
    client = app(reading_server, auth_method="private_key_jwt", key=key)

    tokens = await client.sign_in("u1")

    assert (await client.refresh(tokens)).ok
    unsigned = await app(reading_server).refresh(tokens)
    assert (401, "invalid_client") == (unsigned.status, unsigned.error)


UNUSABLE = {
    "media type html": (Answer(body=json.dumps(document()).encode(), headers={"content-type": "text/html"}), "Content-Type"),
    "media type text": (Answer(body=json.dumps(document()).encode(), headers={"content-type": "text/plain"}), "Content-Type"),
    "no media type": (Answer(body=json.dumps(document()).encode(), headers={"content-type": ""}), "Content-Type"),
    "not JSON": (b"<html>", "JSON"),
    "an array": (b"[]", "JSON"),
    "two objects": (b"{}{}", "JSON"),
    "a member twice": (
        b'{"client_id": "https://evil.example/x", ' + json.dumps(document()).encode()[1:], "no member twice",
    ),
    "deeply nested": (json.dumps(document()).encode()[:-1] + b', "x": ' + b"[" * 60 + b"]" * 60 + b"}", "nested"),
    "not UTF-8": (json.dumps(document(client_name="X")).encode().replace(b'"X"', b'"\xff"'), "UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(document()).encode(), "JSON"),
    "NaN": (json.dumps(document()).encode()[:-1] + b', "x": NaN}', "JSON"),
    "too large": (document(x="x" * 5120), "larger"),
    "no client_id": (document(client_id=None), "client_id"),
    "another client_id": (document(client_id="https://client.example.net/oauth/other.json"), "client_id"),
    "its client_id with a port": (document(client_id="https://client.example.net:443/oauth/client.json"), "client_id"),
    "its client_id in capitals": (document(client_id="https://CLIENT.example.net/oauth/client.json"), "client_id"),
    "client_id as a list": (document(client_id=[URL]), "client_id"),
    "a secret": (document(client_secret="s"), "client_secret"),
    "a secret that is null": (document() | {"client_secret": None}, "client_secret"),
    "method basic": (document(token_endpoint_auth_method="client_secret_basic"), "token_endpoint_auth_method"),
    "method post": (document(token_endpoint_auth_method="client_secret_post"), "token_endpoint_auth_method"),
    "method secret jwt": (document(token_endpoint_auth_method="client_secret_jwt"), "token_endpoint_auth_method"),
    "secret named, none listed": (
        document(
            token_endpoint_auth_method="client_secret_post", token_endpoint_auth_methods_supported=["none"]
        ), "token_endpoint_auth_method",
    ),
    "method unknown": (document(token_endpoint_auth_method="magic"), "token_endpoint_auth_method"),
    "method as a number": (document(token_endpoint_auth_method=1), "token_endpoint_auth_method"),
    "only secrets listed": (
        document(
            token_endpoint_auth_method=None, token_endpoint_auth_methods_supported=["client_secret_basic"]
        ), "token_endpoint_auth_method",
    ),
    "keys promised, none there": (document(token_endpoint_auth_method="private_key_jwt"), "private_key_jwt"),
    "a private key": (
        document(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [assertions.new_key()]}), "jwks",
    ),
    "a shared key": (
        document(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [{"kty": "oct", "k": "YWJj"}]}), "jwks",
    ),
    "no key": (document(token_endpoint_auth_method="private_key_jwt", jwks={"keys": []}), "jwks"),
    "keys twice": (
        document(
            token_endpoint_auth_method="private_key_jwt", jwks_uri="https://client.example.net/jwks.json",
            jwks=json.loads(assertions.key_set(assertions.new_key())),
        ), "jwks",
    ),
    "keys over http": (
        document(token_endpoint_auth_method="private_key_jwt", jwks_uri="http://client.example.net/jwks"), "jwks_uri",
    ),
    "an algorithm of its own": (
        document(
            token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_signing_alg="HS256",
            jwks=json.loads(assertions.key_set(assertions.new_key())),
        ), "token_endpoint_auth_signing_alg",
    ),
    "no name": (document(client_name=None), "client_name"),
    "an empty name": (document(client_name=" "), "client_name"),
    "a name with control characters": (document(client_name="A\u0007B"), "client_name"),
    "a long name": (document(client_name="x" * 201), "client_name"),
    "a name as a number": (document(client_name=1), "client_name"),
    "no redirects": (document(redirect_uris=None), "redirect_uris"),
    "an empty list": (document(redirect_uris=[]), "redirect_uris"),
    "a redirect as a text": (document(redirect_uris=REDIRECT), "redirect_uris"),
    "only bad redirects": (document(redirect_uris=["http://client.example.net/callback"]), "redirect_uris"),
    "javascript among good ones": (document(redirect_uris=[REDIRECT, "javascript:alert(1)"]), "redirect_uris"),
    "many redirects": (document(redirect_uris=[f"https://c.example/{n}" for n in range(51)]), "redirect_uris"),
    "no code": (document(response_types=["token"]), "response_types"),
    "no served grant": (document(grant_types=["client_credentials"]), "grant_types"),
    "refresh alone": (document(grant_types=["refresh_token"]), "grant_types"),
    "grants as a map": (document(grant_types={"a": 1}), "grant_types"),
    "a redirect": (Answer(status=302, headers={"location": "https://client.example.net/other.json"}), "redirects"),
    "not there": (Answer(status=404), "404"),
    "forbidden": (Answer(status=403), "403"),
}  # fmt: skip


@pytest.mark.one_database
@pytest.mark.requirement("cimd:document:unusable-ones-are-refused-in-plain-words")
@pytest.mark.parametrize(("answer", "named"), UNUSABLE.values(), ids=UNUSABLE)
async def test_an_unusable_document_is_a_page_that_says_what_to_mend(
    reading_server: Server, publisher: Publisher, answer: object, named: str
):
    """CM-04, §4: a page and never a redirect, because nobody vouches for the address either."""
    publisher.answers["/oauth/client.json"] = answer

    page = await app(reading_server).ask("u1")

    assert reading_server.is_error_page(page)
    assert named in page.text
    assert [] == [client for client in await reading_server.operator.clients("*") if client.id == URL]
    kinds = await reading_server.operator.kinds(None)
    assert "client:document:refused" in kinds


HOSTILE_IDS = [
    "http://client.example.net/oauth/client.json",
    "https://client.example.net",
    "https://client.example.net/",
    "https://client.example.net?x=/oauth/client.json",
    "https://client.example.net/oauth/client.json?",
    "https://client.example.net/oauth/client.json?v=1",
    "https://client.example.net/oauth/client.json#",
    "https://client.example.net/oauth/client.json#x",
    "https://user@client.example.net/oauth/client.json",
    "https://user:pw@client.example.net/oauth/client.json",
    "https://@client.example.net/oauth/client.json",
    "https://client.example.net/oauth/../oauth/client.json",
    "https://client.example.net/./oauth/client.json",
    "https://client.example.net/oauth/%2e%2e/oauth/client.json",
    "https://client.example.net/oauth/%2E/client.json",
    "https://client.example.net/oauth/.%2e/client.json",
    "https://client.example.net/oauth%2fclient.json",
    "https://client.example.net/oauth%5cclient.json",
    "https://client.example.net/oauth\\client.json",
    "https://CLIENT.example.net/oauth/client.json",
    "https://client.example.net:8443/oauth/client.json",
    "https://client.example.net:0443/oauth/client.json",
    "https://client.example.net./oauth/client.json",
    "https://client.example.net/oauth/client.json ",
    " https://client.example.net/oauth/client.json",
    "https://127.0.0.1/oauth/client.json",
    "https://[::1]/oauth/client.json",
    "https://localhost/oauth/client.json",
    "https://2130706433/oauth/client.json",
    "https://metadata.google.internal/oauth/client.json",
    "ftp://client.example.net/oauth/client.json",
    "file:///etc/passwd",
    "HTTPS://client.example.net/oauth/client.json",
    f"https://client.example.net/{'a' * 500}",
]


@pytest.mark.one_database
@pytest.mark.requirement("cimd:client-id:has-one-form")
@pytest.mark.parametrize("client_id", HOSTILE_IDS)
async def test_a_url_with_two_readings_is_no_client_id(reading_server: Server, publisher: Publisher, client_id: str):
    """§3: https, a path, and nothing that two parsers could take differently."""
    publisher.answers = dict.fromkeys(["/oauth/client.json", "/", ""], document(client_id=client_id))

    page = await app(reading_server, client_id).ask("u1")

    assert reading_server.is_error_page(page)
    assert (0, []) == (publisher.asked, publisher.internet.dialled)


@pytest.mark.requirement("cimd:client-id:has-one-form")
@pytest.mark.parametrize(
    "client_id",
    [
        "https://claude.ai/oauth/claude-code-client-metadata",
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "https://chatgpt.com/oauth/kDmjx77UnKOM/client.json",
        "https://vscode.dev/oauth/client-metadata.json",
        "https://opencode.ai/oauth/opencode/client.json",
        "https://xn--bcher-kva.example/.well-known/client",
        "https://client.example.net:443/a/b..c/d.json",
    ],
)
def test_the_client_ids_of_real_clients_have_that_form(client_id: str):
    """clients.md 6a."""
    check_client_id(client_id)

    with pytest.raises(UnusableDocumentError):
        check_client_id(client_id + "?")


@pytest.mark.requirement("cimd:cache:between-five-minutes-and-a-day")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"cache-control": "max-age=1200"}, 1200),
        ({"cache-control": "public, Max-Age=1200, immutable"}, 1200),
        ({"cache-control": 'max-age="1200"'}, 1200),
        ({"cache-control": "max-age=1200", "age": "200"}, 1000),
        ({"cache-control": "max-age=1200", "age": "5000"}, 300),
        ({"cache-control": "max-age=315360000"}, DAY),
        ({"cache-control": "max-age=" + "9" * 15}, DAY),
        ({"cache-control": "max-age=" + "9" * 40}, DAY),
        ({"cache-control": "max-age=0"}, 300),
        ({"cache-control": "max-age=-1"}, 300),
        ({"cache-control": "max-age=x"}, 300),
        ({"cache-control": "max-age=600, max-age=86400"}, 300),
        ({"cache-control": "no-store, max-age=86400"}, 300),
        ({"cache-control": "no-cache"}, 300),
        ({"expires": "Thu, 01 Jan 2026 12:20:00 GMT"}, 1200),
        ({"expires": "Thu, 01 Jan 2026 12:20:00 GMT", "date": "Thu, 01 Jan 2026 12:10:00 GMT"}, 600),
        ({"expires": "Thu, 01 Jan 2026 12:20:00 GMT", "cache-control": "max-age=700"}, 700),
        ({"expires": "0"}, 300),
        ({"expires": "never"}, 300),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, DAY),
        ({"cache-control": "max-age=1200", "age": "x"}, 1200),
    ],
)
def test_a_document_is_fresh_for_as_long_as_it_says_within_bounds(headers: dict[str, str], seconds: int):
    """CM-08, RFC 9111 §4.2: five minutes at least, a day at most."""
    assert seconds == freshness(headers, 1_767_268_800)


@pytest.mark.requirement("cimd:cache:between-five-minutes-and-a-day")
async def test_a_fresh_copy_is_not_asked_for_and_a_stale_one_is_confirmed(reading_server: Server, publisher: Publisher):
    """CM-08: ten years are a day; RFC 9110 §13.1.2: what did not change is not sent again."""
    publisher.publish()
    publisher.headers = {"cache-control": "max-age=315360000", "etag": '"1"'}
    client = app(reading_server)
    await client.sign_in("u1")

    reading_server.clock.advance(DAY - 1)
    assert (await client.sign_in("u1")).ok
    assert 1 == publisher.asked
    reading_server.clock.advance(2)
    assert (await client.sign_in("u1")).ok

    assert 2 == publisher.asked
    assert ["if-none-match" in headers for _, headers in publisher.listener.requests] == [False, True]
    assert (await client.sign_in("u1")).ok
    assert 2 == publisher.asked


@pytest.mark.requirement("cimd:cache:a-change-takes-effect")
async def test_a_changed_document_counts_once_the_copy_is_stale(reading_server: Server, publisher: Publisher):
    """§5: the next reading is the truth, in every process and after a restart."""
    publisher.publish()
    client = app(reading_server)
    await client.sign_in("u1")
    publisher.publish(client_name="Renamed App", redirect_uris=["https://client.example.net/new"])

    reading_server.clock.advance(3601)
    page = await app(reading_server, redirect_uris=("https://client.example.net/new",)).consent_page("u1")

    assert "Renamed App" in page.text
    await reading_server.restart()
    assert reading_server.is_error_page(await app(reading_server).ask("u1"))
    kinds = await reading_server.operator.kinds(None)
    assert 2 == kinds.count("client:document:read")


@pytest.mark.requirement("cimd:cache:last-good-copy-for-a-week")
async def test_the_last_good_copy_is_used_for_a_week_while_the_document_cannot_be_read(
    server_with, publisher: Publisher
):
    """clients.md 6a: a bot filter answers 403 for a while; that must not cut everybody off, and not for ever be ignored."""
    publisher.publish()
    server = await server_with(outbound=publisher.outbound(), interactive_idle_seconds=20 * DAY)
    client = app(server)
    tokens = await client.sign_in("u1")
    publisher.answers["/oauth/client.json"] = Answer(status=403)

    server.clock.advance(2 * DAY)
    assert (await client.sign_in("u1")).ok
    tokens = await client.refresh(tokens)
    assert tokens.ok
    await server.restart()
    client = app(server)
    server.clock.advance(5 * DAY - 60)
    tokens = await client.refresh(tokens)
    assert tokens.ok

    server.clock.advance(120)
    refused = await client.refresh(tokens)
    assert (401, "invalid_client") == (refused.status, refused.error)
    assert server.is_error_page(await client.ask("u1"))
    server.clock.advance(120)
    publisher.publish()
    assert (await client.refresh(tokens)).ok


@pytest.mark.one_database
@pytest.mark.requirement("cimd:cache:an-error-is-no-answer")
async def test_an_error_is_not_remembered_as_an_answer_nor_hammered(reading_server: Server, publisher: Publisher):
    """§5.2: five seconds later, and longer each time up to a minute, it is asked again; a restart forgets that it failed."""
    client = app(reading_server)
    publisher.answers["/oauth/client.json"] = Answer(status=500)

    for _ in range(5):
        assert reading_server.is_error_page(await client.ask("u1"))
    assert 1 == publisher.asked
    reading_server.clock.advance(6)
    assert reading_server.is_error_page(await client.ask("u1"))
    assert 2 == publisher.asked
    publisher.publish()
    assert reading_server.is_error_page(await client.ask("u1"))
    assert 2 == publisher.asked
    reading_server.clock.advance(11)

    assert (await client.ask("u1")).is_login
    assert 3 == publisher.asked


@pytest.mark.requirement("cimd:cache:is-shared-by-processes")
async def test_the_copy_survives_a_restart_and_is_shared_by_processes(server_with, publisher: Publisher):
    """Ours: what one process read, no other reads again."""
    publisher.publish()
    first = await server_with(outbound=publisher.outbound())
    tokens = await app(first).sign_in("u1")

    second = await server_with(outbound=publisher.outbound())
    await first.restart()

    assert (await app(second).refresh(tokens)).ok
    assert (await app(second).sign_in("u5", tenant="t2")).ok
    assert (await app(first).sign_in("u1")).ok
    assert 1 == publisher.asked


@pytest.mark.requirement("cimd:cache:is-shared-by-processes")
async def test_two_processes_that_read_at_once_agree(server_with, publisher: Publisher):
    """Ours: whoever is second finds the first one's row as good as its own; no request fails for it."""
    servers = [await server_with(outbound=publisher.outbound()) for _ in range(2)]
    urls = [publisher.publish(f"https://client.example.net/{number}.json") for number in range(8)]

    pages = await servers[0].together(
        *(app(server, url).ask(server.browser(f"198.51.100.{n}")) for n, url in enumerate(urls) for server in servers)
    )

    assert [True] * 16 == [page.is_login for page in pages]
    ids = [client.id for client in await servers[0].operator.clients("*")]
    assert sorted(urls) == sorted(one for one in ids if one in urls)


@pytest.mark.requirement("cimd:cache:one-reading-at-a-time")
async def test_many_at_once_are_one_reading(reading_server: Server, publisher: Publisher):
    """Ours: a popular application whose copy is stale is asked for once, not by everybody."""
    publisher.publish()
    apps = [app(reading_server) for _ in range(20)]

    pages = await reading_server.together(*(client.ask(reading_server.browser()) for client in apps))

    assert [True] * 20 == [page.is_login for page in pages]
    assert 1 == publisher.asked


@pytest.mark.requirement("cimd:token:reads-nothing-for-strangers")
async def test_the_token_endpoint_reads_no_document_it_has_never_seen(reading_server: Server, publisher: Publisher):
    """clients.md rule 5: 401 invalid_client, and a stranger's word moves nobody."""
    publisher.publish()

    answer = await app(reading_server).redeem("ac_aaaaaaaaaaaaaaaa_" + "x" * 43)

    assert (401, "invalid_client", 0) == (answer.status, answer.error, publisher.asked)


@pytest.mark.requirement("cimd:par:may-be-the-first-contact")
async def test_a_pushed_request_may_be_the_first_that_is_heard_of_a_client(
    reading_server: Server, publisher: Publisher
):
    """RFC 9126 §2.1: the flow of a client that pushes begins there."""
    publisher.publish()
    client = app(reading_server)

    tokens = await client.redeem(await client.authorize("u1", **await client.pushed()))

    assert tokens.ok, tokens.body


@pytest.mark.requirement("cimd:copy:is-forgotten-unless-relied-on")
async def test_a_copy_that_nobody_relies_on_is_forgotten_and_others_outlive_what_they_began(
    reading_server: Server, publisher: Publisher
):
    """Ours: a stranger can make rows by naming URLs, so they lapse in a day; what a person allowed stays."""
    publisher.publish()
    tokens = await app(reading_server).sign_in("u1")
    other = publisher.publish("https://client.example.net/unused.json")
    await app(reading_server, other).ask("u1")

    reading_server.clock.advance(DAY + 1)
    await expire(reading_server.machines)

    ids = {client.id for client in await reading_server.operator.clients("*")}
    assert URL in ids
    assert other not in ids
    assert "invalid_grant" == (await app(reading_server).refresh(tokens)).error  # idle for a day
    reading_server.clock.advance(40 * DAY)
    await expire(reading_server.machines)
    assert URL not in {client.id for client in await reading_server.operator.clients("*")}
    reading_server.clock.advance(60)
    assert (await app(reading_server).sign_in("u1")).ok


@pytest.mark.requirement("cimd:operator:has-the-last-word")
async def test_what_an_operator_disabled_no_document_enables(reading_server: Server, publisher: Publisher):
    """Ours: the document says what the client is, never whether it is served here."""
    publisher.publish()
    client = app(reading_server)
    tokens = await client.sign_in("u1")
    await reading_server.operator.set_client(client.app, is_active=False)
    publisher.publish(client_name="Renamed")

    reading_server.clock.advance(3601)

    assert reading_server.is_error_page(await client.ask("u1"))
    assert "invalid_client" == (await client.refresh(tokens)).error
    reading_server.clock.advance(60 * DAY)
    await expire(reading_server.machines)
    assert reading_server.is_error_page(await client.ask("u1"))


@pytest.mark.one_database
@pytest.mark.requirement("outbound:loopback:only-when-allowed")
async def test_a_developer_may_publish_on_loopback(server_with, publisher: Publisher):
    """Design §4: AUTHSERVER_CIMD_ALLOW_LOOPBACK, and nothing but loopback by it."""
    plain = await publisher.internet.serve(publisher._answer, tls=False)
    url = publisher.publish(f"http://127.0.0.1:{plain.port}/client.json", redirect_uris=["http://127.0.0.1/callback"])
    closed = await server_with()
    opened = await server_with(cimd_allow_loopback=True)

    assert closed.is_error_page(await app(closed, url, redirect_uris=("http://127.0.0.1:1/callback",)).ask("u1"))
    assert 0 == plain.connections
    tokens = await app(opened, url, redirect_uris=("http://127.0.0.1:1/callback",)).sign_in("u1")

    assert url == tokens.claims["client_id"]


@pytest.mark.requirement("cimd:device:may-be-the-first-contact")
@pytest.mark.parametrize("proves", [False, True])
async def test_a_device_may_be_the_first_that_is_heard_of_a_client(
    reading_server: Server, publisher: Publisher, proves: bool
):
    """RFC 8628 §3.1, ADR 23: a device whose client nobody registered connects, refreshes, and shows who vouches for it."""
    key = assertions.new_key()
    proof = {"token_endpoint_auth_method": "private_key_jwt", "jwks": json.loads(assertions.key_set(key))}
    publisher.publish(grant_types=[DEVICE_CODE, "refresh_token"], **(proof if proves else {}))
    client = app(reading_server, auth_method="private_key_jwt", key=key) if proves else app(reading_server)

    started = await client.start_device()
    waiting = await client.poll(started)
    page = await client.type_code("u1", started.body["user_code"])
    await client.browser_of("u1").submit(page.form("decision"), decision="allow")
    reading_server.clock.advance(10)
    tokens = await client.poll(started)

    assert "authorization_pending" == waiting.error
    assert "Published App" in page.text
    assert "client.example.net" in page.text
    assert (URL, R5) == (tokens.claims["client_id"], tokens.claims["aud"])
    assert (await client.refresh(tokens)).ok
    assert "invalid_grant" == (await client.poll(started)).error


@pytest.mark.requirement("cimd:device:may-be-the-first-contact")
async def test_a_document_that_lists_no_device_grant_starts_no_device(reading_server: Server, publisher: Publisher):
    """Ours: a document's grants are what it lists, and nothing is begun for the rest."""
    publisher.publish()

    answer = await app(reading_server).start_device()

    assert (400, "unauthorized_client") == (answer.status, answer.error)
